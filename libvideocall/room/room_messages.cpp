// SPDX-License-Identifier: MIT
// What members say to the room and to one another.
#include "libvideocall/room/room.h"

namespace videocall::room {
namespace {

Error refused(const char* why) {
  return {Errc::protocol, why};
}

Stamp stamp_of(const Member& member) {
  return {member.user_id, member.id};
}

}  // namespace

void Room::packet(Session& session, PacketRef packet, Now now, Output& out) {
  if (session.closed) return;
  if (!within_rate(session, *packet, now, out)) return;
  if (session.member) {
    session.member->last_packet = now.mono;
    ++session.member->packets;
    session.member->bytes += packet->size();
  }
  auto handled = check_from_client(*packet);
  if (handled) handled = handle(session, std::move(packet), now, out);
  if (!handled) refuse(session, now, out);
}

// A packet beyond the session's rate is dropped; of video nothing more of its
// group goes on then. Who is beyond for long is closed.
bool Room::within_rate(Session& session, const Packet& packet, Now now,
                       Output& out) {
  const Policy& policy = config_.policy;
  if ((policy.max_packets_in_per_s == 0 ||
       session.packets_in.allow(now.mono, policy.max_packets_in_per_s)) &&
      (policy.max_bytes_in_per_s == 0 ||
       session.bytes_in.allow(now.mono, policy.max_bytes_in_per_s,
                              packet.size())))
    return true;
  ++over_rate_;
  const PacketFields& fields = packet.fields();
  if (session.member && fields.type == PacketType::media)
    stage_.lost(*session.member, fields.kind, fields.layer);
  const Duration since = now.mono - session.over_rate;
  if (since < 1s) return false;
  session.over_rate = now.mono;
  session.seconds_over = since < 2s ? session.seconds_over + 1 : 1;
  if (session.seconds_over < limits::kMaxSecondsOverRate) return false;
  constexpr std::string_view kReason = "too much was sent for too long";
  if (session.member) {
    shut_member(*session.member, CloseCode::overload, kReason, now, out);
  } else {
    const std::shared_ptr<Session> taken = take_pending(session);
    shut(session, CloseCode::overload, kReason, out);
  }
  return false;
}

Result<void> Room::handle(Session& session, PacketRef packet, Now now,
                          Output& out) {
  const PacketType type = packet->fields().type;
  if (type != PacketType::media &&
      packet->fields().data.size() > limits::kMaxControlDataBytes)
    return refused("control packet too large");
  if (!session.member) {
    if (type != PacketType::connection)
      return refused("something else before CONNECTION");
    connect(session, *packet, now, out);
    return {};
  }
  Member& member = *session.member;
  switch (type) {
    case PacketType::media:
      return handle_media(member, packet, now, out);
    case PacketType::rtt:
      if (!member.rtt_rate.allow(now.mono, limits::kMaxRttPerSecond))
        return refused("too many RTT probes");
      out.deliver(std::move(packet), session.self);
      return {};
    case PacketType::connection:
      return refused("a second CONNECTION");
    default:
      return handle_control(member, std::move(packet), now, out);
  }
}

Result<void> Room::handle_media(Member& member, const PacketRef& packet,
                                Now now, Output& out) {
  if (member.role == Role::observer) return refused("media of an observer");
  const bool published = member.publishes();
  packet->stamp(stamp_of(member));
  // Before its first packet, so that nobody gets media of somebody unknown.
  if (!published) {
    member.sends_audio |= packet->fields().kind == MediaKind::audio;
    roster_.publishes(member, out);
  }
  stage_.media(member, packet, now, out);
  return {};
}

Result<void> Room::handle_control(Member& member, PacketRef packet, Now now,
                                  Output& out) {
  if (!member.control_rate.allow(now.mono, limits::kMaxControlPacketsPerSecond))
    return refused("too many control packets");
  switch (packet->fields().type) {
    case PacketType::diagnostics:
    case PacketType::health:
      return handle_report(member, *packet, now, out);
    case PacketType::member_state:
      return handle_state(member, std::move(packet), now, out);
    case PacketType::chat:
      return handle_chat(member, *packet, now, out);
    case PacketType::reaction:
      return handle_reaction(member, std::move(packet), now, out);
    case PacketType::keyframe_request:
      return handle_keyframe_request(member, *packet, now, out);
    case PacketType::viewport:
      return handle_viewport(member, *packet, now, out);
    case PacketType::layer_preference:
      return handle_preference(member, *packet, now, out);
    case PacketType::e2ee_key:
      forward(member, std::move(packet), out);
      return {};
    default:  // a later version's
      if (!member.unknown_rate.allow(now.mono,
                                     limits::kMaxUnknownTypePacketsPerSecond))
        return refused("too many packets of an unknown type");
      forward(member, std::move(packet), out);
      return {};
  }
}

Result<void> Room::handle_state(Member& member, PacketRef packet, Now now,
                                Output& out) {
  auto state = read_member_state(packet->fields().data);
  if (!state) return state.error();
  // A client that says no name keeps the one it was admitted with.
  if (state->display_name.empty()) state->display_name = member.display_name;
  if (*state == member.state) return {};
  const bool published = member.publishes();
  const MemberState before = std::exchange(member.state, std::move(*state));
  member.display_name = member.state.display_name;
  roster_.changed(member);
  stage_.state_changed(member, before, now, out);
  if (!published && member.publishes()) roster_.publishes(member, out);
  // Of somebody whom the others have not been told of they hear nothing.
  if (member.announced) {
    forward(member, std::move(packet), out);
  } else {
    packet->stamp(stamp_of(member));
    federation_.say(std::move(packet), out);
  }
  return {};
}

Result<void> Room::handle_chat(Member& member, const Packet& packet, Now now,
                               Output& out) {
  if (!member.chat_rate.allow(now.mono, limits::kMaxChatsPerSecond))
    return refused("too many chat messages");
  const auto chat = read_chat(packet.fields().data);
  if (!chat) return chat.error();
  const PacketRef message =
      write_chat(*chat, stamp_of(member), member.display_name, now.unix_ms);
  if (chat->to_session_id == 0) {
    out.deliver(message, stage_.everyone(), federation_.control(out));
    return {};
  }
  const Member* to = find(chat->to_session_id);
  // No echo: it was not delivered.
  if (!to || (!to->session && !to->is_remote())) return {};
  if (to->is_remote())
    federation_.say(message, out);
  else
    out.deliver(message, to->session->self);
  if (to != &member) out.deliver(message, member.session->self);
  return {};
}

// For the server's statistics only. What comes too often is left out and is no
// refusal: it does no harm.
Result<void> Room::handle_report(Member& member, const Packet& packet, Now now,
                                 Output& out) {
  if (!member.report_rate.allow(now.mono, limits::kMaxReportsPerSecond))
    return {};
  // What DIAGNOSTICS says of single streams is in HEALTH too.
  if (packet.fields().type == PacketType::diagnostics) return {};
  const auto report = read_health(packet.fields().data);
  if (!report) return report.error();
  out.reports.push_back(*report);
  return {};
}

Result<void> Room::handle_reaction(Member& member, PacketRef packet, Now now,
                                   Output& out) {
  if (!member.reaction_rate.allow(now.mono, limits::kMaxReactionsPerSecond))
    return refused("too many reactions");
  if (auto good = check_reaction(packet->fields().data); !good) return good;
  forward(member, std::move(packet), out);
  return {};
}

Result<void> Room::handle_keyframe_request(Member& member, const Packet& packet,
                                           Now now, Output& out) {
  const auto wish = read_keyframe_request(packet.fields().data);
  if (!wish) return wish.error();
  Member* sender = find(wish->session_id);
  // Whoever has just left may still be asked for.
  if (sender && sender != &member)
    stage_.keyframe_request(member, *sender, wish->kind, now, out);
  return {};
}

Result<void> Room::handle_viewport(Member& member, const Packet& packet,
                                   Now now, Output& out) {
  if (!member.viewport_rate.allow(now.mono, limits::kMaxViewportsPerSecond))
    return refused("too many viewports");
  auto tiles = read_viewport(packet.fields().data);
  if (!tiles) return tiles.error();
  sort_tiles(*tiles);
  member.viewport = std::move(*tiles);
  stage_.choose(member, now, out);
  return {};
}

Result<void> Room::handle_preference(Member& member, const Packet& packet,
                                     Now now, Output& out) {
  if (!member.preference_rate.allow(now.mono, limits::kMaxViewportsPerSecond))
    return refused("too many layer preferences");
  auto caps = read_layer_preference(packet.fields().data);
  if (!caps) return caps.error();
  member.caps = std::move(*caps);
  stage_.choose(member, now, out);
  return {};
}

void Room::forward(Member& member, PacketRef packet, Output& out) {
  packet->stamp(stamp_of(member));
  out.deliver(std::move(packet), stage_.others(member),
              federation_.control(out));
}

void Room::refuse(Session& session, Now now, Output& out) {
  ++refused_;
  note_refusal(session, now, out);
}

void Room::note_refusal(Session& session, Now now, Output& out) {
  if (!session.refusals.exceeded_by(now.mono)) return;
  constexpr std::string_view kReason = "the protocol was broken too often";
  if (session.member) {
    shut_member(*session.member, CloseCode::protocol_error, kReason, now, out);
    return;
  }
  const std::shared_ptr<Session> taken = take_pending(session);
  shut(session, CloseCode::protocol_error, kReason, out);
}

}  // namespace videocall::room
