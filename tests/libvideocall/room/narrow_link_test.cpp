// SPDX-License-Identifier: MIT
// A room, QUIC and a viewer's link that becomes narrow in the middle of a call,
// in a closed loop on a fake clock: what waits in the network, what the
// transport makes of it, and what the room chooses then. Nobody may see the
// picture freeze for long.
#include <optional>

#include "libvideocall/quic/impaired_link.h"
#include "tests/libvideocall/quic/quic_pair.h"
#include "tests/libvideocall/room/layered_camera.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::room;
using namespace videocall::room::testing;
using videocall::quic::CongestionControl;
using videocall::quic::ImpairedLink;
using videocall::quic::Impairment;
using videocall::quic::testing::QuicPair;

namespace {

constexpr auto kStep = LayeredCamera::kStep;
constexpr Duration kDelay = 20ms;  // each way

// A viewer behind a bottleneck that queues for 250 ms.
class Viewer {
 public:
  Viewer(World& world, Client& client, CongestionControl congestion_control)
      : world_(world),
        client_(client),
        pair_(congestion_control, kDelay, world.now.mono) {
    pair_.client_visitor.on_each = [this] { take(); };
    ck_assert(pair_.open());
    pair_.sim.tamper = [this](bool to_server, std::vector<uint8_t>& datagram) {
      pair_.sim.network.delay = kDelay;
      if (to_server || !bottleneck_) return true;
      const Time out = bottleneck_->carry(datagram.size(), pair_.sim.now);
      if (out == Time::max()) return false;
      pair_.sim.network.delay += out - pair_.sim.now;
      return true;
    };
  }

  Time now() const { return pair_.sim.now; }

  // 0: as wide as it gets.
  void set_bps(uint64_t bps) {
    if (bps == 0)
      bottleneck_.reset();
    else
      bottleneck_.emplace(Impairment{.bits_per_second = bps});
  }

  void step(int tick) {
    for (const PacketRef& packet : client_.take())
      pair_.server().send(packet, pair_.sim.now);
    pair_.run_until(world_.now.mono);
    if (tick % 20 != 0) return;
    LinkReport report = pair_.stats().report(client_.handle);
    if (std::exchange(reported_, report.bytes_sent) == report.bytes_sent &&
        report.queued_bytes == 0)
      return;
    world_.link(report);
  }

  void watch() {
    watch_from_ = world_.now.mono;
    longest = {};
    frames = audio = audio_gaps = 0;
  }

  int layer = kNoLayer;
  size_t frames = 0;
  size_t audio = 0;
  uint64_t audio_gaps = 0;
  Duration longest{};  // between two frames that can be shown

 private:
  void take() {
    const PacketRef packet = pair_.client_visitor.packets.back();
    pair_.client_visitor.packets.clear();
    const PacketFields& fields = packet->fields();
    if (fields.type != PacketType::media) return;
    const Time now = pair_.sim.now;
    if (fields.kind == MediaKind::audio) {
      if (last_audio_ > 0 && fields.header.sequence > last_audio_)
        audio_gaps += fields.header.sequence - last_audio_ - 1;
      last_audio_ = std::max(last_audio_, fields.header.sequence);
      ++audio;
      return;
    }
    if (fields.header.keyframe) {
      layer = fields.layer;
      group_ = fields.header.group;
    }
    if (fields.layer != layer || fields.header.group != group_) return;
    if (last_frame_ >= watch_from_)
      longest = std::max<Duration>(longest, now - last_frame_);
    last_frame_ = now;
    ++frames;
  }

  World& world_;
  Client& client_;
  QuicPair pair_;
  std::optional<ImpairedLink> bottleneck_;
  uint64_t reported_ = 0;
  uint64_t group_ = 0;
  uint64_t last_audio_ = 0;
  Time last_frame_{};
  Time watch_from_ = Time::max();
};

struct Scene {
  explicit Scene(CongestionControl congestion_control)
      : anna(world.join("anna")),
        camera(world, anna),
        ben(world.join("ben")),
        viewer(world, ben, congestion_control) {
    world.now.mono = viewer.now();
  }
  void run(Duration duration) {
    for (Duration done{}; done < duration; done += kStep, ++tick) {
      camera.step(tick);
      world.advance_smoothly(kStep);
      viewer.step(tick);
      if (tick % 500 == 0) world.state(ben, {});
    }
  }

