// A chip's own energy counter, read again and again: what it rose by goes into a register.
#pragma once

#include <cstdint>

namespace esphome::energy_swap_meter {

/// After a power cut some counters go on where they were (SDM, DDSU, PZEM), others begin at zero (ATM90E32, pulses).
enum class CounterKind : uint8_t { KEEPS, STARTS_AT_ZERO };

/// What a counter showed last, in microwatt-seconds.
struct Counter {
  static constexpr uint64_t NEVER_READ = UINT64_MAX;
  uint64_t last{NEVER_READ};
};

struct CounterStep {
  uint64_t microwatt_seconds{0};
  bool has_fallen{false};    // of a kind that never does: it was reset or replaced
  bool has_leapt{false};     // further than anything can have flowed
};

/// Take what `counter` shows now. A rise of more than `most` is not believed, and energy is never invented: the first
/// look at a counter that keeps its value only notes it.
inline CounterStep take_counter(Counter *counter, CounterKind kind, uint64_t now, uint64_t most) {
  CounterStep step;
  const uint64_t before = counter->last;
  counter->last = now;
  if (before == Counter::NEVER_READ) {
    if (kind == CounterKind::KEEPS)
      return step;
    step.microwatt_seconds = now;
  } else if (now >= before) {
    step.microwatt_seconds = now - before;
  } else if (kind == CounterKind::STARTS_AT_ZERO) {
    step.microwatt_seconds = now;
  } else {
    step.has_fallen = true;
  }
  if (step.microwatt_seconds > most) {
    step.microwatt_seconds = 0;
    step.has_leapt = true;
  }
  return step;
}

}  // namespace esphome::energy_swap_meter
