// SPDX-License-Identifier: MIT
#include "plugins/websocket/websocketcaller.h"

#include "libvideocall/quic/connection_packet.h"

namespace videocall::websocket {
namespace {

constexpr auto kStatsInterval = 100ms;
constexpr size_t kMaxEarlyPackets = 64;  // the rest waits for nobody

}  // namespace

Result<std::shared_ptr<quic::Endpoint>> Caller::open(
    quic::EndpointConfig config) {
  auto url = quic::MeetingUrl::parse_websocket(config.url);
  if (!url) return url.error();
  return std::shared_ptr<quic::Endpoint>(
      std::make_shared<Caller>(std::move(config), *std::move(url)));
}

Caller::Caller(quic::EndpointConfig config, quic::MeetingUrl url)
    : Loop(config.number), config_(std::move(config)), url_(std::move(url)) {}

Caller::~Caller() {
  if (outcome_ && outcome_->stream) g_object_unref(outcome_->stream);
  if (dial_) dial_->cancel();
  close_peers(CloseCode::left, [this] { return dial_ && dial_->busy(); });
}

// -- The loop -----------------------------------------------------------------

Result<void> Caller::run_once(unsigned shard, quic::ShardVisitor& visitor,
                              Duration timeout) {
  if (shard != 0) return Error{Errc::invalid_argument, "no such shard"};
  return Loop::run_once(visitor, timeout);
}

Time Caller::on_turn(Time now) {
  if (!dial_) {
    dial_ = std::make_unique<Dial>(
        Dial::Options{url_, config_.insecure_skip_verify, config_.client_name},
        [this](Dial::Outcome outcome) { outcome_ = std::move(outcome); });
  }
  if (outcome_) {
    on_dialled(*std::exchange(outcome_, std::nullopt));
    return now;
  }
  Peer* peer = session();
  if (peer && now >= next_stats_) {
    next_stats_ = now + kStatsInterval;
    const std::lock_guard lock(stats_mutex_);
    stats_ = peer->channel->stats(now);
  }
  return Time::max();
}

void Caller::on_dialled(const Dial::Outcome& outcome) {
  const Object<GIOStream> stream(outcome.stream);
  if (over_) return;
  if (!stream) {
    give_up(outcome.status, outcome.reason);
    return;
  }
  const Time now = Clock::now();
  Peer& peer = add_peer(stream.get(), Link::Side::client, now);
  open_peer(peer);
  handle_ = peer.handle();
  peer.channel->set_connection_packet(
      quic::make_connection_packet(config_.client_name));
  peer.channel->on_established();
  for (const PacketRef& packet : early_) peer.channel->send(packet, now);
  early_.clear();
}

void Caller::give_up(int status, std::string_view reason) {
  if (std::exchange(over_, true)) return;
  if (visitor()) visitor()->on_refused(status, reason);
  note_report();
}

void Caller::on_peer_open(Peer& peer) {
  if (visitor())
    visitor()->on_session_opened({0, peer.handle(), {}, {}}, Clock::now());
  note_report();
}

void Caller::on_peer_closed(Peer& peer, CloseCode code, std::string_view reason,
                            bool by_peer) {
  if (std::exchange(over_, true)) return;
  if (visitor())
    visitor()->on_session_closed(peer.handle(), code, reason, by_peer,
                                 Clock::now());
}

void Caller::on_command(Command& command, Time now) {
  if (auto* sent = std::get_if<SendCommand>(&command)) {
    Peer* peer = session();
    for (const PacketRef& packet : sent->packets) {
      if (peer)
        peer->channel->send(packet, now);
      else if (!over_ && early_.size() < kMaxEarlyPackets)
        early_.push_back(packet);
    }
    if (peer) touch(*peer);
  } else if (auto* one = std::get_if<CloseCommand>(&command)) {
    close(one->code, one->reason);
  } else if (auto* all = std::get_if<CloseAllCommand>(&command)) {
    close(all->code, all->reason);
  }
}

void Caller::close(CloseCode code, std::string_view reason) {
  if (Peer* peer = session())
    peer->channel->close(code, reason);
  else
    give_up(0, "closed before the session was open");
}

// -- From any thread ----------------------------------------------------------

void Caller::send(std::span<const PacketRef> packets) {
  size_t bytes = 0;
  for (const PacketRef& packet : packets) bytes += packet->size();
  post(SendCommand{{packets.begin(), packets.end()}}, bytes);
}

void Caller::close_session(const CloseCommand& command) {
  post_urgent(command);
}

void Caller::close_all(CloseCode code, std::string_view reason) {
  post_urgent(CloseAllCommand{code, std::string(reason)});
}

Result<void> Caller::reload_certificate() {
  return Error{Errc::invalid_argument, "a caller has no certificate"};
}

quic::ChannelStats Caller::stats() const {
  const std::lock_guard lock(stats_mutex_);
  return stats_;
}

quic::EndpointStats Caller::endpoint_stats() const {
  return loop_stats();
}

}  // namespace videocall::websocket
