// SPDX-License-Identifier: MIT
#include "libvideocall/room/stage.h"

#include <algorithm>
#include <utility>

namespace videocall::room {
namespace {

constexpr auto kSweepInterval = 1s;
// Of a datagram that travels alone: UDP's payload beside it.
constexpr size_t kDatagramOverhead = 40;
constexpr double kAudioSmoothing = 0.5;

bool contains(const std::vector<uint64_t>& ids, uint64_t id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

}  // namespace

void Stage::add(Member& member) {
  if (free_seats_.empty()) {
    member.seat = static_cast<uint32_t>(members_.size());
    members_.push_back(&member);
    seats_.push_back({});
    return;
  }
  member.seat = free_seats_.back();
  free_seats_.pop_back();
  members_[member.seat] = &member;
}

void Stage::remove(Member& member, Now now, Output& out) {
  leave(member);
  if (loudest_.remove(member.speaker)) ++places_epoch_;
  dominant_.remove(member.voice);
  members_[member.seat] = nullptr;
  std::erase(senders_, &member);
  free_seats_.push_back(member.seat);
  if (contains(ranked_, member.id)) rank(now, out);
}

void Stage::enter(Member& member, Now now, Output& out) {
  seats_[member.seat] = {member.session->handle, member.session->self};
  ++epoch_;
  ++places_epoch_;
  for (VideoTrack* video : {member.camera.get(), member.screen.get()})
    if (video) video->sender_returned();
  choose(member, now, out);
}

// A packet of |sender| was lost on its way here.
void Stage::lost(Member& sender, MediaKind kind, uint8_t layer) {
  if (kind == MediaKind::audio) return;
  if (VideoTrack* video = find_track(sender, kind)) video->cut(layer);
}

void Stage::leave(Member& member) {
  if (!seats_[member.seat].self) return;
  seats_[member.seat] = {};
  ++epoch_;
  ++places_epoch_;
  for (Member* sender : senders_) {
    if (sender->camera) sender->camera->drop(member.seat);
    if (sender->screen) sender->screen->drop(member.seat);
  }
}

void Stage::media(Member& sender, const PacketRef& packet, Now now,
                  Output& out) {
  if (packet->fields().kind == MediaKind::audio) {
    audio(sender, packet, now, out);
  } else {
    video(sender, packet, now, out);
  }
}

void Stage::audio(Member& sender, const PacketRef& packet, Now now,
                  Output& out) {
  const MediaHeader& header = packet->fields().header;
  sender.sends_audio = true;
  if (!sender.audio_offered) {
    sender.audio_offered = true;
    announce(sender, MediaKind::audio, out);
  }
  if (dominant_.heard(sender.voice, header.audio_level, now.mono))
    lead_due_ = true;
  if (header.speaking || sender.voice.speaking()) {
    sender.spoke = now.mono;
    if (sender.camera && !contains(ranked_, sender.id)) rank_due_ = true;
  }
  if (loudest_.heard(sender.speaker, header.audio_level, now.mono))
    ++places_epoch_;
  out.media.push_back(packet);
  if (sender.speaker.place() == Speaker::Place::none) return;
  sender.audio_bytes += packet->size() + kDatagramOverhead;
  out.deliver(packet,
              sender.speaker.place() == Speaker::Place::chosen
                  ? others(sender)
                  : reserve_recipients(sender),
              sender.audio_subject);
}

void Stage::video(Member& sender, const PacketRef& packet, Now now,
                  Output& out) {
  VideoTrack& video = track(sender, packet->fields().kind);
  const bool was_available = video.available();
  bool layers_changed = false;
  const auto verdict = video.meet(packet->fields(), now.mono, layers_changed);
  if (verdict == VideoTrack::Verdict::accepted) {
    // Before the packet is added, so that all whom it brings to a layer get it
    // through one list.
    if (layers_changed && !was_available && &video == sender.camera.get())
      rank(now, out);
    if (layers_changed) {
      announce(sender, packet->fields().kind, out);
      retarget_viewers(sender, now, out);
    }
    video.add(packet, now.mono, out);
    out.media.push_back(packet);
  } else {
    ++dropped_;
  }
  ask(sender, now, out);
}

VideoTrack& Stage::track(Member& sender, MediaKind kind) {
  auto& slot = kind == MediaKind::screen ? sender.screen : sender.camera;
  if (slot) return *slot;
  if (!sender.camera && !sender.screen) senders_.push_back(&sender);
  slot = std::make_unique<VideoTrack>(kind, seats_, sender.is_remote());
  return *slot;
}

void Stage::drop_tracks(Member& sender) {
  sender.camera.reset();
  sender.screen.reset();
  std::erase(senders_, &sender);
}

void Stage::keyframe_request(Member& viewer, Member& sender, MediaKind kind,
                             Now now, Output& out) {
  VideoTrack* video = find_track(sender, kind);
  if (!video) return;
  video->want_keyframe(viewer.seat, now.mono, out);
  ask(sender, now, out);
}

void Stage::state_changed(Member& member, const MemberState& before, Now now,
                          Output& out) {
  if (before.video && !member.state.video && member.camera) {
    member.camera->pause();
    announce(member, MediaKind::video, out);
    rank(now, out);
  }
  if (before.screen && !member.state.screen && member.screen) {
    member.screen->pause();
    announce(member, MediaKind::screen, out);
  }
  if (member.state.speaking) {
    member.spoke = now.mono;
    if (member.camera && !contains(ranked_, member.id)) rank_due_ = true;
  }
}

void Stage::tick(Now now, Output& out) {
  now_ = now.mono;
  const bool sweep = now.mono - swept_ >= kSweepInterval;
  if (sweep) {
    measure_audio(now.mono - swept_);
    try_silent_links(now, out);
    swept_ = now.mono;
  }
  for (Member* sender : senders_) {
    bool changed = false;
    if (sweep && sender->camera && sender->camera->sweep(now.mono)) {
      changed = true;
      announce(*sender, MediaKind::video, out);
      if (!sender->camera->available()) rank_due_ = true;
    }
    if (sweep && sender->screen && sender->screen->sweep(now.mono)) {
      changed = true;
      announce(*sender, MediaKind::screen, out);
    }
    if (changed) retarget_viewers(*sender, now, out);
    hint(*sender, now, out);
    ask(*sender, now, out);
  }
  if (sweep && rank_due_) rank(now, out);
  if (lead_due_) lead(now, out);
}

void Stage::measure_audio(Duration passed) {
  const double seconds = std::chrono::duration<double>(passed).count();
  audio_bps_ = 0;
  for (Member* member : members_) {
    if (!member || !member->sends_audio) continue;
    const auto bytes =
        static_cast<double>(std::exchange(member->audio_bytes, 0));
    member->audio_bps +=
        (8.0 * bytes / seconds - member->audio_bps) * kAudioSmoothing;
    audio_bps_ += member->audio_bps;
  }
}

const RecipientsPtr& Stage::everyone() {
  if (everyone_epoch_ != epoch_) {
    everyone_ = connected_but(nullptr);
    everyone_epoch_ = epoch_;
  }
  return everyone_;
}

const RecipientsPtr& Stage::others(Member& member) {
  if (member.others_epoch != epoch_) {
    member.others = connected_but(&member);
    member.others_epoch = epoch_;
  }
  return member.others;
}

RecipientsPtr Stage::connected_but(const Member* left_out) const {
  std::vector<SessionHandle> sessions;
  sessions.reserve(seats_.size());
  for (size_t i = 0; i < seats_.size(); ++i) {
    if (seats_[i].self && members_[i] != left_out)
      sessions.push_back(seats_[i].handle);
  }
  return Recipients::make(std::move(sessions));
}

// The ninth loudest is heard by the eight, who do not hear themselves.
const RecipientsPtr& Stage::reserve_recipients(Member& sender) {
  if (sender.reserve_epoch != places_epoch_) {
    std::vector<SessionHandle> sessions;
    for (size_t i = 0; i < seats_.size(); ++i) {
      if (seats_[i].self &&
          members_[i]->speaker.place() == Speaker::Place::chosen)
        sessions.push_back(seats_[i].handle);
    }
    sender.reserve_to = Recipients::make(std::move(sessions));
    sender.reserve_epoch = places_epoch_;
  }
  return sender.reserve_to;
}

}  // namespace videocall::room
