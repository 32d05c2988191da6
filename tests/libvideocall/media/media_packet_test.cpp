// SPDX-License-Identifier: MIT
#include "libvideocall/media/media_packet.h"

#include "media.pb.h"
#include "tests/libvideocall/media/track_support.h"
#include "tests/support/suite.h"

using namespace videocall;
using videocall::testing::as_bytes;
using videocall::testing::as_text;

VC_TEST(protobuf_reads_what_it_wrote) {
  const std::string payload(700, 'p');
  MediaPacketFields fields;
  fields.kind = MediaKind::audio;
  fields.payload = as_bytes(payload);
  fields.duration_us = 20'000;
  const std::string copies[] = {"one", "two"};
  fields.redundant[0] = as_bytes(copies[0]);
  fields.redundant[1] = as_bytes(copies[1]);
  fields.redundant_count = 2;
  const auto bytes = serialize_media_packet(fields);
  proto::MediaPacket packet;
  ck_assert(packet.ParseFromArray(bytes.data(), int(bytes.size())));
  ck_assert_int_eq(packet.media_type(), proto::MediaPacket::AUDIO);
  ck_assert(packet.data() == payload);
  ck_assert(packet.duration() == 20'000.0);
  ck_assert_int_eq(packet.redundant_size(), 2);
  ck_assert(packet.redundant(1) == "two");
}

VC_TEST(reads_what_protobuf_wrote) {
  proto::MediaPacket packet;
  packet.set_media_type(proto::MediaPacket::SCREEN);
  packet.set_data("frame");
  packet.set_frame_type("key");
  packet.set_timestamp(1.5);
  packet.set_duration(33'333.4);
  packet.mutable_video_metadata()->set_sequence(4);
  for (size_t i = 0; i < limits::kMaxRedundantFrames + 1; ++i)
    packet.add_redundant(std::string(1, static_cast<char>('a' + i)));
  const std::string bytes = packet.SerializeAsString();
  const auto fields = parse_media_packet(as_bytes(bytes));
  ck_assert(fields.ok());
  ck_assert(fields->kind == MediaKind::screen);
  ck_assert(as_text(fields->payload) == "frame");
  ck_assert_uint_eq(fields->duration_us, 33'333);
  // One more than the contract allows.
  ck_assert_uint_eq(fields->redundant_count, limits::kMaxRedundantFrames);
  ck_assert(as_text(fields->redundant[1]) == "b");
}

VC_TEST(refuses_what_is_none) {
  ck_assert(!parse_media_packet(as_bytes("\xff\xff")).ok());
  ck_assert(!parse_media_packet(as_bytes(std::string("\x1a\x05zz", 4))).ok());
  proto::MediaPacket heartbeat;
  heartbeat.set_media_type(proto::MediaPacket::HEARTBEAT);
  ck_assert(!parse_media_packet(as_bytes(heartbeat.SerializeAsString())).ok());
}

VC_TEST(impossible_durations_are_not_known) {
  for (const double us : {-1.0, 1e300, 0.0 / 0.0}) {
    proto::MediaPacket packet;
    packet.set_duration(us);
    const std::string bytes = packet.SerializeAsString();
    const auto fields = parse_media_packet(as_bytes(bytes));
    ck_assert(fields.ok());
    ck_assert_uint_eq(fields->duration_us, 0);
  }
}

VC_SUITE_MAIN("media/media_packet")
