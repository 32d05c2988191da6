// SPDX-License-Identifier: MIT
// Bounds of what nodes tell each other (docs/wire-protocol.md, section 4),
// beside those of wire/limits.h.
#pragma once

#include "libvideocall/wire/limits.h"

namespace videocall::limits {

inline constexpr auto kNodeHeartbeatInterval = 1s;
// After this silence a node is dead and its people are gone.
inline constexpr auto kNodeSilence = 5s;
// A node that said that it drains has its people's time to resume.
inline constexpr auto kDrainedNodeSilence = 10s;
// How often a room tells the other nodes what they should know of it.
inline constexpr auto kRoomRefreshInterval = 5s;
inline constexpr auto kRosterRequestInterval = 500ms;
// Who comes and goes sooner after the one before is told with those after, so
// that many who come at once are few messages.
inline constexpr auto kNewsInterval = 100ms;
inline constexpr size_t kMaxNewsEntries = 500;  // of one message
inline constexpr size_t kMaxNodes = 1'000;
inline constexpr size_t kMaxNodeIdBytes = 64;
inline constexpr size_t kMaxNodeUrls = 16;
inline constexpr size_t kMaxTokenKeyIdBytes = 32;
inline constexpr size_t kMaxLayerEntries = 20'000;  // of one message
// What waits to go to the broker, and what came and waits for the rooms.
inline constexpr size_t kMaxNatsQueueBytes = 32 * 1024 * 1024;
inline constexpr size_t kMaxNatsQueuePackets = 65'536;

}  // namespace videocall::limits
