// SPDX-License-Identifier: MIT
#include "libvideocall/quic/inbox.h"

#include <poll.h>

#include <thread>

#include "tests/support/suite.h"

using videocall::quic::Inbox;

namespace {

bool readable(int fd, int timeout_ms = 0) {
  pollfd entry{fd, POLLIN, 0};
  return poll(&entry, 1, timeout_ms) == 1;
}

}  // namespace

VC_TEST(keeps_order_and_wakes_once) {
  Inbox<int> inbox(10, 100, 0);
  ck_assert(!readable(inbox.fd()));
  ck_assert(inbox.put(1, 1));
  ck_assert(inbox.put(2, 1));
  ck_assert(readable(inbox.fd()));
  std::vector<int> taken = {99};
  inbox.take(taken);
  ck_assert(taken == std::vector<int>({1, 2}));
  ck_assert(!readable(inbox.fd()));
  inbox.take(taken);
  ck_assert(taken.empty());
}

VC_TEST(is_bounded_by_items_and_by_bytes) {
  Inbox<int> inbox(2, 100, 1);
  ck_assert(!inbox.put(0, 101));
  ck_assert(inbox.put(1, 60));
  ck_assert(!inbox.put(2, 41));
  ck_assert(inbox.put(3, 40));
  ck_assert(!inbox.put(4, 0));
  ck_assert(inbox.put_urgent(5));  // what must not be lost has more room
  ck_assert(!inbox.put_urgent(6));
  std::vector<int> taken;
  inbox.take(taken);
  ck_assert(taken == std::vector<int>({1, 3, 5}));
  ck_assert(inbox.put(7, 100));
}

VC_TEST(wake_wakes_without_a_message) {
  Inbox<int> inbox(1, 1, 0);
  inbox.wake();
  ck_assert(readable(inbox.fd()));
  std::vector<int> taken;
  inbox.take(taken);
  ck_assert(taken.empty() && !readable(inbox.fd()));
}

VC_TEST(loses_nothing_between_threads) {
  constexpr int kWriters = 4;
  constexpr int kEach = 20'000;
  Inbox<int> inbox(kWriters * kEach, SIZE_MAX, 0);
  std::vector<std::thread> writers;
  for (int w = 0; w < kWriters; ++w) {
    writers.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) inbox.put(i, 1);
    });
  }
  size_t total = 0;
  std::vector<int> taken;
  while (total < size_t{kWriters} * kEach) {
    ck_assert(readable(inbox.fd(), 30'000));  // else a wake-up was lost
    inbox.take(taken);
    total += taken.size();
  }
  for (std::thread& writer : writers) writer.join();
  ck_assert_uint_eq(total, size_t{kWriters} * kEach);
}

VC_SUITE_MAIN("quic/inbox")
