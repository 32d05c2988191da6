// SPDX-License-Identifier: MIT
// One room over several nodes: who is seen where, what crosses, and what
// happens when nodes and links go.
#include "tests/libvideocall/room/nodes_world.h"
//
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::room;
using namespace videocall::room::testing;
using MeetingPacket = proto::MeetingPacket;
using Names = std::vector<std::string>;

namespace {

size_t joins(const Client& client) {
  return client.meeting(MeetingPacket::PARTICIPANT_JOINED).size();
}
size_t leaves(const Client& client) {
  return client.meeting(MeetingPacket::PARTICIPANT_LEFT).size();
}
size_t media(const Client& client) {
  return client.of(PacketType::media).size();
}

}  // namespace

VC_TEST(people_on_other_nodes_are_in_the_roster_and_leave_it) {
  Nodes world;
  auto& a = world.start_linked("a");
  auto& b = world.start_linked("b");
  auto& anna = world.join(a, "anna");
  auto& ben = world.join(b, "ben");
  ck_assert(world.names(a) == Names({"anna", "ben"}));
  ck_assert(world.names(b) == Names({"anna", "ben"}));
  ck_assert_uint_eq(joins(anna), 1);
  ck_assert_uint_eq(joins(ben), 1);
  // Who comes later finds both in the list.
  auto& cem = world.join(b, "cem");
  ck_assert_uint_eq(joins(cem), 2);
  world.leave(ben);
  world.advance(limits::kNewsInterval);
  ck_assert_uint_eq(leaves(anna), 1);
  world.leave(cem);
  ck_assert(world.names(a) == Names({"anna"}));
  ck_assert(world.names(b).empty());
  ck_assert_uint_eq(b.hub.stats().rooms + b.subjects.size(), 2 + 1);
}

VC_TEST(media_crosses_once_and_only_while_it_is_wanted) {
  for (const int viewers : {1, 20, 200}) {
    Nodes world;
    auto& a = world.start_linked("a");
    auto& b = world.start_linked("b");
    auto& sender = world.join(a, "sender");
    World::Stream stream;
    world.send_frame(sender, stream, true);
    for (int i = 0; i < 10; ++i) world.send_frame(sender, stream, false);
    ck_assert_uint_eq(b.heard, 0);
    std::vector<Nodes::Person*> watching;
    for (int i = 0; i < viewers; ++i)
      watching.push_back(&world.join(b, "v" + std::to_string(i)));
    // The group that is under way, from its key frame on, and once.
    ck_assert_uint_eq(b.heard, 11);
    for (auto* viewer : watching) ck_assert_uint_eq(media(*viewer), 11);
    for (int i = 0; i < 10; ++i) world.send_frame(sender, stream, false);
    ck_assert_uint_eq(b.heard, 21);
    for (auto* viewer : watching) ck_assert_uint_eq(media(*viewer), 21);
    // Nobody was asked for a key frame.
    ck_assert(sender.of(PacketType::keyframe_request).empty());
    for (auto* viewer : watching) world.leave(*viewer);
    world.send_frame(sender, stream, false);
    ck_assert_uint_eq(b.heard, 21);
  }
}

VC_TEST(only_the_layers_that_somebody_there_gets) {
  Nodes world;
  auto& a = world.start_linked("a");
  auto& b = world.start_linked("b");
  auto& sender = world.join(a, "sender");
  World::Stream layers[] = {{.layer = 0, .height = 180},
                            {.layer = 1, .height = 360},
                            {.layer = 2, .height = 720}};
  for (auto& layer : layers) world.send_frame(sender, layer, true);
  auto& viewer = world.join(b, "viewer");
  world.view(viewer, sender.id, 180);
  viewer.take();
  world.advance(6s, [&] {
    for (auto& layer : layers)
      world.send_frame(sender, layer, layer.sequence % 10 == 0);
    world.keep_alive();
  });
  b.heard = 0;
  for (auto& layer : layers) world.send_frame(sender, layer, false);
  ck_assert_uint_eq(b.heard, 1);
  // A larger tile: the layer comes, from its key frame on, and is shown.
  world.view(viewer, sender.id, 720);
  world.advance(2s, [&] {
    for (auto& layer : layers)
      world.send_frame(sender, layer, layer.sequence % 10 == 0);
  });
  viewer.take();
  world.send_frame(sender, layers[2], false);
  ck_assert_uint_eq(media(viewer), 1);
  ck_assert_uint_eq(viewer.inbox.back()->fields().layer, 2);
}

