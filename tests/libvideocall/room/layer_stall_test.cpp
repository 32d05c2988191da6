// SPDX-License-Identifier: MIT
// A layer stops while others of the same picture flow: whoever gets it is moved
// at once, and back when it returns.
#include <random>

#include "tests/libvideocall/room/world.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::room;
using namespace videocall::room::testing;

namespace {

constexpr Duration kFrame = 33ms;
constexpr int kGroup = 60;
constexpr Time kLongAgo{};

// A camera of three layers, and somebody who looks at it.
class Scene {
 public:
  explicit Scene(uint32_t height = 720) : anna(world.join("anna")) {
    bert = &world.join("bert");
    for (uint8_t i = 0; i < kLayers; ++i)
      streams[i] = {.layer = i, .height = 180u << i, .bytes = 100};
    world.view(*bert, {{anna.id, MediaKind::video, height}});
  }

  // A frame of every layer that is on.
  void frame() {
    for (uint8_t i = 0; i < kLayers; ++i)
      if (on[i]) send(i, frames_ % kGroup == 0 || restart_[i]);
    ++frames_;
    pass(kFrame);
  }
  void run(Duration duration) {
    for (Duration done{}; done < duration; done += kFrame) frame();
  }
  // The layer comes back, with a key frame as an encoder that begins anew.
  void restart(uint8_t layer) {
    on[layer] = true;
    restart_[layer] = true;
  }
  void send(uint8_t layer, bool keyframe) {
    restart_[layer] = false;
    world.send_frame(anna, streams[layer], keyframe);
    look();
  }
  void pass(Duration duration) {
    world.advance_smoothly(duration);
    look();
  }
  size_t keyframe_requests() {
    const size_t count = anna.of(PacketType::keyframe_request).size();
    anna.take();
    return count;
  }

  World world;
  Client& anna;
  Client* bert;
  std::array<World::Stream, kLayers> streams;
  std::array<bool, kLayers> on{true, true, true};
  // What bert sees.
  int layer = kNoLayer;
  size_t pictures = 0;
  Duration longest_gap{};  // between two pictures

 private:
  void look() {
    for (const PacketRef& packet : bert->take()) {
      const PacketFields& fields = packet->fields();
      if (fields.type != PacketType::media) continue;
      const MediaHeader& header = fields.header;
      if (header.keyframe) {
        layer = fields.layer;
        group_ = header.group;
      } else {
        ck_assert_msg(fields.layer == layer, "two layers mixed");
        ck_assert_msg(header.group == group_, "not this key frame's");
        ck_assert_msg(header.sequence == sequence_ + 1, "a frame is missing");
      }
      sequence_ = header.sequence;
      ++pictures;
      if (last_ != kLongAgo)
        longest_gap = std::max<Duration>(longest_gap, world.now.mono - last_);
      last_ = world.now.mono;
    }
  }

  int frames_ = 0;
  std::array<bool, kLayers> restart_{};
  uint64_t group_ = 0;
  uint64_t sequence_ = 0;
  Time last_ = kLongAgo;
};

}  // namespace

VC_TEST(viewers_of_a_layer_that_stops_are_moved_at_once) {
  Scene scene;
  scene.run(3s);
  ck_assert_int_eq(scene.layer, 2);
  scene.keyframe_requests();
  scene.on[2] = false;
  scene.run(1s);
  ck_assert_int_eq(scene.layer, 1);
  ck_assert_msg(scene.longest_gap <= 400ms, "frozen for %lld ms",
                static_cast<long long>(scene.longest_gap / 1ms));
  // By the cached group: the sender was asked for nothing.
  ck_assert_uint_eq(scene.keyframe_requests(), 0);
}

VC_TEST(they_come_back_with_its_next_key_frame) {
  Scene scene;
  scene.run(3s);
  scene.on[2] = false;
  scene.run(1s);
  scene.restart(2);
  scene.frame();
  ck_assert_int_eq(scene.layer, 2);
  scene.run(3s);
  ck_assert_int_eq(scene.layer, 2);
  ck_assert(scene.longest_gap <= 400ms);
}

