// SPDX-License-Identifier: MIT
// When a loop's next turn may begin. Below half load at once: nothing waits.
// The busier the loop, the longer it rests between two turns: arrivals gather
// meanwhile, and a visit to a viewer sends more of them in fewer packets, which
// is what makes the loop less busy. One thread.
#pragma once

#include "libvideocall/base/export.h"
#include "libvideocall/base/time.h"

namespace videocall::quic {

class VIDEOCALL_API TurnPacer {
 public:
  // From the beginning of a turn to that of the next, at most.
  static constexpr Duration kLongestTick = std::chrono::milliseconds(10);

  // A turn worked from |began| to |ended|. |left_some|: it did not get to all
  // that waits, so the next one is due at once.
  void note(Time began, Time ended, bool left_some);
  // The next turn begins then at the earliest.
  Time next() const { return next_; }

 private:
  double busy_ = 0;  // part of the time, lately
  Time ended_{};     // the last turn
  Time next_{};
};

}  // namespace videocall::quic