VC_TEST(sound_crosses_with_its_sender) {
  Nodes world;
  auto& a = world.start_linked("a");
  auto& b = world.start_linked("b");
  auto& sender = world.join(a, "sender");
  auto& listener = world.join(b, "listener");
  for (uint64_t i = 1; i <= 20; ++i) world.send_audio(sender, i);
  // The first tells that there is sound.
  ck_assert_uint_eq(media(listener), 19);
  ck_assert_uint_eq(b.heard, 19);
}

VC_TEST(a_key_frame_is_asked_for_across_nodes_and_merged) {
  Nodes world;
  auto& a = world.start_linked("a");
  auto& b = world.start_linked("b");
  auto& sender = world.join(a, "sender");
  World::Stream stream;
  world.send_frame(sender, stream, true);
  auto& viewer = world.join(b, "viewer");
  auto& other = world.join(b, "other");
  world.advance(1s, [&] { world.send_frame(sender, stream, false); });
  sender.take();
  proto::KeyframeRequest request;
  request.set_session_id(sender.id);
  request.set_media_kind(proto::MEDIA_KIND_VIDEO);
  for (auto* who : {&viewer, &other, &viewer})
    world.send(*who, PacketType::keyframe_request, request.SerializeAsString());
  ck_assert_uint_eq(sender.of(PacketType::keyframe_request).size(), 1);
}

VC_TEST(what_members_say_crosses) {
  Nodes world;
  auto& a = world.start_linked("a");
  auto& b = world.start_linked("b");
  auto& anna = world.join(a, "anna");
  auto& ben = world.join(b, "ben");
  auto& cem = world.join(b, "cem");
  proto::ChatMessage chat;
  chat.set_id("0123456789abcdef");
  chat.set_text("hello");
  world.send(anna, PacketType::chat, chat.SerializeAsString());
  for (auto* who : {&anna, &ben, &cem})
    ck_assert_uint_eq(who->of(PacketType::chat).size(), 1);
  chat.set_to_session_id(ben.id);
  world.send(anna, PacketType::chat, chat.SerializeAsString());
  ck_assert_uint_eq(anna.of(PacketType::chat).size(), 2);
  ck_assert_uint_eq(ben.of(PacketType::chat).size(), 2);
  ck_assert_uint_eq(cem.of(PacketType::chat).size(), 1);
  proto::MemberState state;
  state.set_hand_raised(true);
  world.send(anna, PacketType::member_state, state.SerializeAsString());
  ck_assert_uint_eq(ben.of(PacketType::member_state).size(), 1);
  ck_assert_uint_eq(ben.of(PacketType::member_state)[0]->fields().session_id,
                    anna.id);
}

VC_TEST(people_of_a_dead_node_are_gone_within_six_seconds) {
  Nodes world;
  auto& a = world.start_linked("a");
  auto& b = world.start_linked("b");
  auto& anna = world.join(a, "anna");
  world.join(b, "ben");
  world.advance(2s);
  b.dead = true;
  world.advance(4s);
  ck_assert_uint_eq(leaves(anna), 0);
  world.advance(2s);
  ck_assert_uint_eq(leaves(anna), 1);
  ck_assert(world.names(a) == Names({"anna"}));
}

VC_TEST(a_partition_heals_without_ghosts_and_doubles) {
  Nodes world;
  auto& a = world.start_linked("a");
  auto& b = world.start_linked("b");
  auto& anna = world.join(a, "anna");
  auto& ben = world.join(b, "ben");
  auto& cem = world.join(b, "cem");
  world.advance(2s);
  b.side = 1;
  world.leave(cem);
  world.join(b, "dora");
  world.advance(10s);
  ck_assert(world.names(a) == Names({"anna"}));
  ck_assert(world.names(b) == Names({"ben", "dora"}));
  b.side = 0;
  world.advance(7s);
  for (auto* node : {&a, &b})
    ck_assert(world.names(*node) == Names({"anna", "ben", "dora"}));
  ck_assert_uint_eq(leaves(anna), 2);
  ck_assert_uint_eq(joins(anna), 4);
  ck_assert_uint_eq(leaves(ben), 2);  // anna, cem
}

