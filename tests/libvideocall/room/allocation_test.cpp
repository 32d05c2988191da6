// SPDX-License-Identifier: MIT
#include "libvideocall/room/allocation.h"

#include <random>

#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::room;

namespace {

// Three layers of three temporal layers each.
Want camera(uint32_t height = 720, Importance importance = Importance::rest) {
  Want want;
  want.importance = importance;
  want.height_px = height;
  want.layer = 2;
  want.bps = {{{75e3, 110e3, 150e3, 150e3},
               {250e3, 370e3, 500e3, 500e3},
               {750e3, 1.1e6, 1.5e6, 1.5e6}}};
  want.top_temporal = {2, 2, 2};
  return want;
}

Want screen() {
  Want want = camera(1080, Importance::screen);
  want.layer = 0;
  want.bps = {};
  want.bps[0] = {1e6, 1e6, 1e6, 1e6};
  want.top_temporal = {};
  return want;
}

double cost(const Want& want, const Share& share) {
  return share.layer == kNoLayer
             ? 0
             : want.bps[static_cast<size_t>(share.layer)][share.temporal];
}

}  // namespace

VC_TEST(with_plenty_everybody_gets_all) {
  const std::vector<Want> wants{camera(), camera(180), screen()};
  const Allocation got = allocate(wants, 10e6, 10e6, true);
  ck_assert_int_eq(got.shares[0].layer, 2);
  ck_assert_int_eq(got.shares[1].layer, 2);
  ck_assert_int_eq(got.shares[2].layer, 0);
  ck_assert_uint_eq(got.shares[0].temporal, limits::kMaxTemporalLayer);
  ck_assert_double_eq(got.next_bps, got.granted_bps);
}

VC_TEST(temporal_layers_go_before_a_lower_layer) {
  const std::vector<Want> wants{camera()};
  const auto at = [&](double bps) {
    return allocate(wants, bps, bps, true).shares[0];
  };
  ck_assert_int_eq(at(1.8e6).layer, 2);
  ck_assert_uint_eq(at(1.8e6).temporal, limits::kMaxTemporalLayer);
  ck_assert_int_eq(at(1.4e6).layer, 2);
  ck_assert_uint_eq(at(1.4e6).temporal, 1);
  ck_assert_int_eq(at(0.9e6).layer, 2);
  ck_assert_uint_eq(at(0.9e6).temporal, 0);
  ck_assert_int_eq(at(0.7e6).layer, 1);
  ck_assert_uint_eq(at(0.7e6).temporal, limits::kMaxTemporalLayer);
  ck_assert_int_eq(at(0.1e6).layer, 0);
  ck_assert_uint_eq(at(0.1e6).temporal, 0);
  ck_assert_int_eq(at(0.05e6).layer, kNoLayer);
}

VC_TEST(screens_come_first_then_speakers_then_the_rest) {
  const std::vector<Want> wants{camera(), camera(360, Importance::speaker),
                                screen()};
  const auto at = [&](double bps) {
    return allocate(wants, bps, bps, true).shares;
  };
  const auto little = at(1.3e6);
  ck_assert_int_eq(little[2].layer, 0);
  ck_assert_int_eq(little[1].layer, 0);
  const auto more = at(3.1e6);
  ck_assert_int_eq(more[2].layer, 0);
  ck_assert_int_eq(more[1].layer, 2);
  ck_assert_int_eq(more[0].layer, 0);
  // Not even the speaker beside the screen.
  const auto least = at(1.06e6);
  ck_assert_int_eq(least[2].layer, 0);
  ck_assert_int_eq(least[1].layer, kNoLayer);
}

VC_TEST(all_get_a_picture_before_any_gets_a_better_one) {
  std::vector<Want> wants(9, camera(360));
  wants[3].height_px = 720;
  const auto got = allocate(wants, 9 * 75e3 * 1.2, 0, true).shares;
  for (const Share& share : got) ck_assert_int_eq(share.layer, 0);
}

