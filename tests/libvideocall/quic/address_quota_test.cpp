// SPDX-License-Identifier: MIT
#include "libvideocall/quic/address_quota.h"

#include "tests/support/suite.h"

using videocall::quic::AddressQuota;

VC_TEST(an_address_counts_without_its_port) {
  AddressQuota quota;
  quota.set_bound(2);
  ck_assert(quota.take("192.0.2.1:1000"));
  ck_assert(quota.has_room("192.0.2.1:1001"));
  ck_assert(quota.take("192.0.2.1:1001"));
  ck_assert(!quota.has_room("192.0.2.1:1002"));
  ck_assert(!quota.take("192.0.2.1:1002"));
  ck_assert(quota.take("192.0.2.2:1000"));
  quota.give_back("192.0.2.1:1000");
  ck_assert(quota.take("192.0.2.1:1003"));
  ck_assert(!quota.take("192.0.2.1:1004"));
}

VC_TEST(a_network_of_ipv6_is_one_address) {
  AddressQuota quota;
  quota.set_bound(1);
  ck_assert(quota.take("[2001:db8:0:1::5]:1000"));
  ck_assert(!quota.take("[2001:db8:0:1:ffff::9]:1000"));
  ck_assert(quota.take("[2001:db8:0:2::5]:1000"));
  ck_assert(quota.take("[::1]:4433"));
}

VC_TEST(a_mapped_address_is_that_of_ipv4) {
  ck_assert(AddressQuota::key_of("[::ffff:192.0.2.1]:1") ==
            AddressQuota::key_of("192.0.2.1:2"));
  ck_assert(AddressQuota::key_of("[fe80::1%eth0]:1") ==
            AddressQuota::key_of("[fe80::2]:2"));
}

VC_TEST(without_a_bound_nothing_is_counted) {
  AddressQuota quota;
  for (int i = 0; i < 1000; ++i) ck_assert(quota.take("192.0.2.1:1"));
  quota.give_back("192.0.2.1:1");
  quota.give_back("192.0.2.9:1");
}

VC_SUITE_MAIN("quic/address_quota")
