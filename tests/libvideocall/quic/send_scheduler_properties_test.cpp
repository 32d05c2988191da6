// SPDX-License-Identifier: MIT
// What holds of the send scheduler under random load on a random link.
#include "libvideocall/quic/send_scheduler.h"

#include <map>
#include <random>
#include <set>
#include <tuple>
#include <vector>

#include "tests/libvideocall/quic/send_scheduler_rig.h"

using namespace videocall;
using namespace videocall::quic;
using namespace videocall::quic::testing;

namespace {

struct Sender {
  uint64_t session = 0;
  uint64_t group = 0;
  uint64_t sequence = 0;
  int frame = 0;
  int temporal_layers = 1;
};

// What must hold of every stream: one track and group, the key frame first,
// sequences rising, and of the base layer no hole.
class StreamRules {
 public:
  void pushed(const PacketRef& packet) {
    const auto& fields = packet->fields();
    if (fields.kind != MediaKind::video || fields.header.temporal_id != 0)
      return;
    base_[{fields.session_id, fields.header.group}].push_back(
        fields.header.sequence);
  }

  void check(const FakeSession& session) {
    for (const auto& [id, stream] : session.streams) {
      if (id % 4 != 3) continue;
      const auto packets = session.packets_on(id);
      if (packets.empty()) continue;
      const auto& first = packets[0]->fields();
      ck_assert(first.header.keyframe);
      uint64_t last = 0;
      std::vector<uint64_t> base;
      for (const auto& packet : packets) {
        const auto& fields = packet->fields();
        ck_assert_uint_eq(fields.session_id, first.session_id);
        ck_assert_uint_eq(fields.header.group, first.header.group);
        ck_assert_uint_gt(fields.header.sequence, last);
        last = fields.header.sequence;
        if (fields.header.temporal_id == 0) base.push_back(last);
      }
      const auto& wanted = base_.at({first.session_id, first.header.group});
      ck_assert_uint_le(base.size(), wanted.size());
      ck_assert(std::equal(base.begin(), base.end(), wanted.begin()));
      // One stream per group: no group has two.
      ck_assert(
          seen_.insert({id, first.session_id, first.header.group}).second);
      ck_assert(groups_.insert({first.session_id, first.header.group}).second);
    }
  }

 private:
  std::map<std::pair<uint64_t, uint64_t>, std::vector<uint64_t>> base_;
  std::set<std::tuple<StreamId, uint64_t, uint64_t>> seen_;
  std::set<std::pair<uint64_t, uint64_t>> groups_;
};

PacketRef next_frame(Sender& sender, std::mt19937& random) {
  static constexpr uint8_t kL1T3[] = {0, 2, 1, 2};
  const bool keyframe = sender.frame == 0 || random() % 40 == 0;
  if (keyframe) {
    ++sender.group;
    sender.frame = 0;
  }
  MediaSpec spec;
  spec.session = sender.session;
  spec.group = sender.group;
  spec.sequence = ++sender.sequence;
  spec.keyframe = keyframe;
  spec.temporal_id =
      sender.temporal_layers == 3 ? kL1T3[sender.frame % 4] : uint8_t{0};
  spec.size = keyframe ? 3'000 + random() % 60'000 : 200 + random() % 6'000;
  ++sender.frame;
  return media(spec);
}

void check_bounds(const Rig& rig) {
  ck_assert_uint_le(rig.scheduler.queued_bytes(),
                    limits::kMaxSendQueueBytes + limits::kMaxControlQueueBytes);
  if (rig.scheduler.empty()) return;
  // A second and the largest delay after it, and a tick to notice; what has
  // begun to go out is finished at the pace of the link.
  ck_assert(rig.now - rig.scheduler.oldest() < 5s);
}

void run_random_load(uint32_t seed) {
  std::mt19937 random(seed);
  Rig rig;
  StreamRules rules;
  std::vector<Sender> senders(1 + random() % 12);
  for (size_t i = 0; i < senders.size(); ++i) {
    senders[i].session = 100 + i;
    senders[i].temporal_layers = random() % 2 ? 3 : 1;
  }
  uint64_t audio_sequence = 0;
  size_t rate = 1 + random() % 30'000;  // bytes per ms / 10
  rig.session.stream_window = random() % 3 ? SIZE_MAX : 20'000;
  rig.session.stream_credit = 5 + random() % 50;
  size_t audio_sent = 0;
  for (int step = 0; step < 1'500; ++step, rig.now += 10ms) {
    if (step % 3 == 0)
      for (Sender& sender : senders) {
        if (random() % 20 == 0) continue;  // lost on the way to us
        const PacketRef packet = next_frame(sender, random);
        rules.pushed(packet);
        rig.push(packet);
      }
    if (step % 2 == 0) rig.push(audio(++audio_sequence));
    if (random() % 200 == 0) rate = 1 + random() % 30'000;
    if (random() % 50 == 0) rig.session.add_stream_credit(random() % 10);
    if (random() % 10 == 0 && !rig.session.streams.empty()) {
      auto it = rig.session.streams.begin();
      std::advance(it, random() % rig.session.streams.size());
      if (it->second.window != SIZE_MAX)
        rig.session.set_window(it->first, it->second.sent.size() + 50'000);
    }
    if (random() % 300 == 0 && rig.session.streams.count(3))
      rig.scheduler.stream_stopped(3);
    if (rig.now >= rig.scheduler.next_timer()) rig.scheduler.on_timer(rig.now);
    // Room for a tick of audio at least: audio must never wait then.
    rig.session.pump(rig.now, std::max<size_t>(rate, 1'000));
    check_bounds(rig);
  }
  for (const auto& sent : rig.session.log)
    audio_sent += sent.packet->fields().kind == MediaKind::audio;
  ck_assert_uint_eq(audio_sent, audio_sequence);
  ck_assert_uint_eq(rig.scheduler.dropped_audio(), 0);
  rules.check(rig.session);
}

}  // namespace

VC_TEST(rules_hold_under_random_load) {
  for (uint32_t seed = 1; seed <= 60; ++seed) run_random_load(seed);
}

VC_TEST(stalled_peer_costs_no_more_than_the_limits) {
  std::mt19937 random(7);
  Rig rig;
  std::vector<Sender> senders(64);
  for (size_t i = 0; i < senders.size(); ++i) senders[i].session = 1 + i;
  for (int step = 0; step < 300; ++step, rig.now += 33ms) {
    for (Sender& sender : senders) rig.push(next_frame(sender, random));
    for (uint64_t i = 0; i < 8; ++i)
      rig.push(audio(static_cast<uint64_t>(step), 900));
    ck_assert_uint_le(rig.scheduler.queued_bytes(), limits::kMaxSendQueueBytes);
    ck_assert(rig.now - rig.scheduler.oldest() <=
              limits::kMaxKeyframeQueueDelay + limits::kSendQueueTick);
    if (rig.now >= rig.scheduler.next_timer()) rig.scheduler.on_timer(rig.now);
  }
}

VC_SUITE_MAIN("quic/send_scheduler_properties")
