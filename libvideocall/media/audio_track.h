// SPDX-License-Identifier: MIT
// Order, loss and recovery of one remote session's audio. Pure: time is
// handed in, nothing is locked.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "libvideocall/media/clock_map.h"
#include "libvideocall/media/media_packet.h"
#include "libvideocall/media/received_frame.h"

namespace videocall {

// Frames come out by sequence, each as soon as its predecessor is out. Where
// one is missing its successor waits: until the missing one comes by itself or
// in a later packet's redundancy, and no longer than until the moment at which
// it would have had to be played (capture time + latency).
class VIDEOCALL_API AudioTrack {
 public:
  // |clock| is borrowed. Latency 0 waits for nothing.
  AudioTrack(const ClockMap& clock, int64_t latency_us)
      : clock_(clock), latency_us_(latency_us) {}

  void set_latency_us(int64_t latency_us) { latency_us_ = latency_us; }

  // |packet| is MEDIA of kind audio, |media| what its data says.
  void push(const PacketRef& packet, const MediaPacketFields& media);

  // The next frame that is due at |now_us|. With |drain| waits for nothing.
  std::optional<ReceivedFrame> pop(int64_t now_us, bool drain = false);

  // When pop() will give something if nothing more comes: in the past if it
  // would now, nothing if the track is empty.
  std::optional<int64_t> next_pop_us() const;

  bool empty() const { return frames_.empty(); }
  size_t size() const { return frames_.size(); }
  const TrackStats& stats() const { return stats_; }
  TrackStats& mutable_stats() { return stats_; }

 private:
  static constexpr size_t kMaxFrames = 250;  // 5 s
  static constexpr uint64_t kRemembered = 64;

  bool is_restart(uint64_t sequence, uint64_t capture_us) const;
  void reject(uint64_t sequence);
  void insert(ReceivedFrame frame);
  void insert_redundant(const PacketRef& packet,
                        const MediaPacketFields& media);
  // How many 20 ms frames are missing before |next|; 0 after a pause or a
  // sender that numbers anew.
  uint32_t missing_before(const ReceivedFrame& next) const;

  const ClockMap& clock_;
  int64_t latency_us_;
  std::map<uint64_t, ReceivedFrame> frames_;  // by sequence
  std::optional<uint64_t> next_;              // unset before the first pop
  uint64_t last_capture_us_ = 0;              // of the last frame taken
  // Bit i: sequence next_ - 1 - i was taken (and did not get lost).
  uint64_t taken_ = 0;
  TrackStats stats_;
};

}  // namespace videocall
