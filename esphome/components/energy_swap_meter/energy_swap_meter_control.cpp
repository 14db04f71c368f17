// How the meter is claimed, how it obeys relay commands, and what a display shows.
#include "energy_swap_meter.h"

#include <sodium.h>
#include <sys/time.h>

#include "esphome/core/hal.h"
#include "esphome/core/helpers.h"
#include "esphome/core/log.h"

namespace esphome::energy_swap_meter {

namespace {

constexpr const char *TAG = "energy_swap_meter";

template<size_t N> bool decode(const std::string &text, std::array<uint8_t, N> *bytes) {
  return from_base64url(text, bytes->data(), bytes->size());
}

}  // namespace

void EnergySwapMeter::start_control_() {
  this->started_at_ = millis_64();
  this->counted_to_at_start_ = this->meter_.state().counted_to;
  if (this->is_always_protected_) {
    this->meter_.relay().is_protected = 1;
    this->meter_.relay().is_open = 0;
  }
  if (this->is_claimed()) {
    if (this->claim_code_sensor_ != nullptr)
      this->claim_code_sensor_->publish_state("");
  } else {
    this->new_claim_code_();
  }
  // As it was before the restart: cutting the meter's own power wins nobody anything, nor loses.
  this->drive_relay_();
  this->publisher_->subscribe(this->topic_ + "/claim", [this](const std::string &text) { this->take_claim_(text); });
  if (this->relay_ != nullptr) {
    this->publisher_->subscribe(this->topic_ + "/relay/set",
                                [this](const std::string &text) { this->take_command_(text); });
  }
  this->publisher_->subscribe(this->topic_ + "/display",
                              [this](const std::string &text) { this->take_display_(text); });
}

void EnergySwapMeter::run_control_() {
  const bool is_publishing = this->is_publishing();
  if (is_publishing && !this->was_publishing_) {
    this->publish_enrolment_();
    this->publish_relay_();
  }
  this->was_publishing_ = is_publishing;
  if (close_when_due(&this->meter_.relay(), this->estimated_time_())) {
    ESP_LOGI(TAG, "Nobody has renewed the command that opened the connection, so it closes");
    this->drive_relay_();
    if (this->save_())
      this->publish_relay_();
  }
}

uint64_t EnergySwapMeter::synchronised_time_() const {
#ifdef USE_HOST
  if (this->feed_ != nullptr)
    return this->meter_.state().counted_to / 1000;
#endif
  if (!this->is_clock_synchronised_)
    return 0;
  timeval now{};
  gettimeofday(&now, nullptr);
  return now.tv_sec;
}

uint64_t EnergySwapMeter::estimated_time_() const {
  // Without a clock: the last time that is known, and what has passed since the start.
  const uint64_t known = this->synchronised_time_();
  return known != 0 ? known : (this->counted_to_at_start_ + millis_64() - this->started_at_) / 1000;
}

void EnergySwapMeter::new_claim_code_() {
  uint64_t luck = 0;
  if (!random_bytes(reinterpret_cast<uint8_t *>(&luck), sizeof(luck)))
    return;
  this->claim_code_ = energy_swap_meter::claim_code(luck);
  this->claim_attempts_ = 0;
  if (this->claim_code_sensor_ != nullptr)
    this->claim_code_sensor_->publish_state(this->claim_code_);
}

void EnergySwapMeter::take_claim_(const std::string &text) {
  if (this->is_claimed() || this->claim_code_.empty())
    return;
  ClaimFrame frame;
  const auto authority = decode(text, &frame) ? read_claim(frame, this->signer_->public_key(), this->claim_code_)
                                              : std::nullopt;
  if (!authority) {
    ESP_LOGW(TAG, "A claim was not made with this meter's code");
    if (++this->claim_attempts_ >= CLAIM_ATTEMPTS)
      this->new_claim_code_();
    return;
  }
  RelayRecord &relay = this->meter_.relay();
  relay = {.authority = *authority, .is_protected = relay.is_protected};
  if (!this->save_()) {
    relay.authority = {};
    return;
  }
  this->claim_code_.clear();
  if (this->claim_code_sensor_ != nullptr)
    this->claim_code_sensor_->publish_state("");
  ESP_LOGI(TAG, "Claimed by %s", key_to_text(*authority).c_str());
  this->publish_enrolment_();
  this->publish_relay_();
}

void EnergySwapMeter::release_claim() {
  if (!this->is_claimed())
    return;
  this->meter_.relay() = {.is_protected = static_cast<uint8_t>(this->is_always_protected_)};
  this->meter_.set_flag(TAMPER, true);
  this->drive_relay_();
  this->save_();
  this->new_claim_code_();
  this->publish_enrolment_();
  this->publish_relay_();
}

void EnergySwapMeter::take_command_(const std::string &text) {
  CommandFrame frame;
  const auto command = decode(text, &frame) ? read_command(frame, this->signer_->public_key(),
                                                           this->meter_.state().relay.authority)
                                            : std::nullopt;
  if (!command) {
    ESP_LOGW(TAG, "A relay command is not for this meter, or not signed by who claimed it");
    return;
  }
  const RelayRecord before = this->meter_.state().relay;
  RelayRecord &relay = this->meter_.relay();
  consider(&relay, *command, this->synchronised_time_());
  if (this->is_always_protected_)
    relay.is_protected = 1;
  // Remembered before it is done: else a cut in between would let the same command be given again.
  if (relay.sequence != before.sequence && !this->save_()) {
    relay = before;
    return;
  }
  this->drive_relay_();
  this->publish_relay_();
}

void EnergySwapMeter::drive_relay_() {
  const bool is_closed = this->meter_.state().relay.is_closed();
  // Energised is open, so that a meter without power or firmware leaves the household connected.
  if (this->relay_ != nullptr)
    this->relay_->set_state(!is_closed);
  if (this->connected_sensor_ != nullptr)
    this->connected_sensor_->publish_state(is_closed);
}

void EnergySwapMeter::publish_enrolment_() {
  const RelayRecord &relay = this->meter_.state().relay;
  const std::string authority = relay.has_authority() ? "\"" + key_to_text(relay.authority) + "\"" : "null";
  this->publisher_->send(this->topic_ + "/enrolment",
                         "{\"meter\":\"" + this->public_key_ + "\",\"authority\":" + authority + "}", true);
}

void EnergySwapMeter::publish_relay_() {
  if (this->relay_ == nullptr)
    return;  // nothing to switch, nothing to say
  const ReportFrame report = sign_report(this->meter_.state().relay, this->synchronised_time_(), *this->signer_);
  this->publisher_->send(this->topic_ + "/relay/state", base64url(report.data(), report.size()), true);
}

void EnergySwapMeter::take_display_(const std::string &text) {
  size_t begin = 0;
  for (text_sensor::TextSensor *sensor : this->display_sensors_) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    if (sensor != nullptr)
      sensor->publish_state(text.substr(begin, end - begin));
    begin = std::min(end + 1, text.size());
  }
}

}  // namespace esphome::energy_swap_meter
