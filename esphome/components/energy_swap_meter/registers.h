// Cumulative energy registers in integer arithmetic, so that no energy is ever rounded away.
#pragma once

#include <cstdint>

namespace esphome::energy_swap_meter {

inline constexpr uint64_t MICROWATT_SECONDS_PER_MWH = 3'600'000;
inline constexpr uint64_t MICROWATT_SECONDS_PER_WH = 1000 * MICROWATT_SECONDS_PER_MWH;
// Within these two bounds the product of power and time fits 64 bits with room to spare.
inline constexpr int64_t MOST_MILLIWATTS = 10'000'000'000;
inline constexpr uint64_t LONGEST_STEP_MS = 86'400'000;

/// What flows at a moment: `net_mw` is positive for import and negative for export.
struct Power {
  int64_t net_mw{0};
  int64_t generation_mw{0};
};

/// Whole milliwatt-hours, and what is left over in microwatt-seconds. It only ever grows.
struct Register {
  uint64_t mwh{0};
  uint64_t remainder{0};

  uint64_t wh() const { return this->mwh / 1000; }
  void add(uint64_t microwatt_seconds) {
    this->mwh += microwatt_seconds / MICROWATT_SECONDS_PER_MWH;
    this->remainder += microwatt_seconds % MICROWATT_SECONDS_PER_MWH;
    this->mwh += this->remainder / MICROWATT_SECONDS_PER_MWH;
    this->remainder %= MICROWATT_SECONDS_PER_MWH;
  }
  /// Add `milliwatts` (at most MOST_MILLIWATTS) that flowed for `milliseconds` (at most LONGEST_STEP_MS).
  void add(uint64_t milliwatts, uint64_t milliseconds) { this->add(milliwatts * milliseconds); }
};

struct Registers {
  Register exported;
  Register imported;
  Register generated;

  /// Count `power` for `milliseconds`. A generator that draws power at night generates nothing.
  void add(const Power &power, uint64_t milliseconds) {
    if (power.net_mw >= 0) {
      this->imported.add(power.net_mw, milliseconds);
    } else {
      this->exported.add(-power.net_mw, milliseconds);
    }
    if (power.generation_mw > 0)
      this->generated.add(power.generation_mw, milliseconds);
  }
};

}  // namespace esphome::energy_swap_meter
