// SPDX-License-Identifier: MIT
#include "libvideocall/room/roster.h"

namespace videocall::room {

void Roster::list(const Member& newcomer, Output& out) {
  const RecipientsPtr& self = newcomer.session->self;
  for (const auto& member : members_) {
    if (member.get() == &newcomer) continue;
    if (large() && !member->publishes()) continue;
    out.deliver(joined_packet(*member), self);
  }
}

void Roster::end_list(const Member& newcomer, Output& out) {
  out.deliver(count_packet(), newcomer.session->self);
}

void Roster::joined(Member& member, Output& out) {
  member.announced = !large() || member.publishes();
  if (!member.announced) return;
  // In a large room how many there are is told apart, and less often.
  out.deliver(write_joined(member, large() ? 0 : members_.size()),
              stage_.others(member));
}

void Roster::publishes(Member& member, Output& out) {
  // Whoever came while this one was silent has not heard of it.
  if (!large() && member.announced) return;
  member.announced = true;
  out.deliver(joined_packet(member), stage_.others(member));
}

void Roster::left(Member& member, Output& out) {
  if (!member.announced) return;
  out.deliver(write_meeting({.event = MeetingEvent::participant_left,
                             .meeting = meeting_,
                             .participant_count = large() ? 0 : members_.size(),
                             .session_id = member.id,
                             .user_id = member.user_id,
                             .display_name = member.display_name,
                             .role = member.role}),
              stage_.everyone());
}

void Roster::tick(Now now, Output& out) {
  if (!large()) {
    if (told_count_ == 0) return;
    // The room has become small again: whom nobody heard of is named now.
    told_count_ = 0;
    for (const auto& member : members_) {
      if (!member->announced) joined(*member, out);
    }
    return;
  }
  if (told_count_ == members_.size() ||
      now.mono - told_at_ < limits::kParticipantCountInterval)
    return;
  told_count_ = members_.size();
  told_at_ = now.mono;
  out.deliver(count_packet(), stage_.everyone());
}

// For lists: the same for every newcomer.
const PacketRef& Roster::joined_packet(Member& member) {
  if (!member.joined_packet) member.joined_packet = write_joined(member, 0);
  return member.joined_packet;
}

PacketRef Roster::write_joined(const Member& member, size_t count) const {
  return write_meeting({.event = MeetingEvent::participant_joined,
                        .meeting = meeting_,
                        .participant_count = count,
                        .session_id = member.id,
                        .user_id = member.user_id,
                        .display_name = member.display_name,
                        .role = member.role,
                        .state = &member.state});
}

PacketRef Roster::count_packet() const {
  return write_meeting({.event = MeetingEvent::activated,
                        .meeting = meeting_,
                        .start_ms = start_ms_,
                        .participant_count = members_.size()});
}

}  // namespace videocall::room
