// SPDX-License-Identifier: MIT
// One room of a hub, and what is to be carried out of it.
#pragma once

#include <mutex>
#include <string>

#include "libvideocall/room/hub.h"

namespace videocall::room {

struct Hub::Slot {
  Slot(const std::string& meeting, const Config& config)
      : room(meeting, config) {}

  std::mutex mutex;  // guards all below
  Room room;
  Output outbox;
  bool carried = false;  // a thread carries the outbox out
  bool dead = false;     // no longer in the directory
};

}  // namespace videocall::room
