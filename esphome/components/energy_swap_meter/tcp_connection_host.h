// A TCP client connection that never blocks and comes back by itself. Linux only.
#pragma once

#ifdef USE_HOST

#include <cstdint>
#include <string>
#include <string_view>

namespace esphome::energy_swap_meter {

struct Endpoint {
  std::string host;
  uint16_t port{0};
  std::string username;
  std::string password;

  /// Read `[user[:password]@]host:port` into this; false if it is something else.
  bool parse(std::string_view text);
};

class TcpConnection {
 public:
  TcpConnection(std::string host, uint16_t port) : host_(std::move(host)), port_(port) {}
  ~TcpConnection() { this->close(); }
  TcpConnection(const TcpConnection &) = delete;
  TcpConnection &operator=(const TcpConnection &) = delete;

  /// Connect if need be, receive and send what can be. True at the moment a new connection stands.
  bool loop(uint64_t now_ms);
  void send(std::string_view bytes);
  /// Close; `loop` connects again, at most once a second.
  void close();
  bool is_connected() const { return this->is_connected_; }
  /// What came and was not taken yet: the owner removes what it has understood.
  std::string &received() { return this->received_; }
  /// For select(); -1 while closed.
  int descriptor() const { return this->descriptor_; }

 private:
  void open_();
  bool has_opened_();
  void receive_();
  void flush_();

  std::string host_;
  uint16_t port_;
  int descriptor_{-1};
  bool is_connected_{false};
  uint64_t next_attempt_ms_{0};
  std::string received_;
  std::string to_send_;
};

}  // namespace esphome::energy_swap_meter

#endif  // USE_HOST
