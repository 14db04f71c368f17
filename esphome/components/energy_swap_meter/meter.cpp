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

void Meter::count(Direction direction, size_t counter, CounterKind kind, uint64_t microwatt_seconds, uint64_t most) {
  const CounterStep step = take_counter(&this->state_.counters.at(counter), kind, microwatt_seconds, most);
  Registers &registers = this->state_.registers;
  switch (direction) {
    case Direction::IMPORT:
      registers.imported.add(step.microwatt_seconds);
      break;
    case Direction::EXPORT:
      registers.exported.add(step.microwatt_seconds);
      break;
    case Direction::GENERATION:
      registers.generated.add(step.microwatt_seconds);
      break;
  }
  if (step.has_fallen)
    this->set_flag(TAMPER, true);
  if (step.has_leapt)
    this->set_flag(SENSOR_FAULT, true);
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
    const uint64_t last = this->state_.newest.measured_at;
    if (at > last || at + CLOCK_CORRECTION_S < last)
      readings.push_back(this->take_reading_(at));
  }
  this->count(now_ms - counted_to);
  this->state_.counted_to = now_ms;
  return readings;
}

Reading Meter::take_reading_(uint64_t at) {
  MeterState &state = this->state_;
  state.newest = {.sequence = state.sequence() + 1,
                  .measured_at = at,
                  .export_wh = state.registers.exported.wh(),
                  .import_wh = state.registers.imported.wh(),
                  .generation_wh = state.registers.generated.wh(),
                  .flags = state.flags};
  state.flags = 0;
  return state.newest;
}

}  // namespace esphome::energy_swap_meter