VC_TEST(a_short_loss_of_the_broker_is_noticed_by_nobody) {
  Nodes world;
  auto& a = world.start_linked("a");
  auto& b = world.start_linked("b");
  auto& anna = world.join(a, "anna");
  auto& ben = world.join(b, "ben");
  World::Stream stream;
  world.send_frame(anna, stream, true);
  world.advance(1s);
  world.link(a, false);
  world.link(b, false);
  world.advance(2s);
  // Calls go on where they are.
  auto& eve = world.join(a, "eve");
  world.send_frame(anna, stream, true);
  ck_assert_uint_ge(media(eve), 1);
  ben.take();
  world.link(a, true);
  world.link(b, true);
  world.advance(1s);
  ck_assert_uint_eq(leaves(ben), 0);
  ck_assert_uint_eq(joins(ben), 1);  // eve
  world.send_frame(anna, stream, true);
  ck_assert_uint_ge(media(ben), 1);
}

VC_TEST(many_who_come_or_go_at_once_are_few_messages) {
  Nodes world;
  auto& a = world.start_linked("a");
  auto& b = world.start_linked("b");
  auto& anna = world.join(a, "anna");
  world.join(b, "ben");
  world.advance(1s);
  const auto told_of = [&](size_t count) {
    const size_t before = a.told;
    std::vector<Nodes::Person*> came;
    for (size_t i = 0; i < count; ++i)
      came.push_back(&world.join(b, "viewer-" + std::to_string(i)));
    world.advance(limits::kNewsInterval);
    ck_assert_uint_eq(world.names(a).size(), 2 + count);
    ck_assert(world.names(a) == world.names(b));
    const size_t told = a.told - before;
    world.advance(1s);
    for (Nodes::Person* person : came) world.leave(*person);
    world.advance(limits::kNewsInterval);
    ck_assert(world.names(a) == Names({"anna", "ben"}));
    world.advance(1s);
    return told;
  };
  // The first at once, the others together; beside that at most what is said
  // every 5 s: a digest, and what is wanted.
  for (const size_t count : {1, 20, 150})
    ck_assert_uint_le(told_of(count), 2 + 2);
  // More than one message may hold.
  ck_assert_uint_le(told_of(1 + limits::kMaxNewsEntries + 1), 3 + 2);
  ck_assert_uint_ge(joins(anna), 1 + 1 + 20 + 150);

  // What somebody says who has just come is not heard before that.
  anna.take();
  world.join(b, "cem");
  auto& dora = world.join(b, "dora");
  proto::MemberState state;
  state.set_hand_raised(true);
  world.send(dora, PacketType::member_state, state.SerializeAsString());
  ck_assert_uint_eq(joins(anna), 2);
  ck_assert_uint_eq(anna.of(PacketType::member_state).size(), 1);
}

VC_TEST(a_session_is_resumed_on_another_node) {
  Nodes world;
  auto& a = world.start_linked("a");
  auto& b = world.start_linked("b");
  auto& c = world.start_linked("c");
  auto& anna = world.join(a, "anna");
  world.join(b, "ben");
  auto& cem = world.join(c, "cem");
  const uint64_t id = anna.id;
  world.advance(1s);
  cem.take();
  // While its old session is still there, as when a phone changes networks.
  auto& again = world.join(b, "anna", id);
  ck_assert_uint_eq(again.id, id);
  ck_assert(anna.closed && anna.code == CloseCode::superseded);
  for (auto* node : {&b, &c})
    ck_assert(world.names(*node) == Names({"anna", "ben", "cem"}));
  ck_assert_uint_eq(joins(cem) + leaves(cem), 0);
  World::Stream stream;
  world.send_frame(again, stream, true);
  ck_assert_uint_eq(media(cem), 1);
  world.leave(again);
  world.advance(limits::kNewsInterval);
  ck_assert_uint_eq(leaves(cem), 1);
}

