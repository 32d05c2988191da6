// SPDX-License-Identifier: MIT
// What senders are told of the layers that anybody wants.
#include "tests/libvideocall/room/world.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::room;
using namespace videocall::room::testing;

namespace {

using Layers = std::vector<uint32_t>;

// The hints that |client| got since the last call, oldest first.
std::vector<Layers> hints(Client& client) {
  std::vector<Layers> found;
  for (const PacketRef& packet : client.of(PacketType::layer_hint)) {
    proto::LayerHint message;
    ck_assert(message.ParseFromString(text_of(packet->fields().data)));
    ck_assert_int_eq(message.entries_size(), 1);
    const auto& entry = message.entries(0);
    ck_assert_int_eq(entry.media_kind(), proto::MEDIA_KIND_VIDEO);
    found.emplace_back(entry.requested_layers().begin(),
                       entry.requested_layers().end());
  }
  client.take();
  return found;
}

// A sender of three layers that obeys its hints.
class Camera {
 public:
  Camera(World& world, Client& client) : world_(world), client_(client) {
    for (uint8_t i = 0; i < 3; ++i)
      streams_[i] = {.layer = i, .height = 180u << i};
  }
  // The same sender on a new session: its numbers go on.
  Camera(const Camera& before, Client& client)
      : world_(before.world_), client_(client), streams_(before.streams_) {}
  void frame() {
    for (const PacketRef& packet : client_.of(PacketType::layer_hint)) {
      proto::LayerHint message;
      ck_assert(message.ParseFromString(text_of(packet->fields().data)));
      std::array<bool, 3> wanted{};
      for (const uint32_t layer : message.entries(0).requested_layers())
        wanted[layer] = true;
      for (size_t i = 0; i < 3; ++i) {
        if (wanted[i] && !on_[i]) left_[i] = 0;
        on_[i] = wanted[i];
      }
    }
    requests += client_.of(PacketType::keyframe_request).size();
    last_hints.clear();
    for (const auto& hint : hints(client_)) last_hints.push_back(hint);
    for (size_t i = 0; i < 3; ++i) {
      if (!on_[i]) continue;
      world_.send_frame(client_, streams_[i], left_[i] == 0);
      left_[i] = left_[i] == 0 ? 39 : left_[i] - 1;
    }
  }
  void run(Duration duration) {
    for (Duration done{}; done < duration; done += 100ms) {
      frame();
      all_hints.insert(all_hints.end(), last_hints.begin(), last_hints.end());
      world_.advance(100ms);
    }
  }

  std::vector<Layers> last_hints;
  std::vector<Layers> all_hints;
  size_t requests = 0;

 private:
  World& world_;
  Client& client_;
  std::array<World::Stream, 3> streams_;
  std::array<bool, 3> on_{true, true, true};
  std::array<int, 3> left_{};
};

}  // namespace

VC_TEST(what_nobody_wants_is_not_encoded_and_what_is_wanted_again_comes_soon) {
  World world;
  Client& anna = world.join("anna");
  Client& bert = world.join("bert");
  Camera camera(world, anna);
  world.view(bert, {{anna.id, MediaKind::video, 180}});
  camera.run(4s);
  ck_assert(camera.all_hints.empty());  // not so soon
  camera.run(8s);
  ck_assert(camera.all_hints == std::vector<Layers>({{0}}));
  camera.run(
      10s);  // long enough for the others to be forgotten, were they lost
  bert.take();
  camera.all_hints.clear();
  // The tile grows: the hint goes out at once, and with the sender's next
  // frame the viewer has the layer.
  world.view(bert, {{anna.id, MediaKind::video, 720}});
  ck_assert_uint_eq(anna.of(PacketType::layer_hint).size(), 1);
  camera.frame();
  ck_assert_uint_eq(bert.inbox.back()->fields().layer, 2);
  ck_assert(bert.inbox.back()->fields().header.keyframe);
  camera.run(10s);
  ck_assert(camera.all_hints == std::vector<Layers>({{2}}));
  ck_assert_uint_eq(bert.inbox.back()->fields().layer, 2);
}

VC_TEST(alone_a_sender_encodes_nothing_and_a_newcomer_has_a_picture_soon) {
  World world;
  Client& anna = world.join("anna");
  Camera camera(world, anna);
  camera.run(20s);
  ck_assert(camera.all_hints == std::vector<Layers>({Layers{}}));
  Client& bert = world.join("bert");
  // Nothing old is shown that would stand still.
  ck_assert_uint_eq(bert.of(PacketType::media).size(), 0);
  camera.frame();
  ck_assert_uint_eq(bert.of(PacketType::media).size(), 1);
  ck_assert(bert.of(PacketType::media)[0]->fields().header.keyframe);
}