VC_TEST(the_larger_tile_gets_more) {
  const std::vector<Want> wants{camera(180), camera(720), camera(180)};
  const auto got = allocate(wants, 1.6e6, 1.6e6, true).shares;
  ck_assert_int_gt(got[1].layer, got[0].layer);
  ck_assert_int_eq(got[0].layer, got[2].layer);
}

VC_TEST(what_a_viewer_has_it_keeps_through_small_changes) {
  Want want = camera();
  const auto at = [&](double bps, bool steady = true) {
    return allocate(std::vector{want}, bps, bps, steady).shares[0].layer;
  };
  ck_assert_int_eq(at(510e3 * 1.0), 1);
  // Comes only with a margin, goes only when it does not fit by far.
  want.current_layer = 1;
  want.current_temporal = limits::kMaxTemporalLayer;
  ck_assert_int_eq(at(470e3), 1);
  ck_assert_int_eq(at(800e3), 1);
  want.current_layer = 2;
  want.current_temporal = 0;
  ck_assert_int_eq(at(800e3), 2);
  ck_assert_int_eq(at(700e3), 2);
  ck_assert_int_eq(at(700e3, false), 1);
}

VC_TEST(it_tells_what_the_next_step_needs) {
  const Allocation got = allocate(std::vector{camera()}, 200e3, 200e3, true);
  ck_assert_double_eq(got.granted_bps, 150e3);
  ck_assert_double_eq(got.next_bps, 250e3);
}

VC_TEST(random_wants_never_get_more_than_there_is) {
  std::mt19937_64 random(3);
  const auto pick = [&](uint64_t below) { return random() % below; };
  for (int round = 0; round < 3000; ++round) {
    std::vector<Want> wants;
    for (uint64_t i = pick(26); i > 0; --i) {
      Want want = pick(6) == 0 ? screen()
                               : camera(static_cast<uint32_t>(pick(1080)),
                                        static_cast<Importance>(1 + pick(2)));
      if (want.importance != Importance::screen) {
        want.layer = static_cast<int>(pick(3));
        want.current_layer = static_cast<int>(pick(4)) - 1;
        want.current_temporal = static_cast<uint8_t>(pick(4));
        if (pick(4) == 0) want.bps[pick(3)] = {};
      }
      wants.push_back(want);
    }
    const double allowed = static_cast<double>(pick(6'000'000));
    const bool steady = pick(2) == 0;
    const Allocation got = allocate(wants, allowed, allowed, steady);
    ck_assert_uint_eq(got.shares.size(), wants.size());
    double sum = 0;
    for (size_t i = 0; i < wants.size(); ++i) {
      const Share& share = got.shares[i];
      ck_assert_int_le(share.layer, wants[i].layer);
      sum += cost(wants[i], share);
    }
    ck_assert_double_le(sum, allowed * (steady ? 1.1 : 1.0) + 1);
    ck_assert_double_le(std::abs(sum - got.granted_bps), 1);
    ck_assert_double_ge(got.next_bps, got.granted_bps - 1);
    if (steady) continue;
    // Nobody who matters less has a better layer than somebody without any.
    for (size_t i = 0; i < wants.size(); ++i) {
      if (got.shares[i].layer != kNoLayer) continue;
      for (size_t j = 0; j < wants.size(); ++j) {
        if (wants[j].importance <= wants[i].importance) continue;
        const double least = cost(wants[j], {0, 0});
        if (got.shares[j].layer > 0 && least > 0 && wants[i].bps[0][0] > 0 &&
            wants[i].bps[0][0] <= least)
          ck_abort_msg("the rest before the first");
      }
    }
  }
}

VC_TEST(the_first_picture_may_cost_all_that_the_link_carries) {
  const std::vector<Want> wants{camera(), camera(360, Importance::speaker)};
  const auto at = [&](double carries) {
    return allocate(wants, 40e3, carries, false).shares;
  };
  ck_assert_int_eq(at(74e3)[1].layer, kNoLayer);
  ck_assert_int_eq(at(76e3)[1].layer, 0);
  ck_assert_uint_eq(at(76e3)[1].temporal, 0);
  ck_assert_int_eq(at(1e6)[0].layer, kNoLayer);
}

VC_SUITE_MAIN("room/allocation")
