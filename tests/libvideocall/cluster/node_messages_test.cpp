// SPDX-License-Identifier: MIT
#include "libvideocall/cluster/node_messages.h"

#include <limits>
#include <string>

#include "libvideocall/cluster/limits.h"
#include "node.pb.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::cluster;

namespace {

template <typename Message>
Message round_trip(const Message& message) {
  const PacketRef packet = write_node_message(message);
  ck_assert(packet);
  ck_assert(packet->fields().type == PacketType::node);
  auto read = read_node_message(packet->fields().data);
  ck_assert(read.ok());
  return std::get<Message>(*read);
}

bool refused(const proto::NodePacket& packet) {
  const std::string data = packet.SerializeAsString();
  return !read_node_message(
      {reinterpret_cast<const uint8_t*>(data.data()), data.size()});
}

}  // namespace

VC_TEST(all_kinds_survive_the_way) {
  Heartbeat heartbeat;
  heartbeat.node_id = "node-1";
  heartbeat.incarnation = std::numeric_limits<uint64_t>::max();
  heartbeat.sessions = 3;
  heartbeat.max_sessions = 20;
  heartbeat.cpu_load = 0.5;
  heartbeat.transport_urls = {"https://a:1", "wss://a:2"};
  heartbeat.certificate_hashes = {"h"};
  heartbeat.draining = true;
  heartbeat.token_key_id = std::string("\0k", 2);
  ck_assert(round_trip(heartbeat) == heartbeat);
  const TrackLayer track{7, MediaKind::screen, 1};
  const auto request = round_trip(LayerRequest{
      "n", {{track, false}, {{8, MediaKind::audio, 0}, true}}, true});
  ck_assert(request.complete && request.entries.size() == 2);
  ck_assert(request.entries[0].track == track && !request.entries[0].wanted);
  const auto offer = round_trip(LayerOffer{{{track, true, 720, 1500}}});
  ck_assert_uint_eq(offer.entries.at(0).height, 720);
  ck_assert_uint_eq(offer.entries.at(0).target_kbps, 1500);
  ck_assert(round_trip(KeyframeRequest{"m", track}).track == track);
  ck_assert_str_eq(
      round_trip(Remove{"m", 7, CloseCode::removed, "why"}).reason.c_str(),
      "why");
  ck_assert_str_eq(round_trip(Resume{"m", 7, "b"}).node_id.c_str(), "b");
  ck_assert_uint_eq(round_trip(RoomDigest{3, 99}).digest, 99);
  ck_assert(round_trip(News{{"one", "", "two"}}).meeting_packets ==
            std::vector<std::string>({"one", "", "two"}));
}

VC_TEST(a_key_id_has_its_bound) {
  proto::NodePacket packet;
  packet.mutable_heartbeat()->set_node_id("a");
  std::string& key = *packet.mutable_heartbeat()->mutable_token_key_id();
  key.assign(limits::kMaxTokenKeyIdBytes, 'k');
  ck_assert(!refused(packet));
  key += 'k';
  ck_assert(refused(packet));
}

VC_TEST(what_is_asked_for_and_offered_at_once_has_its_bound) {
  const auto add = [](auto* message, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      auto* entry = message->add_entries();
      entry->set_session_id(1);
      entry->set_media_kind(proto::MEDIA_KIND_VIDEO);
    }
  };
  proto::NodePacket request;
  request.mutable_layer_request()->set_node_id("a");
  add(request.mutable_layer_request(), limits::kMaxLayerEntries);
  ck_assert(!refused(request));
  add(request.mutable_layer_request(), 1);
  ck_assert(refused(request));
  proto::NodePacket offer;
  add(offer.mutable_layer_offer(), limits::kMaxLayerEntries);
  ck_assert(!refused(offer));
  add(offer.mutable_layer_offer(), 1);
  ck_assert(refused(offer));
}

VC_TEST(what_is_out_of_bounds_is_refused) {
  proto::NodePacket packet;
  ck_assert(refused(packet));  // of no kind
  packet.mutable_heartbeat()->set_node_id("a.b");
  ck_assert(refused(packet));
  packet.mutable_heartbeat()->set_node_id("a");
  packet.mutable_heartbeat()->set_cpu_load(
      std::numeric_limits<double>::quiet_NaN());
  ck_assert(!refused(packet));
  for (size_t i = 0; i <= limits::kMaxNodeUrls; ++i)
    packet.mutable_heartbeat()->add_transport_urls("u");
  ck_assert(refused(packet));
  auto* request = packet.mutable_keyframe_request();
  request->set_meeting_id("m");
  request->set_session_id(1);
  request->set_media_kind(proto::MEDIA_KIND_VIDEO);
  ck_assert(!refused(packet));
  request->set_layer(limits::kMaxLayer + 1);
  ck_assert(refused(packet));
  request->set_layer(0);
  request->set_media_kind(proto::MEDIA_KIND_AUDIO);
  ck_assert(refused(packet));
  request->set_media_kind(proto::MEDIA_KIND_VIDEO);
  request->set_session_id(limits::kMaxSessionId + 1);
  ck_assert(refused(packet));
  for (size_t i = 0; i < limits::kMaxNewsEntries; ++i)
    packet.mutable_news()->add_meeting_packets("n");
  ck_assert(!refused(packet));
  packet.mutable_news()->add_meeting_packets("n");
  ck_assert(refused(packet));
  packet.mutable_resume()->set_meeting_id("m");
  packet.mutable_resume()->set_session_id(1);
  ck_assert(refused(packet));  // no node
  ck_assert(
      !read_node_message(Bytes{reinterpret_cast<const uint8_t*>("\xff"), 1}));
}

VC_SUITE_MAIN("cluster/node_messages")
