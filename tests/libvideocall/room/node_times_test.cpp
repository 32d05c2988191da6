// SPDX-License-Identifier: MIT
// How often nodes tell one another what.
#include "libvideocall/cluster/limits.h"
#include "libvideocall/cluster/node_messages.h"
#include "libvideocall/room/messages.h"
#include "tests/libvideocall/room/nodes_world.h"
//
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::room;
using namespace videocall::room::testing;

namespace {

constexpr Duration kTick = 100ms;
const std::string kFromB = "videocall.room.demo.ctl.b";

// Advances until |count| grows, then checks that it does so again |interval|
// later, and no sooner.
void assert_every(Nodes& world, const size_t& count, Duration interval) {
  const size_t before = count;
  for (Duration done{}; count == before && done < 2 * interval; done += kTick)
    world.advance(kTick);
  const size_t after = count;
  ck_assert_uint_gt(after, before);
  world.advance(interval - kTick);
  ck_assert_uint_eq(count, after);
  world.advance(kTick);
  ck_assert_uint_gt(count, after);
}

// A node with one member that is told by the test what "b" says.
struct Alone {
  Alone() : a(world.start_linked("a")) {
    world.join(a, "anna");
    world.advance(limits::kRosterRequestInterval);
  }
  // How many messages of |event| the room says to |what|, if anything, from b.
  size_t answers(proto::MeetingPacket::MeetingEventType event,
                 PacketRef what = {}) {
    if (what) a.hub.heard(kFromB, std::move(what), world.now, a.batch);
    size_t count = 0;
    Output out;
    while (a.hub.collect(a.batch, out)) {
      for (const Publication& publication : out.publications) {
        const PacketFields& fields = publication.packet->fields();
        proto::MeetingPacket message;
        count += fields.type == PacketType::meeting &&
                 message.ParseFromString(text_of(fields.data)) &&
                 message.event_type() == event;
      }
    }
    return count;
  }
  void tick_after(Duration duration) {
    world.now.mono += duration;
    a.hub.tick(world.now, a.batch);
  }

  Nodes world;
  Nodes::Node& a;
};

PacketRef list_request() {
  return write_meeting(
      {.event = MeetingEvent::list_request, .meeting = "demo", .message = "a"});
}

}  // namespace

VC_TEST(a_node_says_that_it_is_there) {
  Nodes world;
  auto& a = world.start_linked("a");
  world.start_linked("b");
  assert_every(world, a.beats, limits::kNodeHeartbeatInterval);
}

VC_TEST(a_room_says_again_what_others_should_know) {
  Nodes world;
  auto& a = world.start_linked("a");
  auto& b = world.start_linked("b");
  world.join(a, "anna");
  world.join(b, "ben");
  world.advance(1s);
  assert_every(world, a.told, limits::kRoomRefreshInterval);
}

VC_TEST(who_is_here_is_said_at_most_so_often) {
  constexpr auto kJoined = proto::MeetingPacket::PARTICIPANT_JOINED;
  Alone alone;
  ck_assert_uint_eq(alone.answers(kJoined, list_request()), 1);
  alone.world.now.mono += limits::kRosterRequestInterval - 1ns;
  ck_assert_uint_eq(alone.answers(kJoined, list_request()), 0);
  // The answer is put off, once for all who asked.
  ck_assert_uint_eq(alone.answers(kJoined, list_request()), 0);
  alone.tick_after(0ns);
  ck_assert_uint_eq(alone.answers(kJoined), 0);
  alone.tick_after(1ns);
  ck_assert_uint_eq(alone.answers(kJoined), 1);
  alone.tick_after(limits::kRosterRequestInterval);
  ck_assert_uint_eq(alone.answers(kJoined), 0);
  ck_assert_uint_eq(alone.answers(kJoined, list_request()), 1);
}

VC_TEST(a_node_is_asked_who_is_there_at_most_so_often) {
  constexpr auto kRequest = proto::MeetingPacket::PARTICIPANT_LIST_REQUEST;
  Alone alone;
  // It names two people whom nobody here has heard of.
  const auto digest = [] {
    return cluster::write_node_message(cluster::RoomDigest{2, 99});
  };
  // This node asked all when it entered the room.
  ck_assert_uint_eq(alone.answers(kRequest, digest()), 0);
  alone.world.now.mono += limits::kRosterRequestInterval - 1ns;
  ck_assert_uint_eq(alone.answers(kRequest, digest()), 0);
  alone.world.now.mono += 1ns;
  ck_assert_uint_eq(alone.answers(kRequest, digest()), 1);
  ck_assert_uint_eq(alone.answers(kRequest, digest()), 0);
}

VC_SUITE_MAIN("room/node_times")