VC_TEST(they_come_back_without_one_when_it_has_flowed_for_a_while) {
  Scene scene;
  for (uint8_t i = 0; i < kLayers; ++i) scene.send(i, true);
  const auto run = [&](Duration duration) {
    for (Duration done{}; done < duration; done += kFrame) {
      for (uint8_t i = 0; i < kLayers; ++i)
        if (scene.on[i]) scene.send(i, false);
      scene.pass(kFrame);
    }
  };
  run(1s);
  ck_assert_int_eq(scene.layer, 2);
  scene.on[2] = false;
  run(500ms);
  ck_assert_int_eq(scene.layer, 1);
  scene.on[2] = true;
  run(500ms);
  ck_assert_int_eq(scene.layer, 1);
  run(1s);
  ck_assert_int_eq(scene.layer, 2);
}

VC_TEST(the_lowest_layer_may_stop_as_well) {
  Scene scene(180);
  scene.run(3s);
  ck_assert_int_eq(scene.layer, 0);
  scene.on[0] = false;
  scene.run(1s);
  ck_assert_int_eq(scene.layer, 1);
  ck_assert(scene.longest_gap <= 400ms);
  scene.restart(0);
  scene.run(3s);
  ck_assert_int_eq(scene.layer, 0);
}

VC_TEST(all_but_one_may_stop) {
  Scene scene;
  scene.run(3s);
  scene.on = {true, false, false};
  scene.run(1s);
  ck_assert_int_eq(scene.layer, 0);
  ck_assert(scene.longest_gap <= 400ms);
}

VC_TEST(where_the_cached_group_is_too_large_a_lower_one_helps_out) {
  Scene scene;
  scene.streams[1].bytes = limits::kMaxSwitchBurstBytes / 2;
  scene.run(3s);
  ck_assert_int_eq(scene.layer, 2);
  scene.keyframe_requests();
  scene.on[2] = false;
  scene.run(500ms);
  ck_assert_int_eq(scene.layer, 0);
  ck_assert(scene.longest_gap <= 400ms);
  ck_assert_uint_eq(scene.keyframe_requests(), 1);
  scene.send(1, true);
  ck_assert_int_eq(scene.layer, 1);
}

VC_TEST(its_sender_is_not_told_that_nobody_wants_it) {
  Scene scene(180);
  scene.run(3s);
  scene.anna.take();
  scene.on[0] = false;
  scene.run(4s);
  for (const PacketRef& packet : scene.anna.of(PacketType::layer_hint)) {
    proto::LayerHint hint;
    ck_assert(hint.ParseFromString(text_of(packet->fields().data)));
    const auto& layers = hint.entries(0).requested_layers();
    ck_assert(std::find(layers.begin(), layers.end(), 0) != layers.end());
  }
}

VC_TEST(a_pause_of_all_layers_moves_nobody) {
  Scene scene;
  scene.run(3s);
  // The uplink stood still; what it held comes layer by layer.
  scene.pass(2s);
  for (uint8_t layer = 0; layer < kLayers; ++layer)
    for (int i = 0; i < 30; ++i) scene.send(layer, false);
  ck_assert_int_eq(scene.layer, 2);
}

VC_TEST(a_slow_camera_moves_nobody) {
  Scene scene;
  for (uint8_t i = 0; i < kLayers; ++i) scene.send(i, true);
  for (int i = 0; i < 50; ++i) {
    // Five frames a second, and the large layer late by half of that.
    scene.send(0, false);
    scene.send(1, false);
    scene.pass(i % 2 == 0 ? 100ms : 20ms);
    scene.send(2, false);
    scene.pass(i % 2 == 0 ? 100ms : 180ms);
    ck_assert_int_eq(scene.layer, 2);
  }
}

// Whatever stops and returns whenever: what is seen can be decoded (look()
// checks that), and while a layer flows nobody waits long.
VC_TEST(layers_that_stop_at_random_never_tear_or_freeze_a_picture) {
  size_t pictures = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    Scene scene;
    scene.run(1s);
    for (int step = 0; step < 150; ++step) {
      const auto layer = static_cast<uint8_t>(random() % kLayers);
      if (scene.on[layer]) {
        const auto flowing = std::count(scene.on.begin(), scene.on.end(), true);
        if (flowing > 1) scene.on[layer] = false;
      } else {
        scene.restart(layer);
      }
      scene.run(Duration(random() % 1500 * 1ms));
    }
    ck_assert_msg(scene.longest_gap <= 800ms, "frozen for %lld ms",
                  static_cast<long long>(scene.longest_gap / 1ms));
    pictures += scene.pictures;
  }
  ck_assert_uint_gt(pictures, 20'000);
}

VC_SUITE_MAIN("room/layer_stall")
