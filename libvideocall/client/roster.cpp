// SPDX-License-Identifier: MIT
#include "libvideocall/client/roster.h"

#include <utility>

#include "meeting.pb.h"
#include "session.pb.h"

namespace videocall::client {
namespace {

using Event = proto::MeetingPacket;

void apply(const proto::MemberState& state, Member& member) {
  member.video_enabled = state.video_enabled();
  member.audio_enabled = state.audio_enabled();
  member.screen_enabled = state.screen_enabled();
  member.speaking = state.speaking();
  member.hand_raised = state.hand_raised();
  if (!state.display_name().empty()) member.display_name = state.display_name();
}

template <typename Message>
bool parse(Bytes data, Message& message) {
  return message.ParseFromArray(data.data(), static_cast<int>(data.size()));
}

}  // namespace

void Roster::begin_listing(uint64_t own_session_id) {
  own_session_id_ = own_session_id;
  listing_ = true;
  for (auto& [id, entry] : members_) entry.listed = false;
}

void Roster::on_packet(const Packet& packet) {
  const PacketFields& fields = packet.fields();
  if (fields.type == PacketType::meeting)
    on_meeting(fields.data);
  else if (fields.type == PacketType::member_state)
    on_state(fields.session_id, fields.data);
}

void Roster::on_meeting(Bytes data) {
  Event event;
  if (!parse(data, event)) return;
  const uint64_t id = event.session_id();
  switch (event.event_type()) {
    case Event::PARTICIPANT_JOINED: {
      Member member;
      member.session_id = id;
      apply(event.state(), member);
      member.user_id = event.target_user_id();
      if (!event.display_name().empty())
        member.display_name = event.display_name();
      member.role = static_cast<uint32_t>(event.role());
      join(std::move(member));
      break;
    }
    case Event::PARTICIPANT_LEFT:
    case Event::PARTICIPANT_KICKED:
      leave(id, event.message());
      break;
    case Event::MEETING_ACTIVATED:
      participant_count_ = event.participant_count();
      end_listing();
      break;
    case Event::PARTICIPANT_DISPLAY_NAME_CHANGED:
      if (auto found = members_.find(id); found != members_.end()) {
        found->second.member.display_name = event.display_name();
        observer_.on_member_changed(found->second.member);
      }
      break;
    default:
      break;
  }
}

void Roster::on_state(uint64_t session_id, Bytes data) {
  proto::MemberState state;
  const auto found = members_.find(session_id);
  if (found == members_.end() || !parse(data, state)) return;
  apply(state, found->second.member);
  observer_.on_member_changed(found->second.member);
}

void Roster::join(Member member) {
  const uint64_t id = member.session_id;
  if (id == 0 || id == own_session_id_) return;
  const auto found = members_.find(id);
  if (found != members_.end()) {
    found->second.listed = true;
    found->second.member = std::move(member);
    observer_.on_member_changed(found->second.member);
    return;
  }
  if (members_.size() >= limits::kMaxRosterMembers) return;
  const Entry& entry = members_[id] = {std::move(member), true};
  observer_.on_member_joined(entry.member);
}

void Roster::leave(uint64_t session_id, const std::string& reason) {
  const auto found = members_.find(session_id);
  if (found == members_.end()) return;
  const Member member = std::move(found->second.member);
  members_.erase(found);
  observer_.on_member_left(member, reason);
}

// Who was not listed is not there.
void Roster::end_listing() {
  if (!std::exchange(listing_, false)) return;
  std::vector<uint64_t> gone;
  for (const auto& [id, entry] : members_)
    if (!entry.listed) gone.push_back(id);
  for (uint64_t id : gone) leave(id, "");
}

void Roster::clear() {
  std::vector<uint64_t> all;
  for (const auto& [id, entry] : members_) all.push_back(id);
  for (uint64_t id : all) leave(id, "");
  listing_ = false;
}

const Member* Roster::find(uint64_t session_id) const {
  const auto found = members_.find(session_id);
  return found == members_.end() ? nullptr : &found->second.member;
}

}  // namespace videocall::client
