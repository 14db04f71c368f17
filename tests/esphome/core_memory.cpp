// What the meter remembers through power cuts at any write, and which readings it sends again.
#include <cmath>
#include <cstring>
#include <map>
#include <set>

#include "checks.h"
#include "memory.h"

using namespace esphome::energy_swap_meter;

namespace {

struct PowerCut {};

/// Storage whose power is cut at a chosen write, which then leaves `kept` of its bytes and something else behind them.
class CutStorage : public Storage {
 public:
  Found read(uint16_t slot, void *bytes, size_t size) override {
    const auto found = this->slots.find(slot);
    if (found == this->slots.end())
      return Found::NOTHING;
    if (found->second.size() != size)
      return Found::FAILED;
    memcpy(bytes, found->second.data(), size);
    return Found::YES;
  }
  bool write(uint16_t slot, const void *bytes, size_t size) override {
    const auto *octets = static_cast<const uint8_t *>(bytes);
    std::vector<uint8_t> &there = this->slots[slot];
    there.resize(size, 0xff);
    this->written_bytes += size;
    if (this->writes_left == 0) {
      std::copy(octets, octets + this->kept * size / 4, there.begin());
      if (this->has_garbage)
        there.back() ^= 0x5a;
      throw PowerCut{};
    }
    this->writes_left--;
    this->writes++;
    if (this->is_failing)
      return false;
    there.assign(octets, octets + size);
    return true;
  }

