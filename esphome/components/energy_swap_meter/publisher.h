// How the meter speaks MQTT: ESPHome's own client on a device, ours on Linux. Both have the same face.
#pragma once

#ifdef USE_HOST

#include "mqtt_client_host.h"

namespace esphome::energy_swap_meter {
using Publisher = MqttClient;
}  // namespace esphome::energy_swap_meter

#else

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
  /// ESP-IDF's outbox repeats what was not acknowledged, for 30 seconds.
  bool send_until_acknowledged(const std::string &topic, const std::string &payload) {
    return this->is_connected() && mqtt::global_mqtt_client->publish(topic, payload, 1, false);
  }
};

}  // namespace esphome::energy_swap_meter

#endif  // USE_HOST
