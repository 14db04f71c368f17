// A small MQTT 3.1.1 client over a plain socket, because ESPHome's own client does not run on Linux.
#pragma once

#ifdef USE_HOST

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "tcp_connection_host.h"

namespace esphome::energy_swap_meter {

class MqttClient {
 public:
  /// `status_topic` says "online" (retained) while connected and "offline" by the last will.
  MqttClient(const Endpoint &broker, std::string client_id, std::string status_topic);

  void loop(uint64_t now_ms);
  /// Say "offline" and leave.
  void stop();
  bool is_connected() const { return this->is_accepted_; }
  /// Send at most once (QoS 0); lost while not connected.
  void send(const std::string &topic, const std::string &payload, bool retain = false);
  /// Send at least once (QoS 1), again after every reconnect, until the broker has it; then `on_delivered` is told
  /// `tag`. False: no room now, ask later.
  bool send_until_delivered(const std::string &topic, const std::string &payload, uint64_t tag = 0);
  std::function<void(uint64_t tag)> on_delivered;
  /// From the next connection on, `take` is told what is published under `topic`.
  void subscribe(const std::string &topic, std::function<void(const std::string &payload)> take);
  int descriptor() const { return this->connection_.descriptor(); }

 private:
  struct Message {
    uint16_t id;
    bool is_acknowledged;
    uint64_t tag;
    std::string topic;
    std::string payload;
  };

  void send_connect_();
  void send_subscribe_();
  void take_publish_(uint8_t flags, std::string_view body);
  void send_publish_(const Message &message, bool is_repeated);
  void read_packets_();
  void take_packet_(uint8_t type, uint8_t flags, std::string_view body);

  Endpoint broker_;
  TcpConnection connection_;
  std::string client_id_;
  std::string status_topic_;
  std::deque<Message> in_flight_;
  struct Subscription {
    std::string topic;
    std::function<void(const std::string &)> take;
  };
  std::vector<Subscription> subscriptions_;
  uint16_t last_id_{0};
  bool is_accepted_{false};
  uint64_t now_ms_{0};
  uint64_t heard_ms_{0};
  uint64_t pinged_ms_{0};
};

}  // namespace esphome::energy_swap_meter

#endif  // USE_HOST
