// SPDX-License-Identifier: MIT
#include "libvideocall/wire/packet.h"

#include <string>
#include <vector>

#include "media.pb.h"
#include "packet_wrapper.pb.h"
#include "tests/support/suite.h"

using namespace videocall;

namespace {

Bytes bytes_of(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

std::string media_wrapper(int headers) {
  proto::PacketWrapper wrapper;
  wrapper.set_packet_type(proto::MEDIA);
  wrapper.set_media_kind(proto::MEDIA_KIND_VIDEO);
  wrapper.set_data("frame");
  std::string out = wrapper.SerializeAsString();
  for (int i = 0; i < headers; ++i) {
    proto::PacketWrapper part;
    proto::MediaHeader header;
    header.set_sequence(7);
    part.set_media_header(header.SerializeAsString());
    out += part.SerializeAsString();
  }
  return out;
}

}  // namespace

VC_TEST(reads_what_protobuf_wrote) {
  proto::MediaHeader header;
  header.set_sequence(1'000'000'007);
  header.set_group(12);
  header.set_keyframe(true);
  header.set_temporal_id(2);
  header.set_capture_us(987654321);
  header.set_audio_level(33);
  header.set_speaking(true);
  header.set_codec("vp8");
  header.set_width(1280);
  header.set_height(720);
  header.set_target_kbps(1500);
  header.set_key_epoch(4);
  proto::PacketWrapper wrapper;
  wrapper.set_packet_type(proto::MEDIA);
  wrapper.set_user_id("anna");
  wrapper.set_data(std::string(5000, 'x'));
  wrapper.set_session_id(42);
  wrapper.set_simulcast_layer_id(1);
  wrapper.set_media_kind(proto::MEDIA_KIND_SCREEN);
  wrapper.set_media_header(header.SerializeAsString());
  auto packet = Packet::from_bytes(bytes_of(wrapper.SerializeAsString()));
  ck_assert(packet.ok());
  const PacketFields& fields = (*packet)->fields();
  ck_assert(fields.type == PacketType::media);
  ck_assert(fields.kind == MediaKind::screen);
  ck_assert_uint_eq(fields.layer, 1);
  ck_assert_uint_eq(fields.session_id, 42);
  ck_assert_uint_eq(fields.data.size(), 5000);
  ck_assert_uint_eq(fields.header.sequence, 1'000'000'007);
  ck_assert_uint_eq(fields.header.group, 12);
  ck_assert(fields.header.keyframe);
  ck_assert_uint_eq(fields.header.temporal_id, 2);
  ck_assert_uint_eq(fields.header.capture_us, 987654321);
  ck_assert_uint_eq(fields.header.audio_level, 33);
  ck_assert(fields.header.codec == "vp8");
  ck_assert_uint_eq(fields.header.width, 1280);
  ck_assert_uint_eq(fields.header.key_epoch, 4);
  // data is not copied: it lies within the packet's own bytes.
  ck_assert(fields.data.data() >= (*packet)->bytes().data());
}

VC_TEST(protobuf_reads_what_build_wrote) {
  const std::string data(300, 'y');
  PacketFields fields;
  fields.type = PacketType::media;
  fields.kind = MediaKind::audio;
  fields.data = bytes_of(data);
  fields.session_id = 77;
  fields.header.sequence = 9;
  fields.header.audio_level = 12;
  fields.header.codec = "opus";
  auto packet = Packet::build(fields);
  ck_assert(packet.ok());
  proto::PacketWrapper wrapper;
  const Bytes bytes = (*packet)->bytes();
  ck_assert(wrapper.ParseFromArray(bytes.data(), int(bytes.size())));
  ck_assert(wrapper.data() == data);
  ck_assert_uint_eq(wrapper.session_id(), 77);
  proto::MediaHeader header;
  ck_assert(header.ParseFromString(wrapper.media_header()));
  ck_assert_uint_eq(header.sequence(), 9);
  ck_assert_uint_eq(header.audio_level(), 12);
  ck_assert(header.codec() == "opus");
}

VC_TEST(a_stamp_wins_over_what_the_client_sent) {
  proto::PacketWrapper wrapper;
  wrapper.set_packet_type(proto::CHAT);
  wrapper.set_user_id("mallory");
  wrapper.set_session_id(1);
  wrapper.set_data("hello");
  auto packet = Packet::from_bytes(bytes_of(wrapper.SerializeAsString()));
  ck_assert(packet.ok());
  (*packet)->stamp({"anna", limits::kMaxSessionId});
  const Bytes bytes = (*packet)->bytes();
  proto::PacketWrapper stamped;
  ck_assert(stamped.ParseFromArray(bytes.data(), int(bytes.size())));
  ck_assert(stamped.user_id() == "anna");
  ck_assert_uint_eq(stamped.session_id(), limits::kMaxSessionId);
  ck_assert(stamped.data() == "hello");
  const Bytes framed = (*packet)->framed();
  ck_assert_uint_eq(framed.size(), bytes.size() + 4);
  ck_assert_uint_eq(framed[3] | framed[2] << 8, bytes.size());
}

VC_TEST(the_longest_stamp_fits) {
  auto packet = Packet::build({.type = PacketType::chat});
  ck_assert(packet.ok());
  const std::string longest(limits::kMaxUserIdBytes, 'u');
  const size_t before = (*packet)->size();
  (*packet)->stamp({longest, limits::kMaxSessionId});
  ck_assert_uint_le((*packet)->size() - before, limits::kMaxStampBytes);
}

VC_TEST(an_empty_user_id_replaces_the_clients) {
  auto packet =
      Packet::build({.type = PacketType::chat, .user_id = bytes_of("mallory")});
  (*packet)->stamp({"", 5});
  const Bytes bytes = (*packet)->bytes();
  proto::PacketWrapper stamped;
  ck_assert(stamped.ParseFromArray(bytes.data(), int(bytes.size())));
  ck_assert(stamped.user_id().empty());
}

VC_TEST(refuses_what_does_not_parse) {
  for (const std::string& bad :
       {std::string("\xff"), std::string("\x08"), std::string("\x1a\x05x"),
        std::string("\x0a\x01x"), std::string("\x28\x03"),
        std::string("\x30\x04"), std::string("\x00\x00", 2)}) {
    ck_assert(!Packet::from_bytes(bytes_of(bad)).ok());
  }
}

VC_TEST(forwards_unknown_types_and_fields) {
  const std::string unknown("\x08\x63\x98\x06\x01", 5);  // type 99, field 99
  auto packet = Packet::from_bytes(bytes_of(unknown));
  ck_assert(packet.ok());
  ck_assert(check_from_client(**packet).ok());
}

VC_TEST(refuses_server_only_and_foreign_types) {
  for (PacketType type :
       {PacketType::unknown, PacketType::rsa_pub_key, PacketType::aes_key,
        PacketType::congestion, PacketType::session_assigned,
        PacketType::meeting, PacketType::layer_hint, PacketType::node}) {
    auto packet = Packet::build({.type = type, .session_id = 1});
    ck_assert(packet.ok());
    ck_assert(!check_from_client(**packet).ok());
  }
}

VC_TEST(media_needs_exactly_one_header) {
  for (int headers : {0, 1, 2, 3}) {
    auto packet = Packet::from_bytes(bytes_of(media_wrapper(headers)));
    ck_assert(packet.ok());
    ck_assert_int_eq(check_from_client(**packet).ok(), headers == 1);
  }
}

VC_TEST(media_needs_a_kind) {
  auto packet = Packet::build({.type = PacketType::media});
  ck_assert(packet.ok());
  ck_assert(!check_from_client(**packet).ok());
}

VC_TEST(an_rtt_probe_is_at_most_64_bytes) {
  const std::string probe(64, 'r');
  const std::string longer(65, 'r');
  auto good = Packet::build({.type = PacketType::rtt, .data = bytes_of(probe)});
  auto bad = Packet::build({.type = PacketType::rtt, .data = bytes_of(longer)});
  ck_assert(check_from_client(**good).ok());
  ck_assert(!check_from_client(**bad).ok());
}

VC_SUITE_MAIN("wire/packet")
