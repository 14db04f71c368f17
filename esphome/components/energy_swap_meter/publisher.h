// How the meter speaks MQTT: ESPHome's own client on a device, ours on Linux. Both have the same face.
#pragma once

#ifdef USE_HOST

#include "mqtt_client_host.h"

namespace esphome::energy_swap_meter {
using Publisher = MqttClient;
}  // namespace esphome::energy_swap_meter

#else

#include <functional>

#include "esphome/components/mqtt/mqtt_client.h"

namespace esphome::energy_swap_meter {

class Publisher {
 public:
  /// To be made before ESPHome's client connects.
  explicit Publisher(const std::string &status_topic) {
    auto *client = mqtt::global_mqtt_client;
    client->set_birth_message({status_topic, "online", 1, true});
    client->set_last_will({status_topic, "offline", 1, true});
    client->set_shutdown_message({status_topic, "offline", 1, true});
  }

  bool is_connected() const { return mqtt::global_mqtt_client->is_connected(); }
  void send(const std::string &topic, const std::string &payload, bool retain = false) {
    if (this->is_connected())
      mqtt::global_mqtt_client->publish(topic, payload, 0, retain);
  }
  /// ESP-IDF's outbox repeats what the broker did not acknowledge, for 30 seconds, and does not tell.
  bool send_until_delivered(const std::string &topic, const std::string &payload, uint64_t tag = 0) {
    if (!this->is_connected() || !mqtt::global_mqtt_client->publish(topic, payload, 1, false))
      return false;
    if (this->on_delivered)
      this->on_delivered(tag);
    return true;
  }
  std::function<void(uint64_t tag)> on_delivered;
  void subscribe(const std::string &topic, std::function<void(const std::string &payload)> take) {
    mqtt::global_mqtt_client->subscribe(
        topic, [take = std::move(take)](const std::string & /*topic*/, const std::string &payload) { take(payload); },
        1);
  }
};

}  // namespace esphome::energy_swap_meter

#endif  // USE_HOST
