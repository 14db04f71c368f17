#include "unsent.h"

#include <algorithm>
#include <charconv>

namespace esphome::energy_swap_meter {

namespace {

/// Take a number from the front of `text`.
bool take_number(std::string_view *text, uint64_t *value) {
  const auto [rest, error] = std::from_chars(text->data(), text->data() + text->size(), *value);
  if (error != std::errc())
    return false;
  text->remove_prefix(rest - text->data());
  return true;
}

}  // namespace

void Unsent::add(const Reading &reading) {
  this->readings_.push_back({.reading = reading});
  this->period_ends_ += ends_period(reading);
  if (this->period_ends_ > MOST_PERIOD_ENDS)
    this->let_go_(true);
  if (this->readings_.size() - this->period_ends_ > MOST_MINUTES)
    this->let_go_(false);
}

void Unsent::let_go_(bool is_period_end) {
  const auto oldest = std::find_if(this->readings_.begin(), this->readings_.end(), [&](const Waiting &waiting) {
    return ends_period(waiting.reading) == is_period_end;
  });
  if (oldest == this->readings_.end())
    return;
  this->period_ends_ -= is_period_end;
  this->readings_.erase(oldest);
}

bool Unsent::acknowledge(std::string_view text, uint64_t now_ms) {
  std::deque<std::pair<uint64_t, uint64_t>> ranges;
  while (true) {
    uint64_t first = 0, last = 0;
    if (!take_number(&text, &first))
      return false;
    last = first;
    if (text.starts_with('-')) {
      text.remove_prefix(1);
      if (!take_number(&text, &last) || last < first)
        return false;
    }
    ranges.emplace_back(first, last);
    if (text.empty())
      break;
    if (!text.starts_with(' '))
      return false;
    text.remove_prefix(1);
  }
  std::deque<Waiting> kept;
  for (Waiting &waiting : this->readings_) {
    const uint64_t sequence = waiting.reading.sequence;
    if (std::ranges::any_of(ranges, [&](const auto &range) { return sequence >= range.first && sequence <= range.second; })) {
      this->period_ends_ -= ends_period(waiting.reading);
      continue;
    }
    // The edge is there: what it does not have by now did not get through.
    if (waiting.is_sent) {
      waiting.is_missed = true;
      waiting.due_ms = std::min(waiting.due_ms, std::max(now_ms, waiting.sent_ms + IMPATIENT_MS));
    }
    kept.push_back(waiting);
  }
  this->readings_.swap(kept);
  return true;
}

const Reading *Unsent::due(uint64_t now_ms) {
  size_t looked_at = 0;
  for (const Waiting &waiting : this->readings_) {
    // While nobody answers only the oldest are sent again: they are enough to find out when somebody does.
    const bool is_repeatable = waiting.is_missed || looked_at++ < RESEND_AT_ONCE;
    if (!waiting.is_sent || (is_repeatable && now_ms >= waiting.due_ms))
      return &waiting.reading;
  }
  return nullptr;
}

Unsent::Waiting *Unsent::find_(uint64_t sequence) {
  const auto found = std::lower_bound(
      this->readings_.begin(), this->readings_.end(), sequence,
      [](const Waiting &waiting, uint64_t wanted) { return waiting.reading.sequence < wanted; });
  return found == this->readings_.end() || found->reading.sequence != sequence ? nullptr : &*found;
}

void Unsent::sent(uint64_t sequence, uint64_t now_ms) {
  if (Waiting *waiting = this->find_(sequence)) {
    waiting->is_sent = true;
    waiting->is_missed = false;
    waiting->sent_ms = now_ms;
    waiting->due_ms = now_ms + RESEND_MS;
  }
}

void Unsent::delivered(uint64_t sequence) {
  if (Waiting *waiting = this->find_(sequence))
    waiting->is_delivered = true;
}

size_t Unsent::undelivered() const {
  return std::ranges::count_if(this->readings_, [](const Waiting &waiting) { return !waiting.is_delivered; });
}

bool Unsent::has_delivered(uint64_t sequence) const {
  return std::ranges::none_of(this->readings_, [&](const Waiting &waiting) {
    return waiting.reading.sequence <= sequence && !waiting.is_delivered;
  });
}

}  // namespace esphome::energy_swap_meter
