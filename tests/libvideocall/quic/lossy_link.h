// SPDX-License-Identifier: MIT
// A server's channel that sends video and sound to a client's over a link that
// loses datagrams, on a clock that jumps: a minute takes some milliseconds.
#pragma once

#include <map>
#include <random>

#include "libvideocall/quic/channel_link.h"
#include "tests/libvideocall/quic/channel_bench.h"
#include "tests/libvideocall/quic/simulation.h"

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
      : config_(config), random_(config.seed) {
    sim_.now = kStart;
    sim_.network.delay = config.delay;
    sim_.server_config.congestion_control = config.congestion_control;
    sim_.client_visitor = &link_;
    sim_.client_source = client_.get();
    sim_.server.decide = [this](Connection& connection, const ConnectRequest&) {
      server_->attach(connection.accept(*server_, *server_));
    };
    client_->set_connection_packet(control(PacketType::connection));
    client_visitor_.on_each = [this] { take(); };
  }

  bool open() {
    if (!sim_.connect()) return false;
    if (!sim_.run_until([this] { return !server_visitor_.packets.empty(); }))
      return false;
    server_->send(control(PacketType::session_assigned), sim_.now);
    server_->flush();
    sim_.tamper = [this](bool to_server, std::vector<uint8_t>&) {
      return chance() >= (to_server ? config_.loss_back : config_.loss);
    };
    return true;
  }

  // Sends for so long: 30 frames a second, a group each second, and sound.
  LossyLinkResult stream(Duration duration) {
    const Time begin = sim_.now;
    for (Time at = begin; at < begin + duration + 3s; at += 5ms)
      step(at, at < begin + duration);
    return count(begin + 1s);
  }
  // The same in steps of one's own, to be made until the time |at|.
  void step(Time at, bool sends) {
    if (begin_ == Time{}) begin_ = at;
    sim_.run_for(at - sim_.now);
    while (sends && begin_ + frames_ * Duration(1s) / 30 <= at)
      send_frame(frames_++);
    while (sends && begin_ + sounds_ * 20ms <= at) send_sound(sounds_++);
    for (Channel* channel : {server_.get(), client_.get()}) {
      if (channel->next_timer() <= sim_.now) channel->on_timer(sim_.now);
      channel->flush();
    }
  }

  Simulation& simulation() { return sim_; }
  ChannelStats stats() const { return server_->stats(sim_.now); }

 private:
  struct Link final : ChannelLink {
    explicit Link(LossyLink& l) : ChannelLink(l.client_), link(l) {}
    void on_established() override {
      link.client_->attach(*link.sim_.client.connection->session());
      link.client_->on_established();
    }
    LossyLink& link;
  };

  double chance() {
    return std::uniform_real_distribution<double>(0, 1)(random_);
  }

  void send_frame(size_t number) {
    sent_[number] = sim_.now;
    server_->send(media({.group = 1 + number / 30,
                         .sequence = number,
                         .keyframe = number % 30 == 0,
                         .size = config_.frame_bytes}),
                  sim_.now);
  }

  void send_sound(size_t number) {
    server_->send(media({.kind = MediaKind::audio,
                         .sequence = number,
                         .keyframe = true,
                         .size = 160}),
                  sim_.now);
  }

  void take() {
    const PacketFields& fields = client_visitor_.packets.back()->fields();
    if (fields.type == PacketType::media && fields.kind == MediaKind::video)
      came_.emplace(fields.header.sequence, sim_.now);
    client_visitor_.packets.clear();
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
  // Before the simulation, whose connections refer to them.
  Recorder server_visitor_, client_visitor_;
  std::unique_ptr<Channel> server_ =
      Channel::create(Channel::Role::server, server_visitor_, kStart);
  std::unique_ptr<Channel> client_ =
      Channel::create(Channel::Role::client, client_visitor_, kStart);
  Link link_{*this};
  Simulation sim_;
  Time begin_{};
  size_t frames_ = 0, sounds_ = 0;
  std::map<size_t, Time> sent_, came_;
};

}  // namespace videocall::quic::testing
