// SPDX-License-Identifier: MIT
#include <cmath>

#include "diagnostics.pb.h"
#include "tests/libvideocall/room/world.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::room;
using namespace videocall::room::testing;
using MP = proto::MeetingPacket;

namespace {

const std::string kChatId(limits::kChatIdBytes, 'i');

std::string chat(const std::string& text, uint64_t to = 0) {
  proto::ChatMessage message;
  message.set_id(kChatId);
  message.set_text(text);
  message.set_to_session_id(to);
  message.set_display_name("somebody else");
  message.set_sent_ms(1);
  return message.SerializeAsString();
}

std::string reaction() {
  proto::Reaction message;
  message.set_reaction(proto::Reaction::HEART);
  return message.SerializeAsString();
}

struct Trio {
  World world;
  Client& anna = world.join("anna");
  Client& bert = world.join("bert");
  Client& carl = world.join("carl");
  Trio() { clear(); }
  void clear() {
    for (Client* client : {&anna, &bert, &carl}) client->take();
  }
};

}  // namespace

VC_TEST(chat_is_named_timed_and_echoed) {
  Trio trio;
  trio.world.send(trio.anna, PacketType::chat, chat("hello"));
  for (Client* client : {&trio.anna, &trio.bert, &trio.carl}) {
    ck_assert_uint_eq(client->inbox.size(), 1);
    const auto& fields = client->inbox[0]->fields();
    ck_assert_uint_eq(fields.session_id, trio.anna.id);
    ck_assert_str_eq(text_of(fields.user_id).c_str(), "anna");
    proto::ChatMessage message;
    ck_assert(message.ParseFromString(text_of(fields.data)));
    ck_assert_str_eq(message.text().c_str(), "hello");
    ck_assert_str_eq(message.display_name().c_str(), "anna");
    ck_assert_uint_eq(message.sent_ms(), trio.world.now.unix_ms);
    ck_assert(message.id() == kChatId);
  }
}

VC_TEST(private_chat_reaches_one) {
  Trio trio;
  trio.world.send(trio.anna, PacketType::chat, chat("psst", trio.bert.id));
  ck_assert_uint_eq(trio.anna.inbox.size(), 1);
  ck_assert_uint_eq(trio.bert.inbox.size(), 1);
  ck_assert_uint_eq(trio.carl.inbox.size(), 0);
  trio.clear();
  trio.world.send(trio.anna, PacketType::chat, chat("anybody?", 4711));
  ck_assert_uint_eq(trio.anna.inbox.size(), 0);
}

VC_TEST(bad_chat_is_refused) {
  Trio trio;
  trio.world.send(trio.anna, PacketType::chat,
                  chat(std::string(limits::kMaxChatBytes + 1, 'x')));
  proto::ChatMessage short_id;
  short_id.set_id("short");
  trio.world.send(trio.anna, PacketType::chat, short_id.SerializeAsString());
  trio.world.send(trio.anna, PacketType::chat, "\xff\xff");
  ck_assert_uint_eq(trio.bert.inbox.size(), 0);
  ck_assert_uint_eq(trio.world.hub.stats().refused, 3);
  trio.world.send(trio.anna, PacketType::chat,
                  chat(std::string(limits::kMaxChatBytes, 'x')));
  ck_assert_uint_eq(trio.bert.inbox.size(), 1);
}

VC_TEST(chat_is_limited_in_a_second) {
  Trio trio;
  for (size_t i = 0; i < limits::kMaxChatsPerSecond + 1; ++i)
    trio.world.send(trio.anna, PacketType::chat, chat("hi"));
  ck_assert_uint_eq(trio.bert.inbox.size(), limits::kMaxChatsPerSecond);
  ck_assert_uint_eq(trio.world.hub.stats().refused, 1);
}

VC_TEST(a_name_may_be_so_long) {
  Trio trio;
  proto::MemberState state;
  state.set_display_name(std::string(limits::kMaxDisplayNameBytes + 1, 'x'));
  trio.world.state(trio.anna, state);
  ck_assert_uint_eq(trio.world.hub.stats().refused, 1);
  state.set_display_name(std::string(limits::kMaxDisplayNameBytes, 'x'));
  trio.world.state(trio.anna, state);
  ck_assert_uint_eq(trio.world.hub.stats().refused, 1);
}

