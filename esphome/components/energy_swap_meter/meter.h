// The meter's rules: power becomes registers, every full minute becomes a reading. Knows no clock and no device.
#pragma once

#include <cstdint>
#include <vector>

#include "reading.h"
#include "registers.h"

namespace esphome::energy_swap_meter {

/// Everything that survives a restart. Its bytes are stored as they are: a change needs a new StoredMeter version.
struct MeterState {
  uint64_t sequence{0};      // of the last reading
  uint64_t last_reading{0};  // when that was measured, Unix seconds
  uint64_t counted_to{0};    // the time that the registers stand for, Unix milliseconds; 0 before the clock is known
  Power power;               // flows since then
  Registers registers;
  uint32_t flags{REGISTER_EPOCH_STARTED};  // to tell with the next reading
  uint32_t reserved{0};
};
static_assert(sizeof(MeterState) == 96);

class Meter {
 public:
  Meter() = default;
  explicit Meter(const MeterState &state) : state_(state) {}
  const MeterState &state() const { return this->state_; }

  /// From now on `power` flows. Beyond MOST_MILLIWATTS it is a sensor fault and counts as nothing.
  void set_power(const Power &power);
  /// Tell `flag` with the next reading, or do not.
  void set_flag(ReadingFlag flag, bool is_set);

  /// Count the power that flowed in the last `elapsed_ms`, while the time of day is unknown.
  void count(uint64_t elapsed_ms);
  /// Count the power that flowed in the `elapsed_ms` before `now_ms` (Unix), and return the reading of every full
  /// minute within, with the registers of exactly that minute. No minute is read twice when a clock is corrected backwards.
  std::vector<Reading> advance(uint64_t elapsed_ms, uint64_t now_ms);

 private:
  Reading take_reading_(uint64_t at);

  MeterState state_;
};

}  // namespace esphome::energy_swap_meter
