// SPDX-License-Identifier: MIT
// Encoded frames in, packets out: numbers, groups, codec strings, redundancy
// (docs/wire-protocol.md, sections 1 and 2). One object per track; pure.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libvideocall/media/codec.h"
#include "libvideocall/wire/packet.h"

namespace videocall {

struct EncodedFrame {
  Bytes payload;
  uint64_t capture_us = 0;    // sender's monotonic clock, same for all tracks
  uint64_t duration_us = 0;   // 0: not known
  uint8_t temporal_id = 0;    // video
  uint8_t audio_level = 127;  // audio: RFC 6464
  bool speaking = false;      // audio
  bool discont = false;       // something before it is missing
};

// Where the numbers of a track begin: they follow the capture clock, so that a
// track that starts anew within a session never falls back behind the numbers
// it used before. No track sends 1000 packets a second.
constexpr uint64_t first_number(uint64_t capture_us) {
  return capture_us / 1000 + 1;
}

class VIDEOCALL_API VideoPacketizer {
 public:
  // |kind| is video or screen, |codec| a video codec.
  VideoPacketizer(Codec codec, MediaKind kind, uint8_t layer);

  // Frames of another stream follow; the numbers go on.
  void set_codec(Codec codec);
  void set_target_kbps(uint32_t kbps) { target_kbps_ = kbps; }

  // The packet of |frame|. Fails with Errc::would_block on frames before the
  // first key frame (see needs_keyframe()), Errc::protocol on what is no frame
  // of the codec, Errc::limit on a frame that fits no packet; after the latter
  // two a key frame is needed.
  Result<PacketRef> packetize(const EncodedFrame& frame);

  // Whether all frames are dropped until a key frame comes.
  bool needs_keyframe() const { return needs_keyframe_; }
  // How long the group lasts by the time of |capture_us|.
  uint64_t group_age_us(uint64_t capture_us) const;
  // What came before is forgotten (a flush); a key frame is needed.
  void reset() { needs_keyframe_ = true; }

 private:
  Result<PacketRef> fail(Error error);
  Bytes complete(Bytes payload, const VideoFrameInfo& info);
  MediaHeader header_of(const EncodedFrame& frame,
                        const VideoFrameInfo& info) const;

  std::unique_ptr<VideoParser> parser_;
  MediaKind kind_;
  uint8_t layer_;
  uint32_t target_kbps_ = 0;
  uint64_t sequence_ = 0;
  uint64_t group_ = 0;
  uint64_t group_start_us_ = 0;
  bool needs_keyframe_ = true;
  std::vector<uint8_t> frame_;  // with inserted parameter sets
};

class VIDEOCALL_API AudioPacketizer {
 public:
  // |redundancy|: how many preceding frames each packet repeats, at most
  // limits::kMaxRedundantFrames.
  explicit AudioPacketizer(size_t redundancy = limits::kMaxRedundantFrames)
      : redundancy_(redundancy) {}

  void set_redundancy(size_t frames) { redundancy_ = frames; }

  // The packet of |frame|, one Opus packet of 20 ms. Fails with
  // Errc::invalid_argument on another duration, Errc::protocol on what is no
  // Opus packet.
  Result<PacketRef> packetize(const EncodedFrame& frame);

  // What came before is forgotten (a flush); nothing is repeated.
  void reset() { history_size_ = 0; }

 private:
  struct Sent {
    std::vector<uint8_t> payload;
    uint64_t capture_us = 0;
  };

  bool follows(const EncodedFrame& frame) const;
  void remember(const EncodedFrame& frame);

  size_t redundancy_;
  uint64_t sequence_ = 0;
  uint64_t group_ = 0;
  std::array<Sent, limits::kMaxRedundantFrames> history_;  // newest first
  size_t history_size_ = 0;
};

}  // namespace videocall
