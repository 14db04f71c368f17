#ifdef USE_HOST

#include "meter_store.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

namespace esphome::energy_swap_meter {

namespace {

// The folder of ESPHome's preferences.
std::string folder() {
  if (const char *chosen = getenv("ESPHOME_PREFDIR"))
    return chosen;
  const char *home = getenv("HOME");
  return std::string(home == nullptr ? "." : home) + "/.esphome/prefs";
}

bool sync_and_close(int file) {
  const bool is_synced = file >= 0 && fsync(file) == 0;
  return file >= 0 && close(file) == 0 && is_synced;
}

bool write_durably(const std::string &path, const void *bytes, size_t size) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0)
    return false;
  const bool is_written = write(file, bytes, size) == static_cast<ssize_t>(size);
  return sync_and_close(file) && is_written;
}

}  // namespace

MeterStore::MeterStore(const std::string &name) : folder_(folder()), path_(folder_ + "/" + name + ".meter") {}

Loaded MeterStore::load(StoredMeter *meter) {
  std::error_code error;
  if (!std::filesystem::exists(this->path_, error))
    return error ? Loaded::NOT_READABLE : Loaded::NOTHING_THERE;
  FILE *file = fopen(this->path_.c_str(), "rb");
  if (file == nullptr)
    return Loaded::NOT_READABLE;
  StoredMeter stored;
  const bool is_whole = fread(&stored, sizeof(stored), 1, file) == 1 && fgetc(file) == EOF;
  fclose(file);
  if (!is_whole || memcmp(stored.magic, StoredMeter().magic, sizeof(stored.magic)) != 0)
    return Loaded::NOT_READABLE;
  *meter = stored;
  return Loaded::YES;
}

bool MeterStore::save(const StoredMeter &meter) {
  std::error_code error;
  std::filesystem::create_directories(this->folder_, error);
  const std::string fresh = this->path_ + ".new";
  return write_durably(fresh, &meter, sizeof(meter)) && rename(fresh.c_str(), this->path_.c_str()) == 0 &&
         sync_and_close(open(this->folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

}  // namespace esphome::energy_swap_meter

#endif  // USE_HOST
