// The meter as an ESPHome component: sensors and clock (or a feed) in, signed readings out.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "esphome/components/sensor/sensor.h"
#include "esphome/components/text_sensor/text_sensor.h"
#include "esphome/components/time/real_time_clock.h"
#include "esphome/core/component.h"

#include "meter.h"
#include "meter_store.h"
#include "publisher.h"
#include "reading.h"

#ifdef USE_HOST
#include "feed_host.h"
#endif

namespace esphome::energy_swap_meter {

class EnergySwapMeter : public Component {
 public:
  void set_power_sensor(sensor::Sensor *power) { this->power_sensor_ = power; }
  void set_generation_sensor(sensor::Sensor *generation) { this->generation_sensor_ = generation; }
  void set_public_key_sensor(text_sensor::TextSensor *public_key) { this->public_key_sensor_ = public_key; }
  void set_clock(time::RealTimeClock *clock) { this->clock_ = clock; }
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

 protected:
  bool load_or_create_();
  bool make_seed_(Seed *seed);
  void start_sensors_();
  void take_sensors_();
  void count_by_clock_();
  void take_readings_(const std::vector<Reading> &readings);
  bool save_();
  void publish_readings_();
  void publish_power_();
#ifdef USE_HOST
  bool start_sockets_();
  void take_feed_();
  void confirm_lines_();
  void watch_(int *watched, int descriptor);
#endif

  sensor::Sensor *power_sensor_{nullptr};
  sensor::Sensor *generation_sensor_{nullptr};
  text_sensor::TextSensor *public_key_sensor_{nullptr};
  time::RealTimeClock *clock_{nullptr};

  std::optional<MeterStore> store_;
  StoredMeter stored_;
  Meter meter_;
  std::optional<Signer> signer_;
  std::string topic_;  // energy_swap/<meter>
  std::unique_ptr<Publisher> publisher_;

  std::deque<Frame> waiting_;  // signed, not yet handed to MQTT
  uint64_t taken_{0};          // all that ever waited since the start
  bool is_saved_{true};
  bool is_clock_synchronised_{false};
  uint64_t counted_to_{0};  // by the device's own clock, in milliseconds
  uint64_t sensed_at_{0};
  uint64_t told_at_{0};

#ifdef USE_HOST
  struct Line {
    uint64_t time;
    uint64_t readings;  // taken up to this line
  };

  std::string broker_;
  std::string feed_address_;
  std::unique_ptr<Feed> feed_;
  std::deque<Line> unconfirmed_;
  int watched_broker_{-1};
  int watched_feed_{-1};
#endif
};

}  // namespace esphome::energy_swap_meter
