// SPDX-License-Identifier: MIT
// Who gets which layer of whom, and what senders are told of it.
#include <algorithm>
#include <utility>

#include "libvideocall/room/allocation.h"
#include "libvideocall/room/stage.h"

namespace videocall::room {
namespace {

constexpr MediaKind kKinds[] = {MediaKind::screen, MediaKind::video};
// QUIC, stream and frame headers.
constexpr double kOverhead = 1.05;
// How long after a word a camera is a speaker's.
constexpr auto kSpokeLately = 10s;
// A step by a cached group may fill the link for so long.
constexpr double kBurstSeconds = 0.3;

bool contains(const std::vector<uint64_t>& ids, uint64_t id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

}  // namespace

// What |viewer| would get if nothing bounded its link.
Choice Stage::desired(const Member& viewer, const Member& sender,
                      const VideoTrack& track, MediaKind kind) const {
  if (&viewer == &sender || !seats_[viewer.seat].self) return {};
  uint32_t height = kAnyHeight;
  if (viewer.viewport) {
    const Tile* tile = find_tile(*viewer.viewport, sender.id, kind);
    if (!tile) return {};
    height = tile->height_px;
  } else if (kind == MediaKind::video &&
             !is_default_camera(ranked_, viewer.id, sender.id,
                                policy_.max_cameras)) {
    return {};
  }
  Choice choice;
  uint8_t cap = find_cap(viewer.caps, sender.id, kind);
  if (shed_ != Shed::none) {
    if (shed_ == Shed::all ||
        (shed_ == Shed::speakers && !leads(viewer, sender, kind)))
      return {};
    cap = std::min<uint8_t>(cap, shed_ == Shed::middle ? 1 : 0);
    if (shed_ >= Shed::base) choice.temporal = 0;
    choice.urgent = true;
  }
  choice.layer = choose_layer(track.layers(), height, cap);
  choice.wants_more =
      choice.layer != kNoLayer && choice.layer < cap &&
      track.layers()[static_cast<size_t>(choice.layer)].height < height;
  return choice;
}

// Whether |sender|'s |kind| is among what |viewer| is to see before the rest.
bool Stage::leads(const Member& viewer, const Member& sender,
                  MediaKind kind) const {
  if (kind == MediaKind::screen || &sender.voice == dominant_.leader() ||
      (sender.spoke && now_ - *sender.spoke < kSpokeLately))
    return true;
  const Tile* tile =
      viewer.viewport ? find_tile(*viewer.viewport, sender.id, kind) : nullptr;
  return tile && tile->pinned;
}

Want Stage::want_of(const Member& viewer, const Member& sender,
                    const VideoTrack& track, MediaKind kind,
                    const Choice& choice) const {
  Want want;
  if (kind == MediaKind::screen)
    want.importance = Importance::screen;
  else if (leads(viewer, sender, kind))
    want.importance = Importance::speaker;
  const Tile* tile =
      viewer.viewport ? find_tile(*viewer.viewport, sender.id, kind) : nullptr;
  want.height_px = tile ? tile->height_px : kAnyHeight;
  want.layer = choice.layer;
  const Choice granted = track.granted(viewer.seat);
  want.current_layer = granted.layer;
  want.current_temporal = granted.temporal;
  for (size_t layer = 0; layer < kLayers; ++layer) {
    if (!track.layers()[layer].available()) continue;
    want.top_temporal[layer] = track.top_temporal(layer);
    for (uint8_t t = 0; t < LayerRates::kTemporalLayers; ++t)
      want.bps[layer][t] = kOverhead * track.bps(layer, t);
  }
  return want;
}

// Shares what |viewer|'s link carries among the videos it is to see.
void Stage::share(Member& viewer, Now now, Output& out) {
  struct Part {
    VideoTrack* track;
    Choice choice;
  };
  std::vector<Part> parts;
  std::vector<Want> wants;
  for (Member* sender : senders_) {
    for (const MediaKind kind : kKinds) {
      VideoTrack* video = find_track(*sender, kind);
      if (!video) continue;
      const Choice choice = desired(viewer, *sender, *video, kind);
      if (choice.layer == kNoLayer) {
        video->set_target(viewer.seat, choice, now.mono, out);
        continue;
      }
      parts.push_back({video, choice});
      wants.push_back(want_of(viewer, *sender, *video, kind, choice));
    }
  }
  const double allowed = viewer.link.allowed_bps();
  const bool congested = viewer.link.congested();
  const double heard = audio_bps_ - viewer.audio_bps;  // not itself
  const Allocation allocation =
      allocate(wants, std::max(0.0, allowed - heard),
               std::max(0.0, viewer.link.carries_bps() - heard), !congested);
  viewer.link.set_granted(heard + allocation.granted_bps,
                          heard + allocation.next_bps,
                          allocation.granted_bps == 0);
  for (size_t i = 0; i < parts.size(); ++i) {
    Choice& choice = parts[i].choice;
    const Share& share = allocation.shares[i];
    choice.wants_more = choice.wants_more && share.layer == choice.layer;
    choice.layer = share.layer;
    choice.temporal = std::min(choice.temporal, share.temporal);
    choice.urgent = choice.urgent || congested;
    choice.burst_bytes = std::min(
        choice.burst_bytes, static_cast<size_t>(allowed / 8 * kBurstSeconds));
    parts[i].track->set_target(viewer.seat, choice, now.mono, out);
  }
}

void Stage::retarget(Member& viewer, Member& sender, Now now, Output& out) {
  if (viewer.link.limited()) {
    share(viewer, now, out);
    return;
  }
  for (const MediaKind kind : kKinds) {
    VideoTrack* video = find_track(sender, kind);
    if (!video) continue;
    video->set_target(viewer.seat, desired(viewer, sender, *video, kind),
                      now.mono, out);
  }
}

void Stage::retarget_viewers(Member& sender, Now now, Output& out) {
  for (Member* viewer : members_) {
    if (viewer && viewer != &sender) retarget(*viewer, sender, now, out);
  }
}

void Stage::choose(Member& viewer, Now now, Output& out) {
  now_ = now.mono;
  if (viewer.link.limited()) share(viewer, now, out);
  for (Member* sender : senders_) {
    if (!viewer.link.limited()) retarget(viewer, *sender, now, out);
    hint(*sender, now, out);
    ask(*sender, now, out);
  }
}

void Stage::link(Member& viewer, const LinkReport& report, Now now,
                 Output& out) {
  if (viewer.link.update(report, now.mono)) choose(viewer, now, out);
}

// Who gets nothing has no reports: its link is tried by the clock.
void Stage::try_silent_links(Now now, Output& out) {
  for (Member* viewer : members_)
    if (viewer && seats_[viewer->seat].self && viewer->link.wait(now.mono))
      choose(*viewer, now, out);
}

void Stage::shed(Shed level, Now now, Output& out) {
  if (level == shed_) return;
  shed_ = level;
  for (Member* viewer : members_)
    if (viewer && seats_[viewer->seat].self) choose(*viewer, now, out);
}

// Chooses the default cameras anew. Where somebody stands among the first nine
// makes no difference to anybody, so mostly nothing follows of it.
void Stage::rank(Now now, Output& out) {
  rank_due_ = false;
  std::vector<CameraCandidate> candidates;
  for (const Member* sender : senders_) {
    if (sender->camera && sender->camera->available())
      candidates.push_back({sender->id, sender->order, sender->spoke});
  }
  std::vector<uint64_t> ranked =
      rank_cameras(std::move(candidates), policy_.max_cameras);
  std::sort(ranked.begin(),
            ranked.begin() + static_cast<ptrdiff_t>(
                                 std::min(ranked.size(), policy_.max_cameras)));
  if (ranked == ranked_) return;
  std::swap(ranked, ranked_);
  for (Member* sender : senders_) {
    if (!sender->camera) continue;
    if (contains(ranked, sender->id) || contains(ranked_, sender->id))
      retarget_viewers(*sender, now, out);
  }
}

// Others lead now: those whose link is full are shown them first.
void Stage::lead(Now now, Output& out) {
  lead_due_ = false;
  for (Member* viewer : members_) {
    if (viewer && seats_[viewer->seat].self && viewer->link.limited())
      share(*viewer, now, out);
  }
}

// Sends the key frame requests that are due, each merged of all who wait.
void Stage::ask(Member& sender, Now now, Output& out) {
  if (!seats_[sender.seat].self && !sender.is_remote()) return;
  for (const MediaKind kind : kKinds) {
    VideoTrack* video = find_track(sender, kind);
    if (!video) continue;
    while (const auto layer = video->next_request(now.mono)) {
      if (sender.is_remote()) {
        outside_.want_keyframe(sender, kind, *layer, out);
      } else {
        out.deliver(write_keyframe_request({sender.id, kind, *layer}),
                    seats_[sender.seat].self);
      }
    }
  }
}

// Tells |sender| which layers are wanted, where that has changed.
void Stage::hint(Member& sender, Now now, Output& out) {
  if (!seats_[sender.seat].self && !sender.is_remote()) return;
  for (const MediaKind kind : kKinds) {
    VideoTrack* video = find_track(sender, kind);
    if (!video) continue;
    const auto layers = video->next_hint(keep_all_layers_, now.mono);
    if (!layers) continue;
    if (sender.is_remote()) {
      outside_.want_layers(sender, kind, *layers, out);
    } else {
      out.deliver(write_layer_hint({kind, *layers}), seats_[sender.seat].self);
    }
  }
}

VideoTrack* Stage::find_track(const Member& member, MediaKind kind) {
  return kind == MediaKind::screen ? member.screen.get() : member.camera.get();
}

size_t Stage::limited_viewers() const {
  return static_cast<size_t>(std::count_if(
      members_.begin(), members_.end(),
      [](const Member* m) { return m && m->session && m->link.limited(); }));
}

}  // namespace videocall::room
