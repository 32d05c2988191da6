// SPDX-License-Identifier: MIT
#include "libvideocall/room/choice.h"

#include <array>

#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::room;

namespace {

using Layers = std::array<LayerState, kLayers>;
constexpr LayerState live(uint32_t height) {
  return {true, true, height};
}
constexpr LayerState gone(uint32_t height) {
  return {true, false, height};
}
constexpr uint8_t kNoCap = limits::kMaxLayer;

std::vector<CameraCandidate> cameras(size_t count) {
  std::vector<CameraCandidate> candidates;
  for (size_t i = 0; i < count; ++i) candidates.push_back({100 + i, i, {}});
  return candidates;
}

}  // namespace

VC_TEST(takes_the_smallest_layer_that_is_high_enough) {
  const Layers layers{live(180), live(360), live(720)};
  ck_assert_int_eq(choose_layer(layers, 0, kNoCap), 0);
  ck_assert_int_eq(choose_layer(layers, 180, kNoCap), 0);
  ck_assert_int_eq(choose_layer(layers, 181, kNoCap), 1);
  ck_assert_int_eq(choose_layer(layers, 720, kNoCap), 2);
  ck_assert_int_eq(choose_layer(layers, kAnyHeight, kNoCap), 2);
}

VC_TEST(takes_only_what_there_is) {
  ck_assert_int_eq(choose_layer(Layers{}, 100, kNoCap), kNoLayer);
  ck_assert_int_eq(choose_layer(Layers{live(180)}, 1080, kNoCap), 0);
  ck_assert_int_eq(
      choose_layer(Layers{live(180), LayerState{}, live(720)}, 300, kNoCap), 2);
  ck_assert_int_eq(choose_layer(Layers{live(180), gone(360)}, 300, kNoCap), 0);
  // Nobody sends: what was there last, so that a viewer is ready for it.
  ck_assert_int_eq(choose_layer(Layers{gone(180), gone(360)}, 300, kNoCap), 1);
}

VC_TEST(keeps_below_the_cap_where_it_can) {
  const Layers layers{live(180), live(360), live(720)};
  ck_assert_int_eq(choose_layer(layers, kAnyHeight, 1), 1);
  ck_assert_int_eq(choose_layer(layers, 100, 1), 0);
  ck_assert_int_eq(
      choose_layer(Layers{LayerState{}, live(360), live(720)}, 720, 0), 1);
}

VC_TEST(finds_tiles_and_caps_by_session_and_kind) {
  std::vector<Tile> tiles{{7, MediaKind::video, 100, false},
                          {1, MediaKind::screen, 900, false},
                          {1, MediaKind::video, 200, false}};
  sort_tiles(tiles);
  ck_assert_uint_eq(find_tile(tiles, 1, MediaKind::video)->height_px, 200);
  ck_assert_uint_eq(find_tile(tiles, 7, MediaKind::video)->height_px, 100);
  ck_assert(!find_tile(tiles, 7, MediaKind::screen));
  ck_assert_uint_eq(find_tile(tiles, 1, MediaKind::screen)->height_px, 900);
  ck_assert(!find_tile(tiles, 2, MediaKind::video));
  const std::vector<LayerCap> caps{{1, MediaKind::video, 1}};
  ck_assert_uint_eq(find_cap(caps, 1, MediaKind::video), 1);
  ck_assert_uint_eq(find_cap(caps, 1, MediaKind::screen), limits::kMaxLayer);
}

VC_TEST(ranks_speakers_first_then_by_joining) {
  auto candidates = cameras(12);
  candidates[11].spoke = Time(5s);
  candidates[7].spoke = Time(9s);
  const auto ranked = rank_cameras(candidates);
  ck_assert_uint_eq(ranked.size(), limits::kDefaultCameras + 1);
  ck_assert_uint_eq(ranked[0], 107);
  ck_assert_uint_eq(ranked[1], 111);
  ck_assert_uint_eq(ranked[2], 100);
  ck_assert_uint_eq(ranked[9], 108);
}

VC_TEST(everybody_gets_so_many_cameras_of_others) {
  const auto ranked = rank_cameras(cameras(30));
  for (uint64_t viewer = 100; viewer < 130; ++viewer) {
    size_t shown = 0;
    for (uint64_t sender = 100; sender < 130; ++sender)
      shown += is_default_camera(ranked, viewer, sender);
    ck_assert_uint_eq(shown, limits::kDefaultCameras);
    ck_assert(!is_default_camera(ranked, viewer, viewer));
  }
}

VC_TEST(few_cameras_are_all_shown) {
  const auto ranked = rank_cameras(cameras(3));
  ck_assert(is_default_camera(ranked, 999, 102));
  ck_assert(!is_default_camera(ranked, 999, 103));
}

VC_SUITE_MAIN("room/choice")
