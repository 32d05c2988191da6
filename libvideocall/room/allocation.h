// SPDX-License-Identifier: MIT
// Shares a viewer's bandwidth among the videos that it is to see. Pure.
//
// First each gets the least that is a picture (the lowest layer's base), in
// order of importance, as long as it lasts. Then they are raised step by step:
// all screens as far as they go, then the speakers and what is pinned, then
// the rest; within a class the one that has least for its size on screen.
// Temporal layers are given back before a lower layer is taken: steps go
// layer 0 base, layer 0 all, layer 1 base, …
//
// A step that a viewer does not have already must fit with a margin, one that
// it has may overrun by a little: so layers do not flap.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "libvideocall/room/choice.h"
#include "libvideocall/room/layer_rates.h"

namespace videocall::room {

enum class Importance : uint8_t { screen, speaker, rest };

// One video that a viewer is to see.
struct Want {
  Importance importance = Importance::rest;
  uint32_t height_px = 0;  // on its screen; kAnyHeight counts as 720
  int layer = kNoLayer;    // the highest that it is to get
  // What it gets now.
  int current_layer = kNoLayer;
  uint8_t current_temporal = 0;
  // Bits a second of each layer, by its temporal layers, each with those
  // below; 0: there is no such layer.
  std::array<std::array<double, LayerRates::kTemporalLayers>, kLayers> bps{};
  // The highest temporal layer of each.
  std::array<uint8_t, kLayers> top_temporal{};
};

struct Share {
  int layer = kNoLayer;
  uint8_t temporal = 0;
};

struct Allocation {
  std::vector<Share> shares;  // as the wants
  double granted_bps = 0;
  // With the next step up; granted_bps if nothing more is wanted.
  double next_bps = 0;
};

// |carries_bps|, at least |allowed_bps|: what the one picture that matters most
// may cost at the least, lest there be none. |steady|: the link is not
// congested, and what a viewer has it may keep in spite of a small overrun.
Allocation allocate(std::span<const Want> wants, double allowed_bps,
                    double carries_bps, bool steady);

}  // namespace videocall::room
