// SPDX-License-Identifier: MIT
// What goes to other nodes and comes from them.
#include "libvideocall/room/stage.h"

namespace videocall::room {

void Stage::publish(Member& sender, MediaKind kind, uint8_t layer,
                    SubjectPtr subject, Now now, Output& out) {
  if (kind == MediaKind::audio) {
    sender.audio_subject = std::move(subject);
    return;
  }
  // Nothing to end where nothing was begun.
  if (!subject && !find_track(sender, kind)) return;
  track(sender, kind).publish(layer, std::move(subject), now.mono, out);
  hint(sender, now, out);
  ask(sender, now, out);
}

void Stage::offered(Member& sender, const cluster::LayerOffer::Entry& entry,
                    Now now, Output& out) {
  if (entry.track.kind == MediaKind::audio) {
    sender.sends_audio = entry.available;
    outside_.want_layers(sender, MediaKind::audio, entry.available ? 1 : 0,
                         out);
    return;
  }
  VideoTrack& video = track(sender, entry.track.kind);
  const bool was_available = video.available();
  video.offer(entry.track.layer, entry.available, entry.height,
              entry.target_kbps);
  if (was_available != video.available() && &video == sender.camera.get())
    rank(now, out);
  retarget_viewers(sender, now, out);
  hint(sender, now, out);
  ask(sender, now, out);
}

void Stage::keyframe_wanted(Member& sender, MediaKind kind, uint8_t layer,
                            Now now, Output& out) {
  VideoTrack* video = find_track(sender, kind);
  if (!video) return;
  video->want_keyframe_of(layer);
  ask(sender, now, out);
}

void Stage::moved(Member& sender, Now now, Output& out) {
  if (loudest_.remove(sender.speaker)) ++places_epoch_;
  drop_tracks(sender);
  sender.audio_subject.reset();
  sender.audio_offered = false;
  rank(now, out);
}

// Tells the other nodes what there is of a member here.
void Stage::announce(Member& sender, MediaKind kind, Output& out) {
  if (!sender.is_remote()) outside_.offer(sender, kind, out);
}

}  // namespace videocall::room
