// SPDX-License-Identifier: MIT
// One encoded frame on its way from a packet to a decoder.
#pragma once

#include <cstdint>

#include "libvideocall/wire/packet.h"

namespace videocall {

struct ReceivedFrame {
  PacketRef packet;  // holds the bytes; for its header see packet->fields()
  Bytes payload;     // within packet
  uint64_t sequence = 0;
  uint64_t capture_us = 0;
  uint64_t duration_us = 0;  // 0: not known
  // Filled when the frame is taken:
  int64_t local_us = 0;  // capture time on the local clock; may be negative
  bool discont = false;  // something before it is missing, or it is the first
  bool decode_only = false;  // needed by later frames, too old to be shown
  bool recovered = false;    // audio: from a later packet's redundancy
  uint32_t missing = 0;      // audio: frames lost right before this one

  const MediaHeader& header() const { return packet->fields().header; }
};

// Counters of one track, from its start.
struct TrackStats {
  uint64_t received = 0;   // packets
  uint64_t bytes = 0;      // of payload
  uint64_t delivered = 0;  // frames taken
  uint64_t lost = 0;       // audio: frames that never came
  uint64_t skipped = 0;    // video: gaps in sequence, most of them on purpose
  uint64_t recovered = 0;  // audio: frames taken from redundancy
  uint64_t late = 0;       // came after their place was passed; dropped
  uint64_t duplicate = 0;  // came again; dropped
  uint64_t discarded = 0;  // could not be decoded or did not fit; dropped
  uint64_t keyframe_requests = 0;
  double jitter_us = 0;  // RFC 3550, 6.4.1
};

}  // namespace videocall
