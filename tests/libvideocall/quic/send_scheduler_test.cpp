// SPDX-License-Identifier: MIT
#include "libvideocall/quic/send_scheduler.h"

#include "tests/libvideocall/quic/send_scheduler_rig.h"

using namespace videocall;
using namespace videocall::quic;
using namespace videocall::quic::testing;

VC_TEST(control_then_audio_then_key_frames_then_delta_frames) {
  Rig rig;
  rig.push_group({.session = 1}, 2);
  rig.push_group({.session = 2}, 2);
  rig.push(audio(1));
  rig.push(control(PacketType::chat));
  rig.scheduler.push_probe(control(PacketType::rtt), rig.now);
  rig.session.pump(rig.now);
  ck_assert_uint_eq(rig.session.log.size(), 7);
  ck_assert(rig.sent(0).type == PacketType::rtt);
  ck_assert(rig.sent(1).type == PacketType::chat);
  ck_assert(rig.sent(2).kind == MediaKind::audio);
  ck_assert(rig.sent(3).header.keyframe && rig.sent(3).session_id == 1);
  ck_assert(rig.sent(4).header.keyframe && rig.sent(4).session_id == 2);
  ck_assert(!rig.sent(5).header.keyframe);
  ck_assert(!rig.sent(6).header.keyframe);
  ck_assert(rig.scheduler.empty());
}

VC_TEST(senders_take_turns_frame_by_frame) {
  Rig rig;
  rig.push_group({.session = 1}, 4);
  rig.push_group({.session = 2}, 4);
  rig.session.pump(rig.now);
  ck_assert_uint_eq(rig.session.log.size(), 8);
  for (size_t i = 0; i < 8; ++i)
    ck_assert_uint_eq(rig.sent(i).session_id, 1 + i % 2);
}

