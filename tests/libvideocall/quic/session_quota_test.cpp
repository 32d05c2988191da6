// SPDX-License-Identifier: MIT
#include "libvideocall/quic/session_quota.h"

#include <list>

#include "tests/support/suite.h"

using videocall::quic::ConnectRefusal;
using videocall::quic::SessionQuota;

namespace {

// Those who came in, until they are forgotten.
struct Guests {
  std::shared_ptr<SessionQuota> quota = SessionQuota::create();
  SessionQuota::Bounds bounds;
  std::list<SessionQuota::Seat> seats;

  std::optional<ConnectRefusal> come(std::string_view address) {
    // It is said beforehand, too.
    const auto expected = quota->refusal(address, bounds);
    SessionQuota::Seat seat;
    const auto refusal = quota->take(address, bounds, seat);
    ck_assert(refusal == expected);
    if (!refusal) seats.push_back(std::move(seat));
    return refusal;
  }
};

}  // namespace

VC_TEST(an_address_counts_without_its_port) {
  Guests guests{.bounds = {.per_address = 2}};
  ck_assert(!guests.come("192.0.2.1:1000"));
  ck_assert(!guests.come("192.0.2.1:1001"));
  ck_assert(guests.come("192.0.2.1:1002") == ConnectRefusal::address);
  ck_assert(!guests.come("192.0.2.2:1000"));
  guests.seats.pop_front();
  ck_assert(!guests.come("192.0.2.1:1003"));
  ck_assert(guests.come("192.0.2.1:1004") == ConnectRefusal::address);
  ck_assert_uint_eq(guests.quota->sessions(), 3);
}

VC_TEST(a_network_of_ipv6_is_one_address) {
  Guests guests{.bounds = {.per_address = 1}};
  ck_assert(!guests.come("[2001:db8:0:1::5]:1000"));
  ck_assert(guests.come("[2001:db8:0:1:ffff::9]:1000") ==
            ConnectRefusal::address);
  ck_assert(!guests.come("[2001:db8:0:2::5]:1000"));
  ck_assert(!guests.come("[::1]:4433"));
}

VC_TEST(a_mapped_address_is_that_of_ipv4) {
  ck_assert(SessionQuota::key_of("[::ffff:192.0.2.1]:1") ==
            SessionQuota::key_of("192.0.2.1:2"));
  ck_assert(SessionQuota::key_of("[fe80::1%eth0]:1") ==
            SessionQuota::key_of("[fe80::2]:2"));
}

VC_TEST(all_sessions_have_a_bound) {
  Guests guests{.bounds = {.sessions = 2}};
  ck_assert(!guests.come("192.0.2.1:1"));
  ck_assert(!guests.come("192.0.2.2:1"));
  ck_assert(guests.come("192.0.2.3:1") == ConnectRefusal::full);
  guests.seats.front().leave();
  guests.seats.front().leave();  // once is enough
  ck_assert_uint_eq(guests.quota->sessions(), 1);
  ck_assert(!guests.come("192.0.2.3:1"));
}

VC_TEST(a_seat_is_one_wherever_it_goes) {
  Guests guests;
  ck_assert(!guests.come("192.0.2.1:1"));
  ck_assert(!guests.come("192.0.2.1:2"));
  SessionQuota::Seat moved = std::move(guests.seats.front());
  guests.seats.pop_front();
  ck_assert_uint_eq(guests.quota->sessions(), 2);
  moved = std::move(guests.seats.front());  // whose it was has left
  guests.seats.pop_front();
  ck_assert_uint_eq(guests.quota->sessions(), 1);
  moved.leave();
  ck_assert_uint_eq(guests.quota->sessions(), 0);
}

// What one listener has taken another one finds.
VC_TEST(those_of_one_name_count_together) {
  Guests one{.quota = SessionQuota::of("one"), .bounds = {.per_address = 2}};
  Guests same{.quota = SessionQuota::of("one"), .bounds = {.per_address = 1}};
  Guests other{.quota = SessionQuota::of("other"),
               .bounds = {.per_address = 1}};
  ck_assert(one.quota == same.quota);
  ck_assert(!one.come("192.0.2.1:1"));
  ck_assert(same.come("192.0.2.1:2") == ConnectRefusal::address);
  ck_assert(!one.come("192.0.2.1:3"));
  ck_assert(!other.come("192.0.2.1:4"));
  const std::weak_ptr<SessionQuota> gone = one.quota;
  for (Guests* guests : {&one, &same}) {
    ck_assert(!gone.expired());
    guests->seats.clear();
    guests->quota.reset();
  }
  ck_assert(gone.expired());
}

VC_SUITE_MAIN("quic/session_quota")
