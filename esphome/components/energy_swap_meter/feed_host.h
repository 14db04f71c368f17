// The power feed of a simulated meter: lines "unix_time net_mw generation_mw" over TCP. Linux only.
#pragma once

#ifdef USE_HOST

#include <cstdint>
#include <optional>

#include "registers.h"
#include "tcp_connection_host.h"

namespace esphome::energy_swap_meter {

/// From `time` (Unix seconds) until the next line, `power` flows.
struct FeedLine {
  uint64_t time;
  Power power;

  /// Three integers in their bounds, parted by single blanks.
  static std::optional<FeedLine> parse(std::string_view line);
};

class Feed {
 public:
  explicit Feed(const Endpoint &endpoint) : connection_(endpoint.host, endpoint.port) {}

  /// True at the moment a new connection stands.
  bool loop(uint64_t now_ms) { return this->connection_.loop(now_ms); }
  /// The next line, if one has come. A line that is none ends the connection.
  std::optional<FeedLine> next();
  /// Tell the producer that everything up to the line of `time` is done.
  void confirm(uint64_t time) { this->connection_.send("ok " + std::to_string(time) + "\n"); }
  bool is_connected() const { return this->connection_.is_connected(); }
  int descriptor() const { return this->connection_.descriptor(); }

 private:
  TcpConnection connection_;
};

}  // namespace esphome::energy_swap_meter

#endif  // USE_HOST
