// SPDX-License-Identifier: MIT
// What an operator's policy bounds, and what happens beyond.
#include "tests/libvideocall/room/world.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::room;
using namespace videocall::room::testing;

VC_TEST(a_full_room_takes_nobody_else) {
  Policy policy;
  policy.max_members = 3;
  World world(1, policy);
  for (const char* name : {"anna", "bert", "carl"}) world.join(name);
  Client& late = world.open({.meeting = "demo", .user_id = "dora"});
  ck_assert(late.closed);
  ck_assert(late.code == CloseCode::overload);
  ck_assert(!world.join("emil", {.meeting = "other"}).closed);
}

VC_TEST(packets_beyond_the_rate_are_dropped_and_tear_no_picture) {
  Policy policy;
  policy.max_packets_in_per_s = 50;
  World world(1, policy);
  Client& anna = world.join("anna");
  Client& bert = world.join("bert");
  World::Stream camera;
  for (int i = 0; i < 60; ++i) world.send_frame(anna, camera, i == 0);
  const size_t got = bert.of(PacketType::media).size();
  ck_assert_uint_ge(got, 40);
  ck_assert_uint_le(got, 50);
  ck_assert_uint_gt(world.hub.stats().over_rate, 5);
  bert.take();
  anna.take();
  world.advance(1s);
  // What follows of the group has a gap before it.
  world.send_frame(anna, camera, false);
  ck_assert_uint_eq(bert.of(PacketType::media).size(), 0);
  ck_assert_uint_eq(anna.of(PacketType::keyframe_request).size(), 1);
  world.send_frame(anna, camera, true);
  world.send_frame(anna, camera, false);
  ck_assert_uint_eq(bert.of(PacketType::media).size(), 2);
  ck_assert(!anna.closed);
}

// By the policy that holds where the operator sets none.
VC_TEST(one_packet_more_than_may_come_in_a_second_is_dropped) {
  World world;
  Client& anna = world.join("anna");
  world.advance(1s);
  World::Stream camera{.bytes = 1};
  for (size_t i = 0; i < limits::kMaxPacketsInPerSecond; ++i)
    world.send_frame(anna, camera, i == 0);
  ck_assert_uint_eq(world.hub.stats().over_rate, 0);
  world.send_frame(anna, camera, false);
  ck_assert_uint_eq(world.hub.stats().over_rate, 1);
}

VC_TEST(what_is_beyond_the_bytes_of_a_second_is_dropped) {
  constexpr size_t kPackets = 16;
  constexpr size_t kEach = limits::kMaxBytesInPerSecond / kPackets;
  World world;
  Client& anna = world.join("anna");
  world.advance(1s);
  World::Stream camera{.bytes = kEach};
  for (size_t i = 0; i < kPackets; ++i) {
    World::Stream probe = camera;
    const size_t wrapping = World::frame(probe, i == 0)->size() - probe.bytes;
    camera.bytes = kEach - wrapping;
    PacketRef packet = World::frame(camera, i == 0);
    ck_assert_uint_eq(packet->size(), kEach);
    world.send(anna, std::move(packet));
    camera.bytes = kEach;
  }
  ck_assert_uint_eq(world.hub.stats().over_rate, 0);
  camera.bytes = 0;
  world.send_frame(anna, camera, false);
  ck_assert_uint_eq(world.hub.stats().over_rate, 1);
}

