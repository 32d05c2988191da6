// SPDX-License-Identifier: MIT
// What one thread counts and others read at any time: no lock, no allocation,
// no read-modify-write on the bus. Each has exactly one writing thread.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "libvideocall/base/time.h"

namespace videocall {

// A number that only rises, or a level if set() is used.
class Counter {
 public:
  void add(uint64_t n) { set(get() + n); }
  void set(uint64_t n) { value_.store(n, std::memory_order_relaxed); }
  uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// How long things took: how many took at most each bound.
class DurationHistogram {
 public:
  // Upper bounds, inclusive; what is above the last is counted behind them.
  static constexpr std::array<Duration, 16> kBounds = {
      100us, 200us, 500us, 1ms,   2ms, 5ms, 10ms, 20ms,
      50ms,  100ms, 200ms, 500ms, 1s,  2s,  5s,   10s};

  struct Snapshot {
    std::array<uint64_t, kBounds.size() + 1> counts{};  // not cumulative
    Duration sum{0};

    Snapshot& operator+=(const Snapshot& other) {
      for (size_t i = 0; i < counts.size(); ++i) counts[i] += other.counts[i];
      sum += other.sum;
      return *this;
    }
    bool operator==(const Snapshot&) const = default;
  };

  // What is negative counts as 0.
  void add(Duration took) {
    if (took < Duration::zero()) took = Duration::zero();
    size_t bucket = 0;
    while (bucket < kBounds.size() && took > kBounds[bucket]) ++bucket;
    counts_[bucket].add(1);
    sum_ns_.add(static_cast<uint64_t>(took.count()));
  }

  Snapshot snapshot() const {
    Snapshot out;
    for (size_t i = 0; i < counts_.size(); ++i)
      out.counts[i] = counts_[i].get();
    out.sum = Duration(static_cast<int64_t>(sum_ns_.get()));
    return out;
  }

 private:
  std::array<Counter, kBounds.size() + 1> counts_;
  Counter sum_ns_;
};

}  // namespace videocall
