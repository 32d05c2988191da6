// SPDX-License-Identifier: MIT
// A room and the send queue of one viewer's session in a closed loop: the
// queue is emptied as fast as the viewer's link allows, and what it reports
// makes the room choose.
#include "libvideocall/quic/send_scheduler.h"
#include "tests/libvideocall/room/layered_camera.h"
#include "tests/support/fake_session.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::room;
using namespace videocall::room::testing;
using videocall::testing::FakeSession;

namespace {

constexpr auto kStep = LayeredCamera::kStep;

// The session of one viewer over a link of |bps|.
class Viewer {
 public:
  Viewer(World& world, Client& client, double bps)
      : bps(bps),
        world_(world),
        client_(client),
        session_(true),
        scheduler_(true) {
    session_.source = &scheduler_;
    session_.max_datagram = 1'200;
    session_.stream_credit = 100'000;
    scheduler_.attach(session_);
    scheduler_.set_control_stream(0);
  }

  void step(int tick) {
    const Time now = world_.now.mono;
    for (const PacketRef& packet : client_.take())
      ck_assert(scheduler_.push(packet, now).ok());
    tokens_ = std::min(tokens_ + bps / 8 * 0.01, 1'500.0 + bps / 8 * 0.01);
    if (scheduler_.next_timer() <= now) scheduler_.on_timer(now);
    const size_t sent =
        session_.pump(now, static_cast<size_t>(std::max(0.0, tokens_)));
    tokens_ -= static_cast<double>(sent);
    report_.bytes_sent += sent;
    report_.bytes_delivered = report_.bytes_sent;
    report_.packets_sent += (sent + 1'199) / 1'200;
    peak_bytes = std::max(peak_bytes, scheduler_.queued_bytes());
    for (const FakeSession::Sent& one : session_.log) take(one, now);
    session_.log.clear();
    if (tick % 20 == 0) report(now);
  }

  Client& client() { return client_; }

  double bps;
  size_t peak_bytes = 0;
  size_t audio = 0;
  uint64_t audio_gaps = 0;
  size_t frames = 0;
  int layer = kNoLayer;
  int changes = 0;     // of layer
  Duration longest{};  // between two frames, since watch_from
  Time watch_from = Time::max();

 private:
  // As a session's meter: of a link over which nothing goes it says nothing.
  void report(Time now) {
    if (std::exchange(reported_bytes_, report_.bytes_sent) ==
            report_.bytes_sent &&
        scheduler_.queued_bytes() == 0)
      return;
    report_.session = client_.handle;
    report_.dropped_video = scheduler_.dropped_video();
    report_.dropped_audio = scheduler_.dropped_audio();
    report_.queued_bytes = scheduler_.queued_bytes();
    const Time oldest = scheduler_.oldest();
    report_.queued_for = oldest < now ? now - oldest : Duration(0);
    report_.rtt = 50ms;
    world_.link(report_);
  }

  void take(const FakeSession::Sent& sent, Time now) {
    const PacketFields& fields = sent.packet->fields();
    if (fields.type != PacketType::media) return;
    if (fields.kind == MediaKind::audio) {
      if (audio++ > 0) audio_gaps += fields.header.sequence - last_audio_ - 1;
      last_audio_ = fields.header.sequence;
      return;
    }
    if (last_frame_ >= watch_from)
      longest = std::max<Duration>(longest, now - last_frame_);
    last_frame_ = now;
    ++frames;
    if (layer != fields.layer) ++changes;
    layer = fields.layer;
  }

  World& world_;
  Client& client_;
  FakeSession session_;
  quic::SendScheduler scheduler_;
  LinkReport report_;
  uint64_t reported_bytes_ = 0;
  double tokens_ = 0;
  uint64_t last_audio_ = 0;
  Time last_frame_{};
};

struct Scene {
  explicit Scene(double slow_bps, int others = 0)
      : anna(world.join("anna")), camera(world, anna) {
    for (int i = 0; i < others; ++i)
      crowd.push_back(&world.join("v" + std::to_string(i)));
    slow = std::make_unique<Viewer>(world, world.join("slow"), slow_bps);
  }
  void run(Duration duration) {
    for (Duration done{}; done < duration; done += kStep, ++tick) {
      camera.step(tick);
      slow->step(tick);
      if (slow_speaks && tick % 2 == 0)
        world.send_audio(slow->client(), 20, ++slow_spoke, 320);
      world.advance_smoothly(kStep);
      if (tick % 500 == 0) heartbeat();
      for (Client* client : crowd) {
        for (const PacketRef& packet : client->take()) {
          crowd_bytes += packet->size();
          ++crowd_packets;
        }
      }
    }
  }

  void heartbeat() {
    for (Client* client : crowd) world.state(*client, {});
    world.state(slow->client(), {});
  }

  World world;
  Client& anna;
  LayeredCamera camera;
  std::vector<Client*> crowd;
  std::unique_ptr<Viewer> slow;
  bool slow_speaks = false;
  uint64_t slow_spoke = 0;
  int tick = 0;
  uint64_t crowd_bytes = 0;
  size_t crowd_packets = 0;
};

}  // namespace

VC_TEST(on_200_kbits_audio_has_no_gap_and_low_video_goes_on) {
  Scene scene(200e3, 20);
  scene.run(5s);
  scene.slow->watch_from = scene.world.now.mono;
  const size_t frames = scene.slow->frames;
  scene.run(55s);
  Viewer& slow = *scene.slow;
  // But for what is still in flight.
  ck_assert_uint_ge(slow.audio + 5, scene.camera.audio_sent);
  ck_assert_uint_eq(slow.audio_gaps, 0);
  ck_assert_int_eq(slow.layer, 0);
  ck_assert_uint_ge(slow.frames - frames, 55 * 7);
  ck_assert_msg(slow.longest <= 500ms, "a freeze of %lld ms",
                static_cast<long long>(slow.longest / 1ms));
  ck_assert_uint_le(slow.peak_bytes, 2u << 20);
  // Nobody pays for it: few key frames beyond those that come anyway.
  ck_assert_uint_le(scene.camera.requests, 8);
}

// Its own 140 kbit/s of audio go the other way.
VC_TEST(who_speaks_is_sent_no_less_for_it) {
  Scene scene(200e3);
  scene.slow_speaks = true;
  scene.run(5s);
  scene.slow->watch_from = scene.world.now.mono;
  const size_t frames = scene.slow->frames;
  scene.run(30s);
  ck_assert_uint_ge(scene.slow->frames - frames, 30 * 7);
  ck_assert(scene.slow->longest <= 500ms);
}

VC_TEST(the_others_get_what_they_would_get_without_it) {
  Scene with(200e3, 20);
  Scene without(100e6, 20);
  for (Scene* scene : {&with, &without}) {
    scene->run(5s);
    scene->crowd_bytes = scene->crowd_packets = 0;
    scene->run(30s);
  }
  ck_assert_uint_eq(with.crowd_packets, without.crowd_packets);
  const auto ratio = static_cast<double>(with.crowd_bytes) /
                     static_cast<double>(without.crowd_bytes);
  ck_assert_double_ge(ratio, 0.97);
  ck_assert_double_le(ratio, 1.03);
}

VC_TEST(a_link_between_two_layers_does_not_flap) {
  for (const double bps : {400e3, 900e3, 2.2e6}) {
    Scene scene(bps);
    scene.run(10s);
    scene.slow->watch_from = scene.world.now.mono;
    const int changes = scene.slow->changes;
    scene.run(60s);
    ck_assert_uint_eq(scene.slow->audio_gaps, 0);
    ck_assert_int_le(scene.slow->changes - changes, 6);
    ck_assert_msg(scene.slow->longest <= 700ms, "a freeze of %lld ms at %g",
                  static_cast<long long>(scene.slow->longest / 1ms), bps);
  }
}

// Whatever the link does, as long as it carries the audio.
VC_TEST(audio_is_never_starved_by_video) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    std::mt19937_64 random(seed);
    Scene scene(5e6);
    for (int i = 0; i < 12; ++i) {
      constexpr double kRates[] = {100e3, 150e3, 300e3, 800e3, 2e6, 8e6};
      scene.slow->bps = kRates[random() % 6];
      scene.run(Duration((1 + random() % 6) * 1s));
    }
    ck_assert_uint_eq(scene.slow->audio_gaps, 0);
    ck_assert_uint_ge(scene.slow->audio + 10, scene.camera.audio_sent);
    ck_assert_uint_le(scene.slow->peak_bytes, 2u << 20);
  }
}