VC_TEST(a_viewer_who_comes_back_soon_finds_the_layer_there) {
  World world;
  Client& anna = world.join("anna");
  Client& bert = world.join("bert");
  Camera camera(world, anna);
  camera.run(1s);
  for (int i = 0; i < 5; ++i) {
    world.view(bert, {});
    camera.run(3s);
    world.view(bert, {{anna.id, MediaKind::video, 720}});
    camera.run(3s);
  }
  for (const Layers& hint : camera.all_hints)
    ck_assert(std::find(hint.begin(), hint.end(), 2u) != hint.end());
}

// The page begins with the lowest layer and waits to be asked for more.
VC_TEST(higher_layers_than_were_seen_are_asked_for_where_tiles_are_large) {
  World world;
  Client& anna = world.join("anna");
  Client& bert = world.join("bert");
  World::Stream low{.layer = 0, .height = 180};
  world.view(bert, {{anna.id, MediaKind::video, 180}});
  for (int i = 0; i < 100; ++i) {
    world.send_frame(anna, low, i % 30 == 0);
    world.advance(100ms);
  }
  ck_assert(hints(anna) == std::vector<Layers>({{0}}));
  world.view(bert, {{anna.id, MediaKind::video, 700}});
  ck_assert(hints(anna) == std::vector<Layers>({{0, 1, 2}}));
}

VC_TEST(a_sender_that_lost_a_layer_is_not_held_to_it) {
  World world;
  Client& anna = world.join("anna");
  Client& bert = world.join("bert");
  Camera camera(world, anna);
  world.view(bert, {{anna.id, MediaKind::video, 720}});
  camera.run(12s);
  ck_assert(camera.all_hints == std::vector<Layers>({{2}}));
  hints(anna);
  world.advance(7s);  // it sends nothing, although layer 2 is wanted
  const auto told = hints(anna);
  ck_assert_uint_ge(told.size(), 1);
  ck_assert(told.front() == Layers({0, 1, 2}));
}

VC_TEST(after_the_camera_was_off_all_layers_count_as_wanted) {
  World world;
  Client& anna = world.join("anna");
  proto::MemberState state;
  state.set_video_enabled(true);
  world.state(anna, state);
  Camera camera(world, anna);
  camera.run(10s);
  ck_assert(camera.all_hints == std::vector<Layers>({Layers{}}));
  state.set_video_enabled(false);
  world.state(anna, state);
  world.advance(10s);
  ck_assert(hints(anna) == std::vector<Layers>({{0, 1, 2}}));
}

VC_TEST(a_sender_that_resumes_is_told_again) {
  World world;
  Client& anna = world.join("anna");
  Client& bert = world.join("bert");
  Camera camera(world, anna);
  world.view(bert, {{anna.id, MediaKind::video, 180}});
  camera.run(10s);
  ck_assert_uint_eq(camera.all_hints.size(), 1);
  Client& again = world.join("anna", {.session_id = anna.id, .resumes = true});
  Camera anew(camera, again);
  anew.run(10s);
  ck_assert(anew.all_hints == std::vector<Layers>({{0}}));
}

// 500 come in a second while nothing is cached.
VC_TEST(five_hundred_joins_in_a_second_cost_one_request) {
  World world;
  Client& anna = world.join("anna");
  World::Stream camera{.bytes = 1000};
  for (int i = 0; i < 120; ++i) {  // a group older than the cache keeps
    world.send_frame(anna, camera, i == 0);
    world.advance(100ms);
  }
  anna.take();
  std::vector<Client*> viewers;
  size_t requests = 0;
  int answered_in = -1;
  for (int i = 0; i < 500; ++i) {
    viewers.push_back(&world.join("v" + std::to_string(i)));
    if (i % 50 == 49) world.advance(100ms);
    const size_t asked = anna.of(PacketType::keyframe_request).size();
    anna.take();
    requests += asked;
    if (asked > 0) answered_in = 100;  // an encoder takes its time
    if (answered_in > 0) --answered_in;
    if (i % 17 == 0 && answered_in != 0) world.send_frame(anna, camera, false);
    if (answered_in == 0) {
      world.send_frame(anna, camera, true);
      answered_in = -1;
    }
  }
  ck_assert_uint_eq(requests, 1);
  for (Client* viewer : viewers) {
    const auto got = viewer->of(PacketType::media);
    ck_assert_uint_ge(got.size(), 1);
    ck_assert(got[0]->fields().header.keyframe);
  }
}

VC_SUITE_MAIN("room/layer_hint")
