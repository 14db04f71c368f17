// Ed25519, and the codes in which MQTT carries bytes. libsodium does the work, on Linux and on ESP32.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace esphome::energy_swap_meter {

inline constexpr size_t SIGNATURE_BYTES = 64;

using Seed = std::array<uint8_t, 32>;
using PublicKey = std::array<uint8_t, 32>;
using Signature = std::array<uint8_t, SIGNATURE_BYTES>;

/// Signs with the meter's key, which it never gives away.
class Signer {
 public:
  explicit Signer(const Seed &seed);
  const PublicKey &public_key() const { return this->public_key_; }
  void sign(const uint8_t *bytes, size_t size, uint8_t *signature) const;
  /// Sign `domain` followed by the bytes, so that the signature is good for nothing else.
  void sign(std::string_view domain, const uint8_t *bytes, size_t size, uint8_t *signature) const;

 private:
  PublicKey public_key_;
  std::array<uint8_t, 64> secret_key_;
};

/// Whether `signature` is that of `key` under `domain` followed by the bytes.
bool is_signed(const PublicKey &key, std::string_view domain, const uint8_t *bytes, size_t size,
               const uint8_t *signature);

/// Little-endian, as all frames are.
template<typename T> uint8_t *put(uint8_t *to, T value) {
  for (size_t i = 0; i < sizeof(T); i++)
    *to++ = static_cast<uint8_t>(value >> (8 * i));
  return to;
}
template<typename T> const uint8_t *take(const uint8_t *from, T *value) {
  *value = 0;
  for (size_t i = 0; i < sizeof(T); i++)
    *value = static_cast<T>(*value | static_cast<T>(*from++) << (8 * i));
  return from;
}

/// Base64url without padding.
std::string base64url(const uint8_t *bytes, size_t size);
/// The bytes of `text`, if it is base64url of exactly `size` bytes.
bool from_base64url(std::string_view text, uint8_t *bytes, size_t size);

/// Lower-case hex: how topics and people name a key.
std::string key_to_text(const PublicKey &key);

}  // namespace esphome::energy_swap_meter
