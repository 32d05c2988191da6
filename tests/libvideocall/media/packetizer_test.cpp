// SPDX-License-Identifier: MIT
#include "libvideocall/media/packetizer.h"

#include <deque>

#include "libvideocall/media/media_packet.h"
#include "tests/libvideocall/media/track_support.h"
#include "tests/support/suite.h"

using namespace videocall;
using videocall::testing::as_bytes;
using videocall::testing::as_text;

namespace {

const std::string kKey("\xd0\x57\x00\x9d\x01\x2a\xa2\x00\x5a\x00rest", 14);
const std::string kDelta("\xd1\x30\x00\x07rest", 8);

EncodedFrame frame_of(const std::string& payload, uint64_t capture_us) {
  static std::deque<std::string> kept;  // frames borrow their payload
  EncodedFrame frame;
  frame.payload = as_bytes(kept.emplace_back(payload));
  frame.capture_us = capture_us;
  frame.duration_us = 33'000;
  return frame;
}

PacketRef sent(Result<PacketRef> packet) {
  ck_assert_msg(packet.ok(), "%s",
                packet.ok() ? "" : packet.error().message.c_str());
  return std::move(*packet);
}

// An Opus packet of 20 ms and |size| bytes that tells |number|.
std::string opus(size_t size, int number) {
  std::string payload = "\x78" + std::to_string(number);
  payload.resize(size, 'o');
  return payload;
}

EncodedFrame audio_of(const std::string& payload, uint64_t capture_us) {
  EncodedFrame frame = frame_of(payload, capture_us);
  frame.duration_us = 20'000;
  frame.audio_level = 30;
  return frame;
}

MediaPacketFields media_of(const PacketRef& packet) {
  auto media = parse_media_packet(packet->fields().data);
  ck_assert(media.ok());
  return *media;
}

}  // namespace

