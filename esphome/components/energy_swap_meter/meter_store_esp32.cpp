#ifndef USE_HOST

#include "meter_store.h"

#include <cstring>

#include "esphome/core/helpers.h"

namespace esphome::energy_swap_meter {

// A device has one meter, so its record is the same whatever the device is called.
MeterStore::MeterStore(const std::string & /*name*/)
    : record_(global_preferences->make_preference<StoredMeter>(fnv1_hash("energy_swap_meter"), true)) {}

Loaded MeterStore::load(StoredMeter *meter) {
  StoredMeter stored;
  if (!this->record_.load(&stored))
    return Loaded::NOTHING_THERE;
  if (memcmp(stored.magic, StoredMeter().magic, sizeof(stored.magic)) != 0)
    return Loaded::NOT_READABLE;
  *meter = stored;
  return Loaded::YES;
}

bool MeterStore::save(const StoredMeter &meter) { return this->record_.save(&meter) && global_preferences->sync(); }

}  // namespace esphome::energy_swap_meter

#endif  // USE_HOST
