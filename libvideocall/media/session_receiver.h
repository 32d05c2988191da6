// SPDX-License-Identifier: MIT
// The receiving side of one remote session: packets in, frames of up to three
// tracks out, in order and on one clock. Sans I/O: time is handed in, nothing
// is locked, nobody is called back.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "libvideocall/media/audio_track.h"
#include "libvideocall/media/clock_map.h"
#include "libvideocall/media/video_track.h"

namespace videocall {

class VIDEOCALL_API SessionReceiver {
 public:
  // What became of a packet.
  enum class Outcome {
    accepted,   // goes to its track
    no_media,   // another packet type; none of ours
    encrypted,  // key_epoch > 0, and this class holds no key; dropped
    malformed,  // no header, no kind, or no MediaPacket; dropped
    unknown,    // audio of another codec than Opus; dropped
  };
  struct KeyframeRequest {
    uint64_t session_id = 0;
    MediaKind kind = MediaKind::unspecified;
    uint8_t layer = 0;
  };

  // |latency_us|: how long a frame may be waited for, counted from when it
  // would have come on an idle network; 0: frames come out as they come.
  SessionReceiver(int64_t latency_us, ClockMap::Mode mode);
  SessionReceiver(const SessionReceiver&) = delete;
  SessionReceiver& operator=(const SessionReceiver&) = delete;

  void set_latency_us(int64_t latency_us);

  // |packet| has come at |now_us|. A packet of another session than the last
  // starts everything anew.
  Outcome push(const PacketRef& packet, int64_t now_us);

  // The next frame of |kind| that is due.
  std::optional<ReceivedFrame> pop(MediaKind kind, int64_t now_us);
  // When pop() will give something if nothing more comes: in the past if it
  // would now; nothing if only a packet can help.
  std::optional<int64_t> next_pop_us(MediaKind kind) const;
  // Frames of |kind| that could be taken now or at the end of a first wait.
  size_t ready(MediaKind kind) const;

  // Nothing more will come: pop() waits for nothing any more.
  void drain() { draining_ = true; }

  // The user of |kind|'s frames needs a key frame.
  void want_keyframe(MediaKind kind);
  // A request that is to be sent now; for one kind at most once per
  // limits::kKeyframeRequestInterval. Ask after push(), pop() and
  // want_keyframe() until there is none.
  std::optional<KeyframeRequest> take_keyframe_request(int64_t now_us);

  uint64_t session_id() const { return session_id_; }
  const ClockMap& clock() const { return clock_; }
  const TrackStats& stats(MediaKind kind) const;

 private:
  struct Wish {
    bool wanted = false;
    std::optional<int64_t> last_us;
  };

  void restart();
  void measure(TrackStats& stats, MediaKind kind, const MediaHeader& header,
               int64_t now_us);
  TrackStats& mutable_stats(MediaKind kind);
  VideoTrack& video(MediaKind kind) {
    return *videos_[kind == MediaKind::screen ? 1 : 0];
  }
  const VideoTrack& video(MediaKind kind) const {
    return *videos_[kind == MediaKind::screen ? 1 : 0];
  }
  Wish& wish(MediaKind kind) {
    return wishes_[kind == MediaKind::screen ? 1 : 0];
  }

  int64_t latency_us_;
  ClockMap::Mode mode_;
  ClockMap clock_;
  std::optional<AudioTrack> audio_;
  std::array<std::optional<VideoTrack>, 2> videos_;  // camera, screen
  std::array<Wish, 2> wishes_;
  // Transit time of the last packet of each kind, for the jitter.
  std::array<std::optional<int64_t>, 4> transit_us_;
  uint64_t session_id_ = 0;
  // Nothing goes out before: a burst of old frames shows only at its end what
  // the delay is. Costs nothing, a sink waits for the latency anyway.
  std::optional<int64_t> hold_until_us_;
  bool draining_ = false;
};

}  // namespace videocall
