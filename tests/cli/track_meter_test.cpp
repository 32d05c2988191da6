// SPDX-License-Identifier: MIT
// What the load test takes for a gap, and for which kind.
#include "cli/loadtest/track_meter.h"

#include "tests/support/suite.h"

using namespace videocall::loadtest;

namespace {

// One publisher's layer, and what a viewer makes of what it is given of it.
struct Bench {
  explicit Bench(size_t temporal = 1, bool due = true)
      : temporal_layers(temporal), all_due(due) {}

  // The frame |index| of |group|; groups are 10 frames long.
  static Arrival frame(uint64_t group, uint32_t index, uint8_t layer = 0) {
    Arrival arrival;
    arrival.kind = kVideo;
    arrival.layer = layer;
    arrival.keyframe = index == 0;
    arrival.group = group;
    arrival.sequence = (group - 1) * 10 + index + 1;
    arrival.stamp.index = index;
    arrival.stamp.bytes_before = (arrival.sequence - 1) * 100;
    arrival.data_bytes = 100;
    arrival.packet_bytes = 120;
    return arrival;
  }
  static Arrival sound(uint64_t sequence) {
    Arrival arrival = frame(1, 0);
    arrival.kind = kAudio;
    arrival.sequence = sequence;
    arrival.stamp.bytes_before = (sequence - 1) * 100;
    return arrival;
  }
  int64_t take(const Arrival& arrival, bool measured = true) {
    return meter.take(arrival, measured, before, all_due, temporal_layers, out);
  }
  void group(uint64_t number, uint32_t from = 0, uint32_t to = 10) {
    for (uint32_t i = from; i < to; ++i) take(frame(number, i));
  }
  void expect(uint64_t due, uint64_t received) const {
    ck_assert_uint_eq(out.packets_due.get(), due);
    ck_assert_uint_eq(out.packets.get(), received);
    ck_assert_uint_eq(out.media_bytes_due.get(), due * 100);
    ck_assert_uint_eq(out.media_bytes.get(), received * 100);
  }

  size_t temporal_layers;
  bool all_due;
  SentBefore before;
  TrackMeter meter;
  Delivered out;
};

}  // namespace

