// SPDX-License-Identifier: MIT
#include "libvideocall/client/health.h"

#include "diagnostics.pb.h"
#include "libvideocall/wire/limits.h"
#include "meeting.pb.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::client;

namespace {

struct Nobody final : RosterObserver {
  void on_member_joined(const Member&) override {}
  void on_member_changed(const Member&) override {}
  void on_member_left(const Member&, const std::string&) override {}
};

struct World {
  Nobody nobody;
  Roster roster{nobody};
  HealthReporter health;

  World() { roster.begin_listing(1); }
  // Member |id| has these on.
  void set(uint64_t id, bool video, bool audio) {
    proto::MeetingPacket joined;
    joined.set_event_type(proto::MeetingPacket::PARTICIPANT_JOINED);
    joined.set_session_id(id);
    joined.mutable_state()->set_video_enabled(video);
    joined.mutable_state()->set_audio_enabled(audio);
    const std::string data = joined.SerializeAsString();
    roster.on_packet(
        **Packet::build({.type = PacketType::meeting,
                         .data = {reinterpret_cast<const uint8_t*>(data.data()),
                                  data.size()}}));
  }
  proto::HealthPacket report(bool watches = true) {
    const PacketRef packet =
        health.report(watches ? &roster : nullptr,
                      {.transport = "websocket", .rtt = 1500us, .unix_ms = 99});
    ck_assert(packet && packet->fields().type == PacketType::health);
    const Bytes data = packet->fields().data;
    proto::HealthPacket message;
    ck_assert(
        message.ParseFromArray(data.data(), static_cast<int>(data.size())));
    return message;
  }
};

}  // namespace

VC_TEST(the_link_is_told) {
  World world;
  const auto report = world.report(false);
  ck_assert_str_eq(report.active_server_type().c_str(), "websocket");
  ck_assert(report.active_server_rtt_ms() == 1.5);
  ck_assert_uint_eq(report.timestamp_ms(), 99);
  ck_assert_int_eq(report.peer_stats_size(), 0);
}

VC_TEST(of_whom_something_came_since_the_last_report) {
  World world;
  world.set(7, true, true);
  world.set(8, true, false);
  // Who has just come says nothing.
  ck_assert_int_eq(world.report().peer_stats_size(), 0);
  world.health.got(7, MediaKind::video);
  world.health.got(8, MediaKind::audio);
  world.health.got(9, MediaKind::audio);  // has not joined
  auto peers = world.report().peer_stats();
  ck_assert_uint_eq(peers.size(), 2);
  ck_assert(peers["7"].can_see() && !peers["7"].can_listen());
  ck_assert(peers["7"].video_enabled() && peers["7"].audio_enabled());
  ck_assert(!peers["8"].can_see() && peers["8"].can_listen());
  ck_assert(peers["8"].video_enabled() && !peers["8"].audio_enabled());
  // Nothing since.
  peers = world.report().peer_stats();
  ck_assert(!peers["7"].can_see() && !peers["8"].can_listen());
  // What was switched on a moment ago need not be there yet.
  world.set(8, true, true);
  ck_assert(!world.report().peer_stats().at("8").audio_enabled());
  ck_assert(world.report().peer_stats().at("8").audio_enabled());
  world.health.reset();
  ck_assert_int_eq(world.report().peer_stats_size(), 0);
  ck_assert_int_eq(world.report(false).peer_stats_size(), 0);
}

VC_TEST(what_the_server_does_not_choose_is_not_missed) {
  World world;
  uint64_t id = 2;
  for (size_t i = 0; i < limits::kLoudestSpeakers; ++i)
    world.set(id++, false, true);
  for (size_t i = 0; i < limits::kDefaultCameras; ++i)
    world.set(id++, true, false);
  const std::string seen = std::to_string(id - 1);
  world.report();
  ck_assert(world.report().peer_stats().at("2").audio_enabled());
  world.set(id++, false, true);  // one too many to be heard
  ck_assert(!world.report().peer_stats().at("2").audio_enabled());
  ck_assert(world.report().peer_stats().at(seen).video_enabled());
  world.set(id++, true, false);  // and to be seen
  ck_assert(!world.report().peer_stats().at(seen).video_enabled());
}

VC_TEST(a_report_has_its_bound) {
  World world;
  for (uint64_t id = 2; id < 3 + limits::kMaxHealthPeers; ++id)
    world.set(id, false, false);
  world.report();
  ck_assert_int_eq(world.report().peer_stats_size(), limits::kMaxHealthPeers);
}

VC_SUITE_MAIN("client/health")
