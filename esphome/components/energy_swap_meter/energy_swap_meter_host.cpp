// What only the Linux meter does: sockets, and the feed that stands for sensors and clock.
#ifdef USE_HOST

#include "energy_swap_meter.h"

#include <cstdlib>

#include "esphome/core/defines.h"
#include "esphome/core/hal.h"
#include "esphome/core/log.h"
#include "esphome/core/wake.h"
#ifdef USE_API
#include "esphome/components/api/api_server.h"
#endif

namespace esphome::energy_swap_meter {

namespace {

constexpr const char *TAG = "energy_swap_meter";
constexpr size_t MOST_UNDELIVERED = 50;
constexpr uint64_t BROKER_AWAY_MS = 2000;
constexpr int LINES_AT_ONCE = 1024;

/// The environment wins over the configuration, so that one program serves many meters.
std::string setting(const char *variable, const std::string &configured) {
  const char *chosen = getenv(variable);
  return chosen == nullptr ? configured : chosen;
}

}  // namespace

bool EnergySwapMeter::start_sockets_() {
  Endpoint broker;
  const std::string broker_address = setting("ENERGY_SWAP_MQTT", this->broker_);
  if (!broker.parse(broker_address)) {
    ESP_LOGE(TAG, "MQTT broker '%s' is not [user[:password]@]host:port (ENERGY_SWAP_MQTT)", broker_address.c_str());
    return false;
  }
  const std::string client_id = "es" + key_to_text(this->signer_->public_key()).substr(0, 20);
  this->publisher_ = std::make_unique<MqttClient>(broker, client_id, this->topic_ + "/status");

  this->broker_seen_at_ = millis_64();
  const std::string feed_address = setting("ENERGY_SWAP_FEED", this->feed_address_);
  if (feed_address.empty())
    return true;
  if (feed_address.starts_with('/')) {
    this->feed_ = std::make_unique<Feed>(feed_address);
    return true;
  }
  Endpoint feed;
  if (!feed.parse(feed_address)) {
    ESP_LOGE(TAG, "Feed '%s' is neither host:port nor a file's whole path (ENERGY_SWAP_FEED)", feed_address.c_str());
    return false;
  }
  this->feed_ = std::make_unique<Feed>(feed);
  return true;
}

void EnergySwapMeter::choose_api_() {
#ifdef USE_API
  // One program serves many meters on one machine: without a port of its own a meter has no native API.
  const char *port = getenv("ENERGY_SWAP_API");
  if (port == nullptr) {
    api::global_api_server->mark_failed();
  } else {
    api::global_api_server->set_port(strtol(port, nullptr, 10));
  }
#endif
}

void EnergySwapMeter::take_feed_() {
  if (this->feed_->loop(millis_64())) {
    this->unconfirmed_.clear();  // what an earlier connection asked for, this one did not
    this->is_first_line_ = true;
  }
  if (this->publisher_->is_connected())
    this->broker_seen_at_ = millis_64();
  const bool is_broker_there = millis_64() - this->broker_seen_at_ < BROKER_AWAY_MS;
  bool has_come = false;
  for (int i = 0; i < LINES_AT_ONCE; i++) {
    // Simulated time passes no faster than a broker that is there can follow; one that is away is not waited for.
    if (is_broker_there && this->unsent_.undelivered() >= MOST_UNDELIVERED)
      break;
    const auto line = this->feed_->next();
    if (!line)
      break;
    const uint64_t counted_to = this->meter_.state().counted_to;
    const uint64_t time_ms = line->time * 1000;
    if (time_ms > counted_to) {
      // Before the first line there is nothing to count; of a live feed, what flowed while nobody listened neither.
      const bool is_counted = counted_to != 0 && !(this->feed_->is_live() && this->is_first_line_);
      const uint64_t elapsed = is_counted ? time_ms - counted_to : 0;
      if (elapsed > LONGEST_STEP_MS)
        ESP_LOGW(TAG, "The feed has left out more than a day; nothing is counted for it");
      this->take_readings_(this->meter_.advance(elapsed, time_ms));
    }
    this->meter_.set_power(line->power);
    this->power_ = this->meter_.state().power;
    this->is_first_line_ = false;
    has_come = true;
    if (!this->feed_->is_live()) {
      this->is_saved_ = false;
      this->unconfirmed_.push_back({line->time, this->meter_.state().sequence()});
      continue;
    }
    this->unconfirmed_.push_back({line->time, 0});  // whoever has the readings
    // At a wall no second minute passes before the first one's reading is stored.
    if (!this->is_saved_)
      break;
  }
  if (has_come) {
    this->publish_power_();
    if (this->power_sensor_ != nullptr)
      this->power_sensor_->publish_state(static_cast<float>(this->power_.net_mw) / 1000);
  }
}

void EnergySwapMeter::confirm_lines_() {
  while (this->is_saved_ && !this->unconfirmed_.empty() &&
         this->unsent_.has_delivered(this->unconfirmed_.front().sequence)) {
    this->feed_->confirm(this->unconfirmed_.front().time);
    this->unconfirmed_.pop_front();
  }
}

void EnergySwapMeter::watch_(int *watched, int descriptor) {
  if (*watched == descriptor)
    return;
  wake_unregister_fd(*watched);
  wake_register_fd(descriptor);
  *watched = descriptor;
}

}  // namespace esphome::energy_swap_meter

#endif  // USE_HOST
