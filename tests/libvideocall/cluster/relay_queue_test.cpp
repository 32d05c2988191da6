// SPDX-License-Identifier: MIT
#include "libvideocall/cluster/relay_queue.h"

#include <string>

#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::cluster;

namespace {

RelayQueue::Entry media(MediaKind kind, bool keyframe, Time queued,
                        size_t bytes = 100, const char* subject = "s") {
  const std::string data(bytes, 'd');
  PacketFields fields;
  fields.type = PacketType::media;
  fields.kind = kind;
  fields.data = {reinterpret_cast<const uint8_t*>(data.data()), data.size()};
  fields.header.keyframe = keyframe;
  fields.header.sequence = 1;
  return {*Packet::build(fields),
          std::make_shared<const std::string>(subject),
          queued,
          {}};
}

RelayQueue::Entry control(Time queued, size_t bytes = 100) {
  const std::string data(bytes, 'd');
  return {
      *Packet::build({.type = PacketType::chat,
                      .data = {reinterpret_cast<const uint8_t*>(data.data()),
                               data.size()}}),
      std::make_shared<const std::string>("c"),
      queued,
      {}};
}

const Time kNow(1000s);

}  // namespace

VC_TEST(keeps_the_order) {
  RelayQueue queue;
  ck_assert(queue.push(media(MediaKind::video, true, kNow)));
  ck_assert(queue.push(control(kNow)));
  ck_assert(queue.pop(kNow)->packet->fields().type == PacketType::media);
  ck_assert(queue.pop(kNow)->packet->fields().type == PacketType::chat);
  ck_assert(!queue.pop(kNow));
  ck_assert_uint_eq(queue.bytes(), 0);
}

VC_TEST(late_media_goes_and_control_does_not) {
  RelayQueue queue;
  queue.push(media(MediaKind::audio, false, kNow));
  queue.push(control(kNow));
  queue.push(media(MediaKind::audio, false, kNow + 200ms));
  const Time later = kNow + 301ms;
  ck_assert(queue.pop(later)->packet->fields().type == PacketType::chat);
  ck_assert(queue.pop(later)->packet->fields().kind == MediaKind::audio);
  ck_assert_uint_eq(queue.dropped().late, 1);
  ck_assert_uint_eq(queue.dropped().cut, 0);  // sound is for itself
}

VC_TEST(a_group_with_a_gap_is_cut_until_its_next_key_frame) {
  RelayQueue queue;
  queue.push(media(MediaKind::video, true, kNow));
  queue.push(media(MediaKind::video, false, kNow + 400ms));
  queue.push(media(MediaKind::video, false, kNow + 400ms, 100, "other"));
  queue.push(media(MediaKind::video, true, kNow + 400ms));
  queue.push(media(MediaKind::video, false, kNow + 400ms));
  const Time later = kNow + 400ms;
  ck_assert_str_eq(queue.pop(later)->subject->c_str(), "other");
  ck_assert(queue.pop(later)->packet->fields().header.keyframe);
  ck_assert(queue.pop(later));
  ck_assert(!queue.pop(later));
  ck_assert_uint_eq(queue.dropped().late, 1);
  ck_assert_uint_eq(queue.dropped().cut, 1);
}

VC_TEST(bounds_hold_and_control_has_more_room) {
  RelayQueue queue({1'000, 100, 300ms});
  size_t taken = 0;
  for (int i = 0; i < 20; ++i)
    taken += queue.push(media(MediaKind::audio, false, kNow, 200)) ? 1 : 0;
  ck_assert_uint_ge(taken, 3);
  ck_assert_uint_le(queue.bytes(), 1'000);
  ck_assert_uint_eq(queue.dropped().full, 20 - taken);
  ck_assert(queue.push(control(kNow, 500)));
  for (int i = 0; i < 20; ++i) queue.push(control(kNow, 500));
  ck_assert_uint_le(queue.bytes(), 2'000);
}

VC_TEST(as_many_packets_wait_as_may) {
  RelayQueue queue;
  const auto sound = media(MediaKind::audio, false, kNow, 1);
  for (size_t i = 0; i < limits::kMaxNatsQueuePackets; ++i)
    ck_assert(queue.push(sound));
  ck_assert(!queue.push(sound));
  for (size_t i = 0; i < limits::kMaxNatsQueuePackets; ++i)
    ck_assert(queue.push(control(kNow, 1)));
  ck_assert(!queue.push(control(kNow, 1)));
}

VC_TEST(as_many_bytes_wait_as_may) {
  RelayQueue queue;
  const auto frame = media(MediaKind::audio, false, kNow, 500'000);
  const size_t most = limits::kMaxNatsQueueBytes / frame.packet->size();
  for (size_t i = 0; i < most; ++i) ck_assert(queue.push(frame));
  ck_assert(!queue.push(frame));
  const size_t rest = limits::kMaxNatsQueueBytes - queue.bytes();
  const size_t wrapping = frame.packet->size() - 500'000;
  ck_assert(rest > 2 * wrapping);
  queue.push(media(MediaKind::audio, false, kNow, rest - wrapping));
  ck_assert_uint_eq(queue.bytes(), limits::kMaxNatsQueueBytes);
  ck_assert(!queue.push(media(MediaKind::audio, false, kNow, 0)));
}

VC_TEST(what_is_lost_without_a_connection_cuts_its_group) {
  RelayQueue queue;
  queue.lose(media(MediaKind::video, true, kNow));
  queue.push(media(MediaKind::video, false, kNow));
  ck_assert(!queue.pop(kNow));
  ck_assert_uint_eq(queue.dropped().unlinked, 1);
  queue.push(media(MediaKind::video, true, kNow));
  ck_assert(queue.pop(kNow).has_value());
}

VC_SUITE_MAIN("cluster/relay_queue")
