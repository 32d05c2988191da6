// SPDX-License-Identifier: MIT
// What is missing of one publisher's audio or video at one viewer, from the
// numbers of what comes: sequence, group and layer of the media header, and
// the stamp. Pure.
#pragma once

#include <cstdint>

#include "cli/loadtest/board.h"
#include "cli/loadtest/stamp.h"
#include "libvideocall/wire/packet.h"

namespace videocall::loadtest {

// One packet of the track.
struct Arrival {
  size_t kind = kVideo;
  uint8_t layer = 0;
  bool keyframe = false;
  uint64_t sequence = 0;
  uint64_t group = 0;
  Stamp stamp;
  size_t data_bytes = 0;
  size_t packet_bytes = 0;
};

// What of the publisher's layer was sent before the measurement began.
struct SentBefore {
  uint64_t packets = 0;
  uint64_t bytes = 0;
};

class TrackMeter {
 public:
  // |measured|: the packet was sent within the measured time, and so counts.
  // |all_due|: the relay has no choice, so that a pause is a loss.
  // Returns by how much the number of missing packets changed.
  int64_t take(const Arrival& arrival, bool measured, const SentBefore& before,
               bool all_due, size_t temporal_layers, Delivered& out);
  // The measurement is over: nothing that was sent within it comes any more.
  // |sent| is what had been sent on the track's layer by then. Returns how
  // many more are missing.
  int64_t finish(const SentBefore& before, const SentBefore& sent, bool all_due,
                 Delivered& out);
  // The viewer has left; what follows is another attendance.
  void leave(Delivered& out);

  [[nodiscard]] bool active() const { return active_; }
  [[nodiscard]] uint8_t layer() const { return layer_; }

 private:
  void begin(const Arrival& arrival, bool measured, Delivered& out);
  int64_t late(const Arrival& arrival, bool measured, Delivered& out);
  void look_at_groups(const Arrival& arrival, size_t temporal_layers,
                      Delivered& out);
  void settle_tail(Delivered& out);
  void count_due(const Arrival& arrival, const SentBefore& before,
                 size_t temporal_layers, Delivered& out);
  [[nodiscard]] bool is_straggler(const Arrival& arrival) const;
  void receive(const Arrival& arrival, Delivered& out);

  uint64_t sequence_ = 0;
  uint64_t seen_ = 0;  // bit i: sequence_ - i has come
  uint64_t group_ = 0;
  uint64_t bytes_end_ = 0;  // of the layer, up to and with sequence_
  uint32_t index_ = 0;      // in the group
  // Base frames missing at the end of the group before, of which some may
  // still come: groups travel on streams of their own.
  uint32_t tail_missing_ = 0;
  uint64_t left_group_ = 0;
  uint8_t left_layer_ = 0;
  uint8_t layer_ = 0;
  bool active_ = false;
};

}  // namespace videocall::loadtest
