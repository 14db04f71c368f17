// The relay's rules: which command counts, and when the connection closes by itself. Formats: protocol/energy_swap_protocol/relay.py
#pragma once

#include "signing.h"

namespace esphome::energy_swap_meter {

inline constexpr size_t COMMAND_BYTES = 72;
inline constexpr size_t REPORT_BYTES = 64;

using CommandFrame = std::array<uint8_t, COMMAND_BYTES + SIGNATURE_BYTES>;
using ReportFrame = std::array<uint8_t, REPORT_BYTES + SIGNATURE_BYTES>;

// A closed relay carries power; an open one does not.
enum class Action : uint8_t { CLOSE = 1, OPEN = 2, PROTECT = 3, UNPROTECT = 4 };

/// What became of the last signed command. A forged one has no outcome: it is not answered.
enum class Outcome : uint8_t {
  NONE = 0,
  DONE = 1,
  REPLAYED = 2,      // its sequence is not above the last one's
  EXPIRED = 3,
  FROM_FUTURE = 4,
  PROTECTED = 5,     // the community protects this household from being cut off
  CLOCK_UNKNOWN = 6, // nobody can tell whether it is stale
  NOT_POSSIBLE = 7,  // no such action, or open for longer than may be
};

inline constexpr uint64_t LONGEST_OPEN_S = 2 * 86'400;
inline constexpr uint64_t CLOCK_TOLERANCE_S = 60;

/// What the relay's rules must not forget. Part of MeterState.
struct RelayRecord {
  PublicKey authority{};   // whose commands count; all zero: nobody's
  uint64_t sequence{0};    // of the last command that was considered
  uint64_t open_until{0};  // Unix seconds; the connection closes by itself then
  uint8_t is_open{0};
  uint8_t is_protected{0};
  Outcome outcome{Outcome::NONE};
  uint8_t reason{0};  // of the last switching, as the command gave it
  uint32_t reserved{0};

  bool has_authority() const { return this->authority != PublicKey{}; }
  bool is_closed() const { return this->is_open == 0; }
};

struct Command {
  uint64_t sequence;
  uint64_t issued_at;
  uint64_t expires_at;
  uint64_t open_until;
  Action action;
  uint8_t reason;
};

/// The command in `frame`, if it is for `meter` and signed by `authority`.
std::optional<Command> read_command(const CommandFrame &frame, const PublicKey &meter, const PublicKey &authority);

/// Consider a command that was signed. `now` is the time in Unix seconds, 0 while the clock is not synchronised.
Outcome consider(RelayRecord *relay, const Command &command, uint64_t now);

/// Close the connection when the time of the command that opened it has passed; true if it did. `now` may be an estimate.
bool close_when_due(RelayRecord *relay, uint64_t now);

/// What the meter says, signed, about its relay at the time `now`.
ReportFrame sign_report(const RelayRecord &relay, uint64_t now, const Signer &signer);

}  // namespace esphome::energy_swap_meter
