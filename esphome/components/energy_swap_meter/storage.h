// Where bytes survive a power cut: numbered slots, each written on its own.
#pragma once

#include <cstddef>
#include <cstdint>

namespace esphome::energy_swap_meter {

enum class Found : uint8_t { YES, NOTHING, FAILED };

/// A write that is cut may leave anything in its slot, and leaves the others alone.
class Storage {
 public:
  virtual ~Storage() = default;
  /// YES: the slot's `size` bytes are read. NOTHING: never written. FAILED: something is there that cannot be read.
  virtual Found read(uint16_t slot, void *bytes, size_t size) = 0;
  /// True when the bytes are safe.
  virtual bool write(uint16_t slot, const void *bytes, size_t size) = 0;
};

}  // namespace esphome::energy_swap_meter
