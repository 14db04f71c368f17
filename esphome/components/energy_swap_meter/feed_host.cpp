#ifdef USE_HOST

#include "feed_host.h"

#include <charconv>

namespace esphome::energy_swap_meter {

namespace {

constexpr int64_t LATEST_TIME = 253'402'300'799;  // the year 9999
constexpr size_t LONGEST_LINE = 80;

/// Take an integer within the bounds, and the `end` after it, from the front of `line`.
std::optional<int64_t> take(std::string_view &line, int64_t least, int64_t most, std::string_view end) {
  int64_t value = 0;
  const auto [rest, error] = std::from_chars(line.data(), line.data() + line.size(), value);
  if (error != std::errc() || value < least || value > most)
    return std::nullopt;
  line.remove_prefix(rest - line.data());
  if (!line.starts_with(end))
    return std::nullopt;
  line.remove_prefix(end.size());
  return value;
}

}  // namespace

std::optional<FeedLine> FeedLine::parse(std::string_view line) {
  const auto time = take(line, 1, LATEST_TIME, " ");
  if (!time)
    return std::nullopt;
  const auto net = take(line, -MOST_MILLIWATTS, MOST_MILLIWATTS, " ");
  if (!net)
    return std::nullopt;
  const auto generation = take(line, -MOST_MILLIWATTS, MOST_MILLIWATTS, "");
  if (!generation || !line.empty())
    return std::nullopt;
  return FeedLine{static_cast<uint64_t>(*time), {*net, *generation}};
}

std::optional<FeedLine> Feed::next() {
  std::string &received = this->connection_.received();
  const size_t end = received.find('\n');
  if (end == std::string::npos && received.size() <= LONGEST_LINE)
    return std::nullopt;
  const auto line = end == std::string::npos ? std::nullopt : FeedLine::parse({received.data(), end});
  if (line) {
    received.erase(0, end + 1);
  } else {
    this->connection_.close();
  }
  return line;
}

}  // namespace esphome::energy_swap_meter

#endif  // USE_HOST
