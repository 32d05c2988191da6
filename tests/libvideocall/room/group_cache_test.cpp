// SPDX-License-Identifier: MIT
#include "libvideocall/room/group_cache.h"

#include "tests/libvideocall/room/world.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::room;
using videocall::room::testing::World;

namespace {
constexpr Time kStart(100s);
}

VC_TEST(holds_the_group_from_its_key_frame_on) {
  GroupCache cache;
  World::Stream stream;
  cache.add(World::frame(stream, false), kStart);
  ck_assert(!cache.serves(kStart));
  const PacketRef key = World::frame(stream, true);
  cache.add(key, kStart);
  cache.add(World::frame(stream, false), kStart);
  ck_assert(cache.serves(kStart));
  ck_assert_uint_eq(cache.packets().size(), 2);
  ck_assert(cache.packets()[0] == key);
}

VC_TEST(a_key_frame_replaces_the_group) {
  GroupCache cache;
  World::Stream stream;
  for (int i = 0; i < 5; ++i) cache.add(World::frame(stream, i == 0), kStart);
  const PacketRef key = World::frame(stream, true);
  cache.add(key, kStart);
  ck_assert_uint_eq(cache.packets().size(), 1);
  ck_assert_uint_eq(cache.bytes(), key->size());
  ck_assert_uint_eq(cache.upper_bytes(), 0);
}

VC_TEST(counts_what_is_above_the_base_layer) {
  GroupCache cache;
  World::Stream stream;
  cache.add(World::frame(stream, true), kStart);
  const PacketRef upper = World::frame(stream, false, 2);
  cache.add(upper, kStart);
  ck_assert_uint_eq(cache.upper_bytes(), upper->size());
}

VC_TEST(a_newcomer_gets_the_base_alone_if_the_rest_is_too_much) {
  const auto top_with = [](size_t upper_bytes) {
    GroupCache cache;
    World::Stream base{.bytes = 2 * limits::kMaxCachedUpperBytes};
    cache.add(World::frame(base, true), kStart);
    World::Stream upper{.bytes = upper_bytes};
    upper.bytes -= World::frame(upper, false, 2)->size() - upper_bytes;
    cache.add(World::frame(upper, false, 2), kStart);
    ck_assert_uint_eq(cache.upper_bytes(), upper_bytes);
    return cache.top_temporal(2);
  };
  ck_assert_uint_eq(top_with(limits::kMaxCachedUpperBytes), 2);
  ck_assert_uint_eq(top_with(limits::kMaxCachedUpperBytes + 1), 0);
}

VC_TEST(gives_up_a_group_of_too_many_packets) {
  GroupCache cache;
  World::Stream stream{.bytes = 1};
  cache.add(World::frame(stream, true), kStart);
  for (size_t i = 1; i < limits::kMaxCachedGroupPackets; ++i)
    cache.add(World::frame(stream, false), kStart);
  ck_assert(cache.serves(kStart));
  cache.add(World::frame(stream, false), kStart);
  ck_assert(!cache.serves(kStart));
  // The rest of that group must not be taken for a beginning.
  cache.add(World::frame(stream, false), kStart);
  ck_assert_uint_eq(cache.packets().size(), 0);
  cache.add(World::frame(stream, true), kStart);
  ck_assert(cache.serves(kStart));
}

VC_TEST(gives_up_a_group_of_too_many_bytes) {
  GroupCache cache;
  World::Stream stream{.bytes = 900'000};
  cache.add(World::frame(stream, true), kStart);
  for (int i = 0; i < 3; ++i) cache.add(World::frame(stream, false), kStart);
  ck_assert(cache.serves(kStart));
  ck_assert_uint_le(cache.bytes(), limits::kMaxCachedGroupBytes);
  cache.add(World::frame(stream, false), kStart);
  ck_assert(!cache.serves(kStart));
  ck_assert_uint_eq(cache.bytes(), 0);
}

VC_TEST(an_old_group_does_not_serve) {
  GroupCache cache;
  World::Stream stream;
  cache.add(World::frame(stream, true), kStart);
  const Time last = kStart + limits::kMaxCachedGroupAge;
  cache.expire(last);
  ck_assert(cache.serves(last));
  ck_assert(!cache.serves(last + 1ns));
  cache.expire(last + 1ns);
  ck_assert_uint_eq(cache.packets().size(), 0);
}

VC_SUITE_MAIN("room/group_cache")
