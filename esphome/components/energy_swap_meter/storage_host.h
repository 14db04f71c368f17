// Slots in one file of the meter's folder. Linux only.
#pragma once

#ifdef USE_HOST

#include <string>

#include "storage.h"

namespace esphome::energy_swap_meter {

class FileStorage : public Storage {
 public:
  /// The file `<name>.meter` in the folder of ESPHome's preferences (ESPHOME_PREFDIR).
  explicit FileStorage(const std::string &name);
  Found read(uint16_t slot, void *bytes, size_t size) override;
  bool write(uint16_t slot, const void *bytes, size_t size) override;

 private:
  std::string folder_;
  std::string path_;
};

}  // namespace esphome::energy_swap_meter

#endif  // USE_HOST
