#include "reading.h"

#include <cstring>

// Ed25519 comes from libsodium everywhere: the system's on Linux, the component espressif/libsodium on ESP32.
#include <sodium.h>

namespace esphome::energy_swap_meter {

namespace {

template<typename T> uint8_t *put(uint8_t *to, T value) {
  for (size_t i = 0; i < sizeof(T); i++)
    *to++ = static_cast<uint8_t>(value >> (8 * i));
  return to;
}

}  // namespace

Signer::Signer(const Seed &seed) {
  static_assert(crypto_sign_PUBLICKEYBYTES == sizeof(PublicKey) && crypto_sign_BYTES == SIGNATURE_BYTES &&
                crypto_sign_SEEDBYTES == sizeof(Seed));
  crypto_sign_seed_keypair(this->public_key_.data(), this->secret_key_.data(), seed.data());
}

Frame Signer::sign(const Reading &reading) const {
  Frame frame;
  memcpy(frame.data(), "ESR1", 4);
  memcpy(frame.data() + 4, this->public_key_.data(), this->public_key_.size());
  uint8_t *to = frame.data() + 4 + this->public_key_.size();
  to = put(to, reading.sequence);
  to = put(to, reading.measured_at);
  to = put(to, reading.export_wh);
  to = put(to, reading.import_wh);
  to = put(to, reading.generation_wh);
  to = put(to, reading.flags);
  crypto_sign_detached(to, nullptr, frame.data(), SIGNED_BYTES, this->secret_key_.data());
  return frame;
}

std::string frame_to_text(const Frame &frame) {
  static constexpr char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  static_assert(sizeof(Frame) % 3 == 0, "no padding to think of");
  std::string text;
  text.reserve(frame.size() / 3 * 4);
  for (size_t i = 0; i < frame.size(); i += 3) {
    const uint32_t bits = frame[i] << 16 | frame[i + 1] << 8 | frame[i + 2];
    for (int shift = 18; shift >= 0; shift -= 6)
      text += ALPHABET[bits >> shift & 63];
  }
  return text;
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
