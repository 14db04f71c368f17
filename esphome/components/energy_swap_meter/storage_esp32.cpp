#ifdef USE_ESP32

#include "storage_esp32.h"

#include <cstdio>
#include <nvs_flash.h>

namespace esphome::energy_swap_meter {

namespace {

constexpr const char *PARTITION = "energy_swap";  // made by __init__.py

struct SlotName {
  char text[8];
  explicit SlotName(uint16_t slot) { snprintf(this->text, sizeof(this->text), "s%u", slot); }
};

}  // namespace

FlashStorage::FlashStorage() {
  // Never erased here, whatever is wrong with it: it holds the only copy of the key.
  this->is_open_ = nvs_flash_init_partition(PARTITION) == ESP_OK &&
                   nvs_open_from_partition(PARTITION, "meter", NVS_READWRITE, &this->handle_) == ESP_OK;
}

Found FlashStorage::read(uint16_t slot, void *bytes, size_t size) {
  if (!this->is_open_)
    return Found::FAILED;
  size_t stored = size;
  const esp_err_t error = nvs_get_blob(this->handle_, SlotName(slot).text, bytes, &stored);
  if (error == ESP_ERR_NVS_NOT_FOUND)
    return Found::NOTHING;
  return error == ESP_OK && stored == size ? Found::YES : Found::FAILED;
}

bool FlashStorage::write(uint16_t slot, const void *bytes, size_t size) {
  return this->is_open_ && nvs_set_blob(this->handle_, SlotName(slot).text, bytes, size) == ESP_OK &&
         nvs_commit(this->handle_) == ESP_OK;
}

}  // namespace esphome::energy_swap_meter

#endif  // USE_ESP32