VC_TEST(reactions_are_limited_to_four_a_second) {
  Trio trio;
  for (int i = 0; i < 10; ++i)
    trio.world.send(trio.anna, PacketType::reaction, reaction());
  ck_assert_uint_eq(trio.bert.inbox.size(), limits::kMaxReactionsPerSecond);
  ck_assert_uint_eq(trio.anna.inbox.size(), 0);
  ck_assert_uint_eq(trio.bert.inbox[0]->fields().session_id, trio.anna.id);
  trio.world.advance(1s);
  trio.world.send(trio.anna, PacketType::reaction, reaction());
  ck_assert_uint_eq(trio.bert.inbox.size(), 5);
  trio.world.send(trio.anna, PacketType::reaction, "");
  ck_assert_uint_eq(trio.world.hub.stats().refused, 7);
}

VC_TEST(member_state_is_forwarded_when_it_changes) {
  Trio trio;
  proto::MemberState state;
  trio.world.state(trio.anna, state);
  ck_assert_uint_eq(trio.bert.inbox.size(), 0);
  state.set_audio_enabled(true);
  trio.world.state(trio.anna, state);
  trio.world.state(trio.anna, state);
  trio.world.advance(5s);
  trio.world.state(trio.anna, state);
  ck_assert_uint_eq(trio.bert.inbox.size(), 1);
  ck_assert(trio.bert.inbox[0]->fields().type == PacketType::member_state);
  ck_assert_uint_eq(trio.bert.inbox[0]->fields().session_id, trio.anna.id);
  ck_assert_uint_eq(trio.anna.inbox.size(), 0);
}

VC_TEST(a_newcomer_learns_the_state_and_the_name) {
  Trio trio;
  proto::MemberState state;
  state.set_hand_raised(true);
  state.set_display_name("Anna A.");
  trio.world.state(trio.anna, state);
  Client& dora = trio.world.join("dora");
  bool found = false;
  for (const auto& joined : dora.meeting(MP::PARTICIPANT_JOINED)) {
    if (joined.session_id() != trio.anna.id) continue;
    found = true;
    ck_assert(joined.state().hand_raised());
    ck_assert_str_eq(joined.display_name().c_str(), "Anna A.");
  }
  ck_assert(found);
  ck_assert_str_eq(trio.world.hub.list_members("demo")[0].display_name.c_str(),
                   "Anna A.");
}

VC_TEST(a_state_without_a_name_keeps_the_name) {
  Trio trio;
  proto::MemberState state;
  state.set_video_enabled(true);
  trio.world.state(trio.anna, state);
  ck_assert_str_eq(trio.world.hub.list_members("demo")[0].display_name.c_str(),
                   "anna");
  state.set_display_name(std::string(129, 'x'));
  trio.world.state(trio.anna, state);
  ck_assert_uint_eq(trio.world.hub.stats().refused, 1);
}

VC_TEST(rtt_is_echoed_unchanged_to_the_sender_alone) {
  Trio trio;
  trio.world.send(trio.anna, PacketType::rtt, "12345678");
  ck_assert_uint_eq(trio.anna.inbox.size(), 1);
  const auto& fields = trio.anna.inbox[0]->fields();
  ck_assert_str_eq(text_of(fields.data).c_str(), "12345678");
  ck_assert_uint_eq(fields.session_id, 0);
  ck_assert_uint_eq(trio.bert.inbox.size(), 0);
}

