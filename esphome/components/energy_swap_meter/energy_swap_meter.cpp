#include "energy_swap_meter.h"

#include <cinttypes>
#include <cmath>
#include <sodium.h>
#include <sys/time.h>

#include "esphome/core/application.h"
#include "esphome/core/hal.h"
#include "esphome/core/helpers.h"
#include "esphome/core/log.h"

#ifdef USE_ESP32
#include <bootloader_random.h>
#endif

namespace esphome::energy_swap_meter {

namespace {

constexpr const char *TAG = "energy_swap_meter";
constexpr uint64_t SENSOR_TIMEOUT_MS = 10'000;
constexpr uint64_t TELL_POWER_MS = 1000;
constexpr uint64_t EARLIEST_TIME_MS = 1'704'067'200'000;  // 2024: a clock that says less was never set
// Two hours on a device with little memory, two days on Linux.
#ifdef USE_HOST
constexpr size_t MOST_WAITING = 2880;
#else
constexpr size_t MOST_WAITING = 120;
#endif

uint64_t unix_ms() {
  timeval now{};
  gettimeofday(&now, nullptr);
  return static_cast<uint64_t>(now.tv_sec) * 1000 + now.tv_usec / 1000;
}

int64_t nearest_watt(int64_t milliwatts) { return (milliwatts + (milliwatts < 0 ? -500 : 500)) / 1000; }

}  // namespace

void EnergySwapMeter::setup() {
  if (sodium_init() < 0 || !this->load_or_create_()) {
    this->mark_failed();
    return;
  }
  this->signer_.emplace(this->stored_.seed);
  this->meter_ = Meter(this->stored_.state);
  if (this->stored_.state.sequence > 0) {
    this->waiting_.push_back(this->stored_.last_frame);
    this->taken_ = 1;
  }
  const std::string key = key_to_text(this->signer_->public_key());
  this->topic_ = "energy_swap/" + key;
  if (this->public_key_sensor_ != nullptr)
    this->public_key_sensor_->publish_state(key);
#ifdef USE_HOST
  this->is_clock_synchronised_ = true;  // the system sees to it
  if (!this->start_sockets_()) {
    this->mark_failed();
    return;
  }
  if (this->feed_ != nullptr)
    return;
#else
  this->publisher_ = std::make_unique<Publisher>(this->topic_ + "/status");
  this->clock_->add_on_time_sync_callback([this]() { this->is_clock_synchronised_ = true; });
#endif
  this->start_sensors_();
}

bool EnergySwapMeter::load_or_create_() {
  this->store_.emplace(App.get_name().str());
  switch (this->store_->load(&this->stored_)) {
    case Loaded::YES:
      return true;
    case Loaded::NOT_READABLE:
      ESP_LOGE(TAG, "The stored key and registers cannot be read. Restore them, or erase them to begin as a new meter");
      return false;
    case Loaded::NOTHING_THERE:
      break;
  }
  if (!this->make_seed_(&this->stored_.seed) || !this->store_->save(this->stored_)) {
    ESP_LOGE(TAG, "The new key cannot be stored");
    return false;
  }
  return true;
}

bool EnergySwapMeter::make_seed_(Seed *seed) {
#ifdef USE_ESP32
  // Without radio the random generator has no entropy of its own; this lends it the one of the boot loader.
  bootloader_random_enable();
  const bool is_random = random_bytes(seed->data(), seed->size());
  bootloader_random_disable();
  return is_random;
#else
  return random_bytes(seed->data(), seed->size());
#endif
}

void EnergySwapMeter::start_sensors_() {
  this->meter_.set_power({});  // nobody knows what flowed while the meter was off
  this->counted_to_ = this->sensed_at_ = millis_64();
  this->power_sensor_->add_on_state_callback([this](float /*watts*/) { this->take_sensors_(); });
  if (this->generation_sensor_ != nullptr)
    this->generation_sensor_->add_on_state_callback([this](float /*watts*/) { this->take_sensors_(); });
}

void EnergySwapMeter::take_sensors_() {
  this->count_by_clock_();
  const float net = this->power_sensor_->get_state();
  const float generation = this->generation_sensor_ == nullptr ? 0.0f : this->generation_sensor_->get_state();
  if (std::isfinite(net))
    this->sensed_at_ = this->counted_to_;
  const auto milliwatts = [this](float watts) -> int64_t {
    if (std::isfinite(watts) && std::fabs(watts) <= MOST_MILLIWATTS / 1000)
      return std::llround(static_cast<double>(watts) * 1000);
    this->meter_.set_flag(SENSOR_FAULT, true);
    return 0;
  };
  this->meter_.set_power({milliwatts(net), milliwatts(generation)});
}

void EnergySwapMeter::count_by_clock_() {
  const uint64_t now = millis_64();
  const uint64_t elapsed = now - this->counted_to_;
  this->counted_to_ = now;
  this->meter_.set_flag(CLOCK_NOT_SYNCHRONISED, !this->is_clock_synchronised_);
  const uint64_t time = unix_ms();
  if (time >= EARLIEST_TIME_MS) {
    this->take_readings_(this->meter_.advance(elapsed, time));
  } else {
    this->meter_.count(elapsed);
  }
  if (now - this->sensed_at_ > SENSOR_TIMEOUT_MS) {
    this->meter_.set_power({});
    this->meter_.set_flag(SENSOR_FAULT, true);
  }
}

void EnergySwapMeter::loop() {
  bool is_fed = false;
#ifdef USE_HOST
  this->publisher_->loop(millis_64());
  is_fed = this->feed_ != nullptr;
  if (is_fed)
    this->take_feed_();
#endif
  if (!is_fed && millis_64() - this->told_at_ >= TELL_POWER_MS) {
    this->told_at_ = millis_64();
    this->count_by_clock_();
    this->publish_power_();
  }
  this->publish_readings_();
#ifdef USE_HOST
  this->confirm_lines_();
  this->watch_(&this->watched_broker_, this->publisher_->descriptor());
  if (is_fed)
    this->watch_(&this->watched_feed_, this->feed_->descriptor());
#endif
}

void EnergySwapMeter::take_readings_(const std::vector<Reading> &readings) {
  for (const Reading &reading : readings) {
    this->stored_.last_frame = this->signer_->sign(reading);
    this->waiting_.push_back(this->stored_.last_frame);
    this->taken_++;
    this->is_saved_ = false;
  }
  // Registers are cumulative: the readings that stay carry the energy of those that go.
  while (this->waiting_.size() > MOST_WAITING)
    this->waiting_.pop_front();
}

bool EnergySwapMeter::save_() {
  this->stored_.state = this->meter_.state();
  this->is_saved_ = this->store_->save(this->stored_);
  if (this->is_saved_) {
    this->status_clear_error();
  } else {
    this->status_set_error(LOG_STR("registers cannot be stored, so no reading is published"));
  }
  return this->is_saved_;
}

void EnergySwapMeter::publish_readings_() {
  // Stored before published: after a restart no sequence comes twice and no register falls.
  if (!this->is_saved_ && !this->save_())
    return;
  const std::string topic = this->topic_ + "/reading";
  while (!this->waiting_.empty() &&
         this->publisher_->send_until_acknowledged(topic, frame_to_text(this->waiting_.front())))
    this->waiting_.pop_front();
}

void EnergySwapMeter::publish_power_() {
  const MeterState &state = this->meter_.state();
  char payload[96];
  snprintf(payload, sizeof(payload), "{\"net_w\":%" PRId64 ",\"generation_w\":%" PRId64 ",\"at\":%" PRIu64 "}",
           nearest_watt(state.power.net_mw), nearest_watt(state.power.generation_mw), state.counted_to / 1000);
  this->publisher_->send(this->topic_ + "/power", payload);
}

void EnergySwapMeter::on_shutdown() {
  if (this->publisher_ == nullptr)
    return;
#ifdef USE_HOST
  if (this->feed_ == nullptr)
    this->count_by_clock_();
  this->save_();
  this->publisher_->stop();
#else
  this->count_by_clock_();
  this->save_();
#endif
}

void EnergySwapMeter::dump_config() {
  ESP_LOGCONFIG(TAG, "Energy Swap meter %s", this->topic_.c_str());
  LOG_SENSOR("  ", "Power", this->power_sensor_);
  LOG_SENSOR("  ", "Generation", this->generation_sensor_);
  if (this->is_failed())
    ESP_LOGE(TAG, "  Failed: see the log of the start");
}

}  // namespace esphome::energy_swap_meter
