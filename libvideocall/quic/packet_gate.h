// SPDX-License-Identifier: MIT
// What a server takes from one client: the checks of wire/packet.h, the rates
// of wire/limits.h, and the count of refusals that ends a session.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "libvideocall/base/result.h"
#include "libvideocall/base/time.h"
#include "libvideocall/wire/packet.h"

namespace videocall::quic {

// At most |rate| events a second, as many at once.
class TokenBucket {
 public:
  explicit TokenBucket(size_t rate)
      : rate_(static_cast<double>(rate)), tokens_(rate_) {}

  bool take(Time now) {
    if (now > last_) {
      const std::chrono::duration<double> passed = now - last_;
      tokens_ = std::min(rate_, tokens_ + passed.count() * rate_);
      last_ = now;
    }
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

 private:
  double rate_;
  double tokens_;
  Time last_{};
};

// limits::kMaxRefusals within limits::kRefusalWindow are too many.
class RefusalCounter {
 public:
  // False: that was one too many.
  bool count(Time now) {
    ++total_;
    const size_t slot = total_ % times_.size();
    const Time oldest = times_[slot];  // kMaxRefusals - 1 refusals ago
    times_[slot] = now;
    return total_ <= times_.size() || now - oldest > limits::kRefusalWindow;
  }
  uint64_t total() const { return total_; }

 private:
  std::array<Time, limits::kMaxRefusals - 1> times_{};
  uint64_t total_ = 0;
};

class PacketGate {
 public:
  // An error is a refusal: the packet is to be dropped and counted. |packet|
  // is parsed.
  Result<void> check(const Packet& packet, Time now);

 private:
  TokenBucket* bucket_of(PacketType type);

  TokenBucket control_{limits::kMaxControlPacketsPerSecond};
  TokenBucket probes_{limits::kMaxRttPerSecond};
  TokenBucket viewports_{limits::kMaxViewportsPerSecond};
  TokenBucket reactions_{limits::kMaxReactionsPerSecond};
  TokenBucket chats_{limits::kMaxChatsPerSecond};
  TokenBucket unknown_{limits::kMaxUnknownTypePacketsPerSecond};
};

}  // namespace videocall::quic
