// SPDX-License-Identifier: MIT
#include "libvideocall/quic/timer_heap.h"

#include <algorithm>
#include <map>
#include <random>

#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::quic;

namespace {

Time at(int ms) {
  return Time{} + std::chrono::milliseconds(ms);
}

}  // namespace

VC_TEST(comes_up_in_order) {
  TimerHeap heap;
  heap.arm(3, at(30));
  heap.arm(1, at(10));
  heap.arm(2, at(20));
  ck_assert(heap.next() == at(10));
  uint32_t id = 0;
  ck_assert(!heap.pop_due(at(9), id));
  for (const uint32_t expected : {1u, 2u, 3u}) {
    ck_assert(heap.pop_due(at(100), id));
    ck_assert_uint_eq(id, expected);
  }
  ck_assert(!heap.pop_due(at(100), id));
  ck_assert(heap.next() == Time::max());
}

VC_TEST(moves_only_towards_an_earlier_time) {
  TimerHeap heap;
  heap.arm(1, at(50));
  heap.arm(1, at(80));
  ck_assert(heap.next() == at(50));
  heap.arm(1, at(20));
  ck_assert(heap.next() == at(20));
  ck_assert_uint_eq(heap.size(), 1);
}

VC_TEST(never_is_no_timer) {
  TimerHeap heap;
  heap.arm(1, Time::max());
  ck_assert_uint_eq(heap.size(), 0);
  heap.remove(1);
  heap.remove(1'000);
}

VC_TEST(behaves_like_a_sorted_map_under_churn) {
  TimerHeap heap;
  std::map<uint32_t, Time> expected;
  std::mt19937 random(11);
  auto earliest = [&] {
    Time least = Time::max();
    for (const auto& [id, when] : expected) least = std::min(least, when);
    return least;
  };
  for (int step = 0; step < 20'000; ++step) {
    const auto id = static_cast<uint32_t>(random() % 100);
    switch (random() % 4) {
      case 0:
        heap.remove(id);
        expected.erase(id);
        break;
      case 1: {
        uint32_t popped = 0;
        const Time now = earliest();
        if (now == Time::max()) break;
        ck_assert(heap.pop_due(now, popped));
        ck_assert(expected.at(popped) == now);
        expected.erase(popped);
        break;
      }
      default: {
        const Time when = at(static_cast<int>(random() % 10'000));
        heap.arm(id, when);
        const auto [entry, added] = expected.emplace(id, when);
        if (!added) entry->second = std::min(entry->second, when);
      }
    }
    ck_assert(heap.next() == earliest());
    ck_assert_uint_eq(heap.size(), expected.size());
  }
}

VC_SUITE_MAIN("quic/timer_heap")
