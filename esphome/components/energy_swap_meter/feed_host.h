// The power feed of a simulated meter: lines "unix_time net_mw generation_mw" over TCP or from a file. Linux only.
#pragma once

#ifdef USE_HOST

#include <cstdint>
#include <fstream>
#include <optional>
#include <string>

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
  explicit Feed(const Endpoint &endpoint) : connection_(std::in_place, endpoint.host, endpoint.port) {}
  /// A file that is read once, as fast as it can be.
  explicit Feed(const std::string &path) : file_(path) {}

  /// True at the moment a new connection stands.
  bool loop(uint64_t now_ms);
  /// The next line, if one has come. A line that is none ends the connection.
  std::optional<FeedLine> next();
  /// The producer began with "live": time passes without the meter, as it does for one at a wall, and a line is
  /// confirmed when it is taken.
  bool is_live() const { return this->is_live_; }
  /// Tell the producer that everything up to the line of `time` is done.
  void confirm(uint64_t time);
  /// For select(); -1 while there is none.
  int descriptor() const { return this->connection_ ? this->connection_->descriptor() : -1; }

 private:
  std::optional<FeedLine> next_of_file_();

  std::optional<TcpConnection> connection_;
  std::ifstream file_;
  bool is_live_{false};
};

}  // namespace esphome::energy_swap_meter

#endif  // USE_HOST
