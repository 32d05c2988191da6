// SPDX-License-Identifier: MIT
#include "libvideocall/room/messages.h"

#include <cassert>

#include "chat.pb.h"
#include "choice.pb.h"
#include "diagnostics.pb.h"
#include "meeting.pb.h"
#include "session.pb.h"

namespace videocall::room {
namespace {

constexpr uint32_t kProtocolVersion = 1;

Error refused(const char* why) {
  return {Errc::protocol, why};
}

template <typename Message>
bool parse(Message& message, Bytes data) {
  return message.ParseFromArray(data.data(), static_cast<int>(data.size()));
}

Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// A packet that the server says, around |message|.
template <typename Message>
PacketRef write(PacketType type, const Message& message,
                const Stamp& envelope = {}) {
  const std::string data = message.SerializeAsString();
  auto packet = Packet::build({.type = type,
                               .session_id = envelope.session_id,
                               .user_id = bytes_of(envelope.user_id),
                               .data = bytes_of(data)});
  // Everything in it was bounded when it was read.
  assert(packet.ok());
  return packet ? std::move(*packet) : PacketRef();
}

bool is_video(int kind) {
  return kind == proto::MEDIA_KIND_VIDEO || kind == proto::MEDIA_KIND_SCREEN;
}

void fill(proto::MemberState& out, const MemberState& state) {
  out.set_video_enabled(state.video);
  out.set_audio_enabled(state.audio);
  out.set_screen_enabled(state.screen);
  out.set_speaking(state.speaking);
  out.set_hand_raised(state.hand_raised);
  out.set_display_name(state.display_name);
}

MemberState state_of(const proto::MemberState& message) {
  return MemberState{message.video_enabled(),  message.audio_enabled(),
                     message.screen_enabled(), message.speaking(),
                     message.hand_raised(),    message.display_name()};
}

}  // namespace

Result<std::string> read_connection(Bytes data) {
  proto::ConnectionPacket message;
  if (!parse(message, data)) return refused("CONNECTION does not parse");
  if (message.meeting_id().size() > limits::kMaxMeetingIdBytes)
    return refused("meeting_id too long");
  return message.meeting_id();
}

Result<MemberState> read_member_state(Bytes data) {
  proto::MemberState message;
  if (!parse(message, data)) return refused("MEMBER_STATE does not parse");
  if (message.display_name().size() > limits::kMaxDisplayNameBytes)
    return refused("display_name too long");
  return state_of(message);
}

Result<MeetingSaid> read_meeting(Bytes data) {
  proto::MeetingPacket message;
  if (!parse(message, data)) return refused("MEETING does not parse");
  if (message.session_id() > limits::kMaxSessionId ||
      message.target_user_id().size() > limits::kMaxUserIdBytes ||
      message.display_name().size() > limits::kMaxDisplayNameBytes ||
      message.state().display_name().size() > limits::kMaxDisplayNameBytes ||
      message.message().size() > limits::kMaxCloseReasonBytes ||
      message.participant_count() < 0)
    return refused("MEETING: a field is out of its bound");
  MeetingSaid said;
  said.event = static_cast<MeetingEvent>(message.event_type());
  said.start_ms = message.start_time_ms();
  said.message = message.message();
  said.participant_count = static_cast<uint64_t>(message.participant_count());
  said.session_id = message.session_id();
  said.user_id = message.target_user_id();
  said.display_name = message.display_name();
  if (message.role() == proto::MEMBER_ROLE_HOST) said.role = Role::host;
  if (message.role() == proto::MEMBER_ROLE_OBSERVER) said.role = Role::observer;
  said.state = state_of(message.state());
  return said;
}

Result<Chat> read_chat(Bytes data) {
  proto::ChatMessage message;
  if (!parse(message, data)) return refused("CHAT does not parse");
  if (message.id().size() != limits::kChatIdBytes)
    return refused("chat id is not of 16 bytes");
  if (message.text().size() > limits::kMaxChatBytes)
    return refused("chat text too long");
  return Chat{message.id(), message.text(), message.to_session_id()};
}

Result<void> check_reaction(Bytes data) {
  proto::Reaction message;
  if (!parse(message, data)) return refused("REACTION does not parse");
  if (message.reaction() == proto::Reaction::REACTION_UNSPECIFIED)
    return refused("REACTION without a reaction");
  return {};
}

Result<KeyframeWish> read_keyframe_request(Bytes data) {
  proto::KeyframeRequest message;
  if (!parse(message, data)) return refused("KEYFRAME_REQUEST does not parse");
  if (!is_video(message.media_kind()))
    return refused("KEYFRAME_REQUEST for what has no key frames");
  if (message.layer() > limits::kMaxLayer)
    return refused("KEYFRAME_REQUEST: layer out of range");
  return KeyframeWish{message.session_id(),
                      static_cast<MediaKind>(message.media_kind()),
                      static_cast<uint8_t>(message.layer())};
}

Result<std::vector<Tile>> read_viewport(Bytes data) {
  proto::Viewport message;
  if (!parse(message, data)) return refused("VIEWPORT does not parse");
  if (message.tiles_size() > static_cast<int>(limits::kMaxViewportTiles))
    return refused("VIEWPORT with more than 64 tiles");
  std::vector<Tile> tiles;
  tiles.reserve(static_cast<size_t>(message.tiles_size()));
  for (const auto& tile : message.tiles()) {
    if (!is_video(tile.media_kind()))
      return refused("VIEWPORT: a tile of no video");
    tiles.push_back({tile.session_id(),
                     static_cast<MediaKind>(tile.media_kind()),
                     tile.height_px(), tile.pinned()});
  }
  return tiles;
}

Result<std::vector<LayerCap>> read_layer_preference(Bytes data) {
  proto::LayerPreference message;
  if (!parse(message, data)) return refused("LAYER_PREFERENCE does not parse");
  if (message.entries_size() > static_cast<int>(limits::kMaxLayerPreferences))
    return refused("LAYER_PREFERENCE with more than 64 entries");
  std::vector<LayerCap> caps;
  caps.reserve(static_cast<size_t>(message.entries_size()));
  for (const auto& entry : message.entries()) {
    if (entry.desired_layer() > limits::kMaxLayer)
      return refused("LAYER_PREFERENCE: layer out of range");
    if (!is_video(entry.media_kind()))
      return refused("LAYER_PREFERENCE for what has no layers");
    caps.push_back({entry.session_id(),
                    static_cast<MediaKind>(entry.media_kind()),
                    static_cast<uint8_t>(entry.desired_layer())});
  }
  return caps;
}

PacketRef write_session_assigned(const Assignment& assignment) {
  proto::SessionAssigned message;
  message.set_server_id(std::string(assignment.server_id));
  message.set_protocol_version(kProtocolVersion);
  message.set_server_time_ms(assignment.server_time_ms);
  message.set_resume_secret(std::string(assignment.resume_secret));
  message.set_max_packet_bytes(uint32_t{limits::kMaxPacketBytes});
  message.set_max_datagram_bytes(uint32_t{limits::kMaxDatagramBytes});
  message.set_heartbeat_s(
      static_cast<uint32_t>(limits::kHeartbeatInterval.count()));
  return write(PacketType::session_assigned, message,
               {assignment.user_id, assignment.session_id});
}

PacketRef write_meeting(const MeetingNews& news) {
  proto::MeetingPacket message;
  message.set_event_type(
      static_cast<proto::MeetingPacket::MeetingEventType>(news.event));
  message.set_room_id(std::string(news.meeting));
  message.set_start_time_ms(news.start_ms);
  message.set_message(std::string(news.message));
  message.set_participant_count(static_cast<int64_t>(news.participant_count));
  message.set_session_id(news.session_id);
  message.set_target_user_id(std::string(news.user_id));
  message.set_display_name(std::string(news.display_name));
  message.set_role(static_cast<proto::MemberRole>(news.role));
  if (news.state) fill(*message.mutable_state(), *news.state);
  return write(PacketType::meeting, message);
}

PacketRef write_member_state(const MemberState& state, const Stamp& from) {
  proto::MemberState message;
  fill(message, state);
  return write(PacketType::member_state, message, from);
}

PacketRef write_keyframe_request(const KeyframeWish& wish) {
  proto::KeyframeRequest message;
  message.set_session_id(wish.session_id);
  message.set_media_kind(static_cast<proto::MediaKind>(wish.kind));
  message.set_layer(wish.layer);
  return write(PacketType::keyframe_request, message);
}

PacketRef write_layer_hint(const LayerWish& wish) {
  proto::LayerHint message;
  auto* entry = message.add_entries();
  entry->set_media_kind(static_cast<proto::MediaKind>(wish.kind));
  for (uint32_t layer = 0; layer < kLayers; ++layer) {
    if ((wish.layers & (1u << layer)) == 0) continue;
    entry->set_max_requested_layer(layer);
    entry->add_requested_layers(layer);
  }
  return write(PacketType::layer_hint, message);
}

PacketRef write_chat(const Chat& chat, const Stamp& from,
                     std::string_view display_name, uint64_t sent_ms) {
  proto::ChatMessage message;
  message.set_id(chat.id);
  message.set_text(chat.text);
  message.set_sent_ms(sent_ms);
  message.set_to_session_id(chat.to_session_id);
  message.set_display_name(std::string(display_name));
  return write(PacketType::chat, message, from);
}

Result<ClientReport> read_health(Bytes data) {
  proto::HealthPacket message;
  if (!parse(message, data)) return refused("HEALTH does not parse");
  if (message.peer_stats_size() > limits::kMaxHealthPeers)
    return refused("HEALTH of too many people");
  ClientReport report;
  constexpr double kMaxRttMs = 60'000;  // also keeps out what is no number
  if (message.active_server_rtt_ms() > 0 &&
      message.active_server_rtt_ms() < kMaxRttMs)
    report.rtt = std::chrono::duration_cast<Duration>(
        std::chrono::duration<double, std::milli>(
            message.active_server_rtt_ms()));
  report.peers = static_cast<unsigned>(message.peer_stats_size());
  for (const auto& [id, peer] : message.peer_stats()) {
    if (peer.video_enabled() && !peer.can_see()) ++report.unseen;
    if (peer.audio_enabled() && !peer.can_listen()) ++report.unheard;
  }
  return report;
}

}  // namespace videocall::room
