// The meter's rules: power becomes registers, every full minute becomes a reading. Knows no clock and no device.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "counter.h"
#include "reading.h"
#include "registers.h"
#include "relay.h"

namespace esphome::energy_swap_meter {

inline constexpr size_t MOST_COUNTERS = 12;

enum class Direction : uint8_t { IMPORT, EXPORT, GENERATION };

/// Everything that survives a restart. Its bytes are stored as they are: a change needs a new version in memory.cpp.
struct MeterState {
  Reading newest;            // the last reading there was; sequence 0: none
  uint64_t acknowledged{0};  // every reading up to this sequence is with the edge, or was let go
  uint64_t counted_to{0};    // the time that the registers stand for, Unix milliseconds; 0 before the clock is known
  Power power;               // flows since then
  Registers registers;
  std::array<Counter, MOST_COUNTERS> counters;
  RelayRecord relay;
  uint32_t flags{REGISTER_EPOCH_STARTED};  // to tell with the next reading
  uint32_t reserved{0};

  uint64_t sequence() const { return this->newest.sequence; }
};
static_assert(sizeof(MeterState) == 288);

class Meter {
 public:
  Meter() = default;
  explicit Meter(const MeterState &state) : state_(state) {}
  const MeterState &state() const { return this->state_; }
  RelayRecord &relay() { return this->state_.relay; }

  /// From now on `power` flows. Beyond MOST_MILLIWATTS it is a sensor fault and counts as nothing.
  void set_power(const Power &power);
  /// Tell `flag` with the next reading, or do not.
  void set_flag(ReadingFlag flag, bool is_set);
  void set_acknowledged(uint64_t sequence) { this->state_.acknowledged = sequence; }

  /// Count the power that flowed in the last `elapsed_ms`, while the time of day is unknown.
  void count(uint64_t elapsed_ms);
  /// Count what a chip's counter (by its number) rose by; see `take_counter`.
  void count(Direction direction, size_t counter, CounterKind kind, uint64_t microwatt_seconds, uint64_t most);
  /// Count the power that flowed in the `elapsed_ms` before `now_ms` (Unix), and return the reading of every full
  /// minute within, with the registers of exactly that minute. No minute is read twice when a clock is corrected backwards.
  std::vector<Reading> advance(uint64_t elapsed_ms, uint64_t now_ms);

  /// After a start: nobody knows what flows, and counters of that kind begin anew.
  void forget_power() { this->state_.power = {}; }
  void forget_counter(size_t counter) { this->state_.counters[counter] = {}; }

 private:
  Reading take_reading_(uint64_t at);

  MeterState state_;
};

}  // namespace esphome::energy_swap_meter
