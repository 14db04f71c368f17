// The claim: who holds the one-time code that the meter shows may name the key whose relay commands it obeys.
#pragma once

#include "signing.h"

namespace esphome::energy_swap_meter {

inline constexpr size_t PROOF_BYTES = 32;
inline constexpr int CLAIM_ATTEMPTS = 5;

/// The authority's key, then the proof: HMAC-SHA256 by the code over domain, meter key and authority key.
using ClaimFrame = std::array<uint8_t, sizeof(PublicKey) + PROOF_BYTES>;

/// Eight digits out of `luck`.
std::string claim_code(uint64_t luck);

/// The authority that `frame` names, if its proof is made with `code` for `meter`.
std::optional<PublicKey> read_claim(const ClaimFrame &frame, const PublicKey &meter, const std::string &code);

}  // namespace esphome::energy_swap_meter
