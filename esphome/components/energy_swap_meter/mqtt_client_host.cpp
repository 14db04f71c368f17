#ifdef USE_HOST

#include "mqtt_client_host.h"

namespace esphome::energy_swap_meter {

namespace {

constexpr size_t MOST_IN_FLIGHT = 64;
constexpr uint16_t KEEP_ALIVE_S = 30;
constexpr uint64_t PING_MS = KEEP_ALIVE_S * 500;
constexpr uint64_t SILENCE_MS = KEEP_ALIVE_S * 1500;
constexpr uint16_t SUBSCRIBE_ID = 1;  // its answer is not waited for, so it may be a message's id, too
constexpr size_t LARGEST_PACKET = 1 << 16;

enum PacketType : uint8_t { CONNECT = 1, CONNACK = 2, PUBLISH = 3, PUBACK = 4, SUBSCRIBE = 8, PINGREQ = 12, DISCONNECT = 14 };
enum PublishFlag : uint8_t { RETAIN = 1, AT_LEAST_ONCE = 2, REPEATED = 8 };
enum ConnectFlag : uint8_t {
  CLEAN_SESSION = 2,
  WILL = 4,
  WILL_AT_LEAST_ONCE = 8,
  WILL_RETAIN = 32,
  PASSWORD = 64,
  USERNAME = 128,
};

std::string number(uint16_t value) { return {static_cast<char>(value >> 8), static_cast<char>(value)}; }

std::string text(const std::string &value) { return number(value.size()) + value; }

std::string packet(uint8_t type, uint8_t flags, const std::string &body) {
  std::string bytes(1, static_cast<char>(type << 4 | flags));
  size_t length = body.size();
  do {
    bytes += static_cast<char>((length & 127) | (length > 127 ? 128 : 0));
    length >>= 7;
  } while (length > 0);
  return bytes + body;
}

}  // namespace

MqttClient::MqttClient(const Endpoint &broker, std::string client_id, std::string status_topic)
    : broker_(broker),
      connection_(broker.host, broker.port),
      client_id_(std::move(client_id)),
      status_topic_(std::move(status_topic)) {}

void MqttClient::loop(uint64_t now_ms) {
  this->now_ms_ = now_ms;
  if (this->connection_.loop(now_ms)) {
    this->heard_ms_ = this->pinged_ms_ = now_ms;
    this->send_connect_();
  }
  this->read_packets_();
  if (this->connection_.is_connected()) {
    if (now_ms - this->heard_ms_ > SILENCE_MS) {
      this->connection_.close();
    } else if (this->is_accepted_ && now_ms - this->pinged_ms_ > PING_MS) {
      this->pinged_ms_ = now_ms;
      this->connection_.send(packet(PINGREQ, 0, ""));
    }
  }
  if (!this->connection_.is_connected())
    this->is_accepted_ = false;
}

void MqttClient::stop() {
  if (!this->is_accepted_)
    return;
  this->send(this->status_topic_, "offline", true);
  this->connection_.send(packet(DISCONNECT, 0, ""));
  this->connection_.close();
  this->is_accepted_ = false;
}

void MqttClient::send(const std::string &topic, const std::string &payload, bool retain) {
  if (this->is_accepted_)
    this->connection_.send(packet(PUBLISH, retain ? RETAIN : 0, text(topic) + payload));
}

bool MqttClient::send_until_delivered(const std::string &topic, const std::string &payload, uint64_t tag) {
  if (!this->is_accepted_ || this->in_flight_.size() >= MOST_IN_FLIGHT)
    return false;
  // An id is free again long before the counter comes back to it: at most MOST_IN_FLIGHT are taken.
  this->last_id_ = this->last_id_ == UINT16_MAX ? 1 : this->last_id_ + 1;
  this->in_flight_.push_back({this->last_id_, false, tag, topic, payload});
  this->send_publish_(this->in_flight_.back(), false);
  return true;
}

void MqttClient::send_connect_() {
  uint8_t flags = CLEAN_SESSION | WILL | WILL_AT_LEAST_ONCE | WILL_RETAIN;
  std::string login;
  if (!this->broker_.username.empty()) {
    flags |= USERNAME;
    login += text(this->broker_.username);
    if (!this->broker_.password.empty()) {
      flags |= PASSWORD;
      login += text(this->broker_.password);
    }
  }
  const char protocol_level = 4;
  this->connection_.send(packet(CONNECT, 0,
                                text("MQTT") + protocol_level + static_cast<char>(flags) + number(KEEP_ALIVE_S) +
                                    text(this->client_id_) + text(this->status_topic_) + text("offline") + login));
}

void MqttClient::send_publish_(const Message &message, bool is_repeated) {
  this->connection_.send(packet(PUBLISH, AT_LEAST_ONCE | (is_repeated ? REPEATED : 0),
                                text(message.topic) + number(message.id) + message.payload));
}

void MqttClient::read_packets_() {
  while (true) {
    const std::string &bytes = this->connection_.received();
    size_t length = 0, header = 1;
    bool is_complete = false;
    for (int shift = 0; header < bytes.size() && shift <= 21 && !is_complete; shift += 7) {
      const uint8_t byte = bytes[header++];
      length |= static_cast<size_t>(byte & 127) << shift;
      is_complete = byte < 128;
    }
    if (length > LARGEST_PACKET || (!is_complete && header > 4)) {
      this->connection_.close();  // not MQTT, or nothing that was asked for
      return;
    }
    if (!is_complete || bytes.size() < header + length)
      return;
    const std::string body = bytes.substr(header, length);
    const auto first = static_cast<uint8_t>(bytes[0]);
    this->connection_.received().erase(0, header + length);
    this->heard_ms_ = this->now_ms_;
    this->take_packet_(first >> 4, first & 15, body);
  }
}

void MqttClient::take_packet_(uint8_t type, uint8_t flags, std::string_view body) {
  if (type == CONNACK) {
    if (body.size() != 2 || body[1] != 0) {
      this->connection_.close();
      return;
    }
    this->is_accepted_ = true;
    this->send(this->status_topic_, "online", true);
    this->send_subscribe_();
    for (const Message &message : this->in_flight_)
      this->send_publish_(message, true);
  } else if (type == PUBACK && body.size() == 2) {
    const uint16_t id = static_cast<uint8_t>(body[0]) << 8 | static_cast<uint8_t>(body[1]);
    for (Message &message : this->in_flight_) {
      if (message.id != id || message.is_acknowledged)
        continue;
      message.is_acknowledged = true;
      if (this->on_delivered)
        this->on_delivered(message.tag);
    }
    while (!this->in_flight_.empty() && this->in_flight_.front().is_acknowledged)
      this->in_flight_.pop_front();
  } else if (type == PUBLISH) {
    this->take_publish_(flags, body);
  }
}

void MqttClient::subscribe(const std::string &topic, std::function<void(const std::string &)> take) {
  this->subscriptions_.push_back({topic, std::move(take)});
}

void MqttClient::send_subscribe_() {
  if (this->subscriptions_.empty())
    return;
  std::string body = number(SUBSCRIBE_ID);
  for (const Subscription &subscription : this->subscriptions_)
    body += text(subscription.topic) + static_cast<char>(1);  // QoS 1
  this->connection_.send(packet(SUBSCRIBE, 2, body));
}

void MqttClient::take_publish_(uint8_t flags, std::string_view body) {
  const auto length_at = [&body](size_t at) {
    return static_cast<size_t>(static_cast<uint8_t>(body[at]) << 8 | static_cast<uint8_t>(body[at + 1]));
  };
  const size_t id_bytes = (flags & AT_LEAST_ONCE) != 0 ? 2 : 0;
  if (body.size() < 2 || body.size() < 2 + length_at(0) + id_bytes) {
    this->connection_.close();
    return;
  }
  const std::string_view topic = body.substr(2, length_at(0));
  const std::string payload(body.substr(2 + topic.size() + id_bytes));
  for (const Subscription &subscription : this->subscriptions_) {
    if (subscription.topic == topic)
      subscription.take(payload);
  }
  if (id_bytes != 0)
    this->connection_.send(packet(PUBACK, 0, std::string(body.substr(2 + topic.size(), 2))));
}

}  // namespace esphome::energy_swap_meter

#endif  // USE_HOST