  World world;
  Client& anna;
  LayeredCamera camera;
  Client& ben;
  Viewer viewer;
  int tick = 0;
};

// How long the picture stood still at most in each of some runs that begin at
// different places of a group.
struct Freezes {
  Duration mean{}, worst{};
  void add(Duration freeze, int runs) {
    mean += freeze / runs;
    worst = std::max(worst, freeze);
  }
};

long ms(Duration duration) {
  return static_cast<long>(duration / 1ms);
}

}  // namespace

// Its three layers of 150 kbit/s, 500 kbit/s and 1.5 Mbit/s went over it until
// then. The aim is 500 ms; but a key frame of 31 kB that is on its way takes a
// second of 250 kbit/s, and what the full queue drops comes again.
VC_TEST(a_link_that_becomes_narrow_freezes_the_picture_but_shortly) {
  struct Case {
    uint64_t bps;
    Duration bound;
  };
  constexpr Duration kPhases[] = {0ms, 300ms, 600ms, 900ms, 1'200ms, 1'800ms};
  for (const CongestionControl control :
       {CongestionControl::cubic, CongestionControl::bbr}) {
    for (const auto& [bps, bound] : {Case{250'000, 2'500ms},
                                     {400'000, 2'200ms},
                                     {800'000, 1'400ms},
                                     {1'200'000, 1'000ms}}) {
      Freezes narrow, wide;
      for (const Duration phase : kPhases) {
        Scene scene(control);
        scene.run(6s + phase);
        ck_assert_int_eq(scene.viewer.layer, 2);
        scene.viewer.watch();
        scene.viewer.set_bps(bps);
        scene.run(20s);
        narrow.add(scene.viewer.longest, std::size(kPhases));
        ck_assert_uint_ge(scene.viewer.frames, 20 * 5);
        ck_assert_uint_le(scene.viewer.audio_gaps, 1'000 / 10);
        scene.viewer.watch();
        scene.viewer.set_bps(0);
        scene.run(40s);
        wide.add(scene.viewer.longest, std::size(kPhases));
        ck_assert_int_eq(scene.viewer.layer, 2);
        ck_assert_uint_le(scene.viewer.audio_gaps, 2'000 / 50);
      }
      // docs/performance.md quotes these.
      printf(
          "%s, %lu kbit/s: mean %ld ms, worst %ld ms; wide again: %ld, %ld\n",
          control == CongestionControl::cubic ? "cubic" : "bbr",
          static_cast<unsigned long>(bps / 1'000), ms(narrow.mean),
          ms(narrow.worst), ms(wide.mean), ms(wide.worst));
      ck_assert(narrow.worst <= bound);
      ck_assert(wide.worst <= 700ms);
    }
  }
}

// Sound with the two frames before repeated, as browsers send it, takes 160 of
// 250 kbit/s, and the least picture 60: there is no room for any margin.
VC_TEST(what_the_sound_leaves_is_enough_for_a_picture) {
  for (const Duration phase : {0ms, 700ms, 1'400ms}) {
    Scene scene(CongestionControl::cubic);
    scene.camera.audio_bytes = 360;
    scene.run(6s + phase);
    scene.viewer.watch();
    scene.viewer.set_bps(250'000);
    scene.run(30s);
    printf("with sound: longest %ld ms, %zu frames\n", ms(scene.viewer.longest),
           scene.viewer.frames);
    ck_assert(scene.viewer.longest <= 3s);
    ck_assert_uint_ge(scene.viewer.frames, 30 * 5);
  }
}

VC_SUITE_MAIN("room/narrow_link")
