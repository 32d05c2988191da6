// SPDX-License-Identifier: MIT
// Who speaks and who leads the conversation, told from audio levels alone
// (RFC 6464): a cough is no speech, a breath does not end it, and whoever
// leads goes on to lead until silent or talked down for a while.
#pragma once

#include <cstdint>

#include "libvideocall/base/time.h"

namespace videocall::room {

class Dominant;

// One who may speak. Lives in the member; Dominant refers to it.
class Voice {
 public:
  // Speaks, or did a moment ago.
  bool speaking() const { return speaking_; }

 private:
  friend class Dominant;
  float level_ = 127;  // smoothed, RFC 6464: less is louder
  Time began_{};       // to be loud
  Time loud_{};        // last
  bool speaking_ = false;
};

class Dominant {
 public:
  // |voice| sent a packet of |level|; true if the leader changed.
  bool heard(Voice& voice, uint8_t level, Time now);
  // |voice| is no more; true if it led.
  bool remove(Voice& voice);
  // Who leads, or led last; nullptr: nobody has spoken.
  const Voice* leader() const { return leader_; }

 private:
  const Voice* leader_ = nullptr;  // borrowed
};

}  // namespace videocall::room
