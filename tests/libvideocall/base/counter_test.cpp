// SPDX-License-Identifier: MIT
#include "libvideocall/base/counter.h"

#include <thread>

#include "tests/support/suite.h"

using namespace videocall;

namespace {

size_t bucket_of(Duration took) {
  DurationHistogram histogram;
  histogram.add(took);
  const auto counts = histogram.snapshot().counts;
  for (size_t i = 0; i < counts.size(); ++i)
    if (counts[i] == 1) return i;
  return counts.size();
}

}  // namespace

VC_TEST(a_bound_belongs_to_its_bucket) {
  for (size_t i = 0; i < DurationHistogram::kBounds.size(); ++i) {
    ck_assert_uint_eq(bucket_of(DurationHistogram::kBounds[i]), i);
    ck_assert_uint_eq(bucket_of(DurationHistogram::kBounds[i] + 1ns), i + 1);
  }
  ck_assert_uint_eq(bucket_of(0ns), 0);
  ck_assert_uint_eq(bucket_of(-1s), 0);
}

VC_TEST(bounds_rise) {
  for (size_t i = 1; i < DurationHistogram::kBounds.size(); ++i)
    ck_assert(DurationHistogram::kBounds[i - 1] <
              DurationHistogram::kBounds[i]);
}

VC_TEST(snapshots_add_up) {
  DurationHistogram a;
  DurationHistogram b;
  a.add(1ms);
  a.add(1h);
  b.add(3ms);
  auto sum = a.snapshot();
  sum += b.snapshot();
  ck_assert(sum.sum == 1h + 4ms);
  ck_assert_uint_eq(sum.counts.back(), 1);
  ck_assert_uint_eq(sum.counts[3], 1);
  ck_assert_uint_eq(sum.counts[5], 1);
}

VC_TEST(a_reader_never_sees_a_count_fall) {
  Counter counter;
  std::thread writer([&] {
    for (int i = 0; i < 100'000; ++i) counter.add(1);
  });
  uint64_t last = 0;
  while (last < 100'000) {
    const uint64_t now = counter.get();
    ck_assert_uint_ge(now, last);
    last = now;
  }
  writer.join();
}

VC_SUITE_MAIN("base-counter")
