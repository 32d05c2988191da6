// SPDX-License-Identifier: MIT
// How often each value came, in memory that another process may read while
// this one counts: buckets of equal relative width, 2^kBits of them per power
// of two, so a value is known to within 1 part in 2^kBits. One writer.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace videocall::loadtest {

// A number that one process counts and others read.
class Counter {
 public:
  void add(uint64_t n) {
    value_.store(value_.load(std::memory_order_relaxed) + n,
                 std::memory_order_relaxed);
  }
  void set(uint64_t n) { value_.store(n, std::memory_order_relaxed); }
  [[nodiscard]] uint64_t get() const {
    return value_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<uint64_t> value_{0};
};

template <unsigned kBits>
class Histogram {
 public:
  // Values from 2^kMaxPower on are counted as one less.
  static constexpr unsigned kMaxPower = 27;  // of microseconds: 134 s
  static constexpr size_t kPerPower = size_t{1} << kBits;
  static constexpr size_t kBuckets = (kMaxPower - kBits + 1) * kPerPower;

  void add(uint64_t value) {
    value = std::min(value, (uint64_t{1} << kMaxPower) - 1);
    auto& bucket = buckets_[index_of(value)];
    bucket.store(bucket.load(std::memory_order_relaxed) + 1,
                 std::memory_order_relaxed);
    if (value > max_.load(std::memory_order_relaxed))
      max_.store(static_cast<uint32_t>(value), std::memory_order_relaxed);
  }
  void merge(const Histogram& other) {
    for (size_t i = 0; i < kBuckets; ++i) {
      const uint32_t more = other.buckets_[i].load(std::memory_order_relaxed);
      if (more > 0) buckets_[i].store(buckets_[i].load() + more);
    }
    max_.store(std::max(max_.load(), other.max_.load()));
  }
  void clear() {
    for (auto& bucket : buckets_) bucket.store(0, std::memory_order_relaxed);
    max_.store(0);
  }

  [[nodiscard]] uint64_t count() const {
    uint64_t sum = 0;
    for (const auto& bucket : buckets_) sum += bucket.load();
    return sum;
  }
  [[nodiscard]] uint64_t max() const { return max_.load(); }
  // The value below which the share |q| of all lies; 0 if there is none.
  [[nodiscard]] uint64_t at(double q) const {
    const uint64_t all = count();
    if (all == 0) return 0;
    const auto rank = static_cast<uint64_t>(q * static_cast<double>(all - 1));
    uint64_t seen = 0;
    for (size_t i = 0; i < kBuckets; ++i) {
      seen += buckets_[i].load();
      if (seen > rank) return std::min(middle_of(i), max());
    }
    return max();
  }

  [[nodiscard]] static size_t index_of(uint64_t value) {
    if (value < kPerPower) return value;
    const auto power = static_cast<unsigned>(std::bit_width(value)) - 1;
    return (power - kBits) * kPerPower + (value >> (power - kBits));
  }
  [[nodiscard]] static uint64_t middle_of(size_t index) {
    if (index < 2 * kPerPower) return index;
    const size_t shift = index / kPerPower - 1;
    const uint64_t low = (index % kPerPower + kPerPower) << shift;
    return low + (uint64_t{1} << shift) / 2;
  }

 private:
  std::array<std::atomic<uint32_t>, kBuckets> buckets_{};
  std::atomic<uint32_t> max_{0};
};

using FineHistogram = Histogram<5>;    // 3 %
using CoarseHistogram = Histogram<3>;  // 12 %, for one of many viewers

}  // namespace videocall::loadtest