  std::map<uint16_t, std::vector<uint8_t>> slots;
  uint64_t writes_left{UINT64_MAX};
  uint64_t writes{0};
  uint64_t written_bytes{0};
  size_t kept{0};  // quarters of the cut write
  bool has_garbage{false};
  bool is_failing{false};
};

Seed new_seed() {
  static uint8_t luck = 0;
  Seed seed{};
  seed[0] = ++luck;
  return seed;
}

/// A meter with its memory, as the component puts them together: stored before published.
struct Device {
  explicit Device(CutStorage *storage) : memory(storage) {
    MeterState state;
    loaded = memory.load(&seed, &state, &unsent);
    if (loaded == Loaded::NOTHING_THERE) {
      seed = new_seed();
      memory.create(seed, state);
    }
    meter = Meter(state);
  }
  /// Pass a minute and return what may be published.
  std::vector<Reading> minute(uint64_t at_ms) {
    const std::vector<Reading> readings = meter.advance(60'000, at_ms);
    for (const Reading &reading : readings) {
      unsent.add(reading);
      if (ends_period(reading))
        memory.keep(reading);
    }
    memory.save(meter.state());
    return readings;
  }

  Memory memory;
  Seed seed{};
  Loaded loaded;
  Unsent unsent;
  Meter meter;
};

/// Cut the power at every write of some hours, in every way, and go on. At most the energy of one minute may be lost.
void a_power_cut_at_any_write_loses_a_minute_at_most() {
  for (size_t kept = 0; kept <= 4; kept++) {
    for (const bool has_garbage : {false, true}) {
      for (uint64_t cut = 0; cut < 85; cut++) {
        CutStorage storage;
        storage.kept = kept;
        storage.has_garbage = has_garbage;
        storage.writes_left = cut;
        std::map<uint64_t, std::array<uint64_t, 2>> published;  // sequence: time and register
        std::optional<Seed> key;
        uint64_t time = NOON, flowed_wh = 0, last_wh = 0;
        int cuts = 0;
        while (time < NOON + 80 * 60'000) {
          try {
            Device device(&storage);
            EQUAL(device.loaded == Loaded::NOT_READABLE, false);
            if (device.loaded == Loaded::NOT_READABLE)
              return;
            device.meter.set_power({3'600'000, 0});  // 60 Wh a minute
            EQUAL(device.meter.state().registers.imported.wh() >= last_wh, true);
            EQUAL(flowed_wh - device.meter.state().registers.imported.wh() <= 60, true);
            for (size_t i = 0; i < device.unsent.size(); i++) {
              // What is sent again is what was, or could have been, published; never something else by the same number.
              const Reading &again = device.unsent[i];
              const auto before = published.find(again.sequence);
              if (before != published.end())
                EQUAL((before->second == std::array{again.measured_at, again.import_wh}), true);
              published[again.sequence] = {again.measured_at, again.import_wh};
            }
            while (time < NOON + 80 * 60'000) {
              time += 60'000;
              flowed_wh += 60;
              for (const Reading &reading : device.minute(time)) {
                EQUAL(published.contains(reading.sequence), false);
                EQUAL(reading.import_wh >= last_wh, true);
                published[reading.sequence] = {reading.measured_at, reading.import_wh};
                last_wh = reading.import_wh;
              }
              if (!key)
                key = device.seed;
              EQUAL(*key == device.seed, true);  // the key under which something was published stays
            }
          } catch (const PowerCut &) {
            cuts++;
            storage.writes_left = UINT64_MAX;
          }
        }
        EQUAL(cuts, 1);
        EQUAL(flowed_wh - last_wh <= 60u, true);
      }
    }
  }
}

void a_clean_restart_loses_nothing() {
  CutStorage storage;
  Device first(&storage);
  first.meter.set_power({-3'600'001, 77});
  first.minute(NOON);
  first.meter.count(12'345);
  first.memory.save(first.meter.state());
  Device second(&storage);
  EQUAL(second.loaded == Loaded::YES, true);
  EQUAL(second.seed == first.seed, true);
  EQUAL(memcmp(&second.meter.state(), &first.meter.state(), sizeof(MeterState)), 0);
}

void a_failed_write_leaves_the_state_before() {
  CutStorage storage;
  Device device(&storage);
  device.minute(NOON);
  storage.is_failing = true;
  const MeterState before = device.meter.state();
  device.meter.set_power({1, 1});
  for (int i = 0; i < 3; i++)
    EQUAL(device.memory.save(device.meter.state()), false);
  EQUAL(memcmp(&Device(&storage).meter.state(), &before, sizeof(before)), 0);
}

void a_meter_that_signed_is_never_given_a_new_key() {
  for (const std::vector<uint16_t> &damaged : std::vector<std::vector<uint16_t>>{{0, 1}, {2, 3}, {0, 1, 2, 3}}) {
    for (const bool is_erased : {false, true}) {
      CutStorage storage;
      Device device(&storage);
      device.minute(NOON);
      device.minute(NOON + 60'000);
      for (const uint16_t slot : damaged) {
        storage.slots[slot][20] ^= 1;
        if (is_erased)
          storage.slots.erase(slot);
      }
      const auto before = storage.slots;
      MeterState state;
      Seed seed;
      Unsent unsent;
      const Loaded loaded = Memory(&storage).load(&seed, &state, &unsent);
      // Only where all of it is gone it is a new meter.
      EQUAL(loaded == (is_erased && damaged.size() == 4 ? Loaded::NOTHING_THERE : Loaded::NOT_READABLE), true);
      EQUAL(storage.slots == before, true);
    }
  }
}

void one_damaged_copy_is_none() {
  for (uint16_t slot = 0; slot < 4; slot++) {
    CutStorage storage;
    Device device(&storage);
    device.minute(NOON);
    storage.slots[slot][16] ^= 1;
    Device after(&storage);
    EQUAL(after.loaded == Loaded::YES, true);
    EQUAL(after.seed == device.seed, true);
  }
}

void period_ends_of_a_week_survive_a_power_cut_and_are_sent_until_acknowledged() {
  CutStorage storage;
  {
    Device device(&storage);
    device.meter.set_power({1'000'000, 0});
    device.meter.advance(0, NOON);
    for (uint64_t minute = 1; minute <= 7 * 24 * 60; minute++)
      device.minute(NOON + minute * 60'000);
    EQUAL(device.unsent.size(), 672u + MOST_MINUTES);
  }
  Device device(&storage);
  EQUAL(device.unsent.size(), 672u);  // the minutes between went with the power
  for (size_t i = 0; i < device.unsent.size(); i++) {
    EQUAL(device.unsent[i].measured_at, NOON / 1000 + 900 * (i + 1));
    EQUAL(device.unsent[i].import_wh, 250 * (i + 1));
  }
  EQUAL(device.unsent.acknowledge("1-10000", 0), true);
  device.meter.set_acknowledged(device.unsent.done_to(device.meter.state().sequence()));
  device.memory.save(device.meter.state());
  EQUAL(Device(&storage).unsent.size(), 6u);  // of the sequences 10001 to 10080
}

void the_flash_lasts_ten_years() {
  // NVS of ESP-IDF: pages of 126 entries of 32 bytes; a blob takes its data, a header and an index entry.
  constexpr double ENTRIES_PER_PAGE = 126, PAGES = 0x60000 / 4096.0, CYCLES = 10'000;  // the worst flash that is sold
  const auto entries = [](double bytes) { return std::ceil(bytes / 32) + 2; };
  CutStorage storage;
  Device device(&storage);
  device.meter.advance(0, NOON);
  const uint64_t before = storage.writes;
  for (uint64_t minute = 1; minute <= 24 * 60; minute++)
    device.minute(NOON + minute * 60'000);
  EQUAL(storage.writes - before, 1440u + 96u);
  const double state_bytes = storage.slots.at(2).size(), reading_bytes = storage.slots.rbegin()->second.size();
  const double a_day = 1440 * entries(state_bytes) + 96 * entries(reading_bytes);
  // Pages that hold key, state and the week of period ends do not take part in the round; one is always free.
  const double resting = std::ceil((MOST_PERIOD_ENDS * entries(reading_bytes) + 50) / ENTRIES_PER_PAGE);
  const double years = CYCLES * (PAGES - resting - 1) * ENTRIES_PER_PAGE / a_day / 365.25;
  EQUAL(years >= 10, true);
  std::cout << "flash: " << a_day / ENTRIES_PER_PAGE << " pages of " << PAGES - resting - 1 << " a day, " << years
            << " years at " << CYCLES << " cycles\n";
}

std::string due_now(Unsent *unsent, uint64_t now) {
  std::string text;
  while (const Reading *reading = unsent->due(now)) {
    text += std::to_string(reading->sequence) + " ";
    unsent->sent(reading->sequence, now);
  }
  return text;
}

Reading reading(uint64_t sequence) { return {.sequence = sequence, .measured_at = 900 * 1000 + 60 * sequence}; }

void readings_are_sent_in_order_and_again_until_acknowledged() {
  Unsent unsent;
  for (uint64_t sequence = 1; sequence <= 5; sequence++)
    unsent.add(reading(sequence));
  EQUAL(due_now(&unsent, 0), "1 2 3 4 5 ");
  EQUAL(due_now(&unsent, RESEND_MS - 1), "");
  EQUAL(unsent.acknowledge("1 4-5", 1000), true);
  EQUAL(unsent.size(), 2u);
  EQUAL(unsent.done_to(5), 1u);
  EQUAL(due_now(&unsent, IMPATIENT_MS - 1), "");
  unsent.add(reading(6));
  EQUAL(due_now(&unsent, IMPATIENT_MS), "2 3 6 ");
  EQUAL(unsent.acknowledge("0-18446744073709551615", 0), true);
  EQUAL(unsent.done_to(6), 6u);
  for (const char *text : {"", " ", "x", "1,2", "1-", "2-1", "1  2", "1 ", "-1", "99999999999999999999"})
    EQUAL(unsent.acknowledge(text, 0) ? text : "refused", std::string("refused"));
}

void while_nobody_answers_only_the_oldest_are_sent_again() {
  Unsent unsent;
  for (uint64_t sequence = 1; sequence <= 100; sequence++)
    unsent.add(reading(sequence));
  due_now(&unsent, 0);
  std::set<uint64_t> again;
  while (const Reading *due = unsent.due(RESEND_MS)) {
    again.insert(due->sequence);
    unsent.sent(due->sequence, RESEND_MS);
  }
  EQUAL(again.size(), RESEND_AT_ONCE);
  EQUAL(*again.rbegin(), RESEND_AT_ONCE);
  EQUAL(unsent.acknowledge("101", RESEND_MS + IMPATIENT_MS), true);
  due_now(&unsent, RESEND_MS + IMPATIENT_MS);
  EQUAL(unsent.has_delivered(1), false);
  for (uint64_t sequence = 1; sequence <= 50; sequence++)
    unsent.delivered(sequence);
  EQUAL(unsent.has_delivered(50), true);
  EQUAL(unsent.has_delivered(51), false);
}

}  // namespace

void test_memory() {
  a_power_cut_at_any_write_loses_a_minute_at_most();
  a_clean_restart_loses_nothing();
  a_failed_write_leaves_the_state_before();
  a_meter_that_signed_is_never_given_a_new_key();
  one_damaged_copy_is_none();
  period_ends_of_a_week_survive_a_power_cut_and_are_sent_until_acknowledged();
  the_flash_lasts_ten_years();
  readings_are_sent_in_order_and_again_until_acknowledged();
  while_nobody_answers_only_the_oldest_are_sent_again();
}