VC_TEST(who_moves_first_to_another_node_sees_nobody_gone) {
  Nodes world;
  auto& a = world.start_linked("a");
  auto& b = world.start_linked("b");
  auto& anna = world.join(a, "anna");
  auto& ben = world.join(a, "ben");
  world.advance(1s);
  world.leave(anna, CloseCode::draining);
  auto& again = world.join(b, "anna", anna.id);
  world.advance(2s);
  // Ben is not in the list's first part, but before its end.
  ck_assert_uint_eq(joins(again), 1);
  ck_assert_uint_eq(again.meeting(MeetingPacket::MEETING_ACTIVATED).size(), 0);
  world.advance(4s);
  const auto ended = again.meeting(MeetingPacket::MEETING_ACTIVATED);
  ck_assert_uint_eq(ended.size(), 1);
  ck_assert_uint_eq(ended[0].participant_count(), 2);
  ck_assert_uint_eq(leaves(ben), 0);
}

VC_TEST(a_restarted_node_has_time_to_name_its_people_again) {
  Nodes world;
  auto& a = world.start_linked("a");
  auto& b = world.start_linked("b");
  auto& anna = world.join(a, "anna");
  auto& ben = world.join(b, "ben");
  world.join(b, "cem");
  world.advance(2s);
  const uint64_t id = ben.id;
  b.dead = true;
  auto& b2 = world.start_linked("b");
  world.join(b2, "ben", id);
  world.advance(7s);
  ck_assert(world.names(a) == Names({"anna", "ben"}));
  ck_assert_uint_eq(leaves(anna), 1);  // cem
}

VC_TEST(a_meeting_ends_and_people_are_removed_everywhere) {
  Nodes world;
  auto& a = world.start_linked("a");
  auto& b = world.start_linked("b");
  auto& anna = world.join(a, "anna");
  auto& ben = world.join(b, "ben");
  auto& cem = world.join(b, "cem");
  world.advance(limits::kNewsInterval);
  ck_assert(a.hub.remove_member("demo", cem.id, "why", world.now));
  world.advance(200ms);
  ck_assert(cem.closed && cem.code == CloseCode::removed);
  a.hub.end_meeting("demo", world.now);
  world.advance(200ms);
  ck_assert(anna.closed && anna.code == CloseCode::meeting_ended);
  ck_assert(ben.closed && ben.code == CloseCode::meeting_ended);
}

VC_TEST(what_was_missed_is_asked_for) {
  Nodes world;
  auto& a = world.start_linked("a");
  auto& b = world.start_linked("b");
  auto& anna = world.join(a, "anna");
  world.join(b, "ben");
  world.advance(1s);
  b.side = 1;  // shorter than anybody notices
  auto& cem = world.join(b, "cem");
  b.side = 0;
  ck_assert_uint_eq(joins(anna), 1);
  world.advance(6s);
  ck_assert_uint_eq(joins(anna), 2);
  b.side = 1;
  world.leave(cem);
  b.side = 0;
  world.advance(6s);
  ck_assert_uint_eq(leaves(anna), 1);
}

VC_TEST(nobody_speaks_for_another_nodes_people) {
  Nodes world;
  auto& a = world.start_linked("a");
  auto& b = world.start_linked("b");
  auto& anna = world.join(a, "anna");
  auto& ben = world.join(b, "ben");
  const auto say = [&](const std::string& subject, PacketRef packet) {
    Hub::Batch batch;
    Output out;
    a.hub.heard(subject, std::move(packet), world.now, batch);
    while (a.hub.collect(batch, out)) ck_assert(out.deliveries.empty());
  };
  auto chat = Packet::build({.type = PacketType::chat, .session_id = ben.id});
  say("videocall.room.demo.ctl.c", *chat);
  auto frame = Packet::build({.type = PacketType::media,
                              .kind = MediaKind::video,
                              .session_id = anna.id});
  say("videocall.room.demo.media." + std::to_string(anna.id) + ".video.0",
      *frame);
  say("videocall.room.demo.media." + std::to_string(ben.id) + ".video.0",
      *frame);
  say("videocall.room.other.ctl.b", *chat);
}

VC_SUITE_MAIN("room/nodes")
