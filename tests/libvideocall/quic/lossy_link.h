// SPDX-License-Identifier: MIT
// A server's channel that sends video and sound to a client's over a link that
// loses datagrams, on a clock that jumps: a minute takes some milliseconds.
#pragma once

#include <map>
#include <random>

#include "tests/libvideocall/quic/quic_pair.h"

namespace videocall::quic::testing {

struct LossyLinkConfig {
  CongestionControl congestion_control = kDefaultCongestionControl;
  double loss = 0;             // of what the server sends
  double loss_back = 0;        // of what the client sends
  Duration delay = 50ms;       // each way
  size_t frame_bytes = 1'250;  // 300 kbit/s
  uint32_t seed = 1;
};

// Counts of frames that were sent after the first second.
struct LossyLinkResult {
  size_t sent = 0;
  size_t came = 0;
  size_t in_time = 0;  // within 300 ms after they were due
  std::vector<Duration> latency;
};

class LossyLink {
 public:
  static constexpr Duration kInTime = 300ms;

  explicit LossyLink(const LossyLinkConfig& config)
      : config_(config),
        random_(config.seed),
        pair_(config.congestion_control, config.delay) {
    pair_.client_visitor.on_each = [this] { take(); };
  }

  bool open() {
    if (!pair_.open()) return false;
    pair_.sim.tamper = [this](bool to_server, std::vector<uint8_t>&) {
      return chance() >= (to_server ? config_.loss_back : config_.loss);
    };
    return true;
  }

  // Sends for so long: 30 frames a second, a group each second, and sound.
  LossyLinkResult stream(Duration duration) {
    const Time begin = pair_.sim.now;
    for (Time at = begin; at < begin + duration + 3s; at += 5ms)
      step(at, at < begin + duration);
    return count(begin + 1s);
  }
  // The same in steps of one's own, to be made until the time |at|.
  void step(Time at, bool sends) {
    if (begin_ == Time{}) begin_ = at;
    pair_.sim.run_for(at - pair_.sim.now);
    while (sends && begin_ + frames_ * Duration(1s) / 30 <= at)
      send_frame(frames_++);
    while (sends && begin_ + sounds_ * 20ms <= at) send_sound(sounds_++);
    pair_.flush();
  }

  Simulation& simulation() { return pair_.sim; }
  ChannelStats stats() const { return pair_.stats(); }

 private:
  double chance() {
    return std::uniform_real_distribution<double>(0, 1)(random_);
  }

  void send_frame(size_t number) {
    sent_[number] = pair_.sim.now;
    pair_.server().send(media({.group = 1 + number / 30,
                               .sequence = number,
                               .keyframe = number % 30 == 0,
                               .size = config_.frame_bytes}),
                        pair_.sim.now);
  }

  void send_sound(size_t number) {
    pair_.server().send(media({.kind = MediaKind::audio,
                               .sequence = number,
                               .keyframe = true,
                               .size = 160}),
                        pair_.sim.now);
  }

  void take() {
    const PacketFields& fields = pair_.client_visitor.packets.back()->fields();
    if (fields.type == PacketType::media && fields.kind == MediaKind::video)
      came_.emplace(fields.header.sequence, pair_.sim.now);
    pair_.client_visitor.packets.clear();
  }

  LossyLinkResult count(Time from) {
    LossyLinkResult result;
    for (const auto& [number, at] : sent_) {
      if (at < from) continue;
      ++result.sent;
      const auto found = came_.find(number);
      if (found == came_.end()) continue;
      ++result.came;
      result.latency.push_back(found->second - at);
      if (found->second - at <= kInTime + config_.delay) ++result.in_time;
    }
    return result;
  }

  const LossyLinkConfig config_;
  std::mt19937 random_;
  QuicPair pair_;
  Time begin_{};
  size_t frames_ = 0, sounds_ = 0;
  std::map<size_t, Time> sent_, came_;
};

}  // namespace videocall::quic::testing
