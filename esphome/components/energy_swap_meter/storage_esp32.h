// Slots in a flash partition of the meter's own, which ESPHome's factory reset leaves alone. ESP32 only.
#pragma once

#ifdef USE_ESP32

#include <nvs.h>

#include "storage.h"

namespace esphome::energy_swap_meter {

class FlashStorage : public Storage {
 public:
  FlashStorage();
  Found read(uint16_t slot, void *bytes, size_t size) override;
  bool write(uint16_t slot, const void *bytes, size_t size) override;

 private:
  nvs_handle_t handle_{0};
  bool is_open_{false};
};

}  // namespace esphome::energy_swap_meter

#endif  // USE_ESP32
