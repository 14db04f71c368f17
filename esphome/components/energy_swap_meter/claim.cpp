#include "claim.h"

#include <cstring>

#include <sodium.h>

namespace esphome::energy_swap_meter {

namespace {

constexpr std::string_view DOMAIN_WORDS = "energy-swap/claim/1\n";

const uint8_t *octets(std::string_view text) { return reinterpret_cast<const uint8_t *>(text.data()); }

}  // namespace

std::string claim_code(uint64_t luck) {
  std::string code(8, '0');
  for (char &digit : code) {
    digit = static_cast<char>('0' + luck % 10);
    luck /= 10;
  }
  return code;
}

std::optional<PublicKey> read_claim(const ClaimFrame &frame, const PublicKey &meter, const std::string &code) {
  PublicKey authority;
  memcpy(authority.data(), frame.data(), authority.size());
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, octets(code), code.size());
  crypto_auth_hmacsha256_update(&state, octets(DOMAIN_WORDS), DOMAIN_WORDS.size());
  crypto_auth_hmacsha256_update(&state, meter.data(), meter.size());
  crypto_auth_hmacsha256_update(&state, authority.data(), authority.size());
  uint8_t proof[PROOF_BYTES];
  static_assert(sizeof(proof) == crypto_auth_hmacsha256_BYTES);
  crypto_auth_hmacsha256_final(&state, proof);
  if (authority == PublicKey{} || sodium_memcmp(proof, frame.data() + authority.size(), sizeof(proof)) != 0)
    return std::nullopt;
  return authority;
}

}  // namespace esphome::energy_swap_meter
