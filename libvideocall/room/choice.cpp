// SPDX-License-Identifier: MIT
#include "libvideocall/room/choice.h"

#include <algorithm>
#include <tuple>

namespace videocall::room {

namespace {

auto key_of(const Tile& tile) {
  return std::tie(tile.session_id, tile.kind);
}

}  // namespace

int choose_layer(std::span<const LayerState, kLayers> layers,
                 uint32_t height_px, uint8_t cap) {
  const bool any = std::any_of(layers.begin(), layers.end(),
                               [](const auto& l) { return l.available(); });
  int best = kNoLayer;
  for (int i = 0; i < static_cast<int>(kLayers); ++i) {
    const LayerState& layer = layers[static_cast<size_t>(i)];
    if (!(any ? layer.available() : layer.exists)) continue;
    // Below the cap nothing may be left: then the lowest is what there is.
    if (i > cap && best != kNoLayer) break;
    best = i;
    if (layer.height >= height_px) break;
  }
  return best;
}

void sort_tiles(std::vector<Tile>& viewport) {
  std::sort(viewport.begin(), viewport.end(),
            [](const Tile& a, const Tile& b) { return key_of(a) < key_of(b); });
}

const Tile* find_tile(std::span<const Tile> viewport, uint64_t session,
                      MediaKind kind) {
  const auto at = std::lower_bound(viewport.begin(), viewport.end(),
                                   std::tie(session, kind),
                                   [](const Tile& tile, const auto& wanted) {
                                     return key_of(tile) < wanted;
                                   });
  if (at == viewport.end() || key_of(*at) != std::tie(session, kind))
    return nullptr;
  return &*at;
}

uint8_t find_cap(std::span<const LayerCap> caps, uint64_t session,
                 MediaKind kind) {
  for (const LayerCap& cap : caps) {
    if (cap.session_id == session && cap.kind == kind) return cap.layer;
  }
  return limits::kMaxLayer;
}

std::vector<uint64_t> rank_cameras(std::vector<CameraCandidate> candidates,
                                   size_t shown) {
  const auto first = [](const CameraCandidate& a, const CameraCandidate& b) {
    if (a.spoke != b.spoke) return a.spoke > b.spoke;  // nullopt is least
    return a.order < b.order;
  };
  const size_t count = std::min(candidates.size(), shown + 1);
  std::partial_sort(candidates.begin(),
                    candidates.begin() + static_cast<ptrdiff_t>(count),
                    candidates.end(), first);
  std::vector<uint64_t> ranked;
  ranked.reserve(count);
  for (size_t i = 0; i < count; ++i) ranked.push_back(candidates[i].session_id);
  return ranked;
}

bool is_default_camera(std::span<const uint64_t> ranked, uint64_t viewer,
                       uint64_t sender, size_t count) {
  if (viewer == sender) return false;
  const auto position = [&](uint64_t id) {
    return std::find(ranked.begin(), ranked.end(), id) - ranked.begin();
  };
  const auto shown = static_cast<ptrdiff_t>(count);
  const ptrdiff_t at = position(sender);
  if (at < shown) return at < static_cast<ptrdiff_t>(ranked.size());
  return at == shown && at < static_cast<ptrdiff_t>(ranked.size()) &&
         position(viewer) < shown;
}

}  // namespace videocall::room
