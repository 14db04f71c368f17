// The meter as an ESPHome component: sensors and clock (or a feed) in, signed readings out, relay commands obeyed.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "esphome/components/binary_sensor/binary_sensor.h"
#include "esphome/components/output/binary_output.h"
#include "esphome/components/sensor/sensor.h"
#include "esphome/components/text_sensor/text_sensor.h"
#include "esphome/components/time/real_time_clock.h"
#include "esphome/core/component.h"

#include "claim.h"
#include "memory.h"
#include "meter.h"
#include "publisher.h"

#ifdef USE_HOST
#include "feed_host.h"
#include "storage_host.h"
#else
#include "storage_esp32.h"
#endif

namespace esphome::energy_swap_meter {

class EnergySwapMeter : public Component {
 public:
  void set_clock(time::RealTimeClock *clock) { this->clock_ = clock; }
  void set_power_sensor(sensor::Sensor *power) { this->power_sensor_ = power; }
  void set_generation_sensor(sensor::Sensor *generation) { this->generation_sensor_ = generation; }
  /// A chip's counter; one of its units is `microwatt_seconds`.
  void add_counter(sensor::Sensor *sensor, Direction direction, uint64_t microwatt_seconds, CounterKind kind) {
    this->counters_.push_back({sensor, direction, microwatt_seconds, kind, 0});
  }
  void set_no_load(uint32_t milliwatts) { this->no_load_mw_ = milliwatts; }
  void set_largest_power(uint32_t milliwatts) { this->largest_mw_ = milliwatts; }
  void set_tamper_sensor(binary_sensor::BinarySensor *tamper) { this->tamper_sensor_ = tamper; }
  void set_relay(output::BinaryOutput *relay) { this->relay_ = relay; }
  void set_protected(bool is_protected) { this->is_always_protected_ = is_protected; }

  void set_public_key_sensor(text_sensor::TextSensor *sensor) { this->public_key_sensor_ = sensor; }
  void set_claim_code_sensor(text_sensor::TextSensor *sensor) { this->claim_code_sensor_ = sensor; }
  void set_money_sensor(text_sensor::TextSensor *sensor) { this->display_sensors_[0] = sensor; }
  void set_energy_sensor(text_sensor::TextSensor *sensor) { this->display_sensors_[1] = sensor; }
  void set_note_sensor(text_sensor::TextSensor *sensor) { this->display_sensors_[2] = sensor; }
  void set_import_sensor(sensor::Sensor *sensor) { this->import_sensor_ = sensor; }
  void set_export_sensor(sensor::Sensor *sensor) { this->export_sensor_ = sensor; }
  void set_generated_sensor(sensor::Sensor *sensor) { this->generated_sensor_ = sensor; }
  void set_unsent_sensor(sensor::Sensor *sensor) { this->unsent_sensor_ = sensor; }
  void set_connected_sensor(binary_sensor::BinarySensor *sensor) { this->connected_sensor_ = sensor; }
#ifdef USE_HOST
  void set_broker(const std::string &broker) { this->broker_ = broker; }
  void set_feed(const std::string &feed) { this->feed_address_ = feed; }
#endif

  void setup() override;
  void loop() override;
  void dump_config() override;
  void on_shutdown() override;
  /// Before MQTT connects: it must know the last will. Before Wi-Fi starts: see `make_seed_`.
  float get_setup_priority() const override { return setup_priority::HARDWARE; }

  // For the board's own automations, a display's pages above all.
  const std::string &public_key() const { return this->public_key_; }
  bool is_claimed() const { return this->meter_.state().relay.has_authority(); }
  /// The eight digits that claim this meter; empty once it is claimed.
  const std::string &claim_code() const { return this->claim_code_; }
  const MeterState &state() const { return this->meter_.state(); }
  bool is_publishing() const { return this->publisher_ != nullptr && this->publisher_->is_connected(); }
  /// Forget whose commands count, close the connection, show a new code. The next reading says that it was tampered with.
  void release_claim();

 protected:
  struct CounterInput {
    sensor::Sensor *sensor;
    Direction direction;
    uint64_t unit_microwatt_seconds;
    CounterKind kind;
    uint64_t read_at;  // by the device's own clock, in milliseconds; 0: not since the start
  };

  bool load_or_create_();
  bool make_seed_(Seed *seed);
  void start_sensors_();
  void take_sensors_();
  void take_counter_(size_t number, float value);
  void count_by_clock_();
  void take_readings_(const std::vector<Reading> &readings);
  bool save_();
  void save_when_due_();
  void publish_readings_();
  void publish_power_();
  void publish_registers_();

  // energy_swap_meter_control.cpp
  void start_control_();
  void run_control_();
  void take_claim_(const std::string &text);
  void take_command_(const std::string &text);
  void take_display_(const std::string &text);
  void new_claim_code_();
  void drive_relay_();
  void publish_enrolment_();
  void publish_relay_();
  uint64_t synchronised_time_() const;
  uint64_t estimated_time_() const;
#ifdef USE_HOST
  // energy_swap_meter_host.cpp
  bool start_sockets_();
  void choose_api_();
  void take_feed_();
  void confirm_lines_();
  void watch_(int *watched, int descriptor);
#endif

  time::RealTimeClock *clock_{nullptr};
  sensor::Sensor *power_sensor_{nullptr};
  sensor::Sensor *generation_sensor_{nullptr};
  binary_sensor::BinarySensor *tamper_sensor_{nullptr};
  output::BinaryOutput *relay_{nullptr};
  std::vector<CounterInput> counters_;
  int64_t no_load_mw_{0};
  uint64_t largest_mw_{0};
  bool is_always_protected_{false};

  text_sensor::TextSensor *public_key_sensor_{nullptr};
  text_sensor::TextSensor *claim_code_sensor_{nullptr};
  std::array<text_sensor::TextSensor *, 3> display_sensors_{};
  sensor::Sensor *import_sensor_{nullptr};
  sensor::Sensor *export_sensor_{nullptr};
  sensor::Sensor *generated_sensor_{nullptr};
  sensor::Sensor *unsent_sensor_{nullptr};
  binary_sensor::BinarySensor *connected_sensor_{nullptr};

#ifdef USE_HOST
  std::optional<FileStorage> storage_;
#else
  std::optional<FlashStorage> storage_;
#endif
  std::optional<Memory> memory_;
  Meter meter_;
  Unsent unsent_;
  std::optional<Signer> signer_;
  std::string public_key_;
  std::string topic_;  // energy_swap/<meter>
  std::string claim_code_;
  int claim_attempts_{0};
  std::unique_ptr<Publisher> publisher_;

  std::vector<Reading> to_keep_;  // period ends that are not stored yet
  bool is_saved_{true};           // all that may be published is stored
  bool was_publishing_{false};
  bool is_clock_synchronised_{false};
  Power power_;             // as measured, whatever counts
  uint64_t counted_to_{0};  // by the device's own clock, in milliseconds
  uint64_t sensed_at_{0};
  uint64_t told_at_{0};
  uint64_t saved_at_{0};
  uint64_t started_at_{0};
  uint64_t counted_to_at_start_{0};  // Unix milliseconds

#ifdef USE_HOST
  struct Line {
    uint64_t time;
    uint64_t sequence;  // of the last reading up to this line
  };

  std::string broker_;
  std::string feed_address_;
  std::unique_ptr<Feed> feed_;
  bool is_first_line_{true};
  uint64_t broker_seen_at_{0};
  std::deque<Line> unconfirmed_;
  int watched_broker_{-1};
  int watched_feed_{-1};
#endif
};

}  // namespace esphome::energy_swap_meter
