// SPDX-License-Identifier: MIT
// What a stage tells the other nodes that are in the room.
#pragma once

#include <cstdint>

#include "libvideocall/room/member.h"
#include "libvideocall/room/output.h"

namespace videocall::room {

class Outside {
 public:
  virtual ~Outside() = default;

  // Viewers here are to get |layers|, bit i for layer i, of a sender on another
  // node, and no others.
  virtual void want_layers(const Member& sender, MediaKind kind, uint8_t layers,
                           Output& out) = 0;
  // A viewer here waits for a key frame of a sender on another node.
  virtual void want_keyframe(const Member& sender, MediaKind kind,
                             uint8_t layer, Output& out) = 0;
  // What there is of |sender|, a member here, is another now.
  virtual void offer(const Member& sender, MediaKind kind, Output& out) = 0;
};

}  // namespace videocall::room