VC_TEST(frames_before_the_first_key_frame_are_dropped) {
  VideoPacketizer packetizer(Codec::vp8, MediaKind::video, 1);
  ck_assert(packetizer.needs_keyframe());
  const auto early = packetizer.packetize(frame_of(kDelta, 1'000));
  ck_assert(!early.ok());
  ck_assert(early.error().code == Errc::would_block);
  sent(packetizer.packetize(frame_of(kKey, 2'000)));
  ck_assert(!packetizer.needs_keyframe());
  sent(packetizer.packetize(frame_of(kDelta, 3'000)));
}

VC_TEST(groups_and_sequences_count) {
  VideoPacketizer packetizer(Codec::vp8, MediaKind::screen, 2);
  packetizer.set_target_kbps(900);
  const auto key = sent(packetizer.packetize(frame_of(kKey, 5'000'000)));
  const PacketFields& fields = key->fields();
  ck_assert(fields.type == PacketType::media);
  ck_assert(fields.kind == MediaKind::screen);
  ck_assert_uint_eq(fields.layer, 2);
  ck_assert(fields.header.keyframe);
  ck_assert(fields.header.codec == "vp8");
  ck_assert_uint_eq(fields.header.width, 162);
  ck_assert_uint_eq(fields.header.height, 90);
  ck_assert_uint_eq(fields.header.target_kbps, 900);
  ck_assert_uint_eq(fields.header.capture_us, 5'000'000);
  ck_assert_uint_eq(fields.header.sequence, first_number(5'000'000));
  const MediaPacketFields media = media_of(key);
  ck_assert(as_text(media.payload) == kKey);
  ck_assert(media.kind == MediaKind::screen);
  ck_assert_uint_eq(media.duration_us, 33'000);

  const uint64_t sequence = fields.header.sequence;
  const uint64_t group = fields.header.group;
  for (uint64_t i = 1; i <= 10; ++i) {
    const bool keyframe = i % 5 == 0;
    EncodedFrame frame =
        frame_of(keyframe ? kKey : kDelta, 5'000'000 + i * 33'000);
    frame.temporal_id = 2;
    const auto packet = sent(packetizer.packetize(frame));
    const MediaHeader& header = packet->fields().header;
    ck_assert_uint_eq(header.sequence, sequence + i);
    ck_assert_uint_eq(header.group, group + i / 5);
    ck_assert_uint_eq(header.temporal_id, keyframe ? 0 : 2);
    ck_assert(header.codec.empty() == !keyframe);
  }
  ck_assert_uint_eq(packetizer.group_age_us(5'000'000 + 12 * 33'000), 66'000);
}

VC_TEST(numbers_of_a_restart_are_never_lower) {
  VideoPacketizer first(Codec::vp8, MediaKind::video, 0);
  uint64_t last = 0;
  // 1000 frames a second, which nobody sends.
  for (uint64_t i = 0; i < 3'000; ++i)
    last = sent(first.packetize(frame_of(kKey, 1'000'000 + i * 1'000)))
               ->fields()
               .header.group;
  VideoPacketizer second(Codec::vp8, MediaKind::video, 0);
  const auto packet = sent(second.packetize(frame_of(kKey, 4'000'000)));
  ck_assert_uint_gt(packet->fields().header.group, last);
}

VC_TEST(a_frame_that_fits_no_packet_needs_a_key_frame_after_it) {
  VideoPacketizer packetizer(Codec::vp8, MediaKind::video, 0);
  const auto key = sent(packetizer.packetize(frame_of(kKey, 0)));
  std::string giant = kDelta;
  giant.resize(limits::kMaxPacketBytes, 'x');
  const auto refused = packetizer.packetize(frame_of(giant, 33'000));
  ck_assert(!refused.ok());
  ck_assert(refused.error().code == Errc::limit);
  ck_assert(packetizer.needs_keyframe());
  ck_assert(!packetizer.packetize(frame_of(kDelta, 66'000)).ok());
  const auto next = sent(packetizer.packetize(frame_of(kKey, 99'000)));
  ck_assert_uint_eq(next->fields().header.sequence,
                    key->fields().header.sequence + 1);
}

VC_TEST(audio_repeats_as_many_preceding_frames_as_it_may) {
  constexpr int kMost = limits::kMaxRedundantFrames;
  AudioPacketizer packetizer;
  for (int i = 0; i < kMost + 3; ++i) {
    const auto packet = sent(packetizer.packetize(
        audio_of(opus(80, i), 1'000'000 + uint64_t(i) * 20'000)));
    const MediaPacketFields media = media_of(packet);
    ck_assert_uint_eq(media.redundant_count, std::min(i, kMost));
    for (size_t k = 0; k < media.redundant_count; ++k)
      ck_assert(as_text(media.redundant[k]) == opus(80, i - 1 - int(k)));
    const MediaHeader& header = packet->fields().header;
    ck_assert_uint_eq(header.sequence, first_number(1'000'000) + uint64_t(i));
    ck_assert(header.codec == (i == 0 ? "opus" : ""));
    ck_assert_uint_eq(header.audio_level, 30);
  }
}

VC_TEST(audio_repeats_no_more_whatever_it_is_asked_for) {
  AudioPacketizer packetizer(limits::kMaxRedundantFrames + 1);
  PacketRef packet;
  for (uint64_t i = 0; i < limits::kMaxRedundantFrames + 3; ++i)
    packet = sent(packetizer.packetize(audio_of(opus(80, 1), i * 20'000)));
  ck_assert_uint_eq(media_of(packet).redundant_count,
                    limits::kMaxRedundantFrames);
}

VC_TEST(a_packet_stays_below_the_size_of_a_datagram) {
  AudioPacketizer packetizer;
  for (const auto& [size, copies] :
       {std::pair<size_t, size_t>{300, 2}, {400, 1}, {700, 0}, {1200, 0}}) {
    packetizer.reset();
    PacketRef packet;
    for (int i = 0; i < 3; ++i)
      packet = sent(
          packetizer.packetize(audio_of(opus(size, i), uint64_t(i) * 20'000)));
    ck_assert_uint_eq(media_of(packet).redundant_count, copies);
    if (size < 900)
      ck_assert_uint_le(packet->size(), limits::kMaxDatagramBytes);
  }
}

VC_TEST(nothing_is_repeated_after_a_pause) {
  AudioPacketizer packetizer;
  uint64_t at = 0;
  const auto next = [&](uint64_t step, bool discont) {
    EncodedFrame frame = audio_of(opus(80, 1), at += step);
    frame.discont = discont;
    return media_of(sent(packetizer.packetize(frame))).redundant_count;
  };
  next(20'000, true);
  ck_assert_uint_eq(next(20'000, false), 1);
  ck_assert_uint_eq(next(20'400, false), 2);  // rounding
  ck_assert_uint_eq(next(40'000, false), 0);
  ck_assert_uint_eq(next(20'000, false), 1);
  ck_assert_uint_eq(next(20'000, true), 0);
  packetizer.set_redundancy(0);
  ck_assert_uint_eq(next(20'000, false), 0);
}

VC_TEST(frames_of_another_length_are_refused) {
  AudioPacketizer packetizer;
  const auto refused = packetizer.packetize(audio_of("\xfb\x03xxx", 0));
  ck_assert(!refused.ok());
  ck_assert(refused.error().code == Errc::invalid_argument);
}

VC_SUITE_MAIN("media/packetizer")
