// SPDX-License-Identifier: MIT
// One session that sends: synthetic frames of the scenario's sizes, or the
// frames of files. Makes packets; its owner sends them. Pure but for the
// record that it counts in.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "cli/loadtest/board.h"
#include "cli/loadtest/media_file.h"
#include "cli/loadtest/scenario.h"
#include "libvideocall/base/time.h"
#include "libvideocall/wire/packet.h"

namespace videocall::loadtest {

// What the publishers of a process share: buffers to send from.
class MediaSource {
 public:
  // |files|: one a layer, or none.
  MediaSource(const Scenario& scenario, std::vector<MediaFile> files);

  struct Frame {
    std::vector<uint8_t>* data = nullptr;  // ends with room for a stamp
    std::string_view codec;
    uint32_t width = 0;
    uint32_t height = 0;
  };
  // The frame |number| of a layer, counted from the publisher's first.
  Frame video(size_t layer, uint64_t number, bool keyframe);
  std::vector<uint8_t>& audio(uint64_t number);

  [[nodiscard]] bool has_video() const { return has_video_; }
  [[nodiscard]] bool has_audio() const { return has_audio_; }
  [[nodiscard]] bool is_file() const { return !files_.empty(); }
  [[nodiscard]] double fps() const { return fps_; }
  // Whether the file has a key frame there; synthetic media has them at will.
  [[nodiscard]] bool file_keyframe(size_t layer, uint64_t number) const;

 private:
  struct Layer {
    std::vector<uint8_t> key;
    std::vector<uint8_t> delta;
    uint32_t height = 0;
  };

  std::vector<MediaFile> files_;
  std::array<Layer, kMaxLayers> layers_;
  std::vector<uint8_t> audio_;
  bool has_video_ = false;
  bool has_audio_ = false;
  double fps_ = 30;
};

class Publisher {
 public:
  // All but |number| are borrowed; that is the publisher's within the whole
  // test.
  Publisher(const Scenario& scenario, MediaSource& source, Orders& orders,
            PublisherRecord& record, size_t number);

  // The packets of one frame, a layer each, into |out|.
  void video(Time now, std::vector<PacketRef>& out);
  void audio(Time now, std::vector<PacketRef>& out);
  // The next frame of |layer| starts a group, if the media allows it.
  void request_keyframe(size_t layer);
  // LAYER_HINT: which layers anybody wants.
  void set_wanted_layers(uint32_t bits) { wanted_ = bits; }
  // Nothing more will be sent.
  void leave();

 private:
  struct Track {
    uint64_t frames = 0;  // of the media, also those nobody wanted
    uint64_t sequence = 0;
    uint64_t group = 0;
    uint64_t bytes = 0;
    uint32_t index = 0;  // of the next frame in its group
    bool key_wanted = true;
  };

  PacketRef build(PacketFields& fields, std::vector<uint8_t>& data,
                  Track& track, SentTrack& sent, uint32_t index, Time now);
  void mark(Time now);
  void mark_end();
  [[nodiscard]] bool starts_group(const Track& track, size_t layer) const;

  const Scenario& scenario_;
  MediaSource& source_;
  Orders& orders_;
  PublisherRecord& record_;
  const uint32_t number_;
  bool begin_marked_ = false;
  bool end_marked_ = false;
  uint32_t wanted_ = ~0u;
  std::array<Track, kMaxLayers> video_;
  Track audio_;
};

}  // namespace videocall::loadtest
