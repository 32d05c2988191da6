// SPDX-License-Identifier: MIT
// What an operator may set of how rooms choose and bound. Defaults are those
// of wire/limits.h.
#pragma once

#include <cstddef>

#include "libvideocall/wire/limits.h"

namespace videocall::room {

struct Policy {
  // How many audio senders of a room are heard, the loudest; at least 1.
  size_t max_speakers = limits::kLoudestSpeakers;
  // How many cameras a viewer without a VIEWPORT is shown.
  size_t max_cameras = limits::kDefaultCameras;
  // Members of a room, those on the way in included; more are closed with
  // overload.
  size_t max_members = limits::kMaxMembersPerRoom;
  // Of one session; what is beyond is dropped, and a session that is beyond
  // for limits::kMaxSecondsOverRate seconds running is closed with overload.
  // 0: no bound.
  size_t max_packets_in_per_s = limits::kMaxPacketsInPerSecond;
  size_t max_bytes_in_per_s = limits::kMaxBytesInPerSecond;
  // Of the node, to all viewers together; beyond, all get less video (see
  // room/shedder.h). 0: no bound.
  size_t max_bytes_out_per_s = 0;
};

}  // namespace videocall::room