VC_TEST(key_frame_overtakes_delta_frames_of_others) {
  Rig rig;
  rig.push_group({.session = 1, .size = 5'000}, 3);
  rig.session.pump(rig.now, 7'000);  // within the first delta frame
  rig.push_group({.session = 2}, 1);
  rig.session.pump(rig.now);
  ck_assert_uint_eq(rig.session.log.size(), 4);
  ck_assert_uint_eq(rig.sent(1).session_id, 2);
}

VC_TEST(no_delta_frame_without_its_key_frame) {
  Rig rig;
  rig.push(media({.sequence = 5}));
  rig.push(media({.sequence = 6}));
  rig.session.pump(rig.now);
  ck_assert(rig.session.log.empty());
  ck_assert_uint_eq(rig.scheduler.dropped_video(), 2);
  rig.push(media({.group = 2, .sequence = 7, .keyframe = true}));
  rig.push(media({.group = 2, .sequence = 8}));
  rig.push(media({.group = 3, .sequence = 9}));  // its key frame never came
  rig.session.pump(rig.now);
  ck_assert_uint_eq(rig.session.log.size(), 2);
}

VC_TEST(late_groups_and_repeated_packets_are_dropped) {
  Rig rig;
  rig.push_group({.group = 5, .sequence = 50}, 2);
  rig.push(media({.group = 5, .sequence = 51}));
  rig.push(media({.group = 4, .sequence = 40, .keyframe = true}));
  rig.session.pump(rig.now);
  ck_assert_uint_eq(rig.session.log.size(), 2);
  // A sender that starts to count anew is heard after a silence.
  rig.now += 2s;
  rig.push(media({.group = 1, .sequence = 1, .keyframe = true}));
  rig.session.pump(rig.now);
  ck_assert_uint_eq(rig.session.log.size(), 3);
}

VC_TEST(stream_ends_behind_the_last_frame_of_a_group) {
  Rig rig;
  rig.push_group({.group = 1}, 2);
  rig.session.pump(rig.now);
  ck_assert(!rig.session.streams.at(3).fin);
  rig.push_group({.group = 2, .sequence = 3}, 1);
  rig.session.pump(rig.now);
  ck_assert(rig.session.streams.at(3).fin);
  ck_assert_uint_eq(rig.session.packets_on(3).size(), 2);
  ck_assert_uint_eq(rig.session.packets_on(7).size(), 1);
  ck_assert_uint_eq(rig.scheduler.groups_cut(), 0);
}

VC_TEST(rest_of_a_superseded_group_comes_after_the_newer_one) {
  Rig rig;
  rig.push_group({.group = 1}, 1);
  rig.session.pump(rig.now);
  rig.push(media({.group = 1, .sequence = 2}));
  rig.push_group({.group = 2, .sequence = 3}, 2);
  rig.session.pump(rig.now);
  ck_assert_uint_eq(rig.session.log.size(), 4);
  ck_assert_uint_eq(rig.sent(1).header.sequence, 3);
  ck_assert_uint_eq(rig.sent(2).header.sequence, 4);
  ck_assert_uint_eq(rig.sent(3).header.sequence, 2);
  ck_assert(rig.session.streams.at(3).fin);
  ck_assert(!rig.session.streams.at(3).reset);
}

VC_TEST(group_that_was_not_begun_gives_way_to_a_newer_one) {
  Rig rig;
  rig.push_group({.group = 1}, 3);
  rig.push_group({.group = 2, .sequence = 4}, 2);
  rig.session.pump(rig.now);
  ck_assert_uint_eq(rig.session.log.size(), 2);
  ck_assert_uint_eq(rig.sent(0).header.group, 2);
  ck_assert_uint_eq(rig.scheduler.dropped_video(), 3);
}

VC_TEST(falls_behind_top_layers_first_then_the_group) {
  Rig rig;
  rig.push_group({}, 1, 3);
  rig.session.pump(rig.now);
  rig.session.log.clear();
  // t0 (key) is out; a stall keeps back 2 1 2 0 2 1 2 0.
  for (uint64_t i = 1; i <= 8; ++i) {
    static constexpr uint8_t kL1T3[] = {0, 2, 1, 2};
    rig.push(media({.sequence = 1 + i, .temporal_id = kL1T3[i % 4]}));
  }
  rig.now += 110ms;  // more than a third of the limit: the top layer goes
  rig.scheduler.on_timer(rig.now);
  rig.session.pump(rig.now, 1'000'000);
  for (const auto& sent : rig.session.log)
    ck_assert_uint_lt(sent.packet->fields().header.temporal_id, 2);
  ck_assert_uint_eq(rig.session.log.size(), 4);
  ck_assert_uint_eq(rig.scheduler.groups_cut(), 0);
  // It does not come back within the group.
  rig.push(media({.sequence = 20, .temporal_id = 2}));
  ck_assert(rig.scheduler.empty());

  rig.session.log.clear();
  rig.push(media({.sequence = 21, .temporal_id = 1}));
  rig.push(media({.sequence = 22, .temporal_id = 0}));
  rig.now += 210ms;  // two thirds: only the base stays
  rig.scheduler.on_timer(rig.now);
  rig.session.pump(rig.now);
  ck_assert_uint_eq(rig.session.log.size(), 1);
  ck_assert_uint_eq(rig.sent(0).header.temporal_id, 0);

  rig.push(media({.sequence = 23, .temporal_id = 0}));
  rig.now += limits::kMaxMediaQueueDelay + 1ms;
  rig.scheduler.on_timer(rig.now);
  ck_assert(rig.scheduler.empty());
  ck_assert(rig.session.streams.at(3).reset);
  ck_assert_uint_eq(rig.scheduler.groups_cut(), 1);
  // Nothing more of that group; the next one has all layers again.
  rig.push(media({.sequence = 24, .temporal_id = 0}));
  ck_assert(rig.scheduler.empty());
  rig.session.log.clear();
  rig.push_group({.group = 2, .sequence = 25}, 4, 3);
  rig.session.pump(rig.now);
  ck_assert_uint_eq(rig.session.log.size(), 4);
}

VC_TEST(age_is_judged_without_a_timer_too) {
  Rig rig;
  rig.push_group({}, 1);
  rig.session.pump(rig.now);
  rig.push(media({.sequence = 2}));
  rig.now += 301ms;
  ck_assert(rig.scheduler.next(rig.now).kind == SendItem::Kind::none);
  ck_assert(rig.session.streams.at(3).reset);
}

VC_TEST(newcomers_burst_leaves_whole_on_a_slow_link) {
  Rig rig;
  // Two seconds of a group at 500 kbit/s, all at once; the link takes twice
  // that: 1 s for what would be too old if its age were the media's.
  rig.push_group({.size = 2'000}, 60);
  for (int i = 0; i < 25; ++i, rig.now += 10ms) {
    rig.scheduler.on_timer(rig.now);
    rig.session.pump(rig.now, 5'000);
  }
  ck_assert_uint_eq(rig.session.log.size(), 60);
  ck_assert_uint_eq(rig.scheduler.dropped_video(), 0);
}

VC_TEST(key_frame_that_is_on_its_way_is_finished) {
  Rig rig;
  rig.push_group({.size = 100'000}, 1);
  for (int i = 0; i < 101; ++i, rig.now += 50ms) {  // 30 kB/s: 3.4 s
    rig.scheduler.on_timer(rig.now);
    if (i % 20 == 10)
      rig.push_group({.group = 2 + static_cast<uint64_t>(i),
                      .sequence = 10 + static_cast<uint64_t>(i),
                      .size = 100'000},
                     1);
    rig.session.pump(rig.now, 1'500);
  }
  ck_assert_uint_ge(rig.session.log.size(), 1);
  ck_assert_uint_eq(rig.sent(0).header.group, 1);
}

VC_TEST(frame_on_its_way_is_given_up_when_it_takes_too_long) {
  const auto cut_after = [](Duration age) {
    Rig rig;
    rig.push_group({.size = 100'000}, 1);
    rig.session.pump(rig.now, 1'500);
    rig.now += age;
    rig.scheduler.on_timer(rig.now);
    return rig.scheduler.groups_cut();
  };
  ck_assert_uint_eq(cut_after(limits::kMaxFrameSendDelay), 0);
  ck_assert_uint_eq(cut_after(limits::kMaxFrameSendDelay + 1ns), 1);
}

VC_TEST(unsent_key_frame_waits_a_second_at_most) {
  Rig rig;
  rig.session.stream_credit = 0;
  rig.push_group({}, 3);
  rig.session.pump(rig.now);
  rig.now += 999ms;
  rig.scheduler.on_timer(rig.now);
  ck_assert(!rig.scheduler.empty());
  rig.now = rig.scheduler.next_timer();
  ck_assert(rig.now < kStart + 1'100ms);
  rig.scheduler.on_timer(rig.now);
  ck_assert(rig.scheduler.empty());
  rig.session.add_stream_credit(5);
  ck_assert_uint_eq(rig.session.pump(rig.now), 0);
  ck_assert(rig.session.streams.find(3) == rig.session.streams.end());
}

VC_TEST(waits_for_stream_credit) {
  Rig rig;
  rig.session.stream_credit = 1;
  rig.push_group({.session = 1}, 2);
  rig.push_group({.session = 2}, 2);
  rig.session.pump(rig.now);
  ck_assert_uint_eq(rig.session.log.size(), 2);
  rig.session.add_stream_credit(1);
  rig.session.pump(rig.now);
  ck_assert_uint_eq(rig.session.log.size(), 4);
}

VC_TEST(blocked_stream_holds_up_nobody_else) {
  Rig rig;
  rig.session.stream_window = 500;
  rig.push_group({.session = 1}, 2);
  rig.session.pump(rig.now);
  rig.session.stream_window = SIZE_MAX;
  rig.push_group({.session = 2}, 2);
  rig.session.pump(rig.now);
  ck_assert_uint_eq(rig.session.log.size(), 2);
  ck_assert_uint_eq(rig.sent(0).session_id, 2);
  rig.session.set_window(3, SIZE_MAX);
  rig.session.pump(rig.now);
  ck_assert_uint_eq(rig.session.log.size(), 4);
  ck_assert_uint_eq(rig.session.packets_on(3).size(), 2);
}

VC_TEST(stream_that_the_peer_stopped_is_left_alone) {
  Rig rig;
  rig.push_group({}, 1);
  rig.session.pump(rig.now);
  rig.push(media({.sequence = 2}));
  rig.scheduler.stream_stopped(3);
  ck_assert(rig.scheduler.empty());
  rig.push(media({.sequence = 3}));
  ck_assert(rig.scheduler.empty());
  ck_assert(!rig.session.streams.at(3).reset);
  rig.push_group({.group = 2, .sequence = 4}, 1);
  rig.session.pump(rig.now);
  ck_assert_uint_eq(rig.session.log.size(), 2);
}

VC_TEST(old_audio_is_dropped) {
  Rig rig;
  rig.push(audio(1));
  rig.now += limits::kMaxAudioQueueDelay - 50ms;
  rig.push(audio(2));
  rig.now += 60ms;
  rig.session.pump(rig.now);
  ck_assert_uint_eq(rig.session.log.size(), 1);
  ck_assert_uint_eq(rig.sent(0).header.sequence, 2);
  ck_assert_uint_eq(rig.scheduler.dropped_audio(), 1);
}

VC_TEST(audio_finds_another_way_when_the_path_shrinks) {
  Rig rig;
  rig.session.max_datagram = 500;
  for (uint64_t i = 1; i <= 4; ++i) rig.push(audio(i, 600));
  rig.push(audio(5, 100));
  rig.session.pump(rig.now);
  ck_assert_uint_eq(rig.session.log.size(), 5);
  ck_assert_uint_eq(rig.session.datagrams.size(), 1);
  ck_assert_uint_eq(rig.session.packets_on(3).size(), 4);
  // Later the path is tried again.
  rig.session.max_datagram = 1'200;
  rig.now += limits::kDatagramLimitLifetime;
  rig.push(audio(6, 600));
  rig.session.pump(rig.now);
  ck_assert_uint_eq(rig.session.datagrams.size(), 2);
}

// What was lost of the large layer is not repeated before the small one.
VC_TEST(a_lower_layer_resets_the_one_before) {
  Rig rig;
  rig.push_group({.layer = 1}, 2);
  rig.session.pump(rig.now);
  rig.push_group({.layer = 0, .group = 9, .sequence = 90}, 1);
  rig.session.pump(rig.now);
  ck_assert(rig.session.streams.at(3).reset);
  ck_assert(!rig.session.streams.at(3).fin);
  ck_assert_uint_eq(rig.session.packets_on(7).size(), 1);
  ck_assert_uint_eq(rig.scheduler.groups_cut(), 0);
}

// A viewer steps up and down again while one group of the lower layer lasts.
VC_TEST(a_group_that_was_left_for_another_layer_begins_anew) {
  Rig rig;
  rig.push_group({.layer = 0}, 2);
  rig.session.pump(rig.now);
  rig.push_group({.layer = 1}, 2);
  rig.session.pump(rig.now);
  rig.push_group({.layer = 0}, 4);
  rig.session.pump(rig.now);
  rig.push(media({.layer = 0, .sequence = 5}));
  rig.session.pump(rig.now);
  ck_assert_uint_eq(rig.session.packets_on(11).size(), 5);
  ck_assert_uint_eq(rig.scheduler.dropped_video(), 0);
  // A key frame that comes twice while its group goes on does not.
  rig.push_group({.layer = 0}, 1);
  rig.session.pump(rig.now);
  ck_assert_uint_eq(rig.session.packets_on(11).size(), 5);
}

VC_TEST(other_layer_ends_the_one_before) {
  Rig rig;
  rig.push_group({.layer = 0}, 2);
  rig.session.pump(rig.now);
  rig.push_group({.layer = 1, .group = 9, .sequence = 90}, 1);
  rig.session.pump(rig.now);
  ck_assert(rig.session.streams.at(3).fin);
  ck_assert(!rig.session.streams.at(7).fin);
  // A client sends its layers side by side, on bidirectional streams.
  Rig client(false);
  client.push_group({.layer = 0}, 2);
  client.push_group({.layer = 1}, 1);
  client.session.pump(client.now);
  client.push(media({.layer = 0, .sequence = 3}));
  client.session.pump(client.now);
  ck_assert_uint_eq(client.session.packets_on(0).size(), 3);
  ck_assert(!client.session.streams.at(0).fin);
}

VC_TEST(group_of_a_sender_who_left_is_ended) {
  Rig rig;
  rig.push_group({}, 2);
  rig.session.pump(rig.now);
  const auto ends_at = [&](Time now) {
    rig.scheduler.on_timer(now);
    rig.session.pump(now);
    return rig.session.streams.at(3).fin;
  };
  ck_assert(!ends_at(rig.now + limits::kIdleTrackTimeout));
  const Time due = rig.scheduler.next_timer();
  ck_assert(due <= rig.now + 2 * limits::kIdleTrackTimeout);
  ck_assert(ends_at(due));
  rig.scheduler.on_timer(rig.scheduler.next_timer());
  ck_assert(rig.scheduler.next_timer() == Time::max());
}

VC_TEST(group_too_large_for_the_queue_is_sent_up_to_there) {
  Rig rig;
  rig.push_group({.size = 100'000}, 40);
  ck_assert_uint_le(rig.scheduler.queued_bytes(), limits::kMaxSendQueueBytes);
  ck_assert_uint_gt(rig.scheduler.dropped_video(), 20);
  rig.session.pump(rig.now);
  ck_assert_uint_gt(rig.session.log.size(), 15);
  ck_assert(rig.session.streams.at(3).fin);
  ck_assert_uint_eq(rig.scheduler.groups_cut(), 1);
}

VC_TEST(heaviest_sender_gives_way_when_the_queue_is_full) {
  Rig rig;
  rig.push_group({.session = 1, .size = 100'000}, 15);
  rig.push_group({.session = 2, .size = 50'000}, 10);
  rig.session.pump(rig.now);
  for (const auto& sent : rig.session.log)
    ck_assert_uint_eq(sent.packet->fields().session_id, 2);
  ck_assert_uint_eq(rig.session.log.size(), 10);
}

VC_TEST(nothing_is_offered_or_taken_after_detach) {
  Rig rig;
  rig.push_group({}, 3);
  rig.push(audio(1));
  rig.scheduler.detach();
  ck_assert(rig.scheduler.empty());
  rig.push_group({.group = 2, .sequence = 9}, 3);
  ck_assert(rig.scheduler.empty());
  ck_assert(rig.scheduler.next(rig.now).kind == SendItem::Kind::none);
}

VC_TEST(one_track_more_than_there_may_be) {
  Rig rig;
  for (uint64_t id = 1; id <= limits::kMaxSendTracks; ++id)
    rig.push(media({.session = id, .keyframe = true}));
  ck_assert_uint_eq(rig.scheduler.dropped_video(), 0);
  rig.push(media({.session = limits::kMaxSendTracks + 1, .keyframe = true}));
  ck_assert_uint_eq(rig.scheduler.dropped_video(), 1);
}

VC_TEST(one_probe_more_than_may_wait) {
  Rig rig;
  for (size_t i = 0; i < limits::kMaxQueuedProbes + 1; ++i)
    rig.scheduler.push_probe(control(PacketType::rtt, i + 1), rig.now);
  rig.session.pump(rig.now);
  ck_assert_uint_eq(rig.session.log.size(), limits::kMaxQueuedProbes);
  // The oldest gave way.
  ck_assert_uint_eq(rig.sent(0).data.size(), 2);
}

VC_TEST(more_audio_than_may_wait) {
  Rig rig;
  constexpr size_t kEach = 900;
  const size_t most = limits::kMaxAudioQueueBytes / kEach;
  for (uint64_t i = 1; i <= 2 * most; ++i) rig.push(audio(i, kEach));
  ck_assert_uint_le(rig.scheduler.queued_bytes(), limits::kMaxAudioQueueBytes);
  ck_assert_uint_ge(rig.scheduler.dropped_audio(), most);
  rig.session.pump(rig.now);
  ck_assert_uint_eq(rig.sent(rig.session.log.size() - 1).header.sequence,
                    2 * most);
}

VC_SUITE_MAIN("quic/send_scheduler")
