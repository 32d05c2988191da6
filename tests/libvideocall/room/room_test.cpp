// SPDX-License-Identifier: MIT
// The life of sessions: lost, resumed, replaced, idle, refused.
#include "libvideocall/room/room.h"

#include "tests/libvideocall/room/world.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::room;
using namespace videocall::room::testing;
using MP = proto::MeetingPacket;

namespace {

// What a transport says of a connection that broke.
constexpr auto kBroke = static_cast<CloseCode>(100);

Client& resume(World& world, const std::string& user, uint64_t id) {
  return world.join(user, {.session_id = id, .resumes = true});
}

std::string secret_of(const Client& client) {
  proto::SessionAssigned assigned;
  const auto packets = client.of(PacketType::session_assigned);
  ck_assert(!packets.empty());
  ck_assert(assigned.ParseFromString(text_of(packets.back()->fields().data)));
  return assigned.resume_secret();
}

}  // namespace

VC_TEST(a_lost_session_is_not_announced_for_ten_seconds) {
  World world;
  Client& anna = world.join("anna");
  Client& bert = world.join("bert");
  anna.take();
  world.leave(bert, kBroke);
  world.advance(9s);
  ck_assert_uint_eq(anna.inbox.size(), 0);
  ck_assert_uint_eq(world.hub.list_members("demo").size(), 2);
  world.advance(2s);
  ck_assert_uint_eq(anna.meeting(MP::PARTICIPANT_LEFT).size(), 1);
  ck_assert_str_eq(world.of(Notice::Kind::left).at(0).reason.c_str(), "lost");
}

VC_TEST(the_program_hears_at_once_why_a_session_broke_off) {
  World world;
  Client& bert = world.join("bert");
  world.leave(bert, CloseCode::idle);
  const auto told = world.of(Notice::Kind::disconnected);
  ck_assert_uint_eq(told.size(), 1);
  ck_assert_str_eq(told[0].reason.c_str(), "idle");
  ck_assert_uint_eq(told[0].session_id, bert.id);
  ck_assert_uint_eq(world.of(Notice::Kind::left).size(), 0);
  world.advance(5s);
  resume(world, "bert", bert.id);
  ck_assert_uint_eq(world.of(Notice::Kind::resumed).size(), 1);
  const HubStats stats = world.hub.stats();
  ck_assert_uint_eq(stats.disconnected, 1);
  ck_assert_uint_eq(stats.resumed, 1);
  ck_assert_uint_eq(stats.lost, 0);
}

VC_TEST(refusals_of_transport_and_room_are_one_count) {
  World world;
  Client& anna = world.join("anna");
  LinkReport report{.session = anna.handle, .packets_refused = 30};
  world.link(report);
  world.link(report);  // nothing new
  for (size_t i = 30; i < limits::kMaxRefusals; ++i)
    world.send(anna, PacketType::chat, "\xff");
  ck_assert(!anna.closed);
  report.packets_refused = 31;
  world.link(report);
  ck_assert(anna.closed);
  ck_assert(anna.code == CloseCode::protocol_error);
  // What the transport refused it counts itself.
  ck_assert_uint_eq(world.hub.stats().refused, limits::kMaxRefusals - 30);
}

VC_TEST(refusals_are_forgotten_after_their_window) {
  World world;
  Client& anna = world.join("anna");
  for (size_t i = 0; i < limits::kMaxRefusals; ++i)
    world.send(anna, PacketType::chat, "\xff");
  world.advance(limits::kRefusalWindow + 1s);
  world.send(anna, PacketType::chat, "\xff");
  ck_assert(!anna.closed);
}

VC_TEST(counts_outlive_their_room) {
  World world;
  Client& anna = world.join("anna");
  world.send(anna, PacketType::chat, "\xff");
  world.leave(anna);
  world.advance(1s);
  const HubStats stats = world.hub.stats();
  ck_assert_uint_eq(stats.rooms, 0);
  ck_assert_uint_eq(stats.refused, 1);
  ck_assert_uint_eq(stats.joined, 1);
  ck_assert_uint_eq(stats.left, 1);
}

VC_TEST(only_some_closes_may_be_resumed) {
  for (const CloseCode code :
       {CloseCode::left, CloseCode::meeting_ended, CloseCode::removed,
        CloseCode::protocol_error, CloseCode::superseded}) {
    World world;
    Client& anna = world.join("anna");
    Client& bert = world.join("bert");
    anna.take();
    world.leave(bert, code);
    ck_assert_uint_eq(anna.meeting(MP::PARTICIPANT_LEFT).size(), 1);
  }
  for (const CloseCode code :
       {CloseCode::overload, CloseCode::draining, CloseCode::idle, kBroke}) {
    World world;
    Client& anna = world.join("anna");
    Client& bert = world.join("bert");
    anna.take();
    world.leave(bert, code);
    ck_assert_uint_eq(anna.meeting(MP::PARTICIPANT_LEFT).size(), 0);
  }
}

