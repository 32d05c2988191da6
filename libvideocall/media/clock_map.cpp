// SPDX-License-Identifier: MIT
#include "libvideocall/media/clock_map.h"

#include <algorithm>

namespace videocall {
namespace {

// Frames that come this much earlier than the map says prove that it is
// wrong (it began with a burst of old frames, or the route changed): jump.
// Less is followed at 1 %, which no ear and no sink notices and which is 100
// times what crystals drift.
constexpr int64_t kJumpUs = 50'000;
constexpr int64_t kGlideDivisor = 100;
// At the start there is nothing to glide from: the least delay counts at once.
constexpr int64_t kSettleUs = 500'000;
// Every frame too late for this long: the delay has grown for good.
constexpr int64_t kLateForUs = 1'000'000;

// The clocks' zeros are unrelated and the remote one is not to be trusted:
// modular arithmetic, so that no value overflows.
int64_t difference(int64_t arrival_us, uint64_t capture_us) {
  return static_cast<int64_t>(static_cast<uint64_t>(arrival_us) - capture_us);
}
int64_t sum(uint64_t capture_us, int64_t offset_us) {
  return static_cast<int64_t>(capture_us + static_cast<uint64_t>(offset_us));
}
// a - b, clamped: delays of hostile capture times lie anywhere.
int64_t distance(int64_t a, int64_t b) {
  int64_t result = 0;
  if (__builtin_sub_overflow(a, b, &result))
    return a < b ? INT64_MIN : INT64_MAX;
  return result;
}

}  // namespace

void ClockMap::observe(uint64_t capture_us, int64_t arrival_us) {
  if (mode_ == Mode::linear) {
    if (!offset_) offset_ = difference(0, capture_us);
    return;
  }
  const int64_t delay_us = difference(arrival_us, capture_us);
  remember(delay_us, arrival_us);
  if (!offset_) {
    offset_ = delay_us;
    first_arrival_us_ = last_arrival_us_ = arrival_us;
    return;
  }
  const int64_t elapsed_us =
      std::clamp<int64_t>(distance(arrival_us, last_arrival_us_), 0, kBucketUs);
  last_arrival_us_ = arrival_us;

  if (distance(arrival_us, first_arrival_us_) < kSettleUs &&
      delay_us < *offset_) {
    offset_ = delay_us;
    return;
  }
  if (distance(*offset_, delay_us) > kJumpUs) {
    offset_ = delay_us;
    late_since_us_.reset();
    ++jumps_;
    return;
  }
  if (distance(delay_us, *offset_) <= std::max(latency_us_, kJumpUs)) {
    late_since_us_.reset();
  } else if (!late_since_us_) {
    late_since_us_ = arrival_us;
    late_min_us_ = delay_us;
  } else {
    late_min_us_ = std::min(late_min_us_, delay_us);
    if (distance(arrival_us, *late_since_us_) >= kLateForUs) {
      offset_ = late_min_us_;
      buckets_.fill({});
      remember(late_min_us_, arrival_us);
      late_since_us_.reset();
      ++jumps_;
      return;
    }
  }
  glide(window_min(), elapsed_us);
}

int64_t ClockMap::to_local(uint64_t capture_us) const {
  return offset_ ? sum(capture_us, *offset_) : 0;
}

int64_t ClockMap::to_local(uint64_t capture_us, int64_t more_us) const {
  const int64_t local_us = to_local(capture_us);
  int64_t result = 0;
  if (__builtin_add_overflow(local_us, more_us, &result))
    return more_us < 0 ? INT64_MIN : INT64_MAX;
  return result;
}

void ClockMap::remember(int64_t delay_us, int64_t arrival_us) {
  const int64_t number = arrival_us / kBucketUs;
  Bucket& bucket = buckets_[static_cast<uint64_t>(number) % kBuckets];
  if (bucket.number != number) {
    bucket = {number, delay_us};
  } else {
    bucket.min_us = std::min(bucket.min_us, delay_us);
  }
}

int64_t ClockMap::window_min() const {
  const int64_t newest = last_arrival_us_ / kBucketUs;
  int64_t min_us = INT64_MAX;
  for (const Bucket& bucket : buckets_) {
    if (bucket.number < 0 ||
        bucket.number <= newest - static_cast<int64_t>(kBuckets))
      continue;
    min_us = std::min(min_us, bucket.min_us);
  }
  return min_us == INT64_MAX ? *offset_ : min_us;
}

void ClockMap::glide(int64_t target_us, int64_t elapsed_us) {
  glide_rest_us_ += elapsed_us;
  const int64_t step_us = glide_rest_us_ / kGlideDivisor;
  glide_rest_us_ %= kGlideDivisor;
  const int64_t away_us = distance(target_us, *offset_);
  *offset_ += std::clamp(away_us, -step_us, step_us);
}

}  // namespace videocall
