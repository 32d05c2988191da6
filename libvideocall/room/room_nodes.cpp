// SPDX-License-Identifier: MIT
// Members that are on other nodes, and what those nodes say.
#include <algorithm>
#include <tuple>
#include <utility>

#include "libvideocall/room/room.h"

namespace videocall::room {
namespace {

// Speaking comes and goes with the words and is no part of a roster.
bool is_same(const MemberState& a, const MemberState& b) {
  MemberState silent_a = a;
  MemberState silent_b = b;
  silent_a.speaking = silent_b.speaking = false;
  return silent_a == silent_b;
}

}  // namespace

void Room::set_link(bool up, Now now, Output& out) {
  federation_.set_link(up, now, out);
}

void Room::heard(const std::string& node, PacketRef packet, Now now,
                 Output& out) {
  if (!federation_.active() || node == config_.node_id) return;
  federation_.heard(node, now);
  switch (packet->fields().type) {
    case PacketType::meeting:
      remote_meeting(node, packet->fields().data, now, out);
      break;
    case PacketType::node:
      remote_node(node, *packet, now, out);
      break;
    default:
      remote_message(node, std::move(packet), now, out);
  }
}

void Room::remote_meeting(const std::string& node, Bytes data, Now now,
                          Output& out) {
  const auto said = read_meeting(data);
  if (!said) {
    ++refused_;
    return;
  }
  switch (said->event) {
    case MeetingEvent::participant_joined:
      remote_joined(node, *said, now, out);
      break;
    case MeetingEvent::participant_left: {
      Member* member = find(said->session_id);
      if (member && member->node == node) leave(*member, "left", now, out);
      break;
    }
    case MeetingEvent::activated:
      remote_roster_ended(node, said->participant_count, now, out);
      break;
    case MeetingEvent::list_request:
      if (said->message.empty() || said->message == config_.node_id)
        federation_.asked_for_roster(now, out);
      break;
    case MeetingEvent::ended:
      end_here(now, out);
      break;
    default:
      break;
  }
}

void Room::remote_joined(const std::string& node, const MeetingSaid& said,
                         Now now, Output& out) {
  Member* member = find(said.session_id);
  if (!member) {
    add_remote(node, said, out);
    return;
  }
  if (member->node != node) {
    // Both nodes had it, a partition ago perhaps; where it came to last it is.
    const std::string& here =
        member->is_remote() ? member->node : config_.node_id;
    if (std::tie(said.start_ms, node) < std::tie(member->attached_ms, here)) {
      if (!member->is_remote()) federation_.say_joined(*member, now, out);
      return;
    }
    if (!member->is_remote()) {
      give_away(*member, node, said.start_ms, now, out);
      // With the last of those who were here the others have gone as well.
      member = find(said.session_id);
      if (!member) return;
    } else {
      federation_.forget_member(*member, out);
      member->node = node;
      stage_.moved(*member, now, out);
    }
  }
  update_remote(*member, said, now, out);
}

void Room::add_remote(const std::string& node, const MeetingSaid& said,
                      Output& out) {
  if (said.session_id == 0) return;
  auto member = std::make_unique<Member>();
  member->id = said.session_id;
  member->user_id = said.user_id;
  member->display_name = said.display_name;
  member->state = said.state;
  member->role = said.role;
  member->joined_ms = said.start_ms;
  member->attached_ms = said.start_ms;
  member->order = next_order_++;
  member->node = node;
  member->listed = federation_.roster_of(node);
  Member& added = *member;
  members_.push_back(std::move(member));
  by_id_.emplace(added.id, &added);
  stage_.add(added);
  roster_.joined(added, out);
}

void Room::update_remote(Member& member, const MeetingSaid& said, Now now,
                         Output& out) {
  member.attached_ms = said.start_ms;
  member.listed = federation_.roster_of(member.node);
  member.lost_since = {};
  if (is_same(member.state, said.state)) return;
  const bool published = member.publishes();
  const MemberState before = std::exchange(member.state, said.state);
  member.display_name = said.display_name;
  roster_.changed(member);
  stage_.state_changed(member, before, now, out);
  if (!published && member.publishes()) roster_.publishes(member, out);
  if (member.announced)
    out.deliver(write_member_state(member.state, {member.user_id, member.id}),
                stage_.everyone());
}

// Whom |node| has not named in the roster that ended now has gone, unless some
// of the roster was lost.
void Room::remote_roster_ended(const std::string& node, uint64_t count, Now now,
                               Output& out) {
  const uint64_t roster = federation_.roster_of(node);
  std::vector<Member*> unnamed;
  uint64_t named = 0;
  for (const auto& member : members_) {
    if (member->node != node) continue;
    if (member->listed == roster)
      ++named;
    else
      unnamed.push_back(member.get());
  }
  federation_.roster_ended(node);
  if (named != count) {
    federation_.ask_roster(node, now, out);
    return;
  }
  for (Member* member : unnamed) leave(*member, "left", now, out);
}

void Room::remote_node(const std::string& node, const Packet& packet, Now now,
                       Output& out) {
  const auto message = cluster::read_node_message(packet.fields().data);
  if (!message) {
    ++refused_;
    return;
  }
  if (const auto* request = std::get_if<cluster::LayerRequest>(&*message)) {
    remote_request(node, *request, now, out);
  } else if (const auto* offer = std::get_if<cluster::LayerOffer>(&*message)) {
    remote_offer(node, *offer, now, out);
  } else if (const auto* digest = std::get_if<cluster::RoomDigest>(&*message)) {
    const cluster::RoomDigest known = federation_.digest_of(node);
    if (known.members != digest->members || known.digest != digest->digest)
      federation_.ask_roster(node, now, out);
  } else if (const auto* news = std::get_if<cluster::News>(&*message)) {
    for (const std::string& data : news->meeting_packets) {
      // With the last of those who were here the others have gone as well.
      if (!federation_.active()) return;
      remote_meeting(
          node, {reinterpret_cast<const uint8_t*>(data.data()), data.size()},
          now, out);
    }
  }
}

void Room::remote_request(const std::string& node,
                          const cluster::LayerRequest& request, Now now,
                          Output& out) {
  if (request.complete) {
    for (const cluster::TrackLayer& track : federation_.asked_by(node)) {
      const bool named =
          std::any_of(request.entries.begin(), request.entries.end(),
                      [&](const auto& entry) { return entry.track == track; });
      if (!named) set_asked(track, node, false, now, out);
    }
  }
  for (const auto& entry : request.entries)
    set_asked(entry.track, node, entry.wanted, now, out);
}

void Room::set_asked(const cluster::TrackLayer& track, const std::string& node,
                     bool wanted, Now now, Output& out) {
  Member* member = find(track.session_id);
  if (!member || member->is_remote()) return;
  if (!federation_.set_asked(track, node, wanted)) return;
  const SubjectPtr subject = federation_.subject_of(track);
  // One of several does no more: nothing changes for the others.
  if (!wanted && subject) return;
  stage_.publish(*member, track.kind, track.layer, subject, now, out);
}

void Room::remote_offer(const std::string& node,
                        const cluster::LayerOffer& offer, Now now,
                        Output& out) {
  for (const auto& entry : offer.entries) {
    Member* member = find(entry.track.session_id);
    if (!member || member->node != node || member->role == Role::observer)
      continue;
    const bool published = member->publishes();
    stage_.offered(*member, entry, now, out);
    if (!published && member->publishes()) roster_.publishes(*member, out);
  }
}

// What a member that is elsewhere says to the others.
void Room::remote_message(const std::string& node, PacketRef packet, Now now,
                          Output& out) {
  const PacketFields& fields = packet->fields();
  Member* member = find(fields.session_id);
  if (!member || member->node != node || !is_control(fields.type)) return;
  if (fields.type == PacketType::chat) {
    const auto chat = read_chat(fields.data);
    if (!chat) return;
    const Member* to =
        chat->to_session_id == 0 ? nullptr : find(chat->to_session_id);
    if (chat->to_session_id == 0)
      out.deliver(std::move(packet), stage_.everyone());
    else if (to && to->session)
      out.deliver(std::move(packet), to->session->self);
    return;
  }
  if (fields.type == PacketType::member_state) {
    const auto state = read_member_state(fields.data);
    if (!state) return;
    const bool published = member->publishes();
    const MemberState before = std::exchange(member->state, *state);
    if (!member->state.display_name.empty())
      member->display_name = member->state.display_name;
    roster_.changed(*member);
    stage_.state_changed(*member, before, now, out);
    if (!published && member->publishes()) roster_.publishes(*member, out);
    if (!member->announced) return;
  }
  out.deliver(std::move(packet), stage_.everyone());
}

void Room::remote_media(const PacketRef& packet, Now now, Output& out) {
  Member* member = find(packet->fields().session_id);
  if (!federation_.active() || !member || !member->is_remote() ||
      packet->fields().media_headers != 1 ||
      packet->fields().kind == MediaKind::unspecified ||
      member->role == Role::observer)
    return;
  ++member->packets;
  member->bytes += packet->size();
  stage_.media(*member, packet, now, out);
}

void Room::asked(const cluster::KeyframeRequest& request, Now now,
                 Output& out) {
  Member* member = find(request.track.session_id);
  if (member && !member->is_remote())
    stage_.keyframe_wanted(*member, request.track.kind, request.track.layer,
                           now, out);
}

void Room::asked(const cluster::Remove& request, Now now, Output& out) {
  const Member* member = find(request.session_id);
  if (member && !member->is_remote())
    remove(request.session_id, request.reason, now, out);
}

void Room::asked(const cluster::Resume& request, Now now, Output& out) {
  Member* member = find(request.session_id);
  if (member && !member->is_remote() && request.node_id != config_.node_id)
    give_away(*member, request.node_id, member->attached_ms, now, out);
}

// A person whose session was on another node goes on here.
void Room::take_over(Member& member, Now now, Output& out) {
  federation_.tell(member.node,
                   cluster::Resume{meeting_, member.id, config_.node_id}, out);
  federation_.forget_member(member, out);
  member.node.clear();
  ++local_;
  stage_.moved(member, now, out);
  notify(Notice::Kind::joined, member, {}, out);
}

// A person whose session was here goes on on |node|.
void Room::give_away(Member& member, const std::string& node,
                     uint64_t attached_ms, Now now, Output& out) {
  if (const std::shared_ptr<Session> session = member.session) {
    shut(*session, CloseCode::superseded, "resumed on another node", out);
    detach(member, now);
  }
  notify(Notice::Kind::left, member, "moved", out);
  federation_.forget_member(member, out);
  member.node = node;
  member.attached_ms = attached_ms;
  member.lost_since = {};
  member.listed = federation_.roster_of(node);
  stage_.moved(member, now, out);
  if (--local_ == 0) leave_nodes(now, out);
}

// Nobody is here any more who could see or hear the others.
void Room::leave_nodes(Now now, Output& out) {
  federation_.exit(out);
  for (const auto& member : members_) stage_.remove(*member, now, out);
  by_id_.clear();
  members_.clear();
}

void Room::node_lost(const std::string& node, bool restarted, Now now,
                     Output& out) {
  std::vector<Member*> gone;
  for (const auto& member : members_) {
    if (member->node != node) continue;
    if (restarted)
      member->lost_since = now.mono;
    else
      gone.push_back(member.get());
  }
  for (const cluster::TrackLayer& track : federation_.asked_by(node))
    set_asked(track, node, false, now, out);
  for (Member* member : gone) leave(*member, "node lost", now, out);
  federation_.forget_node(node);
  if (restarted) federation_.ask_roster(node, now, out);
}

void Room::node_came(const std::string& node, Now now, Output& out) {
  federation_.ask_roster(node, now, out);
}

}  // namespace videocall::room
