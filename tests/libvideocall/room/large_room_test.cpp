// SPDX-License-Identifier: MIT
// A room of a thousand.
#include "tests/libvideocall/room/world.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::room;
using namespace videocall::room::testing;
using MP = proto::MeetingPacket;

VC_TEST(of_a_thousand_those_who_publish_are_listed) {
  World world;
  std::vector<Client*> clients;
  for (int i = 0; i < 1000; ++i) {
    clients.push_back(&world.join("u" + std::to_string(i)));
    if (i % 100 == 0) world.advance(100ms);
  }
  Client& speaker = *clients[500];
  proto::MemberState state;
  state.set_audio_enabled(true);
  for (Client* client : clients) client->take();
  world.state(speaker, state);
  // Most have not heard of it before.
  ck_assert_uint_eq(clients[0]->meeting(MP::PARTICIPANT_JOINED).size(), 1);
  ck_assert_uint_eq(clients[0]->of(PacketType::member_state).size(), 1);

  Client& late = world.join("late");
  const auto listed = late.meeting(MP::PARTICIPANT_JOINED);
  ck_assert_uint_eq(listed.size(), 1);
  ck_assert_uint_eq(listed[0].session_id(), speaker.id);
  ck_assert_int_eq(
      late.meeting(MP::MEETING_ACTIVATED).at(0).participant_count(), 1001);
  // Of a newcomer who does not publish the others learn the number only.
  clients[1]->take();
  world.advance(1100ms);
  ck_assert_uint_eq(clients[1]->meeting(MP::PARTICIPANT_JOINED).size(), 0);
  const auto counts = clients[1]->meeting(MP::MEETING_ACTIVATED);
  ck_assert_uint_eq(counts.size(), 1);
  ck_assert_int_eq(counts[0].participant_count(), 1001);
}

VC_TEST(the_count_is_told_at_most_once_a_second) {
  World world;
  for (int i = 0; i < 250; ++i) world.join("u" + std::to_string(i));
  Client& anna = world.join("anna");
  world.advance(2s);
  anna.take();
  for (int i = 0; i < 50; ++i) {
    world.join("w" + std::to_string(i));
    world.state(anna, {});
    world.advance(100ms);
  }
  const auto counts = anna.meeting(MP::MEETING_ACTIVATED);
  ck_assert_uint_ge(counts.size(), 4);
  ck_assert_uint_le(counts.size(), 6);
}

VC_TEST(the_next_count_comes_when_the_interval_is_over) {
  World world;
  for (size_t i = 0; i < limits::kRosterListsEverybodyUpTo; ++i)
    world.join("u" + std::to_string(i));
  Client& anna = world.join("anna");
  world.advance(limits::kParticipantCountInterval);
  anna.take();
  const auto counts = [&] {
    const size_t count = anna.meeting(MP::MEETING_ACTIVATED).size();
    anna.take();
    return count;
  };
  world.join("one");
  world.advance(100ms);
  ck_assert_uint_eq(counts(), 1);
  world.join("two");
  world.advance(limits::kParticipantCountInterval - 100ms);
  ck_assert_uint_eq(counts(), 0);
  world.advance(100ms);
  ck_assert_uint_eq(counts(), 1);
}

VC_TEST(a_room_that_shrinks_names_everybody_again) {
  World world;
  std::vector<Client*> clients;
  for (int i = 0; i < 205; ++i)
    clients.push_back(&world.join("u" + std::to_string(i)));
  world.advance(200ms);
  clients[0]->take();
  for (size_t i = 1; i <= 10; ++i) world.leave(*clients[i]);
  world.advance(200ms);
  ck_assert_uint_eq(clients[0]->meeting(MP::PARTICIPANT_LEFT).size(), 10);
  ck_assert_uint_eq(clients[0]->meeting(MP::PARTICIPANT_JOINED).size(), 5);
}

VC_TEST(a_packet_reaches_a_thousand_through_one_list) {
  World world;
  Client& anna = world.join("anna");
  for (int i = 0; i < 999; ++i) world.join("u" + std::to_string(i));
  World::Stream camera;
  Hub::Batch batch;
  Output out;
  const auto drain = [&] {
    RecipientsPtr to;
    while (world.hub.collect(batch, out)) {
      for (const Delivery& delivery : out.deliveries) {
        if (delivery.packet->fields().type == PacketType::media)
          to = delivery.to;
      }
    }
    return to;
  };
  world.hub.packet(anna.handle, World::frame(camera, true), world.now, batch);
  const RecipientsPtr first = drain();
  ck_assert(first);
  ck_assert_uint_eq(first->sessions.size(), 999);
  ck_assert_uint_eq(first->runs.size(), 2);
  for (int i = 0; i < 100; ++i) {
    world.hub.packet(anna.handle, World::frame(camera, false), world.now,
                     batch);
    ck_assert(drain() == first);  // not built anew
  }
}

VC_SUITE_MAIN("room/large_room")
