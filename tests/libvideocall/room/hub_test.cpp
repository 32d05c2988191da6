// SPDX-License-Identifier: MIT
#include "libvideocall/room/hub.h"

#include "tests/libvideocall/room/world.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::room;
using namespace videocall::room::testing;
using MP = proto::MeetingPacket;

VC_TEST(a_newcomer_is_assigned_and_told_who_is_there) {
  World world;
  Client& anna = world.join("anna");
  Client& bert = world.join("bert", {.role = Role::host});
  ck_assert(bert.inbox.at(0)->fields().type == PacketType::session_assigned);
  proto::SessionAssigned assigned;
  ck_assert(assigned.ParseFromString(text_of(bert.inbox[0]->fields().data)));
  ck_assert_str_eq(assigned.server_id().c_str(), "n1");
  ck_assert_uint_eq(assigned.protocol_version(), 1);
  ck_assert_uint_eq(assigned.server_time_ms(), 1'700'000'000'000);
  ck_assert_uint_eq(assigned.max_packet_bytes(), 1'000'000);
  ck_assert_uint_eq(assigned.max_datagram_bytes(), 1'000);
  ck_assert_uint_eq(assigned.heartbeat_s(), 5);
  ck_assert(!assigned.resume_secret().empty());
  const auto listed = bert.meeting(MP::PARTICIPANT_JOINED);
  ck_assert_uint_eq(listed.size(), 1);
  ck_assert_uint_eq(listed[0].session_id(), anna.id);
  ck_assert_str_eq(listed[0].display_name().c_str(), "anna");
  ck_assert_uint_eq(bert.inbox.at(1)->fields().session_id, 0);
  const auto activated = bert.meeting(MP::MEETING_ACTIVATED);
  ck_assert_uint_eq(activated.size(), 1);
  ck_assert_int_eq(activated[0].participant_count(), 2);
  ck_assert(bert.inbox.back()->fields().type == PacketType::meeting);

  const auto told = anna.meeting(MP::PARTICIPANT_JOINED);
  ck_assert_uint_eq(told.size(), 1);
  ck_assert_uint_eq(told[0].session_id(), bert.id);
  ck_assert_int_eq(told[0].participant_count(), 2);
  ck_assert_str_eq(told[0].target_user_id().c_str(), "bert");
  ck_assert_int_eq(told[0].role(), proto::MEMBER_ROLE_HOST);
  ck_assert_uint_eq(world.of(Notice::Kind::joined).size(), 2);
}

VC_TEST(rooms_do_not_hear_one_another) {
  World world;
  Client& anna = world.join("anna");
  anna.take();
  Client& other = world.join("other", {.meeting = "elsewhere"});
  world.send_audio(other, 10);
  ck_assert_uint_eq(anna.inbox.size(), 0);
  ck_assert_uint_eq(world.hub.stats().rooms, 2);
}

VC_TEST(media_goes_to_the_others_stamped) {
  World world;
  Client& anna = world.join("anna");
  Client& bert = world.join("bert");
  Client& carl = world.join("carl");
  const uint64_t id = anna.id;
  for (Client* client : {&anna, &bert, &carl}) client->take();
  World::Stream camera;
  world.send_frame(anna, camera, true);
  world.send_frame(anna, camera, false);
  ck_assert_uint_eq(anna.inbox.size(), 0);
  for (Client* client : {&bert, &carl}) {
    ck_assert_uint_eq(client->inbox.size(), 2);
    ck_assert_uint_eq(client->inbox[0]->fields().session_id, id);
    ck_assert_str_eq(text_of(client->inbox[0]->fields().user_id).c_str(),
                     "anna");
    ck_assert(client->inbox[0]->fields().header.keyframe);
  }
  // One packet for both, not one each.
  ck_assert(bert.inbox[1].get() == carl.inbox[1].get());
  ck_assert_uint_eq(world.media, 2);
}

VC_TEST(the_first_connection_spends_the_token) {
  World world;
  const Grant grant{.meeting = "demo", .user_id = "a", .token_id = "t1"};
  Client& fast = world.open(grant);
  Client& slow = world.open(grant);
  world.connect(fast);
  ck_assert(!fast.closed);
  ck_assert(slow.closed);
  ck_assert(slow.code == CloseCode::superseded);
  ck_assert_uint_eq(world.of(Notice::Kind::token_spent).size(), 1);
  ck_assert_str_eq(world.of(Notice::Kind::token_spent)[0].token_id.c_str(),
                   "t1");
  Client& later = world.open(grant);
  world.connect(later);
  ck_assert(later.closed && later.code == CloseCode::superseded);
  ck_assert_uint_eq(world.hub.list_members("demo").size(), 1);
}

VC_TEST(a_room_remembers_only_so_many_spent_tokens) {
  World world;
  Client& host = world.open({.meeting = "demo", .user_id = "a"});
  world.connect(host);
  const Grant first{.meeting = "demo", .user_id = "b", .token_id = "first"};
  const auto spend = [&](const Grant& grant) {
    Client& client = world.open(grant);
    world.connect(client);
    const bool taken = !client.closed;
    if (taken) world.leave(client);
    return taken;
  };
  ck_assert(spend(first));
  ck_assert(!spend(first));
  // Its memory is bounded by time too, twice a token's life.
  for (Duration past{}; past <= limits::kSpentTokenMemory; past += 10s) {
    world.advance(10s);
    world.send(host, PacketType::health, "");
  }
  ck_assert(spend({.meeting = "demo", .user_id = "b", .token_id = "other"}));
  ck_assert(spend(first));
}

VC_TEST(a_connection_names_its_meeting_or_none) {
  World world;
  Client& good = world.open({.meeting = "demo", .user_id = "a"});
  world.connect(good, "demo");
  ck_assert(!good.closed);
  Client& bad = world.open({.meeting = "demo", .user_id = "b"});
  world.connect(bad, "other");
  ck_assert(bad.closed && bad.code == CloseCode::protocol_error);
}

VC_TEST(without_a_connection_the_session_is_closed) {
  World world;
  Client& client = world.open({.meeting = "demo", .user_id = "a"});
  world.advance(59s);
  ck_assert(!client.closed);
  world.advance(3s);
  ck_assert(client.closed);
  world.leave(client);
  world.advance(1s);
  ck_assert_uint_eq(world.hub.stats().rooms, 0);
}

VC_TEST(who_leaves_is_announced_at_once) {
  World world;
  Client& anna = world.join("anna");
  Client& bert = world.join("bert");
  const uint64_t id = bert.id;
  anna.take();
  world.leave(bert);
  const auto left = anna.meeting(MP::PARTICIPANT_LEFT);
  ck_assert_uint_eq(left.size(), 1);
  ck_assert_uint_eq(left[0].session_id(), id);
  ck_assert_uint_eq(world.of(Notice::Kind::left).size(), 1);
  ck_assert_str_eq(world.of(Notice::Kind::left)[0].reason.c_str(), "left");
}

VC_TEST(the_hub_forgets_empty_rooms) {
  World world;
  Client& anna = world.join("anna");
  world.leave(anna);
  world.advance(200ms);
  ck_assert_uint_eq(world.hub.stats().rooms, 0);
  ck_assert_uint_eq(world.hub.stats().sessions, 0);
}

VC_TEST(a_host_ends_the_meeting) {
  World world;
  Client& anna = world.join("anna");
  Client& bert = world.join("bert");
  anna.take();
  ck_assert(world.hub.end_meeting("demo", world.now));
  world.advance(200ms);
  for (Client* client : {&anna, &bert}) {
    ck_assert(client->closed && client->code == CloseCode::meeting_ended);
    ck_assert_uint_eq(client->meeting(MP::MEETING_ENDED).size(), 1);
  }
  ck_assert_uint_eq(anna.meeting(MP::PARTICIPANT_LEFT).size(), 0);
  ck_assert_uint_eq(world.of(Notice::Kind::left).size(), 2);
}

VC_TEST(a_host_removes_a_member) {
  World world;
  Client& anna = world.join("anna");
  Client& bert = world.join("bert");
  const uint64_t id = bert.id;
  ck_assert(world.hub.remove_member("demo", id, "noise", world.now));
  ck_assert(!world.hub.remove_member("demo", 12345, "", world.now));
  world.advance(200ms);
  ck_assert(bert.closed && bert.code == CloseCode::removed);
  ck_assert_uint_eq(bert.meeting(MP::PARTICIPANT_KICKED).size(), 1);
  ck_assert_uint_eq(anna.meeting(MP::PARTICIPANT_LEFT).size(), 1);
  ck_assert_str_eq(world.of(Notice::Kind::left)[0].reason.c_str(), "removed");
}

VC_TEST(a_reason_is_cut_to_what_a_close_may_carry) {
  World world;
  Client& anna = world.join("anna");
  const std::string longest(limits::kMaxCloseReasonBytes, 'n');
  ck_assert(world.hub.remove_member("demo", anna.id, longest + "!", world.now));
  world.advance(200ms);
  ck_assert_str_eq(anna.meeting(MP::PARTICIPANT_KICKED).at(0).message().c_str(),
                   longest.c_str());
}

VC_TEST(a_full_hub_closes_with_overload) {
  World world;
  for (size_t i = 0; i < limits::kMaxRooms; ++i)
    world.open({.meeting = "m" + std::to_string(i)});
  Client& late = world.open({.meeting = "one-more"});
  ck_assert(late.closed && late.code == CloseCode::overload);
}

VC_SUITE_MAIN("room/hub")
