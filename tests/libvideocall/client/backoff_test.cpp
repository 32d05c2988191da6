// SPDX-License-Identifier: MIT
#include "libvideocall/client/backoff.h"

#include "tests/support/suite.h"

using namespace videocall;
using client::Backoff;

VC_TEST(doubles_within_its_bounds) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Backoff backoff(seed);
    Duration full = limits::kMinReconnectDelay;
    for (int i = 0; i < 20; ++i) {
      const Duration delay = backoff.next();
      ck_assert(delay >= full / 2);
      ck_assert(delay <= full);
      full = std::min<Duration>(full * 2, limits::kMaxReconnectDelay);
    }
    ck_assert(full == limits::kMaxReconnectDelay);
    backoff.reset();
    ck_assert(backoff.next() <= limits::kMinReconnectDelay);
  }
}

VC_TEST(clients_are_spread) {
  Backoff a(1), b(2), again(1);
  const Duration first = a.next();
  ck_assert(first != b.next());
  ck_assert(first == again.next());
}

VC_SUITE_MAIN("client/backoff")
