// SPDX-License-Identifier: MIT
// Who gets what of the media.
#include "libvideocall/room/stage.h"

#include "tests/libvideocall/room/world.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::room;
using namespace videocall::room::testing;

namespace {

void run_group(World& world, Client& sender, World::Stream& stream, int frames,
               uint8_t temporal_layers = 1) {
  for (int i = 0; i < frames; ++i) {
    constexpr uint8_t kPattern[] = {0, 2, 1, 2};
    const uint8_t temporal = temporal_layers == 3 ? kPattern[i % 4] : 0;
    world.send_frame(sender, stream, i == 0, temporal);
  }
}

std::vector<PacketRef> video_of(const Client& client) {
  return client.of(PacketType::media);
}

size_t requests_of(const Client& client) {
  return client.of(PacketType::keyframe_request).size();
}

}  // namespace

VC_TEST(a_newcomer_gets_the_cached_group_and_then_goes_on) {
  World world;
  Client& anna = world.join("anna");
  World::Stream camera;
  run_group(world, anna, camera, 10);
  Client& bert = world.join("bert");
  ck_assert_uint_eq(video_of(bert).size(), 10);
  ck_assert(video_of(bert)[0]->fields().header.keyframe);
  world.send_frame(anna, camera, false);
  const auto got = video_of(bert);
  ck_assert_uint_eq(got.size(), 11);
  for (size_t i = 0; i < got.size(); ++i)
    ck_assert_uint_eq(got[i]->fields().header.sequence, i + 1);
  ck_assert_uint_eq(requests_of(anna), 0);
}

