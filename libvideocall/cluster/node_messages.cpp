// SPDX-License-Identifier: MIT
#include "libvideocall/cluster/node_messages.h"

#include <algorithm>

#include "libvideocall/cluster/limits.h"
#include "node.pb.h"

namespace videocall::cluster {
namespace {

Error refused(const char* why) {
  return {Errc::protocol, why};
}

// Of a LayerRequest's or LayerOffer's entry, or a KeyframeRequest.
template <typename Message>
bool read_track(const Message& message, TrackLayer& track) {
  if (message.session_id() == 0 ||
      message.session_id() > limits::kMaxSessionId ||
      message.media_kind() < proto::MEDIA_KIND_VIDEO ||
      message.media_kind() > proto::MEDIA_KIND_SCREEN ||
      message.layer() > limits::kMaxLayer)
    return false;
  track = {message.session_id(), static_cast<MediaKind>(message.media_kind()),
           static_cast<uint8_t>(message.layer())};
  return track.kind != MediaKind::audio || track.layer == 0;
}

template <typename Message>
void write_track(Message& message, const TrackLayer& track) {
  message.set_session_id(track.session_id);
  message.set_media_kind(static_cast<proto::MediaKind>(track.kind));
  message.set_layer(track.layer);
}

bool is_meeting_id(const std::string& id) {
  return !id.empty() && id.size() <= limits::kMaxMeetingIdBytes;
}

bool is_session_id(uint64_t id) {
  return id > 0 && id <= limits::kMaxSessionId;
}

Result<NodeMessage> read(const proto::NodePacket::Heartbeat& from) {
  if (!is_node_id(from.node_id())) return refused("heartbeat: bad node id");
  if (from.transport_urls_size() > static_cast<int>(limits::kMaxNodeUrls) ||
      from.certificate_hashes_size() > static_cast<int>(limits::kMaxNodeUrls) ||
      from.token_key_id().size() > limits::kMaxTokenKeyIdBytes)
    return refused("heartbeat: too much");
  Heartbeat to;
  to.node_id = from.node_id();
  to.incarnation = from.incarnation();
  to.sessions = from.sessions();
  to.max_sessions = from.max_sessions();
  // NaN is no load.
  to.cpu_load = from.cpu_load() > 0 ? std::min(from.cpu_load(), 1.0) : 0.0;
  to.transport_urls.assign(from.transport_urls().begin(),
                           from.transport_urls().end());
  to.certificate_hashes.assign(from.certificate_hashes().begin(),
                               from.certificate_hashes().end());
  to.draining = from.draining();
  to.token_key_id = from.token_key_id();
  return NodeMessage(std::move(to));
}

Result<NodeMessage> read(const proto::NodePacket::LayerRequest& from) {
  if (!is_node_id(from.node_id())) return refused("layer request: bad node id");
  if (from.entries_size() > static_cast<int>(limits::kMaxLayerEntries))
    return refused("layer request: too many entries");
  LayerRequest to;
  to.node_id = from.node_id();
  to.complete = from.complete();
  to.entries.reserve(static_cast<size_t>(from.entries_size()));
  for (const auto& entry : from.entries()) {
    LayerRequest::Entry& added = to.entries.emplace_back();
    if (!read_track(entry, added.track))
      return refused("layer request: bad track");
    added.wanted = entry.wanted();
  }
  return NodeMessage(std::move(to));
}

Result<NodeMessage> read(const proto::NodePacket::LayerOffer& from) {
  if (from.entries_size() > static_cast<int>(limits::kMaxLayerEntries))
    return refused("layer offer: too many entries");
  LayerOffer to;
  to.entries.reserve(static_cast<size_t>(from.entries_size()));
  for (const auto& entry : from.entries()) {
    LayerOffer::Entry& added = to.entries.emplace_back();
    if (!read_track(entry, added.track))
      return refused("layer offer: bad track");
    added.available = entry.available();
    added.height = entry.height();
    added.target_kbps = entry.target_kbps();
  }
  return NodeMessage(std::move(to));
}

Result<NodeMessage> read(const proto::NodePacket::News& from) {
  if (from.meeting_packets_size() > static_cast<int>(limits::kMaxNewsEntries))
    return refused("news: too many entries");
  return NodeMessage(
      News{{from.meeting_packets().begin(), from.meeting_packets().end()}});
}

Result<NodeMessage> read(const proto::NodePacket::KeyframeRequest& from) {
  KeyframeRequest to;
  if (!is_meeting_id(from.meeting_id()) || !read_track(from, to.track) ||
      to.track.kind == MediaKind::audio)
    return refused("key frame request: bad meeting or track");
  to.meeting = from.meeting_id();
  return NodeMessage(std::move(to));
}

Result<NodeMessage> read(const proto::NodePacket::Remove& from) {
  if (!is_meeting_id(from.meeting_id()) || !is_session_id(from.session_id()))
    return refused("remove: bad meeting or session");
  return NodeMessage(
      Remove{from.meeting_id(), from.session_id(),
             static_cast<CloseCode>(from.close_code()),
             from.reason().substr(0, limits::kMaxCloseReasonBytes)});
}

Result<NodeMessage> read(const proto::NodePacket::Resume& from) {
  if (!is_meeting_id(from.meeting_id()) || !is_session_id(from.session_id()) ||
      !is_node_id(from.node_id()))
    return refused("resume: bad meeting, session or node");
  return NodeMessage(
      Resume{from.meeting_id(), from.session_id(), from.node_id()});
}

void write(const Heartbeat& from, proto::NodePacket& packet) {
  auto* to = packet.mutable_heartbeat();
  to->set_node_id(from.node_id);
  to->set_incarnation(from.incarnation);
  to->set_sessions(from.sessions);
  to->set_max_sessions(from.max_sessions);
  to->set_cpu_load(from.cpu_load);
  for (const std::string& url : from.transport_urls)
    to->add_transport_urls(url);
  for (const std::string& hash : from.certificate_hashes)
    to->add_certificate_hashes(hash);
  to->set_draining(from.draining);
  to->set_token_key_id(from.token_key_id);
}

void write(const LayerRequest& from, proto::NodePacket& packet) {
  auto* to = packet.mutable_layer_request();
  to->set_node_id(from.node_id);
  to->set_complete(from.complete);
  for (const LayerRequest::Entry& entry : from.entries) {
    auto* added = to->add_entries();
    write_track(*added, entry.track);
    added->set_wanted(entry.wanted);
  }
}

void write(const LayerOffer& from, proto::NodePacket& packet) {
  auto* to = packet.mutable_layer_offer();
  for (const LayerOffer::Entry& entry : from.entries) {
    auto* added = to->add_entries();
    write_track(*added, entry.track);
    added->set_available(entry.available);
    added->set_height(entry.height);
    added->set_target_kbps(entry.target_kbps);
  }
}

void write(const KeyframeRequest& from, proto::NodePacket& packet) {
  auto* to = packet.mutable_keyframe_request();
  to->set_meeting_id(from.meeting);
  write_track(*to, from.track);
}

void write(const Remove& from, proto::NodePacket& packet) {
  auto* to = packet.mutable_remove();
  to->set_meeting_id(from.meeting);
  to->set_session_id(from.session_id);
  to->set_close_code(static_cast<uint32_t>(from.code));
  to->set_reason(from.reason);
}

void write(const Resume& from, proto::NodePacket& packet) {
  auto* to = packet.mutable_resume();
  to->set_meeting_id(from.meeting);
  to->set_session_id(from.session_id);
  to->set_node_id(from.node_id);
}

void write(const RoomDigest& from, proto::NodePacket& packet) {
  auto* to = packet.mutable_room_digest();
  to->set_members(from.members);
  to->set_digest(from.digest);
}

void write(const News& from, proto::NodePacket& packet) {
  auto* to = packet.mutable_news();
  for (const std::string& data : from.meeting_packets)
    to->add_meeting_packets(data);
}

}  // namespace

Result<NodeMessage> read_node_message(Bytes data) {
  proto::NodePacket packet;
  if (!packet.ParseFromArray(data.data(), static_cast<int>(data.size())))
    return refused("NODE does not parse");
  switch (packet.message_case()) {
    case proto::NodePacket::kHeartbeat:
      return read(packet.heartbeat());
    case proto::NodePacket::kLayerRequest:
      return read(packet.layer_request());
    case proto::NodePacket::kKeyframeRequest:
      return read(packet.keyframe_request());
    case proto::NodePacket::kRemove:
      return read(packet.remove());
    case proto::NodePacket::kResume:
      return read(packet.resume());
    case proto::NodePacket::kLayerOffer:
      return read(packet.layer_offer());
    case proto::NodePacket::kRoomDigest:
      return NodeMessage(RoomDigest{packet.room_digest().members(),
                                    packet.room_digest().digest()});
    case proto::NodePacket::kNews:
      return read(packet.news());
    case proto::NodePacket::MESSAGE_NOT_SET:
      break;
  }
  return refused("NODE of an unknown kind");
}

PacketRef write_node_message(const NodeMessage& message) {
  proto::NodePacket node;
  std::visit([&](const auto& kind) { write(kind, node); }, message);
  const std::string data = node.SerializeAsString();
  auto packet = Packet::build(
      {.type = PacketType::node,
       .data = {reinterpret_cast<const uint8_t*>(data.data()), data.size()}});
  return packet ? std::move(*packet) : PacketRef();
}

}  // namespace videocall::cluster
