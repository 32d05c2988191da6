// SPDX-License-Identifier: MIT
// Who gets what: the pure rules (docs/wire-protocol.md, section 3.5). The
// stage keeps the state and asks here. What each viewer's bandwidth allows of
// it is room/allocation.h's.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "libvideocall/base/time.h"
#include "libvideocall/wire/limits.h"
#include "libvideocall/wire/packet.h"

namespace videocall::room {

inline constexpr size_t kLayers = limits::kMaxLayer + 1;
inline constexpr int kNoLayer = -1;
inline constexpr uint32_t kAnyHeight = std::numeric_limits<uint32_t>::max();

// One tile of a VIEWPORT.
struct Tile {
  uint64_t session_id = 0;
  MediaKind kind = MediaKind::unspecified;
  uint32_t height_px = 0;
  bool pinned = false;
};

// One entry of a LAYER_PREFERENCE.
struct LayerCap {
  uint64_t session_id = 0;
  MediaKind kind = MediaKind::unspecified;
  uint8_t layer = 0;
};

// What is known of one layer of a sender's video.
struct LayerState {
  bool exists = false;  // a key frame of it has been seen
  bool live = false;    // and packets come
  uint32_t height = 0;  // of its last key frame; 0: the sender did not say
  // None come because a LAYER_HINT said that nobody wants it.
  bool dormant = false;

  bool available() const { return live || dormant; }
};

// What a viewer is to get of one video.
struct Choice {
  int layer = kNoLayer;
  uint8_t temporal = limits::kMaxTemporalLayer;  // highest
  // Its link cannot carry what it gets now: a step down is not put off.
  bool urgent = false;
  // It would be shown a higher layer than there is.
  bool wants_more = false;
  // What of a cached group it may be sent at once for a step to another layer.
  size_t burst_bytes = limits::kMaxSwitchBurstBytes;
};

// The smallest available layer at least |height_px| high, else the highest
// available one, and none above |cap|; if none is available, the same among
// those that exist; kNoLayer if none exists.
int choose_layer(std::span<const LayerState, kLayers> layers,
                 uint32_t height_px, uint8_t cap);

// Puts |viewport| into the order that find_tile() expects.
void sort_tiles(std::vector<Tile>& viewport);
// The tile of |viewport|, sorted, for |session|'s |kind|; nullptr: none.
const Tile* find_tile(std::span<const Tile> viewport, uint64_t session,
                      MediaKind kind);
// The cap that |caps| puts on it; limits::kMaxLayer without an entry.
uint8_t find_cap(std::span<const LayerCap> caps, uint64_t session,
                 MediaKind kind);

// A camera that a viewer without a VIEWPORT may be shown.
struct CameraCandidate {
  uint64_t session_id = 0;
  uint64_t order = 0;         // of joining
  std::optional<Time> spoke;  // last
};

// The |shown| + 1 sessions that come first: who spoke last, then who joined
// first. One more than a viewer is shown, since nobody is shown the own camera.
std::vector<uint64_t> rank_cameras(std::vector<CameraCandidate> candidates,
                                   size_t shown = limits::kDefaultCameras);

// Whether a viewer without a VIEWPORT gets |sender|'s camera.
bool is_default_camera(std::span<const uint64_t> ranked, uint64_t viewer,
                       uint64_t sender, size_t shown = limits::kDefaultCameras);

}  // namespace videocall::room