VC_TEST(a_link_that_recovers_gets_the_high_layer_back) {
  Scene scene(10e6);
  scene.run(5s);
  ck_assert_int_eq(scene.slow->layer, 2);
  scene.slow->watch_from = scene.world.now.mono;
  scene.slow->bps = 250e3;
  scene.run(15s);
  ck_assert_int_lt(scene.slow->layer, 2);
  scene.slow->bps = 10e6;
  scene.run(60s);
  ck_assert_int_eq(scene.slow->layer, 2);
  ck_assert_uint_eq(scene.slow->audio_gaps, 0);
  ck_assert_msg(scene.slow->longest <= 1000ms, "a freeze of %lld ms",
                static_cast<long long>(scene.slow->longest / 1ms));
}

// A camera of one size and no sound, as a robot has: while the viewer gets no
// picture, nothing at all goes over its link.
VC_TEST(who_lost_all_pictures_to_a_hiccup_has_them_back_within_seconds) {
  for (const bool mute : {true, false}) {
    Scene scene(10e6);
    scene.camera.keep_only(2);
    scene.camera.mute = mute;
    scene.run(5s);
    scene.slow->watch_from = scene.world.now.mono;
    scene.slow->bps = 100;
    scene.run(1500ms);
    scene.slow->bps = 10e6;
    scene.run(10s);
    ck_assert_msg(scene.slow->longest <= 5s, "dark for %lld ms, mute %d",
                  static_cast<long long>(scene.slow->longest / 1ms), mute);
    const size_t frames = scene.slow->frames;
    scene.run(10s);
    ck_assert_uint_ge(scene.slow->frames - frames, 10 * 30);
  }
}

// Not so often that its sound suffers.
VC_TEST(a_picture_that_does_not_fit_is_tried_ever_more_rarely) {
  Scene scene(200e3);
  scene.camera.keep_only(2);
  scene.run(20s);
  const size_t frames = scene.slow->frames;
  scene.run(100s);
  ck_assert_uint_le(scene.slow->frames - frames, 100 * 33 / 10);
  ck_assert_uint_eq(scene.slow->audio_gaps, 0);
}

VC_SUITE_MAIN("room/slow_viewer")
