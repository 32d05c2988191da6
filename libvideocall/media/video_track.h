// SPDX-License-Identifier: MIT
// Order of one remote session's camera or screen: groups of pictures, layers,
// key frames. Pure: time is handed in, nothing is locked.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "libvideocall/media/clock_map.h"
#include "libvideocall/media/media_packet.h"
#include "libvideocall/media/received_frame.h"

namespace videocall {

// Groups are played in order, each from its key frame on. Within a group the
// transport keeps the order (one stream per group), so a gap there is a
// temporal layer that was left out on purpose and nothing waits for it; a
// packet that comes after its successors disproves that, and from then on a
// gap waits for its deadline and then ends the group. The next group begins
// at once if it follows without a gap, or when its key frame is due (capture
// time + latency): what of the earlier group has not come by then is dropped.
// Another simulcast layer takes over at its key frame.
class VIDEOCALL_API VideoTrack {
 public:
  // |clock| is borrowed. Latency 0 waits for nothing.
  VideoTrack(const ClockMap& clock, int64_t latency_us)
      : clock_(clock), latency_us_(latency_us) {}

  void set_latency_us(int64_t latency_us) { latency_us_ = latency_us; }

  // |packet| is MEDIA of kind video or screen, |media| what its data says.
  void push(const PacketRef& packet, const MediaPacketFields& media,
            int64_t now_us);

  // The next frame that is due at |now_us|. With |drain| waits for nothing.
  std::optional<ReceivedFrame> pop(int64_t now_us, bool drain = false);

  // When pop() will give something if nothing more comes: in the past if it
  // would now, nothing if only a key frame or nothing at all can help.
  std::optional<int64_t> next_pop_us() const;

  // Whether nothing decodable goes out before a new key frame comes.
  bool needs_keyframe() const;
  // The layer to ask a key frame of.
  uint8_t layer() const;

  bool empty() const { return ready_.empty() && groups_.empty(); }
  size_t size() const { return ready_.size(); }  // frames that can be taken
  const TrackStats& stats() const { return stats_; }
  TrackStats& mutable_stats() { return stats_; }

 private:
  static constexpr size_t kMaxGroups = 8;  // that wait, of all layers
  // Of frames that wait for their turn, and of frames that nobody takes.
  static constexpr size_t kMaxFrames = limits::kMaxCachedGroupPackets;
  static constexpr size_t kMaxBytes = 2 * limits::kMaxCachedGroupBytes;

  using GroupId = std::pair<uint8_t, uint64_t>;      // layer, group
  using Frames = std::map<uint64_t, ReceivedFrame>;  // by sequence
  // A group that has not begun to play.
  struct Group {
    Frames frames;
    size_t bytes = 0;
    std::optional<uint64_t> key_sequence;
    const ReceivedFrame* keyframe() const;
  };
  // The group that plays.
  struct Current {
    GroupId id;
    uint64_t next_sequence = 0;
    uint64_t recent = 0;  // bit i: next_sequence - 1 - i was passed on
    Frames held;          // beyond a gap
    size_t held_bytes = 0;
    bool broken = false;  // a frame that others build on is missing
  };
  using Groups = std::map<GroupId, Group>;

  void push_current(ReceivedFrame frame, bool keyframe, uint8_t temporal_id);
  void push_waiting(ReceivedFrame frame, const GroupId& id, bool keyframe);
  bool is_past(const GroupId& id, bool keyframe) const;
  bool is_restart(const MediaHeader& header) const;
  void forget_layer(uint8_t layer);
  void follow_clock(uint64_t capture_us);

  // Moves frames that may go out to ready_.
  void advance(int64_t now_us, bool drain);
  Groups::iterator next_group(int64_t now_us, bool drain);
  bool may_begin(const GroupId& id, const Group& group, int64_t now_us,
                 bool drain) const;
  void begin(Groups::iterator it);
  void pass_on(ReceivedFrame frame);
  void release_held(int64_t now_us, bool drain);
  void trim_ready();
  int64_t due_us(const ReceivedFrame& frame) const;
  bool waits() const;

  const ClockMap& clock_;
  int64_t latency_us_;
  Groups groups_;
  std::optional<Current> current_;
  // The last group of each layer that began to play.
  std::array<std::optional<uint64_t>, limits::kMaxLayer + 1> begun_;
  std::deque<ReceivedFrame> ready_;
  size_t ready_bytes_ = 0;
  bool in_order_ = true;            // no packet ever came after its successors
  bool discont_ = true;             // for the next frame passed on
  uint64_t newest_capture_us_ = 0;  // of all that came
  uint64_t last_capture_us_ = 0;    // the newest that was passed on
  uint64_t floor_capture_us_ = 0;   // nothing up to here is shown any more
  uint64_t seen_jumps_ = 0;         // of the clock
  TrackStats stats_;
};

}  // namespace videocall
