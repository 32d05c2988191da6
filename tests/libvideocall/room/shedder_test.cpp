// SPDX-License-Identifier: MIT
#include "libvideocall/room/shedder.h"

#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::room;

namespace {

struct Node {
  explicit Node(uint64_t max) : shedder(max) {}
  void run(uint64_t bytes_per_s, Duration duration) {
    for (Duration done{}; done < duration; done += 100ms) {
      now += 100ms;
      forwarded += bytes_per_s / 10;
      shedder.update(forwarded, now);
    }
  }
  Shedder shedder;
  uint64_t forwarded = 0;
  Time now = Time(1000s);
};

}  // namespace

VC_TEST(without_a_bound_nothing_is_shed) {
  Node node(0);
  node.run(1'000'000'000, 20s);
  ck_assert(node.shedder.level() == Shed::none);
}

VC_TEST(beyond_the_bound_a_level_goes_each_second) {
  Node node(1'000'000);
  node.run(800'000, 10s);
  ck_assert(node.shedder.level() == Shed::none);
  node.run(2'000'000, 1200ms);
  ck_assert(node.shedder.level() == Shed::middle);
  node.run(2'000'000, 1s);
  ck_assert(node.shedder.level() == Shed::low);
  node.run(2'000'000, 20s);
  ck_assert(node.shedder.level() == Shed::all);
}

VC_TEST(levels_come_back_slowly_and_only_with_room_to_spare) {
  Node node(1'000'000);
  node.run(2'000'000, 2200ms);
  ck_assert(node.shedder.level() == Shed::low);
  node.run(800'000, 30s);
  ck_assert(node.shedder.level() == Shed::low);
  node.run(300'000, 4s);
  ck_assert(node.shedder.level() == Shed::low);
  node.run(300'000, 2s);
  ck_assert(node.shedder.level() == Shed::middle);
  node.run(300'000, 6s);
  ck_assert(node.shedder.level() == Shed::none);
}

VC_SUITE_MAIN("room/shedder")
