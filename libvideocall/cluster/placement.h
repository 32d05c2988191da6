// SPDX-License-Identifier: MIT
// Which node somebody who joins a meeting is to use: one that has room, and,
// as long as none is much fuller than the others, the same for all of a
// meeting, so that little crosses between nodes. Every node comes to the same
// answer by itself.
#pragma once

#include <span>
#include <string_view>

#include "libvideocall/base/export.h"
#include "libvideocall/cluster/node_messages.h"

namespace videocall::cluster {

// 0 to 1: the fuller of sessions and CPU.
VIDEOCALL_API double load_of(const Heartbeat& node);

// One of |nodes|; nullptr if all are full or draining.
VIDEOCALL_API const Heartbeat* choose_node(std::span<const Heartbeat> nodes,
                                           std::string_view meeting);

}  // namespace videocall::cluster
