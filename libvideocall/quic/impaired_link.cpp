// SPDX-License-Identifier: MIT
#include "libvideocall/quic/impaired_link.h"

#include <algorithm>

namespace videocall::quic {

ImpairedLink::ImpairedLink(const Impairment& impairment)
    : impairment_(impairment), state_(impairment.seed) {}

// splitmix64: small, fast, and any seed will do.
double ImpairedLink::random() {
  uint64_t z = state_ += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  z ^= z >> 31;
  return static_cast<double>(z >> 11) * 0x1p-53;
}

Time ImpairedLink::carry(size_t size, Time now) {
  if (impairment_.loss > 0 && random() < impairment_.loss) return Time::max();
  Time out = now;
  if (impairment_.bits_per_second > 0) {
    const Time start = std::max(free_at_, now);
    if (start - now > impairment_.queue) return Time::max();
    const double seconds = 8.0 * static_cast<double>(size) /
                           static_cast<double>(impairment_.bits_per_second);
    free_at_ = start + std::chrono::duration_cast<Duration>(
                           std::chrono::duration<double>(seconds));
    out = free_at_;
  }
  return out + impairment_.delay;
}

}  // namespace videocall::quic
