#ifdef USE_HOST

#include "storage_host.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>
#include <vector>

namespace esphome::energy_swap_meter {

namespace {

constexpr off_t SLOT_BYTES = 512;  // a disk's own smallest unit

// The folder of ESPHome's preferences.
std::string folder() {
  if (const char *chosen = getenv("ESPHOME_PREFDIR"))
    return chosen;
  const char *home = getenv("HOME");
  return std::string(home == nullptr ? "." : home) + "/.esphome/prefs";
}

}  // namespace

FileStorage::FileStorage(const std::string &name) : folder_(folder()), path_(folder_ + "/" + name + ".meter") {}

Found FileStorage::read(uint16_t slot, void *bytes, size_t size) {
  const int file = open(this->path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return errno == ENOENT ? Found::NOTHING : Found::FAILED;
  const ssize_t count = pread(file, bytes, size, slot * SLOT_BYTES);
  ::close(file);
  if (count < 0)
    return Found::FAILED;
  const auto *octets = static_cast<const uint8_t *>(bytes);
  // Behind the end of the file, or a hole in it.
  if (std::all_of(octets, octets + count, [](uint8_t octet) { return octet == 0; }))
    return Found::NOTHING;
  return static_cast<size_t>(count) == size ? Found::YES : Found::FAILED;
}

bool FileStorage::write(uint16_t slot, const void *bytes, size_t size) {
  if (size > SLOT_BYTES)
    return false;
  std::error_code error;
  const bool is_new = !std::filesystem::exists(this->path_, error);
  if (is_new)
    std::filesystem::create_directories(this->folder_, error);
  const int file = open(this->path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0)
    return false;
  // Whole slots: the file has no end within one.
  std::vector<char> slot_bytes(SLOT_BYTES, 0);
  std::copy_n(static_cast<const char *>(bytes), size, slot_bytes.begin());
  const bool is_written = pwrite(file, slot_bytes.data(), SLOT_BYTES, slot * SLOT_BYTES) == SLOT_BYTES;
  const bool is_safe = is_written && fdatasync(file) == 0;
  if (::close(file) != 0 || !is_safe)
    return false;
  if (!is_new)
    return true;
  const int folder = open(this->folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool is_named = folder >= 0 && fsync(folder) == 0;
  if (folder >= 0)
    ::close(folder);
  return is_named;
}

}  // namespace esphome::energy_swap_meter

#endif  // USE_HOST
