// Where key and registers survive a restart: in one record, so that neither can be there without the other.
#pragma once

#include <string>

#include "meter.h"

#ifndef USE_HOST
#include "esphome/core/preferences.h"
#endif

namespace esphome::energy_swap_meter {

struct StoredMeter {
  char magic[4]{'E', 'S', 'M', '1'};
  uint32_t reserved{0};
  Seed seed{};
  MeterState state;
  Frame last_frame{};  // published again after a restart: nobody knows whether the broker had it
};
static_assert(sizeof(StoredMeter) == 280);

enum class Loaded { YES, NOTHING_THERE, NOT_READABLE };

/// On ESP32 the record lies in NVS, which replaces a blob all at once. On Linux it is a file of its own, replaced all
/// at once: ESPHome's own preferences file is written in place there, and a kill in the middle would lose the key.
class MeterStore {
 public:
  /// `name` tells meters in one folder apart.
  explicit MeterStore(const std::string &name);
  Loaded load(StoredMeter *meter);
  /// True when the record is safe.
  bool save(const StoredMeter &meter);

 private:
#ifdef USE_HOST
  std::string folder_;
  std::string path_;
#else
  ESPPreferenceObject record_;
#endif
};

}  // namespace esphome::energy_swap_meter
