#include "relay.h"

#include <cstring>

namespace esphome::energy_swap_meter {

namespace {

constexpr std::string_view COMMAND_DOMAIN = "energy-swap/relay-command/1\n";
constexpr std::string_view REPORT_DOMAIN = "energy-swap/relay-report/1\n";
constexpr size_t KEY_AT = 4;
constexpr size_t SEQUENCE_AT = KEY_AT + sizeof(PublicKey);

}  // namespace

std::optional<Command> read_command(const CommandFrame &frame, const PublicKey &meter, const PublicKey &authority) {
  if (memcmp(frame.data(), "ESC1", 4) != 0 || memcmp(frame.data() + KEY_AT, meter.data(), meter.size()) != 0 ||
      authority == PublicKey{} ||
      !is_signed(authority, COMMAND_DOMAIN, frame.data(), COMMAND_BYTES, frame.data() + COMMAND_BYTES))
    return std::nullopt;
  Command command{};
  const uint8_t *from = frame.data() + SEQUENCE_AT;
  from = take(from, &command.sequence);
  from = take(from, &command.issued_at);
  from = take(from, &command.expires_at);
  from = take(from, &command.open_until);
  command.action = static_cast<Action>(from[0]);
  command.reason = from[1];
  return command;
}

Outcome consider(RelayRecord *relay, const Command &command, uint64_t now) {
  if (command.sequence <= relay->sequence)
    return Outcome::REPLAYED;  // says nothing about the command that counts, so nothing is noted
  const auto decide = [&]() {
    if (now != 0 && now >= command.expires_at)
      return Outcome::EXPIRED;
    if (now != 0 && command.issued_at > now + CLOCK_TOLERANCE_S)
      return Outcome::FROM_FUTURE;
    switch (command.action) {
      case Action::CLOSE:
        relay->is_open = 0;
        relay->open_until = 0;
        relay->reason = command.reason;
        return Outcome::DONE;
      case Action::OPEN:
        if (now == 0)
          return Outcome::CLOCK_UNKNOWN;
        if (relay->is_protected != 0)
          return Outcome::PROTECTED;
        if (command.open_until <= now || command.open_until > now + LONGEST_OPEN_S)
          return Outcome::NOT_POSSIBLE;
        relay->is_open = 1;
        relay->open_until = command.open_until;
        relay->reason = command.reason;
        return Outcome::DONE;
      case Action::PROTECT:
        relay->is_protected = 1;
        relay->is_open = 0;
        relay->open_until = 0;
        relay->reason = command.reason;
        return Outcome::DONE;
      case Action::UNPROTECT:
        relay->is_protected = 0;
        return Outcome::DONE;
    }
    return Outcome::NOT_POSSIBLE;
  };
  const Outcome outcome = decide();
  // A command of the future would make all that come before it look replayed; it is not counted yet.
  if (outcome != Outcome::FROM_FUTURE && outcome != Outcome::CLOCK_UNKNOWN)
    relay->sequence = command.sequence;
  relay->outcome = outcome;
  return outcome;
}

bool close_when_due(RelayRecord *relay, uint64_t now) {
  if (relay->is_closed() || now < relay->open_until)
    return false;
  relay->is_open = 0;
  relay->open_until = 0;
  relay->reason = 0;
  return true;
}

ReportFrame sign_report(const RelayRecord &relay, uint64_t now, const Signer &signer) {
  ReportFrame frame;
  memcpy(frame.data(), "ESS1", 4);
  memcpy(frame.data() + KEY_AT, signer.public_key().data(), sizeof(PublicKey));
  uint8_t *to = frame.data() + SEQUENCE_AT;
  to = put(to, now);
  to = put(to, relay.sequence);
  to = put(to, relay.open_until);
  *to++ = relay.is_open;
  *to++ = relay.is_protected;
  *to++ = static_cast<uint8_t>(relay.outcome);
  *to++ = relay.reason;
  signer.sign(REPORT_DOMAIN, frame.data(), REPORT_BYTES, to);
  return frame;
}

}  // namespace esphome::energy_swap_meter
