// SPDX-License-Identifier: MIT
#include "libvideocall/media/clock_map.h"

#include <random>

#include "tests/support/suite.h"

using videocall::ClockMap;

namespace {

constexpr uint64_t kRemoteZero = 7'000'000'000;  // unrelated to ours
constexpr int64_t kFrameUs = 20'000;

uint64_t capture(int64_t us) {
  return kRemoteZero + static_cast<uint64_t>(us);
}

// |seconds| of frames with a delay of |base_us| plus what |extra| adds.
template <typename Extra>
int64_t run(ClockMap& map, int64_t from_us, int seconds, int64_t base_us,
            Extra&& extra) {
  int64_t at = from_us;
  for (int i = 0; i < seconds * 50; ++i, at += kFrameUs)
    map.observe(capture(at), at + base_us + extra(i));
  return at;
}

}  // namespace

VC_TEST(follows_the_smallest_delay) {
  ClockMap map(100'000);
  std::mt19937 random(1);
  const int64_t end = run(map, 0, 3, 30'000, [&](int i) {
    return i % 10 == 3 ? 0 : static_cast<int64_t>(random() % 40'000);
  });
  ck_assert_int_eq(map.to_local(capture(end)), end + 30'000);
}

VC_TEST(a_burst_of_old_frames_does_not_set_the_delay) {
  ClockMap map(100'000);
  // A group that is two seconds old arrives at once, then live frames.
  for (int i = 0; i < 60; ++i)
    map.observe(capture(i * 33'000), 2'000'000 + i * 100);
  map.observe(capture(2'000'000), 2'020'000);
  ck_assert_int_eq(map.to_local(capture(2'000'000)), 2'020'000);
}

VC_TEST(glides_to_a_delay_that_grew_a_little) {
  ClockMap map(100'000);
  int64_t at = run(map, 0, 5, 30'000, [](int) { return 0; });
  // 60 ms more, for good: within the latency, so nothing may jump.
  int64_t last = map.to_local(capture(at - kFrameUs));
  for (int i = 0; i < 60 * 50; ++i, at += kFrameUs) {
    map.observe(capture(at), at + 90'000);
    const int64_t local = map.to_local(capture(at));
    ck_assert_int_le(local - last, kFrameUs + kFrameUs / 50);
    ck_assert_int_ge(local - last, kFrameUs - kFrameUs / 50);
    last = local;
  }
  ck_assert_uint_eq(map.jumps(), 0);
  ck_assert_int_eq(map.to_local(capture(at)), at + 90'000);
}

VC_TEST(follows_a_clock_that_drifts) {
  ClockMap map(100'000);
  // The remote clock is 200 ppm slow: the difference grows 0.2 ms a second.
  int64_t at = 0;
  for (int i = 0; i < 600 * 50; ++i, at += kFrameUs)
    map.observe(capture(at), at + at / 5'000 + 10'000);
  const int64_t truth = at + at / 5'000 + 10'000;
  ck_assert_int_ge(map.to_local(capture(at)), truth - 3'000);
  ck_assert_int_le(map.to_local(capture(at)), truth);
  ck_assert_uint_eq(map.jumps(), 0);
}

VC_TEST(jumps_when_everything_is_late_for_a_second) {
  ClockMap map(100'000);
  int64_t at = run(map, 0, 5, 30'000, [](int) { return 0; });
  // The sender was paused for 3 s: its clock stood still.
  for (int i = 0; i < 100; ++i, at += kFrameUs)
    map.observe(capture(at), at + 3'030'000);
  ck_assert_uint_eq(map.jumps(), 1);
  ck_assert_int_eq(map.to_local(capture(at)), at + 3'030'000);
}

VC_TEST(one_late_frame_changes_nothing) {
  ClockMap map(100'000);
  int64_t at = run(map, 0, 5, 30'000, [](int) { return 0; });
  map.observe(capture(at), at + 900'000);
  ck_assert_int_eq(map.to_local(capture(at)), at + 30'000);
}

VC_TEST(a_linear_map_ignores_arrivals) {
  ClockMap map(0, ClockMap::Mode::linear);
  map.observe(capture(500), 77);
  map.observe(capture(40'500), 78);
  ck_assert_int_eq(map.to_local(capture(500)), 0);
  ck_assert_int_eq(map.to_local(capture(40'500)), 40'000);
}

VC_TEST(no_capture_time_overflows) {
  ClockMap map(100'000);
  std::mt19937_64 random(2);
  const uint64_t extremes[] = {0, 1, UINT64_MAX, INT64_MAX, uint64_t{1} << 63};
  for (int i = 0; i < 10'000; ++i) {
    const uint64_t any =
        i % 2 == 0 ? random() : extremes[random() % std::size(extremes)];
    map.observe(any, i * 1000);
    ck_assert_int_ge(map.to_local(any, INT64_MAX), map.to_local(any, 0));
  }
}

VC_SUITE_MAIN("media/clock_map")
