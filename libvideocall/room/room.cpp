// SPDX-License-Identifier: MIT
#include "libvideocall/room/room.h"

#include "libvideocall/cluster/limits.h"

#include <algorithm>
#include <utility>

namespace videocall::room {
namespace {

constexpr auto kSweepInterval = 1s;

}  // namespace

Room::Room(std::string meeting, const Config& config)
    : config_(config),
      meeting_(std::move(meeting)),
      federation_(meeting_, config.node_id, members_),
      stage_(config.policy, federation_),
      roster_(meeting_, members_, stage_) {}

std::shared_ptr<Session> Room::open(SessionHandle handle, Grant grant, Now now,
                                    Output& out) {
  auto session = std::make_shared<Session>();
  session->handle = handle;
  session->grant = std::move(grant);
  session->opened = now.mono;
  session->self = Recipients::make({handle});
  if (members_.size() + pending_.size() >= config_.policy.max_members) {
    shut(*session, CloseCode::overload, "the meeting is full", out);
    return session;
  }
  pending_.push_back(session);
  return session;
}

void Room::close(Session& session, CloseCode code, Now now, Output& out) {
  if (session.closed) return;
  session.closed = true;
  if (!session.member) {
    take_pending(session);
    return;
  }
  Member& member = *session.member;
  if (is_resumable(code)) {
    detach(member, now);
    notify(Notice::Kind::disconnected, member, to_string(code), out);
  } else {
    leave(member, to_string(code), now, out);
  }
}

void Room::connect(Session& session, const Packet& packet, Now now,
                   Output& out) {
  const auto named = read_connection(packet.fields().data);
  std::shared_ptr<Session> connected = take_pending(session);
  if (!named || (!named->empty() && *named != meeting_)) {
    shut(session, CloseCode::protocol_error,
         named ? "CONNECTION names another meeting" : named.error().message,
         out);
    return;
  }
  if (!spend_token(session, now, out)) {
    shut(session, CloseCode::superseded, "the token is spent", out);
    return;
  }
  if (Member* member = find_resumed(session)) {
    if (member->is_remote()) take_over(*member, now, out);
    if (const std::shared_ptr<Session> replaced = member->session) {
      detach(*member, now);
      shut(*replaced, CloseCode::superseded, "resumed elsewhere", out);
    }
    attach(*member, std::move(connected), now);
    member->listing = false;
    notify(Notice::Kind::resumed, *member, {}, out);
    federation_.say_joined(*member, now, out);
    assign(*member, now, out);
    return;
  }
  if (members_.empty()) {
    roster_.set_start(now.unix_ms);
    opened_ = now.mono;
  }
  Member& member = add_member(session.grant, now);
  attach(member, std::move(connected), now);
  // Whom this room does not know although it resumes comes with others.
  member.listing = member.session->grant.resumes &&
                   now.mono - opened_ < limits::kRosterSettleTime;
  notify(Notice::Kind::joined, member, {}, out);
  assign(member, now, out);
  roster_.joined(member, out);
  federation_.enter(out);
  federation_.say_joined(member, now, out);
}

// The first CONNECTION with a token spends it; whoever else holds it has lost
// the race of two transports.
bool Room::spend_token(const Session& session, Now now, Output& out) {
  const std::string& token = session.grant.token_id;
  if (token.empty()) return true;
  while (!spent_order_.empty() &&
         (now.mono - spent_order_.front().first > limits::kSpentTokenMemory ||
          spent_order_.size() >= limits::kMaxSpentTokensPerRoom)) {
    spent_tokens_.erase(spent_order_.front().second);
    spent_order_.pop_front();
  }
  if (!spent_tokens_.insert(token).second) return false;
  spent_order_.emplace_back(now.mono, token);
  Notice notice;
  notice.kind = Notice::Kind::token_spent;
  notice.meeting = meeting_;
  notice.token_id = token;
  out.notices.push_back(std::move(notice));
  std::erase_if(pending_, [&](const auto& other) {
    if (other->grant.token_id != token) return false;
    shut(*other, CloseCode::superseded, "another transport was faster", out);
    return true;
  });
  return true;
}

Member* Room::find_resumed(const Session& session) {
  if (!session.grant.resumes) return nullptr;
  Member* member = find(session.grant.session_id);
  return member && member->user_id == session.grant.user_id ? member : nullptr;
}

Member& Room::add_member(const Grant& grant, Now now) {
  auto member = std::make_unique<Member>();
  member->id = choose_id(grant);
  member->user_id = grant.user_id;
  member->display_name = grant.display_name;
  member->state.display_name = grant.display_name;
  member->role = grant.role;
  member->joined_ms = now.unix_ms;
  member->order = next_order_++;
  Member& added = *member;
  ++local_;
  members_.push_back(std::move(member));
  by_id_.emplace(added.id, &added);
  stage_.add(added);
  return added;
}

uint64_t Room::choose_id(const Grant& grant) {
  uint64_t id = grant.session_id;
  while (id == 0 || id > limits::kMaxSessionId || by_id_.contains(id))
    id = config_.random() & limits::kMaxSessionId;
  return id;
}

void Room::attach(Member& member, std::shared_ptr<Session> session, Now now) {
  session->member = &member;
  member.session = std::move(session);
  member.last_packet = now.mono;
  // Later than wherever it was before, even if that node's clock is ahead.
  member.attached_ms = std::max(now.unix_ms, member.attached_ms + 1);
  // The client says again what it wants to see.
  member.viewport.reset();
  member.caps.clear();
  member.link.reset();
}

void Room::assign(Member& member, Now now, Output& out) {
  if (config_.issue_secret)
    member.resume_secret =
        config_.issue_secret(meeting_, member.user_id, member.id, now.unix_ms);
  out.deliver(write_session_assigned({
                  .server_id = config_.node_id,
                  .session_id = member.id,
                  .user_id = member.user_id,
                  .server_time_ms = now.unix_ms,
                  .resume_secret = member.resume_secret,
              }),
              member.session->self);
  roster_.list(member, out);
  if (!member.listing) roster_.end_list(member, out);
  stage_.enter(member, now, out);
}

void Room::detach(Member& member, Now now) {
  stage_.leave(member);
  member.session->member = nullptr;
  member.session.reset();
  member.lost_since = now.mono;
}

void Room::leave(Member& member, std::string_view reason, Now now,
                 Output& out) {
  if (member.session) detach(member, now);
  by_id_.erase(member.id);
  const auto at = std::find_if(
      members_.begin(), members_.end(),
      [&](const auto& candidate) { return candidate.get() == &member; });
  const std::unique_ptr<Member> gone = std::move(*at);
  members_.erase(at);
  stage_.remove(*gone, now, out);
  roster_.left(*gone, out);
  federation_.forget_member(*gone, out);
  if (gone->is_remote()) return;
  notify(Notice::Kind::left, *gone, reason, out);
  federation_.say_left(*gone, now, out);
  if (--local_ == 0) leave_nodes(now, out);
}

std::shared_ptr<Session> Room::take_pending(const Session& session) {
  const auto at = std::find_if(
      pending_.begin(), pending_.end(),
      [&](const auto& candidate) { return candidate.get() == &session; });
  if (at == pending_.end()) return nullptr;
  std::shared_ptr<Session> taken = std::move(*at);
  pending_.erase(at);
  return taken;
}

void Room::shut(Session& session, CloseCode code, std::string_view reason,
                Output& out) {
  session.closed = true;
  out.closes.push_back(
      {session.handle, code,
       std::string(reason.substr(0, limits::kMaxCloseReasonBytes))});
}

// Closes the session of a connected member, who leaves, or may resume if
// |code| lets it.
void Room::shut_member(Member& member, CloseCode code, std::string_view reason,
                       Now now, Output& out) {
  const std::shared_ptr<Session> session = member.session;
  if (session) shut(*session, code, reason, out);
  if (session && is_resumable(code)) {
    detach(member, now);
    notify(Notice::Kind::disconnected, member, to_string(code), out);
  } else {
    leave(member, to_string(code), now, out);
  }
}

void Room::link(Session& session, const LinkReport& report, Now now,
                Output& out) {
  if (session.closed) return;
  const uint64_t before =
      std::exchange(session.refused_by_transport, report.packets_refused);
  for (uint64_t i = before; i < report.packets_refused && !session.closed; ++i)
    note_refusal(session, now, out);
  if (session.closed || !session.member) return;
  stage_.link(*session.member, report, now, out);
}

void Room::shed(Shed level, Now now, Output& out) {
  stage_.shed(level, now, out);
}

void Room::tick(Now now, Output& out) {
  stage_.tick(now, out);
  roster_.tick(now, out);
  federation_.tick(now, out);
  if (now.mono - swept_ < kSweepInterval) return;
  swept_ = now.mono;
  tick_pending(now, out);
  tick_members(now, out);
  end_lists(now, out);
}

// Who has not come back by now has gone.
void Room::end_lists(Now now, Output& out) {
  if (now.mono - opened_ < limits::kRosterSettleTime) return;
  for (const auto& member : members_)
    if (std::exchange(member->listing, false) && member->session)
      roster_.end_list(*member, out);
}

void Room::tick_pending(Now now, Output& out) {
  std::erase_if(pending_, [&](const auto& session) {
    if (now.mono - session->opened < limits::kConnectionPacketTimeout)
      return false;
    shut(*session, CloseCode::idle, "no CONNECTION", out);
    return true;
  });
}

void Room::tick_members(Now now, Output& out) {
  std::vector<uint64_t> expired;
  for (const auto& member : members_) {
    bool silent = false;
    if (member->is_remote()) {
      // Its node restarted and has not named it since.
      silent = member->lost_since != Time{} &&
               now.mono - member->lost_since >= limits::kNodeSilence;
    } else {
      silent = member->session
                   ? now.mono - member->last_packet >= limits::kIdleTimeout
                   : now.mono - member->lost_since >= limits::kResumeWindow;
    }
    if (silent) expired.push_back(member->id);
  }
  for (const uint64_t id : expired) {
    // With the last member here those on other nodes have gone as well.
    Member* member = find(id);
    if (!member) continue;
    if (member->session) {
      shut_member(*member, CloseCode::idle, "no packet for 30 s", now, out);
    } else {
      leave(*member, kLost, now, out);
    }
  }
}

void Room::end(Now now, Output& out) {
  federation_.say(
      write_meeting({.event = MeetingEvent::ended, .meeting = meeting_}), out);
  end_here(now, out);
}

void Room::end_here(Now now, Output& out) {
  out.deliver(
      write_meeting({.event = MeetingEvent::ended, .meeting = meeting_}),
      stage_.everyone());
  for (const auto& session : pending_)
    shut(*session, CloseCode::meeting_ended, "the meeting has ended", out);
  pending_.clear();
  for (const auto& member : members_) {
    if (member->session)
      shut(*member->session, CloseCode::meeting_ended, "the meeting has ended",
           out);
  }
  // All at once: nobody is told that the others leave.
  for (const auto& member : members_) {
    if (member->session) detach(*member, now);
  }
  federation_.exit(out);
  local_ = 0;
  for (const auto& member : members_) {
    stage_.remove(*member, now, out);
    if (member->is_remote()) continue;
    notify(Notice::Kind::left, *member, to_string(CloseCode::meeting_ended),
           out);
  }
  by_id_.clear();
  members_.clear();
}

bool Room::remove(uint64_t session_id, std::string_view reason, Now now,
                  Output& out) {
  Member* member = find(session_id);
  if (!member) return false;
  if (member->is_remote()) {
    federation_.tell(member->node,
                     cluster::Remove{meeting_, session_id, CloseCode::removed,
                                     std::string(reason)},
                     out);
    return true;
  }
  if (member->session) {
    out.deliver(write_meeting(
                    {.event = MeetingEvent::participant_kicked,
                     .meeting = meeting_,
                     .message = reason.substr(0, limits::kMaxCloseReasonBytes),
                     .session_id = member->id,
                     .user_id = member->user_id}),
                member->session->self);
  }
  shut_member(*member, CloseCode::removed, reason, now, out);
  return true;
}

std::vector<MemberInfo> Room::list() const {
  std::vector<MemberInfo> infos;
  infos.reserve(members_.size());
  for (const auto& member : members_) {
    infos.push_back({member->id, member->user_id, member->display_name,
                     member->role, member->joined_ms, member->node,
                     member->packets, member->bytes});
  }
  return infos;
}

bool Room::accepts_secret(uint64_t session_id, std::string_view secret) const {
  const auto found = by_id_.find(session_id);
  return found == by_id_.end() || found->second->is_remote() ||
         found->second->resume_secret == secret;
}

RoomStats Room::stats() const {
  return {local_,     members_.size() - local_, refused_, stage_.dropped(),
          over_rate_, stage_.limited_viewers()};
}

void Room::notify(Notice::Kind kind, const Member& member,
                  std::string_view reason, Output& out) const {
  out.notices.push_back({kind,
                         meeting_,
                         member.id,
                         member.user_id,
                         member.display_name,
                         member.role,
                         std::string(reason),
                         {}});
}

Member* Room::find(uint64_t session_id) {
  const auto found = by_id_.find(session_id);
  return found == by_id_.end() ? nullptr : found->second;
}

}  // namespace videocall::room
