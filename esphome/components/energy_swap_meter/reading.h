// The signed reading: a frame of 144 bytes, as protocol/energy_swap_protocol/reading.py defines it.
#pragma once

#include "signing.h"

namespace esphome::energy_swap_meter {

inline constexpr size_t SIGNED_BYTES = 80;

using Frame = std::array<uint8_t, SIGNED_BYTES + SIGNATURE_BYTES>;

enum ReadingFlag : uint32_t {
  CLOCK_NOT_SYNCHRONISED = 1,
  REGISTER_EPOCH_STARTED = 2,
  TAMPER = 4,
  SENSOR_FAULT = 8,
};

/// One snapshot of the registers; `measured_at` in Unix seconds. Its frame is always the same bytes: Ed25519 draws no lots.
struct Reading {
  uint64_t sequence{0};
  uint64_t measured_at{0};
  uint64_t export_wh{0};
  uint64_t import_wh{0};
  uint64_t generation_wh{0};
  uint32_t flags{0};
  uint32_t reserved{0};
};

Frame sign_reading(const Reading &reading, const Signer &signer);

}  // namespace esphome::energy_swap_meter
