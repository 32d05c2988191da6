// SPDX-License-Identifier: MIT
#include "libvideocall/quic/turn_pacer.h"

#include <algorithm>

namespace videocall::quic {
namespace {

// How long a change of the load takes to count in full.
constexpr double kMemorySeconds = 0.1;
// Busy for so much of the time: ticks begin to be longer; are longest.
constexpr double kHalfLoad = 0.5;
constexpr double kHighLoad = 0.7;

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

void TurnPacer::note(Time began, Time ended, bool left_some) {
  const double passed = seconds(ended - ended_);
  ended_ = ended;
  if (passed > 0) {
    const double worked = std::min(1.0, seconds(ended - began) / passed);
    busy_ += (worked - busy_) * std::min(1.0, passed / kMemorySeconds);
  }
  const double stretch =
      std::clamp((busy_ - kHalfLoad) / (kHighLoad - kHalfLoad), 0.0, 1.0);
  next_ = left_some ? ended
                    : began + std::chrono::duration_cast<Duration>(
                                  stretch * kLongestTick);
}

}  // namespace videocall::quic
