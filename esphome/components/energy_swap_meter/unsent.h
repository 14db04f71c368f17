// The readings that the edge has not acknowledged: sent again until it has, the period ends of a week kept for sure.
#pragma once

#include <deque>
#include <string_view>

#include "reading.h"

namespace esphome::energy_swap_meter {

// Readings of a full quarter of an hour end a period, whatever the community's periods are (15, 30 or 60 minutes).
inline constexpr uint64_t PERIOD_END_S = 900;
inline constexpr size_t MOST_PERIOD_ENDS = 704;  // a week has 672
inline constexpr size_t MOST_MINUTES = 120;      // of the others, in memory only
inline constexpr uint64_t RESEND_MS = 300'000;   // while nobody acknowledges
inline constexpr uint64_t IMPATIENT_MS = 5'000;  // while the edge acknowledges others
inline constexpr size_t RESEND_AT_ONCE = 32;

inline bool ends_period(const Reading &reading) { return reading.measured_at % PERIOD_END_S == 0; }

class Unsent {
 public:
  /// Keep `reading`, which is later than all others; what is too much goes, plain minutes first.
  void add(const Reading &reading);
  /// Forget what `text` acknowledges: sequences and ranges, "7 9-12". False if it says something else. What
  /// was sent before and is not among them is due again soon.
  bool acknowledge(std::string_view text, uint64_t now_ms);
  /// The oldest reading that is to be sent now, if any. `sent` says that it was handed on.
  const Reading *due(uint64_t now_ms);
  void sent(uint64_t sequence, uint64_t now_ms);
  /// The broker has it.
  void delivered(uint64_t sequence);
  /// Whether the broker has every kept reading up to `sequence`.
  bool has_delivered(uint64_t sequence) const;
  /// How many the broker does not have yet.
  size_t undelivered() const;
  /// Every reading up to this one is acknowledged or was let go; `last` is the sequence of the newest there is.
  uint64_t done_to(uint64_t last) const { return this->readings_.empty() ? last : this->readings_.front().reading.sequence - 1; }
  size_t size() const { return this->readings_.size(); }
  bool empty() const { return this->readings_.empty(); }
  const Reading &operator[](size_t i) const { return this->readings_[i].reading; }

 private:
  struct Waiting {
    Reading reading;
    uint64_t sent_ms{0};
    uint64_t due_ms{0};
    bool is_sent{false};
    bool is_missed{false};
    bool is_delivered{false};
  };
  Waiting *find_(uint64_t sequence);
  void let_go_(bool is_period_end);

  std::deque<Waiting> readings_;
  size_t period_ends_{0};
};

}  // namespace esphome::energy_swap_meter
