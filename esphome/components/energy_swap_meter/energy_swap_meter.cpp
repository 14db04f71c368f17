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
constexpr uint64_t SAVE_MS = 60'000;  // at most this much is lost when the power is cut
constexpr uint64_t EARLIEST_TIME_MS = 1'704'067'200'000;  // 2024: a clock that says less was never set
constexpr uint64_t LONGEST_OFF_MS = 31 * LONGEST_STEP_MS;

uint64_t unix_ms() {
  timeval now{};
  gettimeofday(&now, nullptr);
  return static_cast<uint64_t>(now.tv_sec) * 1000 + now.tv_usec / 1000;
}

int64_t nearest_watt(int64_t milliwatts) { return (milliwatts + (milliwatts < 0 ? -500 : 500)) / 1000; }

void show(sensor::Sensor *sensor, const Register &shown) {
  if (sensor != nullptr)
    sensor->publish_state(static_cast<float>(static_cast<double>(shown.wh()) / 1000));
}

}  // namespace

void EnergySwapMeter::setup() {
#ifdef USE_HOST
  this->choose_api_();
#endif
  if (sodium_init() < 0 || !this->load_or_create_()) {
    this->mark_failed();
    return;
  }
  this->public_key_ = key_to_text(this->signer_->public_key());
  this->topic_ = "energy_swap/" + this->public_key_;
  if (this->public_key_sensor_ != nullptr)
    this->public_key_sensor_->publish_state(this->public_key_);
#ifdef USE_HOST
  this->is_clock_synchronised_ = true;  // the system sees to it
  if (!this->start_sockets_()) {
    this->mark_failed();
    return;
  }
#else
  this->publisher_ = std::make_unique<Publisher>(this->topic_ + "/status");
  this->clock_->add_on_time_sync_callback([this]() { this->is_clock_synchronised_ = true; });
#endif
  this->publisher_->on_delivered = [this](uint64_t sequence) { this->unsent_.delivered(sequence); };
  this->publisher_->subscribe(this->topic_ + "/ack", [this](const std::string &text) {
    if (!this->unsent_.acknowledge(text, millis_64()))
      ESP_LOGW(TAG, "An acknowledgement is a list of sequences and ranges, such as 7 9-12");
    this->meter_.set_acknowledged(this->unsent_.done_to(this->meter_.state().sequence()));
  });
  this->start_control_();
  this->publish_registers_();
  if (this->tamper_sensor_ != nullptr) {
    this->tamper_sensor_->add_on_state_callback([this](bool is_open) {
      if (is_open)
        this->meter_.set_flag(TAMPER, true);
    });
  }
#ifdef USE_HOST
  if (this->feed_ != nullptr)
    return;
#endif
  this->start_sensors_();
}

bool EnergySwapMeter::load_or_create_() {
#ifdef USE_HOST
  this->storage_.emplace(App.get_name().str());
#else
  this->storage_.emplace();
#endif
  this->memory_.emplace(&*this->storage_);
  Seed seed{};
  MeterState state;
  switch (this->memory_->load(&seed, &state, &this->unsent_)) {
    case Loaded::YES:
      break;
    case Loaded::NOT_READABLE:
      ESP_LOGE(TAG, "The stored key and registers cannot be read. Restore them, or erase them to begin as a new meter");
      return false;
    case Loaded::NOTHING_THERE:
      if (!this->make_seed_(&seed) || !this->memory_->create(seed, state)) {
        ESP_LOGE(TAG, "The new key cannot be stored");
        return false;
      }
  }
  this->meter_ = Meter(state);
  this->signer_.emplace(seed);
  sodium_memzero(seed.data(), seed.size());
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
  this->meter_.forget_power();  // nobody knows what flowed while the meter was off
  this->counted_to_ = this->sensed_at_ = this->saved_at_ = millis_64();
  for (sensor::Sensor *sensor : {this->power_sensor_, this->generation_sensor_}) {
    if (sensor != nullptr)
      sensor->add_on_state_callback([this](float /*watts*/) { this->take_sensors_(); });
  }
  for (size_t number = 0; number < this->counters_.size(); number++) {
    if (this->counters_[number].kind == CounterKind::STARTS_AT_ZERO)
      this->meter_.forget_counter(number);
    this->counters_[number].sensor->add_on_state_callback(
        [this, number](float value) { this->take_counter_(number, value); });
  }
}

void EnergySwapMeter::take_sensors_() {
  this->count_by_clock_();
  const auto watts_of = [](sensor::Sensor *sensor) { return sensor == nullptr ? 0.0f : sensor->get_state(); };
  const float net = watts_of(this->power_sensor_);
  const float generation = watts_of(this->generation_sensor_);
  if (std::isfinite(this->power_sensor_ == nullptr ? generation : net))
    this->sensed_at_ = this->counted_to_;
  const auto milliwatts = [this](float watts) -> int64_t {
    if (!std::isfinite(watts) || std::fabs(watts) > MOST_MILLIWATTS / 1000) {
      this->meter_.set_flag(SENSOR_FAULT, true);
      return 0;
    }
    const int64_t measured = std::llround(static_cast<double>(watts) * 1000);
    return std::llabs(measured) < this->no_load_mw_ ? 0 : measured;
  };
  this->power_ = {milliwatts(net), milliwatts(generation)};
  // What a chip counts is not counted a second time.
  Power counted = this->power_;
  for (const CounterInput &counter : this->counters_)
    (counter.direction == Direction::GENERATION ? counted.generation_mw : counted.net_mw) = 0;
  this->meter_.set_power(counted);
}

