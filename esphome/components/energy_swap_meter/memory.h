// What the meter remembers: its key, its state and its unsent readings, whole after a power cut at any moment.
#pragma once

#include <optional>

#include "meter.h"
#include "storage.h"
#include "unsent.h"

namespace esphome::energy_swap_meter {

enum class Loaded : uint8_t { YES, NOTHING_THERE, NOT_READABLE };

/// The key is written once, twice over. The state is written in turn to two places, so that a torn write leaves the
/// one before. Each period end has a place of its own.
class Memory {
 public:
  explicit Memory(Storage *storage) : storage_(storage) {}

  /// NOTHING_THERE: a meter that never signed anything. NOT_READABLE: one that did and cannot go on; nothing is changed.
  Loaded load(Seed *seed, MeterState *state, Unsent *unsent);
  /// Keep a new meter's key and its first state. True when both are safe.
  bool create(const Seed &seed, const MeterState &state);
  /// Keep a reading that ends a period, before the state that counts it. True when it is safe.
  bool keep(const Reading &reading);
  /// True when the state is safe; if not, the last one that was is still there.
  bool save(const MeterState &state);

  uint64_t saves() const { return this->saves_; }

 private:
  Found load_state_(MeterState *state);
  bool load_unsent_(const MeterState &state, Unsent *unsent);

  Storage *storage_;
  uint64_t generation_{0};
  uint64_t saves_{0};
};

}  // namespace esphome::energy_swap_meter
