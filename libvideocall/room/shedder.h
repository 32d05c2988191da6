// SPDX-License-Identifier: MIT
// How much video a node leaves out for everybody because it forwards more than
// it may. A level up for each second beyond the bound, a level down for every
// five well below it; audio is never touched.
#pragma once

#include <cstdint>

#include "libvideocall/base/time.h"

namespace videocall::room {

enum class Shed : uint8_t {
  none,
  middle,    // layers 0 and 1
  low,       // layer 0
  base,      // layer 0, without upper temporal layers
  speakers,  // the same, of screens, speakers and what is pinned only
  all,       // no video
};

class Shedder {
 public:
  // |max_bytes_per_s| 0: never sheds.
  explicit Shedder(uint64_t max_bytes_per_s) : max_(max_bytes_per_s) {}

  // |forwarded| bytes in all until |now|; several times a second. True if
  // level() changed.
  bool update(uint64_t forwarded, Time now) {
    if (max_ == 0) return false;
    if (measured_ == Time{}) {
      measured_ = now;
      forwarded_ = forwarded;
      return false;
    }
    if (now - measured_ < kInterval) return false;
    const std::chrono::duration<double> passed = now - measured_;
    const double rate =
        static_cast<double>(forwarded - forwarded_) / passed.count();
    measured_ = now;
    forwarded_ = forwarded;
    const auto max = static_cast<double>(max_);
    const Shed before = level_;
    if (rate > max) {
      calm_ = 0;
      if (level_ != Shed::all) level_ = step(+1);
    } else if (rate > kCalm * max || level_ == Shed::none) {
      calm_ = 0;
    } else if (++calm_ >= kCalmIntervals) {
      calm_ = 0;
      level_ = step(-1);
    }
    return level_ != before;
  }

  Shed level() const { return level_; }

 private:
  static constexpr auto kInterval = 1s;
  static constexpr int kCalmIntervals = 5;
  // A level costs at most about half: below this there is room for one more.
  static constexpr double kCalm = 0.5;

  Shed step(int by) const {
    return static_cast<Shed>(static_cast<int>(level_) + by);
  }

  uint64_t max_;
  uint64_t forwarded_ = 0;
  Time measured_{};
  int calm_ = 0;
  Shed level_ = Shed::none;
};

}  // namespace videocall::room
