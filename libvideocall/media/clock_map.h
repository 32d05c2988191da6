// SPDX-License-Identifier: MIT
// Maps the capture clock of one remote session to the local clock. All tracks
// of a session share one map: that is what keeps lips and voice together.
//
// A frame that was captured at c and arrives at a took a - c, which is the
// unknown difference of the clocks plus the way's delay. The smallest such
// value of the last seconds belongs to a packet that waited nowhere; the map
// follows it. Hence local(c) is when the frame would have come on an idle
// network, and frames that come later than that are late by their queueing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "libvideocall/base/export.h"

namespace videocall {

class VIDEOCALL_API ClockMap {
 public:
  enum class Mode {
    live,    // arrival times mean something; follow the smallest delay
    linear,  // they do not (a file): the first frame is at 0, for good
  };

  // |latency_us|: how late a frame may come and still be in time. When every
  // frame of a second is later than that, the map jumps instead of gliding.
  explicit ClockMap(int64_t latency_us = 0, Mode mode = Mode::live)
      : latency_us_(latency_us), mode_(mode) {}

  void set_latency_us(int64_t latency_us) { latency_us_ = latency_us; }

  // A frame captured at |capture_us| has come at |arrival_us| local time.
  // Arrivals are in order.
  void observe(uint64_t capture_us, int64_t arrival_us);

  // Local time of a capture time; before the first observe() 0. The order of
  // capture times is kept for frames mapped between two observe() calls.
  int64_t to_local(uint64_t capture_us) const;

  // to_local() plus |more_us|, without overflow.
  int64_t to_local(uint64_t capture_us, int64_t more_us) const;

  bool started() const { return offset_.has_value(); }
  Mode mode() const { return mode_; }
  // How often the map jumped after its start.
  uint64_t jumps() const { return jumps_; }

 private:
  static constexpr int64_t kBucketUs = 1'000'000;
  static constexpr size_t kBuckets = 10;  // the window: 10 s
  struct Bucket {
    int64_t number = -1;  // arrival / kBucketUs
    int64_t min_us = 0;
  };

  void remember(int64_t delay_us, int64_t arrival_us);
  int64_t window_min() const;
  void glide(int64_t target_us, int64_t elapsed_us);

  int64_t latency_us_;
  Mode mode_;
  std::optional<int64_t> offset_;
  int64_t first_arrival_us_ = 0;
  int64_t last_arrival_us_ = 0;
  int64_t glide_rest_us_ = 0;  // elapsed time not yet turned into a step
  std::array<Bucket, kBuckets> buckets_;
  // Since when all that came was later than the latency allows, and the
  // smallest delay since.
  std::optional<int64_t> late_since_us_;
  int64_t late_min_us_ = 0;
  uint64_t jumps_ = 0;
};

}  // namespace videocall
