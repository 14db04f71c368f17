// Which relay commands the meter obeys, and who may name the key that gives them.
#include "checks.h"
#include "claim.h"
#include "relay.h"

using namespace esphome::energy_swap_meter;

namespace {

constexpr uint64_t T = 1'795'174'200;
constexpr uint64_t DAY = 86'400;

Seed seed(uint8_t first) {
  Seed bytes;
  for (size_t i = 0; i < bytes.size(); i++)
    bytes[i] = static_cast<uint8_t>(first + i);
  return bytes;
}

std::string outcome(RelayRecord *relay, const Command &command, uint64_t now) {
  static const char *const NAMES[] = {"none",        "done",      "replayed",      "expired",
                                      "from future", "protected", "clock unknown", "not possible"};
  return NAMES[static_cast<int>(consider(relay, command, now))];
}

Command open_command(uint64_t sequence, uint64_t at = T) { return {sequence, at, at + 900, at + DAY, Action::OPEN, 1}; }
Command command(Action action, uint64_t sequence, uint64_t at = T) { return {sequence, at, at + 900, 0, action, 0}; }

void vectors_are_read_and_written_to_the_byte(const std::string &path) {
  const Signer meter(seed(0)), authority(seed(100));
  const auto rows = vector_rows(
      path, "kind,name,sequence,first,second,third,action_or_open,reason_or_protected,outcome,last_reason,frame_hex");
  size_t commands = 0, reports = 0, claims = 0;
  for (const auto &cell : rows) {
    const auto number = [&cell](int column) { return std::stoull(cell.at(column)); };
    if (cell[0] == "command") {
      commands++;
      const auto read = read_command(from_hex<136>(cell[10]), meter.public_key(), authority.public_key());
      EQUAL(read.has_value(), true);
      EQUAL(read->sequence, number(2));
      EQUAL(read->issued_at, number(3));
      EQUAL(read->expires_at, number(4));
      EQUAL(read->open_until, number(5));
      EQUAL(static_cast<uint64_t>(read->action), number(6));
      EQUAL(uint64_t{read->reason}, number(7));
    } else if (cell[0] == "report") {
      reports++;
      const RelayRecord relay{.sequence = number(2),
                              .open_until = number(4),
                              .is_open = static_cast<uint8_t>(number(6)),
                              .is_protected = static_cast<uint8_t>(number(7)),
                              .outcome = static_cast<Outcome>(number(8)),
                              .reason = static_cast<uint8_t>(number(9))};
      EQUAL(sign_report(relay, number(3), meter) == from_hex<128>(cell[10]), true);
    } else {
      claims++;
      const auto named = read_claim(from_hex<64>(cell[10]), meter.public_key(), "20481632");
      EQUAL(named == authority.public_key(), true);
    }
  }
  EQUAL(commands >= 4 && reports >= 3 && claims == 1, true);
}

void a_forged_command_is_none(const std::string &path) {
  const Signer meter(seed(0)), authority(seed(100)), stranger(seed(50));
  const auto row = vector_rows(path, "kind,name,sequence,first,second,third,action_or_open,reason_or_protected,"
                                     "outcome,last_reason,frame_hex")
                       .at(0);
  const auto frame = from_hex<136>(row.at(10));
  EQUAL(read_command(frame, meter.public_key(), stranger.public_key()).has_value(), false);
  EQUAL(read_command(frame, stranger.public_key(), authority.public_key()).has_value(), false);
  EQUAL(read_command(frame, meter.public_key(), PublicKey{}).has_value(), false);  // nobody has claimed it
  for (size_t bit = 0; bit < frame.size() * 8; bit++) {
    auto changed = frame;
    changed[bit / 8] ^= 1 << bit % 8;
    EQUAL(read_command(changed, meter.public_key(), authority.public_key()).has_value(), false);
  }
}

void a_command_counts_once_and_in_order() {
  RelayRecord relay;
  EQUAL(outcome(&relay, open_command(5), T), "done");
  EQUAL(relay.is_closed(), false);
  EQUAL(outcome(&relay, command(Action::CLOSE, 6), T), "done");
  EQUAL(relay.is_closed(), true);
  for (uint64_t old : {0, 4, 5, 6})
    EQUAL(outcome(&relay, open_command(old), T + 10), "replayed");
  EQUAL(relay.is_closed(), true);
  EQUAL(relay.sequence, 6u);
}

void a_stale_command_opens_nothing() {
  RelayRecord relay;
  EQUAL(outcome(&relay, open_command(1), T + 900), "expired");
  EQUAL(outcome(&relay, open_command(2, T + 61), T), "from future");
  EQUAL(relay.sequence, 1u);  // it may still come true
  EQUAL(outcome(&relay, open_command(2), 0), "clock unknown");
  EQUAL(relay.is_closed(), true);
  EQUAL(outcome(&relay, open_command(2, T + 61), T + 61), "done");
  // Closing leaves nobody in the dark: it needs no clock.
  EQUAL(outcome(&relay, command(Action::CLOSE, 3), 0), "done");
}

void a_protected_household_is_never_cut_off() {
  RelayRecord relay;
  consider(&relay, open_command(1), T);
  EQUAL(outcome(&relay, command(Action::PROTECT, 2), T), "done");
  EQUAL(relay.is_closed(), true);
  EQUAL(outcome(&relay, open_command(3), T), "protected");
  EQUAL(relay.is_closed(), true);
  EQUAL(outcome(&relay, command(Action::UNPROTECT, 4), T), "done");
  EQUAL(relay.is_closed(), true);
  EQUAL(outcome(&relay, open_command(5), T), "done");
}

void a_hub_that_is_gone_leaves_nobody_in_the_dark() {
  RelayRecord relay;
  consider(&relay, open_command(1), T);
  EQUAL(close_when_due(&relay, T + DAY - 1), false);
  EQUAL(relay.is_closed(), false);
  EQUAL(close_when_due(&relay, T + DAY), true);
  EQUAL(relay.is_closed(), true);
  EQUAL(close_when_due(&relay, T + DAY), false);
  Command longer = open_command(2);
  longer.open_until = T + LONGEST_OPEN_S + 1;
  EQUAL(outcome(&relay, longer, T), "not possible");
  Command over = open_command(3);
  over.open_until = T;
  EQUAL(outcome(&relay, over, T), "not possible");
  EQUAL(outcome(&relay, command(static_cast<Action>(9), 4), T), "not possible");
  EQUAL(relay.is_closed(), true);
}

void a_claim_needs_the_code_of_this_meter(const std::string &path) {
  const Signer meter(seed(0)), other(seed(1));
  ClaimFrame claim = from_hex<64>(
      vector_rows(path, "kind,name,sequence,first,second,third,action_or_open,reason_or_protected,outcome,last_reason,"
                        "frame_hex")
          .back()
          .at(10));
  EQUAL(read_claim(claim, meter.public_key(), "20481633").has_value(), false);
  EQUAL(read_claim(claim, meter.public_key(), "").has_value(), false);
  EQUAL(read_claim(claim, other.public_key(), "20481632").has_value(), false);
  claim[0] ^= 1;
  EQUAL(read_claim(claim, meter.public_key(), "20481632").has_value(), false);
  EQUAL(claim_code(1234567890123), "32109876");
  EQUAL(claim_code(0), "00000000");
}

}  // namespace

void test_relay(const std::string &vectors) {
  vectors_are_read_and_written_to_the_byte(vectors);
  a_forged_command_is_none(vectors);
  a_command_counts_once_and_in_order();
  a_stale_command_opens_nothing();
  a_protected_household_is_never_cut_off();
  a_hub_that_is_gone_leaves_nobody_in_the_dark();
  a_claim_needs_the_code_of_this_meter(vectors);
}