VC_TEST(a_resume_in_time_is_noticed_by_nobody) {
  World world;
  Client& anna = world.join("anna");
  Client& bert = world.join("bert");
  const uint64_t id = bert.id;
  world.leave(bert, kBroke);
  anna.take();
  world.advance(5s);
  Client& again = resume(world, "bert", id);
  ck_assert_uint_eq(again.id, id);
  ck_assert_uint_eq(anna.inbox.size(), 0);
  world.advance(20s);
  ck_assert_uint_eq(anna.meeting(MP::PARTICIPANT_LEFT).size(), 0);
  ck_assert_uint_eq(world.of(Notice::Kind::joined).size(), 2);
  ck_assert_uint_eq(world.of(Notice::Kind::left).size(), 0);
  // It is told of the others as any newcomer is, and hears them.
  ck_assert_uint_eq(again.meeting(MP::PARTICIPANT_JOINED).size(), 1);
  again.take();
  world.send_audio(anna, 20);
  ck_assert_uint_eq(again.inbox.size(), 1);
}

VC_TEST(a_late_resume_keeps_the_id_and_is_announced) {
  World world;
  Client& anna = world.join("anna");
  Client& bert = world.join("bert");
  const uint64_t id = bert.id;
  world.leave(bert, kBroke);
  world.advance(12s);
  anna.take();
  Client& again = resume(world, "bert", id);
  ck_assert_uint_eq(again.id, id);
  const auto joined = anna.meeting(MP::PARTICIPANT_JOINED);
  ck_assert_uint_eq(joined.size(), 1);
  ck_assert_uint_eq(joined[0].session_id(), id);
}

VC_TEST(who_is_first_back_after_a_restart_sees_nobody_gone) {
  World world;  // as it is after the restart
  Client& anna = resume(world, "anna", 7);
  world.advance(1s);
  resume(world, "bert", 8);
  world.advance(limits::kRosterSettleTime - 2s);
  // The list of those who are there goes on.
  ck_assert_uint_eq(anna.meeting(MP::MEETING_ACTIVATED).size(), 0);
  ck_assert_uint_eq(anna.meeting(MP::PARTICIPANT_JOINED).size(), 1);
  world.advance(2s);
  const auto ended = anna.meeting(MP::MEETING_ACTIVATED);
  ck_assert_uint_eq(ended.size(), 1);
  ck_assert_uint_eq(ended[0].participant_count(), 2);
  // Who is new has seen nobody, and later all have come who will.
  ck_assert_uint_eq(world.join("cem").meeting(MP::MEETING_ACTIVATED).size(), 1);
  ck_assert_uint_eq(
      resume(world, "dora", 9).meeting(MP::MEETING_ACTIVATED).size(), 1);
  world.advance(9s);
  ck_assert_uint_eq(anna.meeting(MP::MEETING_ACTIVATED).size(), 1);
}

VC_TEST(who_resumes_in_a_room_that_knows_it_is_told_all_at_once) {
  World world;
  world.join("anna");
  Client& bert = world.join("bert");
  world.leave(bert, kBroke);
  world.advance(1s);
  Client& again = resume(world, "bert", bert.id);
  ck_assert_uint_eq(again.meeting(MP::PARTICIPANT_JOINED).size(), 1);
  ck_assert_uint_eq(again.meeting(MP::MEETING_ACTIVATED).size(), 1);
}

VC_TEST(a_resume_replaces_a_living_connection) {
  World world;
  Client& anna = world.join("anna");
  Client& bert = world.join("bert");
  anna.take();
  Client& again = resume(world, "bert", bert.id);
  ck_assert(bert.closed && bert.code == CloseCode::superseded);
  ck_assert_uint_eq(again.id, bert.id);
  ck_assert_uint_eq(anna.inbox.size(), 0);
  // The transport tells that the old one has gone: that concerns nobody.
  world.leave(bert, CloseCode::superseded);
  ck_assert_uint_eq(anna.inbox.size(), 0);
  // And what still arrives from it is not heard.
  again.take();
  world.send_audio(bert, 10);
  ck_assert_uint_eq(anna.inbox.size(), 0);
  ck_assert_uint_eq(again.inbox.size(), 0);
}

