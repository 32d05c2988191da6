// SPDX-License-Identifier: MIT
// Two bounds on what a session may do in a time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "libvideocall/base/time.h"

namespace videocall::room {

// At most |n| a second, which may all come at once: the generic cell rate
// algorithm (ITU-T I.371), eight bytes of state.
class RateLimit {
 public:
  // Counts one event; false if it is one too many (it is not counted then).
  bool allow(Time now, size_t per_second) { return allow(now, per_second, 1); }

  // The same for |amount| at once; one that is larger than a second's worth
  // passes when nothing came before it.
  bool allow(Time now, size_t per_second, size_t amount) {
    const auto each = Duration(1s) / static_cast<int64_t>(per_second);
    const auto cost =
        std::min(each * static_cast<int64_t>(amount), Duration(1s));
    const Time due = due_ > now ? due_ : now;
    if (due + cost - now > Duration(1s)) return false;
    due_ = due + cost;
    return true;
  }

 private:
  Time due_{};
};

// Tells when more than |limit| events fell into |window|, exactly.
class EventWindow {
 public:
  EventWindow(size_t limit, Duration window) : limit_(limit), window_(window) {}

  // Counts one event; true if there were more than the limit.
  bool exceeded_by(Time now) {
    if (times_.size() < limit_) {
      times_.push_back(now);
      return false;
    }
    const bool exceeded = now - times_[oldest_] < window_;
    times_[oldest_] = now;
    oldest_ = (oldest_ + 1) % limit_;
    return exceeded;
  }

 private:
  size_t limit_;
  Duration window_;
  std::vector<Time> times_;  // a ring once it is full
  size_t oldest_ = 0;
};

}  // namespace videocall::room