VC_TEST(who_is_beyond_its_bytes_for_long_is_closed) {
  Policy policy;
  policy.max_bytes_in_per_s = 100'000;
  World world(1, policy);
  Client& anna = world.join("anna");
  Client& bert = world.join("bert");
  World::Stream screen{.kind = MediaKind::screen, .bytes = 20'000};
  int tenths = 0;
  while (!anna.closed && tenths < 300) {
    world.send_frame(anna, screen, tenths % 20 == 0);
    world.state(bert, {});
    world.advance(100ms);
    ++tenths;
  }
  ck_assert(anna.code == CloseCode::overload);
  ck_assert_int_ge(tenths, 10 * limits::kMaxSecondsOverRate - 10);
  ck_assert_int_le(tenths, 15 * limits::kMaxSecondsOverRate);
  // A burst now and then is nobody's end.
  Client& carl = world.join("carl");
  for (int i = 0; i < 60; ++i) {
    for (int j = 0; j < 8; ++j) world.send_frame(carl, screen, j == 0);
    world.state(bert, {});
    world.advance(3s);
  }
  ck_assert(!carl.closed);
}

VC_TEST(a_node_that_forwards_too_much_sends_less_video_and_all_audio) {
  Policy policy;
  policy.max_bytes_out_per_s = 60'000;
  World world(1, policy);
  Client& anna = world.join("anna");
  std::vector<Client*> viewers;
  for (int i = 0; i < 4; ++i)
    viewers.push_back(&world.join("v" + std::to_string(i)));
  World::Stream low{.layer = 0, .height = 180, .bytes = 500};
  World::Stream high{.layer = 2, .height = 720, .bytes = 5'000};
  const auto run = [&](int tenths) {
    for (int i = 0; i < tenths; ++i) {
      world.send_frame(anna, low, i % 20 == 0);
      world.send_frame(anna, high, i % 20 == 0);
      world.send_audio(anna, 20, static_cast<uint64_t>(i));
      world.advance(100ms);
    }
  };
  run(100);
  ck_assert(world.hub.stats().shed >= Shed::middle);
  for (Client* viewer : viewers) viewer->take();
  run(20);
  for (Client* viewer : viewers) {
    size_t audio = 0;
    for (const PacketRef& packet : viewer->of(PacketType::media)) {
      audio += packet->fields().kind == MediaKind::audio;
      ck_assert_uint_lt(packet->fields().layer, 2);
    }
    ck_assert_uint_eq(audio, 20);
  }
}

VC_TEST(as_many_are_heard_as_the_policy_says) {
  Policy policy;
  policy.max_speakers = 3;
  World world(1, policy);
  Client& eye = world.join("eye", {.role = Role::observer});
  std::vector<Client*> clients;
  for (int i = 0; i < 6; ++i)
    clients.push_back(&world.join("s" + std::to_string(i)));
  for (int round = 0; round < 50; ++round)
    for (size_t i = 0; i < clients.size(); ++i)
      world.send_audio(*clients[i], i < 3 ? 20 : 90);
  eye.take();
  for (Client* client : clients) world.send_audio(*client, 40);
  ck_assert_uint_eq(eye.of(PacketType::media).size(), 3);
}

VC_TEST(the_room_forgets_the_oldest_of_too_many_tokens) {
  World world;
  const auto come = [&](size_t token) {
    Client& client =
        world.join("anna", {.token_id = "token-" + std::to_string(token)});
    const bool in = !client.closed;
    if (in) world.leave(client);
    return in;
  };
  Client& stays = world.join("stays");
  for (size_t i = 0; i < limits::kMaxSpentTokensPerRoom; ++i) come(i);
  ck_assert(!come(1));
  ck_assert(come(limits::kMaxSpentTokensPerRoom));
  // The daemon remembers those of all rooms, and for longer.
  ck_assert(come(0));
  ck_assert(!stays.closed);
}

VC_TEST(above_so_many_members_only_those_who_publish_are_listed) {
  World world;
  for (size_t i = 0; i < limits::kRosterListsEverybodyUpTo; ++i)
    world.join("member-" + std::to_string(i));
  Client& last = world.join("last");
  ck_assert_uint_eq(
      last.meeting(proto::MeetingPacket::PARTICIPANT_JOINED).size(), 0);
  World small;
  for (size_t i = 1; i < limits::kRosterListsEverybodyUpTo; ++i)
    small.join("member-" + std::to_string(i));
  Client& listed = small.join("listed");
  ck_assert_uint_eq(
      listed.meeting(proto::MeetingPacket::PARTICIPANT_JOINED).size(),
      limits::kRosterListsEverybodyUpTo - 1);
}

VC_SUITE_MAIN("room/limits")