VC_TEST(nobody_resumes_another_persons_session) {
  World world;
  Client& anna = world.join("anna");
  Client& eve = resume(world, "eve", anna.id);
  ck_assert(!anna.closed);
  ck_assert_uint_ne(eve.id, anna.id);
}

VC_TEST(only_the_newest_secret_of_a_known_session_counts) {
  World world;
  Client& anna = world.join("anna");
  const std::string first = secret_of(anna);
  ck_assert(world.hub.accepts_secret("demo", anna.id, first));
  Client& again = resume(world, "anna", anna.id);
  const std::string second = secret_of(again);
  ck_assert(first != second);
  ck_assert(!world.hub.accepts_secret("demo", anna.id, first));
  ck_assert(world.hub.accepts_secret("demo", anna.id, second));
  // What this node does not know, another may: any that verifies is good.
  world.leave(again);
  world.advance(1s);
  ck_assert(world.hub.accepts_secret("demo", anna.id, first));
}

VC_TEST(one_person_may_hold_two_sessions) {
  World world;
  Client& desk = world.join("anna");
  Client& phone = world.join("anna");
  ck_assert_uint_ne(desk.id, phone.id);
  ck_assert(!desk.closed && !phone.closed);
}

VC_TEST(silence_of_thirty_seconds_is_idle) {
  World world;
  Client& anna = world.join("anna");
  Client& bert = world.join("bert");
  for (int i = 0; i < 8; ++i) {
    world.state(anna, {});  // the heartbeat
    world.advance(4s);
  }
  ck_assert(!anna.closed);
  ck_assert(bert.closed && bert.code == CloseCode::idle);
  ck_assert_uint_eq(anna.meeting(MP::PARTICIPANT_LEFT).size(), 0);
  world.state(anna, {});
  world.advance(12s);
  ck_assert_uint_eq(anna.meeting(MP::PARTICIPANT_LEFT).size(), 1);
}

VC_TEST(refusals_are_counted_and_then_close) {
  World world;
  Client& anna = world.join("anna");
  Client& bert = world.join("bert");
  for (int i = 0; i < 50; ++i) world.send(bert, PacketType::meeting, "");
  ck_assert(!bert.closed);
  ck_assert_uint_eq(world.hub.stats().refused, 50);
  world.send(bert, PacketType::meeting, "");
  ck_assert(bert.closed && bert.code == CloseCode::protocol_error);
  ck_assert_uint_eq(anna.meeting(MP::PARTICIPANT_LEFT).size(), 1);
  ck_assert_str_eq(world.of(Notice::Kind::left).at(0).reason.c_str(),
                   "protocol-error");
}

VC_TEST(a_few_refusals_now_and_then_close_nothing) {
  World world;
  Client& anna = world.join("anna");
  for (int i = 0; i < 200; ++i) {
    world.send(anna, PacketType::meeting, "");
    world.advance(250ms);
  }
  ck_assert(!anna.closed);
}

VC_TEST(nothing_is_taken_before_connection) {
  World world;
  Client& anna = world.join("anna");
  anna.take();
  Client& eve = world.open({.meeting = "demo", .user_id = "eve"});
  for (int i = 0; i < 51; ++i) world.send_audio(eve, 5);
  ck_assert_uint_eq(anna.inbox.size(), 0);
  ck_assert(eve.closed && eve.code == CloseCode::protocol_error);
}

VC_TEST(a_second_connection_is_refused) {
  World world;
  Client& anna = world.join("anna", {.token_id = "t"});
  world.connect(anna);
  ck_assert(!anna.closed);
  ck_assert_uint_eq(world.hub.stats().refused, 1);
}

VC_TEST(observers_see_but_send_no_media) {
  World world;
  Client& anna = world.join("anna");
  Client& eye = world.join("eye", {.role = Role::observer});
  anna.take();
  eye.take();
  world.send_audio(eye, 5);
  ck_assert_uint_eq(anna.inbox.size(), 0);
  ck_assert_uint_eq(world.hub.stats().refused, 1);
  world.send_audio(anna, 5);
  ck_assert_uint_eq(eye.inbox.size(), 1);
}

VC_TEST(a_full_room_closes_with_overload) {
  World world;
  for (size_t i = 0; i < limits::kMaxMembersPerRoom; ++i)
    world.open({.meeting = "demo", .user_id = "u"});
  Client& late = world.open({.meeting = "demo", .user_id = "late"});
  ck_assert(late.closed && late.code == CloseCode::overload);
}

VC_SUITE_MAIN("room/room")
