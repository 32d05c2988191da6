// SPDX-License-Identifier: MIT
// The packets of the newest group of one (session, kind, layer), from its key
// frame on, so that a newcomer sees a picture without a new key frame
// (docs/wire-protocol.md, section 3.4). Bounded in packets, bytes and age; a
// group that outgrows a bound is given up until the next key frame.
#pragma once

#include <cstddef>
#include <vector>

#include "libvideocall/base/time.h"
#include "libvideocall/wire/limits.h"
#include "libvideocall/wire/packet.h"

namespace videocall::room {

class GroupCache {
 public:
  // Takes |packet|, the next in order: a key frame replaces what is there,
  // anything else follows it. A delta frame without its key frame is ignored.
  void add(const PacketRef& packet, Time now);
  void clear();
  // Gives back the memory of a group that is too old to serve.
  void expire(Time now);

  // Whether packets() can be decoded from its first on and is young enough.
  bool serves(Time now) const;
  const std::vector<PacketRef>& packets() const { return packets_; }
  size_t bytes() const { return bytes_; }
  // Bytes of temporal layers above the base.
  size_t upper_bytes() const { return upper_bytes_; }
  // What of it a viewer that comes now is sent: all but the temporal layers
  // above |temporal|, and the base alone if the rest is too much.
  uint8_t top_temporal(uint8_t temporal) const {
    return upper_bytes_ > limits::kMaxCachedUpperBytes ? 0 : temporal;
  }

 private:
  std::vector<PacketRef> packets_;
  size_t bytes_ = 0;
  size_t upper_bytes_ = 0;
  Time started_{};
};

}  // namespace videocall::room