VC_TEST(reports_to_the_server_are_counted_and_go_no_further) {
  Trio trio;
  trio.world.send(trio.anna, PacketType::diagnostics, "");
  proto::HealthPacket health;
  health.set_active_server_rtt_ms(12.5);
  auto& stats = *health.mutable_peer_stats();
  stats["1"].set_video_enabled(true);  // and not seen
  stats["2"].set_video_enabled(true);
  stats["2"].set_can_see(true);
  stats["2"].set_audio_enabled(true);  // and not heard
  stats["3"].set_can_listen(false);    // nothing is on
  trio.world.send(trio.anna, PacketType::health, health.SerializeAsString());
  ck_assert_uint_eq(trio.bert.inbox.size(), 0);
  const HubStats counted = trio.world.hub.stats();
  ck_assert_uint_eq(counted.refused, 0);
  ck_assert_uint_eq(counted.reports, 1);
  ck_assert_uint_eq(counted.reported_peers, 3);
  ck_assert_uint_eq(counted.reported_unseen, 1);
  ck_assert_uint_eq(counted.reported_unheard, 1);
  ck_assert(counted.client_rtt.sum == 12'500us);
}

VC_TEST(bad_reports_are_refused_and_frequent_ones_left_out) {
  Trio trio;
  trio.world.send(trio.anna, PacketType::health, "\xff\xff");
  proto::HealthPacket health;
  for (int i = 0; i <= limits::kMaxHealthPeers; ++i)
    (*health.mutable_peer_stats())[std::to_string(i)].set_can_see(true);
  trio.world.send(trio.anna, PacketType::health, health.SerializeAsString());
  ck_assert_uint_eq(trio.world.hub.stats().refused, 2);
  ck_assert_uint_eq(trio.world.hub.stats().reports, 0);
  health.mutable_peer_stats()->erase("0");
  // What is no round trip is none.
  for (const double rtt : {-1.0, 1e300, std::nan("")}) {
    trio.world.advance(1s);
    health.set_active_server_rtt_ms(rtt);
    trio.world.send(trio.anna, PacketType::health, health.SerializeAsString());
  }
  ck_assert_uint_eq(trio.world.hub.stats().reports, 3);
  ck_assert(trio.world.hub.stats().client_rtt.sum == 0s);
  trio.world.advance(1s);
  for (size_t i = 0; i < limits::kMaxReportsPerSecond + 3; ++i)
    trio.world.send(trio.bert, PacketType::health, "");
  ck_assert_uint_eq(trio.world.hub.stats().reports,
                    3 + limits::kMaxReportsPerSecond);
  ck_assert_uint_eq(trio.world.hub.stats().refused, 2);
}

VC_TEST(unknown_types_and_keys_are_forwarded_stamped) {
  Trio trio;
  trio.world.send(trio.anna, static_cast<PacketType>(99), "future");
  trio.world.send(trio.anna, PacketType::e2ee_key, "opaque");
  ck_assert_uint_eq(trio.bert.inbox.size(), 2);
  for (const auto& packet : trio.bert.inbox)
    ck_assert_uint_eq(packet->fields().session_id, trio.anna.id);
  for (int i = 0; i < 40; ++i)
    trio.world.send(trio.anna, static_cast<PacketType>(99), "future");
  ck_assert_uint_eq(trio.carl.of(static_cast<PacketType>(99)).size(),
                    limits::kMaxUnknownTypePacketsPerSecond);
}

VC_TEST(control_packets_are_bounded_in_size_and_rate) {
  Trio trio;
  trio.world.send(trio.anna, PacketType::e2ee_key,
                  std::string(limits::kMaxControlDataBytes + 1, 'x'));
  ck_assert_uint_eq(trio.world.hub.stats().refused, 1);
  for (size_t i = 0; i < limits::kMaxControlPacketsPerSecond + 10; ++i)
    trio.world.send(trio.anna, PacketType::health, "");
  ck_assert_uint_eq(trio.world.hub.stats().refused, 11);
}

VC_TEST(viewports_are_checked) {
  Trio trio;
  proto::Viewport message;
  for (size_t i = 0; i < limits::kMaxViewportTiles + 1; ++i) {
    auto* tile = message.add_tiles();
    tile->set_session_id(trio.bert.id);
    tile->set_media_kind(proto::MEDIA_KIND_VIDEO);
  }
  trio.world.send(trio.anna, PacketType::viewport, message.SerializeAsString());
  ck_assert_uint_eq(trio.world.hub.stats().refused, 1);
  trio.world.advance(1s);
  for (size_t i = 0; i < limits::kMaxViewportsPerSecond + 2; ++i)
    trio.world.view(trio.anna, {});
  ck_assert_uint_eq(trio.world.hub.stats().refused, 3);
  trio.world.advance(1s);
  trio.world.view(trio.anna, {{trio.bert.id, MediaKind::audio, 10}});
  ck_assert_uint_eq(trio.world.hub.stats().refused, 4);
}

VC_TEST(layer_preferences_are_checked) {
  Trio trio;
  proto::LayerPreference message;
  auto* entry = message.add_entries();
  entry->set_session_id(trio.bert.id);
  entry->set_media_kind(proto::MEDIA_KIND_VIDEO);
  entry->set_desired_layer(3);
  trio.world.send(trio.anna, PacketType::layer_preference,
                  message.SerializeAsString());
  ck_assert_uint_eq(trio.world.hub.stats().refused, 1);
  trio.world.advance(1s);
  entry->set_desired_layer(1);
  for (size_t i = 1; i < limits::kMaxLayerPreferences; ++i)
    *message.add_entries() = *entry;
  trio.world.send(trio.anna, PacketType::layer_preference,
                  message.SerializeAsString());
  ck_assert_uint_eq(trio.world.hub.stats().refused, 1);
  *message.add_entries() = *entry;
  trio.world.send(trio.anna, PacketType::layer_preference,
                  message.SerializeAsString());
  ck_assert_uint_eq(trio.world.hub.stats().refused, 2);
}

VC_SUITE_MAIN("room/room_messages")
