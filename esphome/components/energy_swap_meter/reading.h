// The signed reading: a frame of 144 bytes, as protocol/energy_swap_protocol/reading.py defines it.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace esphome::energy_swap_meter {

inline constexpr size_t SIGNED_BYTES = 80;
inline constexpr size_t SIGNATURE_BYTES = 64;

using Seed = std::array<uint8_t, 32>;
using PublicKey = std::array<uint8_t, 32>;
using Frame = std::array<uint8_t, SIGNED_BYTES + SIGNATURE_BYTES>;

enum ReadingFlag : uint32_t {
  CLOCK_NOT_SYNCHRONISED = 1,
  REGISTER_EPOCH_STARTED = 2,
  TAMPER = 4,
  SENSOR_FAULT = 8,
};

/// One snapshot of the registers; `measured_at` in Unix seconds.
struct Reading {
  uint64_t sequence;
  uint64_t measured_at;
  uint64_t export_wh;
  uint64_t import_wh;
  uint64_t generation_wh;
  uint32_t flags;
};

/// Signs with the meter's key, which it never gives away.
class Signer {
 public:
  explicit Signer(const Seed &seed);
  const PublicKey &public_key() const { return this->public_key_; }
  Frame sign(const Reading &reading) const;

 private:
  PublicKey public_key_;
  std::array<uint8_t, 64> secret_key_;
};

/// Base64url without padding: how MQTT carries a frame (192 characters).
std::string frame_to_text(const Frame &frame);

/// Lower-case hex: how topics and people name a meter.
std::string key_to_text(const PublicKey &key);

}  // namespace esphome::energy_swap_meter
