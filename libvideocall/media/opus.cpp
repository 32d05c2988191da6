// SPDX-License-Identifier: MIT
#include "libvideocall/media/opus.h"

namespace videocall {

// RFC 6716, 3.1: the first byte (TOC) is config (5 bits), stereo, and a code
// for the number of frames; 3.2.5: code 3 has that number in the next byte.
Result<uint32_t> opus_duration_us(Bytes packet) {
  if (packet.empty()) return Error{Errc::protocol, "empty Opus packet"};
  const unsigned config = packet[0] >> 3;
  uint32_t frame_us = 0;
  if (config < 12) {  // SILK only
    static constexpr uint32_t kSilk[] = {10'000, 20'000, 40'000, 60'000};
    frame_us = kSilk[config & 3];
  } else if (config < 16) {  // hybrid
    frame_us = (config & 1) == 0 ? 10'000 : 20'000;
  } else {  // CELT only
    frame_us = 2'500u << (config & 3);
  }
  uint32_t frames = 1;
  switch (packet[0] & 3) {
    case 0:
      break;
    case 1:
    case 2:
      frames = 2;
      break;
    default:
      if (packet.size() < 2)
        return Error{Errc::protocol, "Opus packet without its frame count"};
      frames = packet[1] & 0x3f;
  }
  const uint32_t total = frame_us * frames;
  if (total == 0 || total > 120'000)
    return Error{Errc::protocol, "Opus packet longer than 120 ms"};
  return total;
}

}  // namespace videocall
