#include "memory.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

namespace esphome::energy_swap_meter {

namespace {

// Slots.
constexpr uint16_t KEYS = 0, STATES = 2, PERIOD_ENDS = 4;
constexpr uint16_t COPIES = 2;

/// What is in a slot. It is stored as it lies in memory: both platforms are little-endian and align alike.
template<typename Content> struct Record {
  uint32_t version;
  uint32_t checksum;
  uint64_t generation;
  Content content;
};
constexpr uint32_t KEY_VERSION = 0x324b5345, STATE_VERSION = 0x32535345, READING_VERSION = 0x32525345;

/// CRC-32 as in Ethernet.
uint32_t checksum(const uint8_t *bytes, size_t size) {
  uint32_t crc = 0xffffffff;
  while (size-- > 0) {
    crc ^= *bytes++;
    for (int i = 0; i < 8; i++)
      crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc;
}

template<typename Content> uint32_t checksum_of(const Record<Content> &record) {
  constexpr size_t BEGIN = offsetof(Record<Content>, generation);
  return checksum(reinterpret_cast<const uint8_t *>(&record) + BEGIN, sizeof(record) - BEGIN);
}

template<typename Content>
bool write(Storage *storage, uint16_t slot, uint32_t version, uint64_t generation, const Content &content) {
  static_assert(sizeof(Record<Content>) == 16 + sizeof(Content), "no padding in what is checksummed");
  Record<Content> record{version, 0, generation, content};
  record.checksum = checksum_of(record);
  return storage->write(slot, &record, sizeof(record));
}

/// FAILED: what is there is torn, of another version, or cannot be read.
template<typename Content>
Found read(Storage *storage, uint16_t slot, uint32_t version, Record<Content> *record) {
  const Found found = storage->read(slot, record, sizeof(*record));
  if (found == Found::YES && (record->version != version || record->checksum != checksum_of(*record)))
    return Found::FAILED;
  return found;
}

/// The newest valid copy. NOTHING only if no copy was ever written.
template<typename Content>
Found read_newest(Storage *storage, uint16_t first, uint32_t version, Record<Content> *newest) {
  Found found = Found::NOTHING;
  for (uint16_t copy = 0; copy < COPIES; copy++) {
    Record<Content> record;
    const Found here = read(storage, first + copy, version, &record);
    if (here == Found::YES && (found != Found::YES || record.generation > newest->generation)) {
      *newest = record;
      found = Found::YES;
    } else if (here == Found::FAILED && found == Found::NOTHING) {
      found = Found::FAILED;
    }
  }
  return found;
}

uint16_t slot_of(const Reading &reading) {
  return PERIOD_ENDS + static_cast<uint16_t>(reading.measured_at / PERIOD_END_S % MOST_PERIOD_ENDS);
}

}  // namespace

Found Memory::load_state_(MeterState *state) {
  Record<MeterState> newest{};
  const Found found = read_newest(this->storage_, STATES, STATE_VERSION, &newest);
  if (found == Found::YES) {
    *state = newest.content;
    this->generation_ = newest.generation;
  }
  return found;
}

Loaded Memory::load(Seed *seed, MeterState *state, Unsent *unsent) {
  Record<Seed> key{};
  const Found key_found = read_newest(this->storage_, KEYS, KEY_VERSION, &key);
  const Found state_found = this->load_state_(state);
  if (state_found != Found::YES) {
    // A new meter writes its state first, then its key: with no key there at all it has not signed anything.
    return key_found == Found::NOTHING ? Loaded::NOTHING_THERE : Loaded::NOT_READABLE;
  }
  if (key_found != Found::YES) {
    if (state->sequence() > 0)
      return Loaded::NOT_READABLE;
    *state = {};
    return Loaded::NOTHING_THERE;
  }
  *seed = key.content;
  return this->load_unsent_(*state, unsent) ? Loaded::YES : Loaded::NOT_READABLE;
}

bool Memory::load_unsent_(const MeterState &state, Unsent *unsent) {
  std::vector<Reading> readings;
  for (uint16_t slot = PERIOD_ENDS; slot < PERIOD_ENDS + MOST_PERIOD_ENDS; slot++) {
    Record<Reading> record;
    // A torn one was not published: the state that counts it was not written. Its energy is in the next one.
    if (read(this->storage_, slot, READING_VERSION, &record) != Found::YES)
      continue;
    const Reading &reading = record.content;
    if (reading.sequence > state.sequence()) {
      // Its sequence will be another reading's; this one was never published and must never be.
      if (!write(this->storage_, slot, READING_VERSION, 0, Reading{}))
        return false;
    } else if (reading.sequence > state.acknowledged) {
      readings.push_back(reading);
    }
  }
  // The last one may not have been published before the power was cut, whether it ends a period or not.
  if (state.sequence() > state.acknowledged && !ends_period(state.newest))
    readings.push_back(state.newest);
  std::ranges::sort(readings, {}, &Reading::sequence);
  for (const Reading &reading : readings)
    unsent->add(reading);
  return true;
}

bool Memory::create(const Seed &seed, const MeterState &state) {
  return this->save(state) && write(this->storage_, KEYS, KEY_VERSION, 1, seed) &&
         write(this->storage_, KEYS + 1, KEY_VERSION, 1, seed);
}

bool Memory::keep(const Reading &reading) {
  return write(this->storage_, slot_of(reading), READING_VERSION, 1, reading);
}

bool Memory::save(const MeterState &state) {
  // After a failure the same place is tried again: the other one has the last state that is safe.
  const uint64_t generation = this->generation_ + 1;
  if (!write(this->storage_, STATES + generation % COPIES, STATE_VERSION, generation, state))
    return false;
  this->generation_ = generation;
  this->saves_++;
  return true;
}

}  // namespace esphome::energy_swap_meter
