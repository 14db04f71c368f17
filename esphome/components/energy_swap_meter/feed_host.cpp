#ifdef USE_HOST

#include "feed_host.h"

#include <algorithm>
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

std::optional<FeedLine> Feed::next_of_file_() {
  std::string line;
  if (!std::getline(this->file_, line))
    return std::nullopt;
  const auto parsed = FeedLine::parse(line);
  if (!parsed)
    this->file_.setstate(std::ios::failbit);
  return parsed;
}

bool Feed::loop(uint64_t now_ms) {
  const bool is_new = this->connection_ && this->connection_->loop(now_ms);
  if (is_new)
    this->is_live_ = false;
  return is_new;
}

std::optional<FeedLine> Feed::next() {
  if (!this->connection_)
    return this->next_of_file_();
  std::string &received = this->connection_->received();
  while (true) {
    const size_t end = received.find('\n');
    if (end == std::string::npos && received.size() <= LONGEST_LINE)
      return std::nullopt;
    const std::string line = received.substr(0, std::min(end, LONGEST_LINE + 1));
    const auto parsed = FeedLine::parse(line);
    if (!parsed && line != "live") {
      received.clear();
      this->connection_->close();
      return std::nullopt;
    }
    received.erase(0, end + 1);
    if (parsed)
      return parsed;
    this->is_live_ = true;
  }
}

void Feed::confirm(uint64_t time) {
  if (this->connection_)
    this->connection_->send("ok " + std::to_string(time) + "\n");
}

}  // namespace esphome::energy_swap_meter

#endif  // USE_HOST
