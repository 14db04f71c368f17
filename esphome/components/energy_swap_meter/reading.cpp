#include "reading.h"

#include <cstring>

namespace esphome::energy_swap_meter {

Frame sign_reading(const Reading &reading, const Signer &signer) {
  Frame frame;
  memcpy(frame.data(), "ESR1", 4);
  const PublicKey &key = signer.public_key();
  memcpy(frame.data() + 4, key.data(), key.size());
  uint8_t *to = frame.data() + 4 + key.size();
  to = put(to, reading.sequence);
  to = put(to, reading.measured_at);
  to = put(to, reading.export_wh);
  to = put(to, reading.import_wh);
  to = put(to, reading.generation_wh);
  to = put(to, reading.flags);
  signer.sign(frame.data(), SIGNED_BYTES, to);
  return frame;
}

}  // namespace esphome::energy_swap_meter
