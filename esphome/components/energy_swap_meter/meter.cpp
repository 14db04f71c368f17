#include "meter.h"

#include <algorithm>

namespace esphome::energy_swap_meter {

namespace {

constexpr uint64_t MINUTE_MS = 60'000;
// A clock that goes back further than this was wrong before; waiting for it would silence the meter.
constexpr uint64_t CLOCK_CORRECTION_S = 3600;

bool is_possible(int64_t milliwatts) { return milliwatts >= -MOST_MILLIWATTS && milliwatts <= MOST_MILLIWATTS; }

}  // namespace

void Meter::set_power(const Power &power) {
  if (is_possible(power.net_mw) && is_possible(power.generation_mw)) {
    this->state_.power = power;
  } else {
    this->state_.power = {};
    this->set_flag(SENSOR_FAULT, true);
  }
}

void Meter::set_flag(ReadingFlag flag, bool is_set) {
  this->state_.flags = is_set ? this->state_.flags | flag : this->state_.flags & ~flag;
}

void Meter::count(uint64_t elapsed_ms) {
  // Nobody knows what flowed in a step longer than a day; energy is never invented.
  if (elapsed_ms <= LONGEST_STEP_MS)
    this->state_.registers.add(this->state_.power, elapsed_ms);
}

std::vector<Reading> Meter::advance(uint64_t elapsed_ms, uint64_t now_ms) {
  std::vector<Reading> readings;
  if (elapsed_ms > LONGEST_STEP_MS)
    elapsed_ms = 0;
  uint64_t counted_to = now_ms - std::min(elapsed_ms, now_ms);
  for (uint64_t minute = (counted_to + MINUTE_MS - 1) / MINUTE_MS * MINUTE_MS; minute <= now_ms; minute += MINUTE_MS) {
    this->count(minute - counted_to);
    counted_to = minute;
    const uint64_t at = minute / 1000;
    if (at > this->state_.last_reading || at + CLOCK_CORRECTION_S < this->state_.last_reading)
      readings.push_back(this->take_reading_(at));
  }
  this->count(now_ms - counted_to);
  this->state_.counted_to = now_ms;
  return readings;
}

Reading Meter::take_reading_(uint64_t at) {
  MeterState &state = this->state_;
  const Reading reading{++state.sequence,
                        at,
                        state.registers.exported.wh,
                        state.registers.imported.wh,
                        state.registers.generated.wh,
                        state.flags};
  state.last_reading = at;
  state.flags = 0;
  return reading;
}

}  // namespace esphome::energy_swap_meter