void EnergySwapMeter::take_counter_(size_t number, float value) {
  if (!std::isfinite(value) || value < 0)
    return;  // the power sensor falls silent, too
  CounterInput &counter = this->counters_[number];
  const double microwatt_seconds = static_cast<double>(value) * static_cast<double>(counter.unit_microwatt_seconds);
  if (microwatt_seconds >= 9e18) {
    this->meter_.set_flag(SENSOR_FAULT, true);
    return;
  }
  const uint64_t now = millis_64();
  // A minute more than has passed: a counter moves in steps.
  const uint64_t passed = counter.read_at == 0 ? LONGEST_OFF_MS : now - counter.read_at + SAVE_MS;
  counter.read_at = now;
  this->count_by_clock_();
  this->meter_.count(counter.direction, number, counter.kind, std::llround(microwatt_seconds),
                     this->largest_mw_ * passed);
}

void EnergySwapMeter::count_by_clock_() {
  const uint64_t now = millis_64();
  const uint64_t elapsed = now - this->counted_to_;
  this->counted_to_ = now;
  this->meter_.set_flag(CLOCK_NOT_SYNCHRONISED, !this->is_clock_synchronised_);
  if (this->tamper_sensor_ != nullptr && this->tamper_sensor_->state)
    this->meter_.set_flag(TAMPER, true);
  const uint64_t time = unix_ms();
  if (time >= EARLIEST_TIME_MS) {
    this->take_readings_(this->meter_.advance(elapsed, time));
  } else {
    this->meter_.count(elapsed);
  }
  if (now - this->sensed_at_ > SENSOR_TIMEOUT_MS) {
    this->meter_.forget_power();
    this->power_ = {};
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
  this->run_control_();
  this->save_when_due_();
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
    this->unsent_.add(reading);
    if (ends_period(reading))
      this->to_keep_.push_back(reading);
    this->is_saved_ = false;
  }
  if (readings.empty())
    return;
  this->meter_.set_acknowledged(this->unsent_.done_to(this->meter_.state().sequence()));
  this->publish_registers_();
}

bool EnergySwapMeter::save_() {
  // Period ends first: one that is beyond the state is erased at the next start, one that is missing is lost.
  while (!this->to_keep_.empty() && this->memory_->keep(this->to_keep_.back()))
    this->to_keep_.pop_back();
  this->is_saved_ = this->to_keep_.empty() && this->memory_->save(this->meter_.state());
  if (this->is_saved_) {
    this->saved_at_ = millis_64();
    this->status_clear_error();
  } else {
    this->status_set_error(LOG_STR("registers cannot be stored, so no reading is published"));
  }
  return this->is_saved_;
}

void EnergySwapMeter::save_when_due_() {
  // Each full minute makes a reading, which is stored; this is for a meter that does not know the time.
  if (!this->is_saved_ || millis_64() - this->saved_at_ >= SAVE_MS)
    this->save_();
}

void EnergySwapMeter::publish_readings_() {
  // Stored before published: after a restart no sequence comes twice and no register falls.
  if (!this->is_saved_)
    return;
  const std::string topic = this->topic_ + "/reading";
  const uint64_t now = millis_64();
  while (const Reading *reading = this->unsent_.due(now)) {
    const uint64_t sequence = reading->sequence;
    const Frame frame = sign_reading(*reading, *this->signer_);
    if (!this->publisher_->send_until_delivered(topic, base64url(frame.data(), frame.size()), sequence))
      break;
    this->unsent_.sent(sequence, now);
  }
}

void EnergySwapMeter::publish_power_() {
  char payload[96];
  snprintf(payload, sizeof(payload), "{\"net_w\":%" PRId64 ",\"generation_w\":%" PRId64 ",\"at\":%" PRIu64 "}",
           nearest_watt(this->power_.net_mw), nearest_watt(this->power_.generation_mw),
           this->meter_.state().counted_to / 1000);
  this->publisher_->send(this->topic_ + "/power", payload);
}

void EnergySwapMeter::publish_registers_() {
  const Registers &registers = this->meter_.state().registers;
  show(this->import_sensor_, registers.imported);
  show(this->export_sensor_, registers.exported);
  show(this->generated_sensor_, registers.generated);
  if (this->unsent_sensor_ != nullptr)
    this->unsent_sensor_->publish_state(this->unsent_.size());
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
  for (const CounterInput &counter : this->counters_)
    LOG_SENSOR("  ", "Counter", counter.sensor);
  if (this->is_failed())
    ESP_LOGE(TAG, "  Failed: see the log of the start");
}

}  // namespace esphome::energy_swap_meter
