// What only the Linux meter does: sockets, and the feed that stands for sensors and clock.
#ifdef USE_HOST

#include "energy_swap_meter.h"

#include <cstdlib>

#include "esphome/core/hal.h"
#include "esphome/core/log.h"
#include "esphome/core/wake.h"

namespace esphome::energy_swap_meter {

namespace {

constexpr const char *TAG = "energy_swap_meter";
constexpr int LINES_AT_ONCE = 64;

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

  const std::string feed_address = setting("ENERGY_SWAP_FEED", this->feed_address_);
  if (feed_address.empty())
    return true;
  Endpoint feed;
  if (!feed.parse(feed_address)) {
    ESP_LOGE(TAG, "Feed '%s' is not host:port (ENERGY_SWAP_FEED)", feed_address.c_str());
    return false;
  }
  this->feed_ = std::make_unique<Feed>(feed);
  return true;
}

void EnergySwapMeter::take_feed_() {
  if (this->feed_->loop(millis_64()))
    this->unconfirmed_.clear();  // what an earlier connection asked for, this one did not
  for (int i = 0; i < LINES_AT_ONCE && this->waiting_.size() < LINES_AT_ONCE; i++) {
    const auto line = this->feed_->next();
    if (!line)
      return;
    const uint64_t counted_to = this->meter_.state().counted_to;
    const uint64_t time_ms = line->time * 1000;
    if (time_ms > counted_to) {
      // Before the first line there is nothing to count.
      const uint64_t elapsed = counted_to == 0 ? 0 : time_ms - counted_to;
      if (elapsed > LONGEST_STEP_MS)
        ESP_LOGW(TAG, "The feed has left out more than a day; nothing is counted for it");
      this->take_readings_(this->meter_.advance(elapsed, time_ms));
    }
    this->meter_.set_power(line->power);
    this->is_saved_ = false;
    this->publish_power_();
    this->unconfirmed_.push_back({line->time, this->taken_});
  }
}

void EnergySwapMeter::confirm_lines_() {
  const uint64_t delivered = this->taken_ - this->waiting_.size() - this->publisher_->unacknowledged();
  while (this->is_saved_ && !this->unconfirmed_.empty() && this->unconfirmed_.front().readings <= delivered) {
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
