// Tests of the meter's core, compiled on the host:  core_tests FOLDER_OF_VECTORS  or  core_tests replay < steps
#include "checks.h"
#include "counter.h"
#include "feed_host.h"
#include "meter.h"
#include "reading.h"
#include "registers.h"

using namespace esphome::energy_swap_meter;

namespace {

void every_vector_is_signed_to_the_byte(const std::string &path) {
  const auto rows =
      vector_rows(path, "name,seed_hex,sequence,measured_at,export_wh,import_wh,generation_wh,flags,frame_hex");
  for (const auto &cell : rows) {
    const Signer signer(from_hex<32>(cell.at(1)));
    const Frame frame = sign_reading({std::stoull(cell.at(2)), std::stoull(cell.at(3)), std::stoull(cell.at(4)),
                                      std::stoull(cell.at(5)), std::stoull(cell.at(6)),
                                      static_cast<uint32_t>(std::stoul(cell.at(7)))},
                                     signer);
    const bool is_same = frame == from_hex<144>(cell.at(8));
    EQUAL(is_same ? "same" : "other frame: " + cell.at(0), std::string("same"));
    EQUAL(key_to_text(signer.public_key()), cell.at(8).substr(8, 64));
  }
  EQUAL(rows.size() > 5, true);
}

void text_is_base64url_without_padding() {
  Frame frame{};
  frame[0] = 0xfb;
  frame[1] = 0xff;
  frame[2] = 0xbf;
  EQUAL(base64url(frame.data(), frame.size()).substr(0, 8), "-_-_AAAA");
  EQUAL(base64url(frame.data(), frame.size()).size(), 192u);
  for (size_t size = 0; size < 140; size++) {
    std::vector<uint8_t> bytes(size), back(size);
    for (size_t i = 0; i < size; i++)
      bytes[i] = static_cast<uint8_t>(37 * i + size);
    const std::string text = base64url(bytes.data(), size);
    EQUAL(from_base64url(text, back.data(), size), true);
    EQUAL(back == bytes, true);
    EQUAL(from_base64url(text + "A", back.data(), size), false);
  }
  uint8_t byte = 0;
  for (const char *text : {"", "A", "A!", "AB", "AA=", "AAA"})
    EQUAL(from_base64url(text, &byte, 1) ? text : "refused", std::string("refused"));
}

void registers_pass_32_bits_of_milliwatt_hours_without_a_seam() {
  Registers registers;
  registers.imported = {UINT32_MAX, MICROWATT_SECONDS_PER_MWH - 1};
  registers.add({1, 0}, 1);
  EQUAL(registers.imported.mwh, uint64_t{1} << 32);
  EQUAL(registers.imported.remainder, 0u);
  // And 32 bits of watt-hours: 4.3 GWh.
  registers.imported = {uint64_t{UINT32_MAX} * 1000 + 999, MICROWATT_SECONDS_PER_MWH - 1};
  registers.add({1, 0}, 1);
  EQUAL(registers.imported.wh(), uint64_t{1} << 32);
}

void a_day_of_the_largest_power_fits() {
  Register most{0, MICROWATT_SECONDS_PER_MWH - 1};
  most.add(MOST_MILLIWATTS, LONGEST_STEP_MS);
  EQUAL(most.wh(), uint64_t{240'000'000});
  EQUAL(most.remainder, MICROWATT_SECONDS_PER_MWH - 1);
}

void nothing_is_lost_in_a_million_small_steps() {
  Registers registers;
  for (int i = 0; i < 1'000'000; i++)
    registers.add({-7, 3}, 1);  // 7 mW and 3 mW for a millisecond each
  EQUAL(registers.exported.mwh, 1u);
  EQUAL(registers.exported.remainder, 3'400'000u);
  EQUAL(registers.generated.mwh, 0u);
  EQUAL(registers.generated.remainder, 3'000'000u);
}

void each_direction_has_its_own_register_and_neither_falls() {
  Registers registers;
  registers.add({3'600'000, 0}, 1'000'000);   // 3.6 kW in for 1000 s
  registers.add({-7'200'000, 0}, 1'000'000);  // 7.2 kW out
  registers.add({3'600'000, -5'000}, 1'000'000);
  EQUAL(registers.imported.wh(), 2000u);
  EQUAL(registers.exported.wh(), 2000u);
  EQUAL(registers.generated.wh(), 0u);
  EQUAL(registers.generated.remainder, 0u);
}

void a_reading_has_the_registers_of_its_own_minute() {
  Meter meter;
  meter.advance(0, NOON + 20'000);
  meter.set_power({-3'600'000, 7'200'000});  // 1 Wh and 2 Wh a second
  const auto readings = meter.advance(150'000, NOON + 170'000);
  EQUAL(readings.size(), 2u);
  EQUAL(readings.at(0).measured_at, NOON / 1000 + 60);
  EQUAL(readings.at(0).export_wh, 40u);
  EQUAL(readings.at(0).generation_wh, 80u);
  EQUAL(readings.at(1).measured_at, NOON / 1000 + 120);
  EQUAL(readings.at(1).export_wh, 100u);
  EQUAL(meter.state().registers.exported.wh(), 150u);
}

void a_full_minute_is_read_when_it_is_reached_and_only_once() {
  Meter meter;
  EQUAL(meter.advance(0, NOON).size(), 1u);
  EQUAL(meter.advance(0, NOON).size(), 0u);
  EQUAL(meter.advance(59'999, NOON + 59'999).size(), 0u);
  EQUAL(meter.advance(1, NOON + 60'000).size(), 1u);
  EQUAL(meter.state().sequence(), 2u);
}

void a_clock_corrected_backwards_reads_no_minute_twice() {
  Meter meter;
  meter.advance(0, NOON);
  meter.set_power({3'600'000, 0});
  EQUAL(meter.advance(5'000, NOON - 1'000).size(), 0u);
  EQUAL(meter.advance(2'000, NOON + 1'000).size(), 0u);
  EQUAL(meter.state().registers.imported.wh(), 7u);  // by elapsed time, whatever the clock does
}

void a_clock_that_was_a_year_ahead_does_not_silence_the_meter() {
  Meter meter;
  meter.advance(0, NOON + uint64_t{31'536'000'000});
  const auto readings = meter.advance(1'000, NOON);
  EQUAL(readings.size(), 1u);
  EQUAL(readings.at(0).measured_at, NOON / 1000);
  EQUAL(readings.at(0).sequence, 2u);
}

void a_clock_set_forward_makes_no_storm_of_readings() {
  Meter meter;
  meter.advance(0, NOON + 1'000);
  meter.set_power({3'600'000, 0});
  EQUAL(meter.advance(1'000, NOON + 3'600'500).size(), 1u);
  EQUAL(meter.state().registers.imported.wh(), 1u);
}

void energy_counts_before_the_time_is_known() {
  Meter meter;
  meter.set_power({3'600'000, 0});
  meter.count(10'000);
  EQUAL(meter.advance(5'000, NOON).at(0).import_wh, 15u);
}

void a_step_of_more_than_a_day_counts_nothing() {
  Meter meter;
  meter.set_power({3'600'000, 0});
  meter.advance(0, NOON);
  const auto readings = meter.advance(LONGEST_STEP_MS + 60'000, NOON + LONGEST_STEP_MS + 60'000);
  EQUAL(readings.size(), 1u);
  EQUAL(meter.state().registers.imported.wh(), 0u);
}

void flags_are_told_once() {
  Meter meter;
  meter.set_power({MOST_MILLIWATTS + 1, 0});
  EQUAL(meter.state().power.net_mw, 0);
  const auto readings = meter.advance(60'000, NOON + 60'000);
  EQUAL(readings.at(0).flags, uint32_t{REGISTER_EPOCH_STARTED | SENSOR_FAULT});
  EQUAL(readings.at(1).flags, 0u);
  meter.set_flag(CLOCK_NOT_SYNCHRONISED, true);
  meter.set_flag(CLOCK_NOT_SYNCHRONISED, false);
  EQUAL(meter.state().flags, 0u);
}

void noise_around_zero_is_parted_by_direction_and_averages_out() {
  Meter meter;
  meter.advance(0, NOON);
  uint64_t luck = 42, imported = 0, exported = 0;
  for (int second = 1; second <= 86'400; second++) {
    luck = luck * 6364136223846793005u + 1442695040888963407u;
    const auto noise = static_cast<int64_t>(luck >> 33) % 2001 - 1000;  // within 1 W
    meter.set_power({noise, 0});
    meter.advance(1000, NOON + 1000 * second);
    (noise < 0 ? exported : imported) += 1000 * std::abs(noise);
  }
  const Registers &registers = meter.state().registers;
  EQUAL(registers.imported.mwh * MICROWATT_SECONDS_PER_MWH + registers.imported.remainder, imported);
  EQUAL(registers.exported.mwh * MICROWATT_SECONDS_PER_MWH + registers.exported.remainder, exported);
  EQUAL(meter.state().sequence(), 1441u);
}

void a_counter_that_keeps_its_value_counts_what_flowed_while_the_meter_was_off() {
  Meter meter;
  const auto take = [&meter](uint64_t value) {
    meter.count(Direction::IMPORT, 0, CounterKind::KEEPS, value * MICROWATT_SECONDS_PER_WH, 5000 * MICROWATT_SECONDS_PER_WH);
    return meter.state().registers.imported.wh();
  };
  EQUAL(take(123'456), 0u);  // what it showed before it was ours is not ours
  EQUAL(take(123'466), 10u);
  Meter after(meter.state());
  meter = after;
  EQUAL(take(123'566), 110u);
  EQUAL(meter.state().flags, uint32_t{REGISTER_EPOCH_STARTED});
  EQUAL(take(5), 110u);  // somebody reset it
  EQUAL(meter.state().flags, uint32_t{REGISTER_EPOCH_STARTED | TAMPER});
  EQUAL(take(7), 112u);
  EQUAL(take(5008), 112u);  // nothing flows that fast
  EQUAL(meter.state().flags, uint32_t{REGISTER_EPOCH_STARTED | TAMPER | SENSOR_FAULT});
  EQUAL(take(5009), 113u);
}

void a_counter_that_starts_at_zero_counts_on_after_every_start() {
  Counter counter;
  const auto take = [&counter](uint64_t value) {
    return take_counter(&counter, CounterKind::STARTS_AT_ZERO, value, 1000).microwatt_seconds;
  };
  EQUAL(take(7), 7u);
  EQUAL(take(7), 0u);
  EQUAL(take(10), 3u);
  EQUAL(take(4), 4u);  // the chip started again
  counter = {};
  EQUAL(take(2), 2u);
}

void missing_samples_count_nothing_and_say_so() {
  Meter meter;
  meter.advance(0, NOON);
  meter.set_power({3'600'000, 0});
  meter.advance(10'000, NOON + 10'000);
  meter.forget_power();
  meter.set_flag(SENSOR_FAULT, true);
  const auto readings = meter.advance(110'000, NOON + 120'000);
  EQUAL(readings.at(0).import_wh, 10u);
  EQUAL(readings.at(0).flags, uint32_t{SENSOR_FAULT});
  EQUAL(readings.at(1).import_wh, 10u);
}

void a_feed_line_is_three_integers() {
  const auto line = FeedLine::parse("1795176000 -1500000 2500000");
  EQUAL(line.has_value(), true);
  EQUAL(line->time, 1'795'176'000u);
  EQUAL(line->power.net_mw, -1'500'000);
  EQUAL(line->power.generation_mw, 2'500'000);
  for (const char *text : {"", "1", "1 2", "1 2 3 4", "1 2 3 ", " 1 2 3", "1  2 3", "1 2 3\r", "0 1 1", "-1 1 1",
                           "1 1.5 1", "1 10000000001 1", "1 1 99999999999999999999", "253402300800 1 1", "a b c"})
    EQUAL(FeedLine::parse(text) ? text : "refused", std::string("refused"));
}

void an_endpoint_is_host_and_port_with_or_without_login() {
  Endpoint endpoint;
  EQUAL(endpoint.parse("127.0.0.1:1883"), true);
  EQUAL(endpoint.host, "127.0.0.1");
  EQUAL(endpoint.port, 1883);
  EQUAL(endpoint.username, "");
  EQUAL(endpoint.parse("meter:s@c:ret@broker.local:8883"), true);
  EQUAL(endpoint.username, "meter");
  EQUAL(endpoint.password, "s@c:ret");
  EQUAL(endpoint.host, "broker.local");
  for (const char *text : {"", "host", ":1", "host:", "host:0", "host:65536", "host:1x"})
    EQUAL(endpoint.parse(text) ? text : "refused", std::string("refused"));
}

/// Print the readings of steps "elapsed_ms now_ms net_mw generation_mw": advance, then set the power.
void replay() {
  Meter meter;
  uint64_t elapsed = 0, now = 0;
  for (Power power; std::cin >> elapsed >> now >> power.net_mw >> power.generation_mw; meter.set_power(power)) {
    for (const Reading &reading : meter.advance(elapsed, now))
      std::cout << reading.sequence << " " << reading.measured_at << " " << reading.export_wh << " "
                << reading.import_wh << " " << reading.generation_wh << "\n";
  }
}

}  // namespace

int main(int count, char **arguments) {
  const std::string what = count > 1 ? arguments[1] : "";
  if (what == "replay") {
    replay();
    return 0;
  }
  every_vector_is_signed_to_the_byte(what + "/readings.csv");
  text_is_base64url_without_padding();
  registers_pass_32_bits_of_milliwatt_hours_without_a_seam();
  a_day_of_the_largest_power_fits();
  nothing_is_lost_in_a_million_small_steps();
  each_direction_has_its_own_register_and_neither_falls();
  a_reading_has_the_registers_of_its_own_minute();
  a_full_minute_is_read_when_it_is_reached_and_only_once();
  a_clock_corrected_backwards_reads_no_minute_twice();
  a_clock_that_was_a_year_ahead_does_not_silence_the_meter();
  a_clock_set_forward_makes_no_storm_of_readings();
  energy_counts_before_the_time_is_known();
  a_step_of_more_than_a_day_counts_nothing();
  flags_are_told_once();
  noise_around_zero_is_parted_by_direction_and_averages_out();
  a_counter_that_keeps_its_value_counts_what_flowed_while_the_meter_was_off();
  a_counter_that_starts_at_zero_counts_on_after_every_start();
  missing_samples_count_nothing_and_say_so();
  a_feed_line_is_three_integers();
  an_endpoint_is_host_and_port_with_or_without_login();
  test_memory();
  test_relay(what + "/relay.csv");
  return failures == 0 ? 0 : 1;
}
