#include "signing.h"

#include <vector>

// Ed25519 comes from libsodium everywhere: the system's on Linux, the component espressif/libsodium on ESP32.
#include <sodium.h>

namespace esphome::energy_swap_meter {

namespace {

std::vector<uint8_t> joined(std::string_view domain, const uint8_t *bytes, size_t size) {
  std::vector<uint8_t> all(domain.begin(), domain.end());
  all.insert(all.end(), bytes, bytes + size);
  return all;
}

constexpr char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

}  // namespace

Signer::Signer(const Seed &seed) {
  static_assert(crypto_sign_PUBLICKEYBYTES == sizeof(PublicKey) && crypto_sign_BYTES == SIGNATURE_BYTES &&
                crypto_sign_SEEDBYTES == sizeof(Seed));
  crypto_sign_seed_keypair(this->public_key_.data(), this->secret_key_.data(), seed.data());
}

void Signer::sign(const uint8_t *bytes, size_t size, uint8_t *signature) const {
  crypto_sign_detached(signature, nullptr, bytes, size, this->secret_key_.data());
}

void Signer::sign(std::string_view domain, const uint8_t *bytes, size_t size, uint8_t *signature) const {
  const auto all = joined(domain, bytes, size);
  this->sign(all.data(), all.size(), signature);
}

bool is_signed(const PublicKey &key, std::string_view domain, const uint8_t *bytes, size_t size,
               const uint8_t *signature) {
  const auto all = joined(domain, bytes, size);
  return crypto_sign_verify_detached(signature, all.data(), all.size(), key.data()) == 0;
}

std::string base64url(const uint8_t *bytes, size_t size) {
  std::string text;
  uint32_t bits = 0;
  int held = 0;
  for (size_t i = 0; i < size; i++) {
    bits = bits << 8 | bytes[i];
    for (held += 8; held >= 6; held -= 6)
      text += ALPHABET[bits >> (held - 6) & 63];
  }
  if (held > 0)
    text += ALPHABET[bits << (6 - held) & 63];
  return text;
}

bool from_base64url(std::string_view text, uint8_t *bytes, size_t size) {
  if (text.size() != (size * 8 + 5) / 6)
    return false;
  const std::string_view alphabet(ALPHABET, 64);
  uint32_t bits = 0;
  int held = 0;
  for (const char letter : text) {
    const size_t value = alphabet.find(letter);
    if (value == std::string_view::npos)
      return false;
    bits = (bits << 6 | value) & 0xffff;
    held += 6;
    if (held >= 8) {
      held -= 8;
      *bytes++ = static_cast<uint8_t>(bits >> held);
    }
  }
  return (bits & ((1u << held) - 1)) == 0;
}

std::string key_to_text(const PublicKey &key) {
  static constexpr char DIGITS[] = "0123456789abcdef";
  std::string text;
  for (const uint8_t byte : key) {
    text += DIGITS[byte >> 4];
    text += DIGITS[byte & 15];
  }
  return text;
}

}  // namespace esphome::energy_swap_meter
