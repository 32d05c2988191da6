// SPDX-License-Identifier: MIT
// The messages that a room reads and writes, between protobuf and plain
// structs (docs/wire-protocol.md, section 6). Readers fail with Errc::protocol
// on what does not parse or is out of its bound: a refusal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libvideocall/base/result.h"
#include "libvideocall/room/choice.h"
#include "libvideocall/room/output.h"
#include "libvideocall/wire/packet.h"

namespace videocall::room {

struct MemberState {
  bool video = false;
  bool audio = false;
  bool screen = false;
  bool speaking = false;
  bool hand_raised = false;
  std::string display_name;

  bool operator==(const MemberState&) const = default;
};

struct Chat {
  std::string id;
  std::string text;
  uint64_t to_session_id = 0;  // 0: everybody
};

struct KeyframeWish {
  uint64_t session_id = 0;
  MediaKind kind = MediaKind::unspecified;
  uint8_t layer = 0;
};

// Which layers of |kind| anybody wants: bit i for layer i.
struct LayerWish {
  MediaKind kind = MediaKind::unspecified;
  uint8_t layers = 0;
};

// As proto MeetingEventType.
enum class MeetingEvent {
  ended = 2,
  participant_joined = 3,
  participant_left = 4,
  activated = 5,
  participant_kicked = 13,
  list_request = 14,  // between nodes only
};

// The fields of MEETING that a room sets; what is empty or 0 is left out.
struct MeetingNews {
  MeetingEvent event = MeetingEvent::activated;
  std::string_view meeting;
  uint64_t start_ms = 0;
  std::string_view message;
  size_t participant_count = 0;
  uint64_t session_id = 0;  // the subject
  std::string_view user_id;
  std::string_view display_name;
  Role role = Role::unspecified;
  const MemberState* state = nullptr;
};

struct Assignment {
  std::string_view server_id;
  uint64_t session_id = 0;
  std::string_view user_id;
  uint64_t server_time_ms = 0;
  std::string_view resume_secret;
};

// A MEETING packet of another node; strings are within their bounds.
struct MeetingSaid {
  MeetingEvent event = MeetingEvent::activated;
  uint64_t start_ms = 0;
  std::string message;
  uint64_t participant_count = 0;
  uint64_t session_id = 0;
  std::string user_id;
  std::string display_name;
  Role role = Role::participant;
  MemberState state;
};

// The meeting that a CONNECTION names; may be empty.
Result<std::string> read_connection(Bytes data);
Result<MemberState> read_member_state(Bytes data);
Result<MeetingSaid> read_meeting(Bytes data);
Result<Chat> read_chat(Bytes data);
Result<void> check_reaction(Bytes data);
Result<KeyframeWish> read_keyframe_request(Bytes data);
Result<std::vector<Tile>> read_viewport(Bytes data);
Result<std::vector<LayerCap>> read_layer_preference(Bytes data);

PacketRef write_session_assigned(const Assignment& assignment);
PacketRef write_meeting(const MeetingNews& news);
PacketRef write_member_state(const MemberState& state, const Stamp& from);
PacketRef write_keyframe_request(const KeyframeWish& wish);
PacketRef write_layer_hint(const LayerWish& wish);
// |from| is stamped into the envelope, |display_name| into the message.
PacketRef write_chat(const Chat& chat, const Stamp& from,
                     std::string_view display_name, uint64_t sent_ms);

// Of HEALTH. Errors: protocol; more than limits::kMaxHealthPeers of whom it
// says something.
Result<ClientReport> read_health(Bytes data);

}  // namespace videocall::room
