// SPDX-License-Identifier: MIT
#include "libvideocall/room/federation.h"

#include "libvideocall/cluster/limits.h"

#include <algorithm>
#include <utility>

namespace videocall::room {
namespace {

// Spreads the bits of |value|, so that sums of some are as good as random.
uint64_t mix(uint64_t value) {
  value = (value ^ (value >> 33)) * 0xff51afd7ed558ccdu;
  value = (value ^ (value >> 33)) * 0xc4ceb9fe1a85ec53u;
  return value ^ (value >> 33);
}

uint64_t digest_of_member(const Member& member) {
  const MemberState& state = member.state;
  uint64_t bits = 0;
  for (const bool bit : {state.video, state.audio, state.screen,
                         state.hand_raised, member.role == Role::observer})
    bits = bits << 1 | uint64_t{bit};
  for (const char c : state.display_name)
    bits = mix(bits ^ static_cast<uint8_t>(c));
  return mix(member.id ^ mix(member.attached_ms) ^ bits << 1);
}

}  // namespace

Federation::Federation(const std::string& meeting, const std::string& node_id,
                       const Members& members)
    : meeting_(meeting), node_id_(node_id), members_(members) {}

void Federation::enter(Output& out) {
  if (entered_) return;
  entered_ = true;
  control_ = std::make_shared<const std::string>(
      cluster::control_subject(meeting_, node_id_));
  out.subscribe(cluster::control_subject(meeting_, cluster::kAnyNode), true);
  ask_all(out);
}

void Federation::exit(Output& out) {
  if (!entered_) return;
  cluster::LayerRequest nothing;
  nothing.node_id = node_id_;
  nothing.complete = true;
  say_node(nothing, out);
  for (const TrackLayer& track : wanted_)
    out.subscribe(cluster::media_subject(meeting_, track), false);
  out.subscribe(cluster::control_subject(meeting_, cluster::kAnyNode), false);
  wanted_.clear();
  asked_.clear();
  peers_.clear();
  waiting_.clear();
  entered_ = false;
}

void Federation::set_link(bool up, Now now, Output& out) {
  if (linked_ == up) return;
  linked_ = up;
  waiting_.clear();  // everything is said anew
  if (!active()) return;
  ask_all(out);
  say_all(now, out);
}

SubjectPtr Federation::control(Output& out) {
  if (!active()) return nullptr;
  say_waiting(out);
  return control_;
}

void Federation::say(PacketRef packet, Output& out) {
  if (const SubjectPtr subject = control(out))
    out.deliver(std::move(packet), nullptr, subject);
}

void Federation::say_joined(const Member& member, Now now, Output& out) {
  if (!active()) return;
  say_news(joined_packet(member), now, out);
}

PacketRef Federation::joined_packet(const Member& member) const {
  return write_meeting({.event = MeetingEvent::participant_joined,
                        .meeting = meeting_,
                        .start_ms = member.attached_ms,
                        .session_id = member.id,
                        .user_id = member.user_id,
                        .display_name = member.display_name,
                        .role = member.role,
                        .state = &member.state});
}

void Federation::say_left(const Member& member, Now now, Output& out) {
  if (!active()) return;
  say_news(write_meeting({.event = MeetingEvent::participant_left,
                          .meeting = meeting_,
                          .session_id = member.id}),
           now, out);
}

void Federation::say_news(PacketRef meeting, Now now, Output& out) {
  const bool at_once =
      waiting_.empty() && now.mono - news_said_ >= limits::kNewsInterval;
  if (at_once) {
    news_said_ = now.mono;
    say(std::move(meeting), out);
    return;
  }
  waiting_.push_back(std::move(meeting));
  if (waiting_.size() < limits::kMaxNewsEntries) return;
  news_said_ = now.mono;
  say_waiting(out);
}

void Federation::say_waiting(Output& out) {
  if (waiting_.empty()) return;
  cluster::News news;
  for (const PacketRef& packet : std::exchange(waiting_, {})) {
    const Bytes data = packet->fields().data;
    news.meeting_packets.emplace_back(data.begin(), data.end());
  }
  out.deliver(cluster::write_node_message(news), nullptr, control_);
}

void Federation::say_node(const cluster::NodeMessage& message, Output& out) {
  if (active()) say(cluster::write_node_message(message), out);
}

void Federation::tell(std::string_view node,
                      const cluster::NodeMessage& message, Output& out) const {
  if (!active()) return;
  out.deliver(cluster::write_node_message(message), nullptr,
              std::make_shared<const std::string>(cluster::node_subject(node)));
}

void Federation::heard(const std::string& node, Now now) {
  if (peers_.contains(node)) return;
  peers_[node].asked = now.mono;  // it was asked when this node entered
}

void Federation::asked_for_roster(Now now, Output& out) {
  if (now.mono - said_ < limits::kRosterRequestInterval) {
    roster_due_ = true;
    return;
  }
  say_all(now, out);
}

void Federation::ask_all(Output& out) {
  say(write_meeting({.event = MeetingEvent::list_request, .meeting = meeting_}),
      out);
}

void Federation::ask_roster(const std::string& node, Now now, Output& out) {
  if (!active()) return;
  Peer& peer = peers_[node];
  if (now.mono - peer.asked < limits::kRosterRequestInterval) return;
  peer.asked = now.mono;
  say(write_meeting({.event = MeetingEvent::list_request,
                     .meeting = meeting_,
                     .message = node}),
      out);
}

void Federation::say_all(Now now, Output& out) {
  said_ = now.mono;
  roster_due_ = false;
  size_t count = 0;
  for (const auto& member : members_) {
    if (member->is_remote()) continue;
    say(joined_packet(*member), out);
    ++count;
  }
  say(write_meeting({.event = MeetingEvent::activated,
                     .meeting = meeting_,
                     .participant_count = count}),
      out);
  say_offers(out);
  say_wanted(out);
}

void Federation::say_wanted(Output& out) {
  cluster::LayerRequest request;
  request.node_id = node_id_;
  request.complete = true;
  for (const TrackLayer& track : wanted_) {
    if (request.entries.size() >= limits::kMaxLayerEntries) break;
    request.entries.push_back({track, true});
  }
  say_node(request, out);
}

void Federation::say_offers(Output& out) {
  cluster::LayerOffer offer;
  for (const auto& member : members_) {
    if (member->is_remote()) continue;
    for (const MediaKind kind :
         {MediaKind::screen, MediaKind::video, MediaKind::audio})
      add_offers(*member, kind, offer);
    if (offer.entries.size() + 2 * kLayers >= limits::kMaxLayerEntries) break;
  }
  if (!offer.entries.empty()) say_node(offer, out);
}

void Federation::add_offers(const Member& member, MediaKind kind,
                            cluster::LayerOffer& offer) const {
  if (kind == MediaKind::audio) {
    if (member.audio_offered)
      offer.entries.push_back({{member.id, kind, 0}, true, 0, 0});
    return;
  }
  const VideoTrack* track =
      kind == MediaKind::screen ? member.screen.get() : member.camera.get();
  if (!track) return;
  for (size_t i = 0; i < kLayers; ++i) {
    const LayerState& state = track->layers()[i];
    if (!state.exists) continue;
    offer.entries.push_back(
        {{member.id, kind, static_cast<uint8_t>(i)},
         state.available(),
         state.height,
         static_cast<uint32_t>(track->bps(i, limits::kMaxTemporalLayer) /
                               1000)});
  }
}

cluster::RoomDigest Federation::digest_of(std::string_view node) const {
  cluster::RoomDigest digest;
  for (const auto& member : members_) {
    if (member->node != node) continue;
    ++digest.members;
    digest.digest += digest_of_member(*member);
  }
  return digest;
}

bool Federation::set_asked(const TrackLayer& track, const std::string& node,
                           bool wanted) {
  const auto found = asked_.find(track);
  if (!wanted) {
    if (found == asked_.end() || found->second.nodes.erase(node) == 0)
      return false;
    if (found->second.nodes.empty()) asked_.erase(found);
    return true;
  }
  Asked& asked = found != asked_.end() ? found->second : asked_[track];
  if (!asked.subject)
    asked.subject = std::make_shared<const std::string>(
        cluster::media_subject(meeting_, track));
  return asked.nodes.insert(node).second;
}

SubjectPtr Federation::subject_of(const TrackLayer& track) const {
  const auto found = asked_.find(track);
  return found == asked_.end() ? nullptr : found->second.subject;
}

std::vector<cluster::TrackLayer> Federation::asked_by(
    const std::string& node) const {
  std::vector<TrackLayer> tracks;
  for (const auto& [track, asked] : asked_)
    if (asked.nodes.contains(node)) tracks.push_back(track);
  return tracks;
}

void Federation::forget_member(const Member& member, Output& out) {
  const auto of_member = [&](const TrackLayer& track) {
    return track.session_id == member.id;
  };
  std::erase_if(asked_,
                [&](const auto& entry) { return of_member(entry.first); });
  std::erase_if(wanted_, [&](const TrackLayer& track) {
    if (!of_member(track)) return false;
    out.subscribe(cluster::media_subject(meeting_, track), false);
    return true;
  });
}

void Federation::want_layers(const Member& sender, MediaKind kind,
                             uint8_t layers, Output& out) {
  if (!entered_) return;
  cluster::LayerRequest request;
  request.node_id = node_id_;
  for (uint8_t layer = 0; layer < kLayers; ++layer) {
    const TrackLayer track{sender.id, kind, layer};
    const bool wanted = (layers & (1u << layer)) != 0;
    if (wanted == wanted_.contains(track)) continue;
    if (wanted)
      wanted_.insert(track);
    else
      wanted_.erase(track);
    // Before it is asked for, so that nothing of the answer is missed.
    out.subscribe(cluster::media_subject(meeting_, track), wanted);
    request.entries.push_back({track, wanted});
  }
  if (!request.entries.empty()) say_node(request, out);
}

void Federation::want_keyframe(const Member& sender, MediaKind kind,
                               uint8_t layer, Output& out) {
  tell(sender.node,
       cluster::KeyframeRequest{meeting_, {sender.id, kind, layer}}, out);
}

void Federation::offer(const Member& sender, MediaKind kind, Output& out) {
  if (!active()) return;
  cluster::LayerOffer offer;
  add_offers(sender, kind, offer);
  if (!offer.entries.empty()) say_node(offer, out);
}

void Federation::tick(Now now, Output& out) {
  if (!active()) return;
  if (roster_due_ && now.mono - said_ >= limits::kRosterRequestInterval)
    say_all(now, out);
  if (!waiting_.empty() && now.mono - news_said_ >= limits::kNewsInterval) {
    news_said_ = now.mono;
    say_waiting(out);
  }
  if (peers_.empty() || now.mono - refreshed_ < limits::kRoomRefreshInterval)
    return;
  refreshed_ = now.mono;
  say_node(digest_of({}), out);
  say_wanted(out);
}

std::vector<std::string> Federation::nodes() const {
  std::vector<std::string> nodes;
  for (const auto& [node, peer] : peers_) nodes.push_back(node);
  return nodes;
}

}  // namespace videocall::room