VC_TEST(of_a_large_group_a_newcomer_gets_the_base_layer) {
  World world;
  Client& anna = world.join("anna");
  World::Stream camera{.bytes = 10'000};
  run_group(world, anna, camera, 40, 3);
  Client& bert = world.join("bert");
  ck_assert_uint_eq(video_of(bert).size(), 10);
  bert.take();
  // Upper layers come back at a group's start only.
  world.send_frame(anna, camera, false, 2);
  ck_assert_uint_eq(video_of(bert).size(), 0);
  world.send_frame(anna, camera, false, 0);
  ck_assert_uint_eq(video_of(bert).size(), 1);
  run_group(world, anna, camera, 4, 3);
  ck_assert_uint_eq(video_of(bert).size(), 5);
}

VC_TEST(without_a_cached_group_the_sender_is_asked_once) {
  World world;
  Client& anna = world.join("anna");
  World::Stream camera;
  run_group(world, anna, camera, 3);
  for (int i = 0; i < 11; ++i) {  // until the group is too old to serve
    world.advance(1s);
    world.send_frame(anna, camera, false);
  }
  anna.take();
  for (int i = 0; i < 20; ++i) world.join("v" + std::to_string(i));
  ck_assert_uint_eq(requests_of(anna), 1);
  proto::KeyframeRequest request;
  const auto packet = anna.of(PacketType::keyframe_request)[0];
  ck_assert(request.ParseFromString(text_of(packet->fields().data)));
  ck_assert_uint_eq(request.session_id(), anna.id);
  ck_assert_int_eq(request.media_kind(), proto::MEDIA_KIND_VIDEO);
  ck_assert_uint_eq(packet->fields().session_id, 0);
}

VC_TEST(key_frame_requests_of_viewers_are_merged) {
  World world;
  Client& anna = world.join("anna");
  World::Stream camera;
  run_group(world, anna, camera, 3);
  std::vector<Client*> viewers;
  for (int i = 0; i < 10; ++i)
    viewers.push_back(&world.join("v" + std::to_string(i)));
  anna.take();
  proto::KeyframeRequest request;
  request.set_session_id(anna.id);
  request.set_media_kind(proto::MEDIA_KIND_VIDEO);
  const auto ask = [&] {
    for (Client* viewer : viewers)
      world.send(*viewer, PacketType::keyframe_request,
                 request.SerializeAsString());
  };
  ask();
  ck_assert_uint_eq(requests_of(anna), 1);
  world.advance(300ms);
  ask();
  ck_assert_uint_eq(requests_of(anna), 1);
  world.advance(300ms);  // now what was kept back goes out
  ck_assert_uint_eq(requests_of(anna), 2);
  run_group(world, anna, camera, 1);
  world.advance(2s);
  ck_assert_uint_eq(requests_of(anna), 2);
}

VC_TEST(a_delta_frame_without_its_key_frame_reaches_nobody) {
  World world;
  Client& anna = world.join("anna");
  Client& bert = world.join("bert");
  World::Stream camera;
  world.send_frame(anna, camera, false);
  ck_assert_uint_eq(video_of(bert).size(), 0);
  ck_assert_uint_eq(requests_of(anna), 1);
  run_group(world, anna, camera, 2);
  ck_assert_uint_eq(video_of(bert).size(), 2);
  world.advance(500ms);
  camera.group += 1;  // the next key frame was lost
  world.send_frame(anna, camera, false);
  ck_assert_uint_eq(video_of(bert).size(), 2);
  ck_assert_uint_eq(requests_of(anna), 2);
}

VC_TEST(what_comes_after_the_next_key_frame_is_dropped) {
  World world;
  Client& anna = world.join("anna");
  Client& bert = world.join("bert");
  World::Stream camera;
  run_group(world, anna, camera, 3);
  World::Stream late = camera;
  camera.sequence += 1;
  run_group(world, anna, camera, 1);
  bert.take();
  world.send_frame(anna, late, false);
  ck_assert_uint_eq(video_of(bert).size(), 0);
  ck_assert_uint_eq(world.hub.stats().dropped, 1);
}

VC_TEST(a_sender_that_counts_anew_is_seen_again) {
  World world;
  Client& anna = world.join("anna");
  Client& bert = world.join("bert");
  World::Stream camera{.sequence = 1000, .group = 50};
  run_group(world, anna, camera, 3);
  world.advance(3s);
  World::Stream anew;
  run_group(world, anna, anew, 2);
  ck_assert_uint_eq(video_of(bert).size(), 5);
}

VC_TEST(a_viewport_lists_what_is_sent) {
  World world;
  Client& anna = world.join("anna");
  Client& bert = world.join("bert");
  World::Stream camera;
  World::Stream screen{.kind = MediaKind::screen};
  run_group(world, anna, camera, 1);
  run_group(world, anna, screen, 1);
  ck_assert_uint_eq(video_of(bert).size(), 2);
  bert.take();
  world.view(bert, {{anna.id, MediaKind::screen, 700}});
  world.send_frame(anna, camera, false);
  world.send_frame(anna, screen, false);
  ck_assert_uint_eq(video_of(bert).size(), 1);
  ck_assert(video_of(bert)[0]->fields().kind == MediaKind::screen);
  bert.take();
  world.view(bert, {});
  world.send_frame(anna, screen, false);
  run_group(world, anna, camera, 1);
  world.send_audio(anna, 10);
  ck_assert_uint_eq(bert.inbox.size(), 1);
  ck_assert(bert.inbox[0]->fields().kind == MediaKind::audio);
  bert.take();
  world.view(bert, {{anna.id, MediaKind::video, 700}});
  ck_assert_uint_eq(video_of(bert).size(), 1);
  ck_assert(video_of(bert)[0]->fields().header.keyframe);
}

VC_TEST(a_tile_may_come_before_its_sender) {
  World world;
  Client& anna = world.join("anna");
  Client& bert = world.join("bert");
  world.view(bert, {{anna.id, MediaKind::video, 700}});
  World::Stream camera;
  run_group(world, anna, camera, 2);
  ck_assert_uint_eq(video_of(bert).size(), 2);
}

VC_TEST(of_simulcast_a_viewer_gets_one_layer_that_fits) {
  World world;
  Client& anna = world.join("anna");
  Client& bert = world.join("bert");
  World::Stream low{.layer = 0, .height = 180};
  World::Stream high{.layer = 1, .height = 720};
  for (World::Stream* stream : {&low, &high})
    run_group(world, anna, *stream, 1);
  bert.take();
  for (int i = 0; i < 5; ++i) {
    world.send_frame(anna, low, false);
    world.send_frame(anna, high, false);
  }
  ck_assert_uint_eq(video_of(bert).size(), 5);
  for (const auto& packet : video_of(bert))
    ck_assert_uint_eq(packet->fields().layer, 1);
  world.view(bert, {{anna.id, MediaKind::video, 100}});
  bert.take();
  world.send_frame(anna, low, false);
  world.send_frame(anna, high, false);
  ck_assert_uint_eq(video_of(bert).size(), 1);
  ck_assert_uint_eq(video_of(bert)[0]->fields().layer, 1);
  bert.take();
  run_group(world, anna, low, 2);  // now it changes over
  world.send_frame(anna, high, false);
  ck_assert_uint_eq(video_of(bert).size(), 2);
  ck_assert_uint_eq(video_of(bert)[0]->fields().layer, 0);
}

VC_TEST(a_newcomer_starts_low_and_steps_up_with_a_key_frame) {
  World world;
  Client& anna = world.join("anna");
  World::Stream low{.layer = 0, .height = 180};
  World::Stream high{.layer = 1, .height = 720};
  run_group(world, anna, low, 3);
  run_group(world, anna, high, 3);
  Client& bert = world.join("bert");
  ck_assert_uint_eq(video_of(bert).size(), 3);
  ck_assert_uint_eq(video_of(bert)[0]->fields().layer, 0);
  bert.take();
  world.send_frame(anna, high, false);
  ck_assert_uint_eq(video_of(bert).size(), 0);
  run_group(world, anna, high, 1);
  world.send_frame(anna, low, false);
  ck_assert_uint_eq(video_of(bert).size(), 1);
  ck_assert_uint_eq(video_of(bert)[0]->fields().layer, 1);
}

VC_TEST(a_layer_that_ends_is_replaced) {
  World world;
  Client& anna = world.join("anna");
  Client& bert = world.join("bert");
  World::Stream low{.layer = 0, .height = 180};
  World::Stream high{.layer = 1, .height = 720};
  run_group(world, anna, low, 1);
  run_group(world, anna, high, 1);
  for (int i = 0; i < 70; ++i) {  // the upper one is no longer encoded
    world.send_frame(anna, low, false);
    world.state(bert, {});
    world.advance(100ms);
  }
  // From its cached group.
  const auto got = video_of(bert);
  const auto first = std::find_if(got.begin(), got.end(), [](const auto& p) {
    return p->fields().layer == 0;
  });
  ck_assert(first != got.end() && (*first)->fields().header.keyframe);
  bert.take();
  run_group(world, anna, low, 2);
  ck_assert_uint_eq(video_of(bert).size(), 2);
}

VC_TEST(a_preference_caps_the_layer) {
  World world;
  Client& anna = world.join("anna");
  Client& bert = world.join("bert");
  proto::LayerPreference message;
  auto* entry = message.add_entries();
  entry->set_session_id(anna.id);
  entry->set_media_kind(proto::MEDIA_KIND_VIDEO);
  entry->set_desired_layer(0);
  world.send(bert, PacketType::layer_preference, message.SerializeAsString());
  World::Stream low{.layer = 0, .height = 180};
  World::Stream high{.layer = 1, .height = 720};
  run_group(world, anna, low, 2);
  run_group(world, anna, high, 2);
  ck_assert_uint_eq(video_of(bert).size(), 2);
  ck_assert_uint_eq(video_of(bert)[1]->fields().layer, 0);
}

VC_TEST(by_default_some_cameras_and_every_screen_are_sent) {
  World world;
  Client& eye = world.join("eye", {.role = Role::observer});
  std::vector<Client*> senders;
  std::vector<World::Stream> cameras(14);
  std::vector<World::Stream> screens(14);
  for (int i = 0; i < 14; ++i)
    senders.push_back(&world.join("s" + std::to_string(i)));
  for (size_t i = 0; i < 14; ++i) {
    screens[i].kind = MediaKind::screen;
    run_group(world, *senders[i], cameras[i], 1);
    run_group(world, *senders[i], screens[i], 1);
  }
  eye.take();
  const auto seen = [&] {
    eye.take();
    for (size_t i = 0; i < 14; ++i) {
      world.send_frame(*senders[i], cameras[i], false);
      world.send_frame(*senders[i], screens[i], false);
    }
    std::set<uint64_t> cameras_seen;
    size_t screens_seen = 0;
    for (const auto& packet : video_of(eye)) {
      if (packet->fields().kind == MediaKind::screen) {
        ++screens_seen;
      } else {
        cameras_seen.insert(packet->fields().session_id);
      }
    }
    ck_assert_uint_eq(screens_seen, 14);
    return cameras_seen;
  };
  auto first = seen();
  ck_assert_uint_eq(first.size(), limits::kDefaultCameras);
  ck_assert(first.contains(senders[0]->id));
  ck_assert(!first.contains(senders[13]->id));
  // Who speaks comes in, for the last who did not.
  proto::MemberState speaking;
  speaking.set_video_enabled(true);
  speaking.set_speaking(true);
  world.state(*senders[13], speaking);
  for (int i = 0; i < 12; ++i) {
    world.advance(100ms);
    run_group(world, *senders[13], cameras[13], 1);
  }
  const auto second = seen();
  ck_assert_uint_eq(second.size(), limits::kDefaultCameras);
  ck_assert(second.contains(senders[13]->id));
  ck_assert(!second.contains(senders[8]->id));
}

VC_TEST(a_camera_turned_off_makes_room_and_is_not_shown_to_newcomers) {
  World world;
  Client& anna = world.join("anna");
  proto::MemberState state;
  state.set_video_enabled(true);
  world.state(anna, state);
  World::Stream camera;
  run_group(world, anna, camera, 3);
  state.set_video_enabled(false);
  world.state(anna, state);
  Client& bert = world.join("bert");
  ck_assert_uint_eq(video_of(bert).size(), 0);
  state.set_video_enabled(true);
  world.state(anna, state);
  run_group(world, anna, camera, 2);
  ck_assert_uint_eq(video_of(bert).size(), 2);
}

VC_TEST(eight_of_many_are_heard_by_all_and_nobody_hears_itself) {
  World world;
  std::vector<Client*> clients;
  for (int i = 0; i < 12; ++i)
    clients.push_back(&world.join("s" + std::to_string(i)));
  for (int round = 0; round < 50; ++round) {
    for (size_t i = 0; i < clients.size(); ++i)
      world.send_audio(*clients[i], i < 8 ? 20 : 90);
  }
  for (Client* client : clients) client->take();
  for (size_t i = 0; i < clients.size(); ++i)
    world.send_audio(*clients[i], i < 8 ? 20 : 90);
  for (Client* client : clients) {
    std::set<uint64_t> heard;
    for (const auto& packet : client->inbox)
      heard.insert(packet->fields().session_id);
    ck_assert_uint_eq(heard.size(), 8);
    ck_assert_uint_eq(client->inbox.size(), 8);
    ck_assert(!heard.contains(client->id));
  }
}

VC_TEST(who_resumes_gets_the_cached_group_again) {
  World world;
  Client& anna = world.join("anna");
  Client& bert = world.join("bert");
  World::Stream camera;
  run_group(world, anna, camera, 3);
  world.leave(bert, static_cast<CloseCode>(100));
  world.send_frame(anna, camera, false);
  Client& again = world.join("bert", {.session_id = bert.id, .resumes = true});
  ck_assert_uint_eq(video_of(again).size(), 4);
  world.send_frame(anna, camera, false);
  ck_assert_uint_eq(video_of(again).size(), 5);
}

VC_SUITE_MAIN("room/stage")
