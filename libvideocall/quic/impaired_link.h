// SPDX-License-Identifier: MIT
// A bad network as arithmetic: when a datagram comes out at its far end, if it
// does at all. For load tests, which put it before a client's connection. Pure
// and deterministic; a link carries one direction of one session.
#pragma once

#include <cstddef>
#include <cstdint>

#include "libvideocall/base/export.h"
#include "libvideocall/base/time.h"

namespace videocall::quic {

struct Impairment {
  double loss = 0;               // share of datagrams, 0 .. 1, independent
  uint64_t bits_per_second = 0;  // of the bottleneck; 0: none
  // What waits before the bottleneck for longer than this is dropped.
  Duration queue = std::chrono::milliseconds(250);
  Duration delay{0};  // added to all
  uint64_t seed = 1;  // the same losses for the same seed

  bool any() const {
    return loss > 0 || bits_per_second > 0 || delay > Duration::zero();
  }
};

class VIDEOCALL_API ImpairedLink {
 public:
  explicit ImpairedLink(const Impairment& impairment);

  // When a datagram of |size| bytes that goes in at |now| comes out; never
  // before one that went in earlier. Time::max(): it is lost.
  Time carry(size_t size, Time now);

 private:
  double random();

  const Impairment impairment_;
  uint64_t state_;
  Time free_at_ = Time::min();  // the bottleneck has sent all it holds
};

}  // namespace videocall::quic
