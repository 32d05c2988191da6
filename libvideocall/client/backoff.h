// SPDX-License-Identifier: MIT
// How long to wait before the next attempt: doubling, bounded, and spread by
// chance so that the clients of a node that died do not all come back at once.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>

#include "libvideocall/base/time.h"
#include "libvideocall/wire/limits.h"

namespace videocall::client {

class Backoff {
 public:
  // The same |seed| gives the same delays.
  explicit Backoff(uint64_t seed) : random_(seed) {}

  // The delay before the next attempt: between half of and the whole of
  // kMinReconnectDelay * 2^n, at most kMaxReconnectDelay.
  Duration next() {
    constexpr Duration kMax = limits::kMaxReconnectDelay;
    Duration full = limits::kMinReconnectDelay;
    for (unsigned i = 0; i < attempts_ && full < kMax; ++i) full *= 2;
    full = std::min(full, kMax);
    ++attempts_;
    return spread(full);
  }

  // Between half of and the whole of |full|; no attempt.
  Duration spread(Duration full) {
    std::uniform_int_distribution<int64_t> spread(full.count() / 2,
                                                  full.count());
    return Duration(spread(random_));
  }

  unsigned attempts() const { return attempts_; }
  void reset() { attempts_ = 0; }

 private:
  std::mt19937_64 random_;
  unsigned attempts_ = 0;
};

}  // namespace videocall::client