VC_TEST(all_that_came_is_all_that_was_due) {
  Bench bench;
  bench.group(1);
  bench.group(2);
  ck_assert_int_eq(bench.meter.finish({}, {20, 2'000}, true, bench.out), 0);
  bench.expect(20, 20);
  ck_assert_uint_eq(bench.out.groups_cut.get(), 0);
  ck_assert_uint_eq(bench.out.bytes.get(), 20 * 120);
}

VC_TEST(a_group_without_its_end_is_cut) {
  Bench bench;
  bench.group(1, 0, 7);
  ck_assert_int_eq(bench.take(Bench::frame(2, 0)), 3);
  bench.group(2, 1);
  bench.meter.finish({}, {20, 2'000}, true, bench.out);
  bench.expect(20, 17);
  ck_assert_uint_eq(bench.out.groups_cut.get(), 1);
  ck_assert_uint_eq(bench.out.torn.get(), 0);
}

VC_TEST(an_end_behind_the_next_beginning_is_late_not_lost) {
  Bench bench;
  bench.group(1, 0, 8);
  ck_assert_int_eq(bench.take(Bench::frame(2, 0)), 2);
  ck_assert_int_eq(bench.take(Bench::frame(1, 8)), -1);
  ck_assert_int_eq(bench.take(Bench::frame(1, 9)), -1);
  bench.group(2, 1);
  bench.meter.finish({}, {20, 2'000}, true, bench.out);
  bench.expect(20, 20);
  ck_assert_uint_eq(bench.out.groups_cut.get(), 0);
}

VC_TEST(the_same_packet_twice_is_a_duplicate) {
  Bench bench;
  bench.group(1);
  bench.take(Bench::frame(1, 4));
  bench.take(Bench::frame(1, 9));
  bench.expect(10, 10);
  ck_assert_uint_eq(bench.out.duplicates.get(), 2);
}

VC_TEST(a_hole_within_a_group_tears_it) {
  Bench bench;
  bench.group(1, 0, 3);
  bench.group(1, 5);
  bench.expect(10, 8);
  ck_assert_uint_eq(bench.out.torn.get(), 2);
  ck_assert_uint_eq(bench.out.groups_cut.get(), 0);
}

VC_TEST(upper_temporal_layers_may_be_left_out) {
  Bench bench(3);  // 0 2 1 2 0 2 1 2 0 2
  for (const uint32_t index : {0u, 4u, 8u}) bench.take(Bench::frame(1, index));
  bench.take(Bench::frame(2, 0));
  ck_assert_uint_eq(bench.out.thinned.get(), 7);
  ck_assert_uint_eq(bench.out.torn.get(), 0);
  ck_assert_uint_eq(bench.out.groups_cut.get(), 0);
}

VC_TEST(a_group_that_is_not_there_at_all_is_skipped) {
  Bench bench;
  bench.group(1);
  bench.group(4);
  bench.expect(40, 20);
  ck_assert_uint_eq(bench.out.groups_skipped.get(), 2);
  ck_assert_uint_eq(bench.out.groups_cut.get(), 0);
}

VC_TEST(where_the_relay_may_choose_that_is_a_pause) {
  Bench bench(1, false);
  bench.group(1);
  bench.group(4);
  bench.expect(20, 20);
  ck_assert_uint_eq(bench.out.pauses.get(), 1);
}

VC_TEST(frames_without_their_key_frame_are_told) {
  Bench bench;
  bench.group(1);
  bench.group(2, 1);
  ck_assert_uint_eq(bench.out.orphans.get(), 1);
}

VC_TEST(another_layer_begins_with_its_key_frame) {
  Bench bench(1, false);
  bench.group(1, 0, 6);
  bench.take(Bench::frame(7, 0, 1));
  // The last of the old layer may come behind it.
  bench.take(Bench::frame(1, 6, 0));
  bench.take(Bench::frame(7, 1, 1));
  ck_assert_uint_eq(bench.out.switches.get(), 1);
  ck_assert_uint_eq(bench.out.orphans.get(), 0);
  bench.expect(9, 9);
  // Without a key frame it must not.
  bench.take(Bench::frame(9, 3, 0));
  ck_assert_uint_eq(bench.out.switches.get(), 2);
  ck_assert_uint_eq(bench.out.orphans.get(), 1);
}

VC_TEST(what_was_sent_before_the_measurement_does_not_count) {
  Bench bench;
  for (uint32_t i = 0; i < 5; ++i) bench.take(Bench::frame(1, i), false);
  bench.expect(0, 0);
  // Two more were sent before it began, and did not come.
  bench.before = {7, 700};
  ck_assert_int_eq(bench.take(Bench::frame(1, 8)), 1);
  bench.expect(2, 1);
}

VC_TEST(what_is_missing_at_the_end_is_missing) {
  Bench bench;
  bench.group(1, 0, 6);
  ck_assert_int_eq(bench.meter.finish({}, {10, 1'000}, true, bench.out), 4);
  bench.expect(10, 6);
}

VC_TEST(who_leaves_misses_nothing_while_away) {
  Bench bench;
  bench.group(1);
  bench.meter.leave(bench.out);
  bench.group(5);
  bench.expect(20, 20);
  ck_assert_uint_eq(bench.out.groups_skipped.get(), 0);
}

VC_TEST(sound_is_counted_one_by_one) {
  Bench bench;
  for (const uint64_t sequence : {11u, 12u, 15u, 14u})
    bench.take(Bench::sound(sequence));
  bench.expect(5, 4);
  bench.take(Bench::sound(100));
  bench.expect(90, 5);
  Bench choosing(1, false);
  choosing.take(Bench::sound(11));
  choosing.take(Bench::sound(100));
  choosing.expect(2, 2);
  ck_assert_uint_eq(choosing.out.pauses.get(), 1);
}

VC_TEST(histograms_know_values_to_within_their_width) {
  const auto fine = std::make_unique<FineHistogram>();
  for (uint64_t value = 1; value <= 100'000; ++value) fine->add(value);
  ck_assert_uint_eq(fine->count(), 100'000);
  ck_assert_uint_eq(fine->max(), 100'000);
  for (const double q : {0.01, 0.5, 0.95, 0.99, 0.999}) {
    const auto at = static_cast<double>(fine->at(q));
    ck_assert_double_ge(at, q * 100'000 * 0.96);
    ck_assert_double_le(at, q * 100'000 * 1.04);
  }
  for (uint64_t value = 0; value < 64; ++value)
    ck_assert_uint_eq(FineHistogram::middle_of(FineHistogram::index_of(value)),
                      value);
  const auto coarse = std::make_unique<CoarseHistogram>();
  ck_assert_uint_eq(coarse->at(0.5), 0);
  coarse->add(~uint64_t{0});
  ck_assert_uint_eq(coarse->count(), 1);
}

VC_TEST(stamps_come_back_as_they_were_written) {
  auto data = synthetic_media(videocall::MediaKind::video, 1'000);
  ck_assert_uint_eq(data.size(), 1'000);
  write_stamp(data, {7, 11, 1'234'567'890'123, 99'999});
  const auto stamp = read_stamp(data);
  ck_assert(stamp.has_value());
  ck_assert_uint_eq(stamp->publisher, 7);
  ck_assert_uint_eq(stamp->index, 11);
  ck_assert_uint_eq(stamp->sent_ns, 1'234'567'890'123);
  ck_assert_uint_eq(stamp->bytes_before, 99'999);
  data.pop_back();
  ck_assert(!read_stamp(data).has_value());
}

VC_TEST(sound_is_missing_where_the_repetitions_are_missing_too) {
  Bench bench;
  for (const uint64_t came :
       std::initializer_list<uint64_t>{1, 2, 4, 7, 11, 12})
    bench.take(Bench::sound(came));
  bench.expect(12, 6);
  // 3, 5 and 6 are repeated by 4 and 7; of 8 to 10 the first is by none.
  ck_assert_uint_eq(bench.out.frames_missing.get(), 1);
}

VC_SUITE_MAIN("cli/track_meter")
