// SPDX-License-Identifier: MIT
#include "plugins/websocket/websocketlistener.h"

#include <algorithm>

namespace videocall::websocket {

Listener::Listener(quic::EndpointConfig config)
    : Loop(config.number),
      config_(std::move(config)),
      quota_(config_.quota ? config_.quota : quic::SessionQuota::create()),
      bounds_{config_.max_sessions, config_.max_sessions_per_address} {
  start_link_reports();
  desk_ = std::make_shared<UpgradeDesk>(
      UpgradeDesk::Host{
          [this](const std::string& address) { return check(address); },
          [this](const std::string& address, quic::SessionQuota::Seat& seat) {
            return take(address, seat);
          },
          [this](AdoptCommand command) { post_urgent(std::move(command)); },
          [this](quic::ConnectRefusal why) {
            refused_[static_cast<size_t>(why)].add(1);
          }},
      config_.admission_timeout);
}

// Clients are to come back: the meeting goes on without this element.
Listener::~Listener() {
  desk_->close();
  close_peers(CloseCode::draining);
}

void Listener::take_upgrade(
    SoupServerMessage* message, const std::string& remote_address,
    const std::function<void(const quic::SessionRequest&)>& ask) {
  desk_->take(message, remote_address, ask);
}

UpgradeDesk::Refusal Listener::check(const std::string& address) const {
  if (draining_) return quic::ConnectRefusal::draining;
  return quota_->refusal(address, bounds_);
}

UpgradeDesk::Refusal Listener::take(const std::string& address,
                                    quic::SessionQuota::Seat& seat) {
  if (draining_) return quic::ConnectRefusal::draining;
  return quota_->take(address, bounds_, seat);
}

void Listener::admit(uint64_t request_id, std::shared_ptr<void> grant) {
  desk_->admit(request_id, std::move(grant));
}

void Listener::refuse(uint64_t request_id, int status,
                      std::string_view reason) {
  desk_->refuse(request_id, status, reason);
}

// -- The loop -----------------------------------------------------------------

Result<void> Listener::run_once(unsigned shard, quic::ShardVisitor& visitor,
                                Duration timeout) {
  if (shard != 0) return Error{Errc::invalid_argument, "no such shard"};
  return Loop::run_once(visitor, timeout);
}

void Listener::on_command(Command& command, Time now) {
  if (auto* adopted = std::get_if<AdoptCommand>(&command)) {
    adopt(*adopted, now);
  } else if (auto* one = std::get_if<CloseCommand>(&command)) {
    Peer* peer = find_peer(one->session);
    if (peer) peer->channel->close(one->code, one->reason);
  } else if (auto* all = std::get_if<CloseAllCommand>(&command)) {
    for_each_peer([&](Peer& peer) {
      if (peer.open) peer.channel->close(all->code, all->reason);
    });
  }
}

void Listener::adopt(AdoptCommand& command, Time now) {
  if (!visitor()) return;  // at the end nobody is there to hear of a newcomer
  Peer& peer = add_peer(command.stream.get(), Link::Side::server, now);
  peer.remote_address = command.remote_address;
  peer.seat = std::move(command.seat);
  open_peer(peer);
  // First, so that the owner knows the session before its first packet.
  visitor()->on_session_opened({command.request_id, peer.handle(),
                                peer.remote_address, std::move(command.grant)},
                               now);
}

void Listener::on_peer_closed(Peer& peer, CloseCode code,
                              std::string_view reason, bool by_peer) {
  peer.seat.leave();
  if (visitor())
    visitor()->on_session_closed(peer.handle(), code, reason, by_peer,
                                 Clock::now());
}

// -- From any thread ----------------------------------------------------------

void Listener::deliver(std::span<const Delivery> deliveries) {
  if (is_current()) {
    Loop::deliver(deliveries);
    return;
  }
  DeliverCommand command;
  size_t bytes = 0;
  for (const Delivery& delivery : deliveries) {
    const bool ours =
        delivery.to &&
        std::any_of(
            delivery.to->runs.begin(), delivery.to->runs.end(),
            [&](const auto& run) { return run.endpoint == config_.number; });
    if (!ours) continue;
    bytes += delivery.packet->size();
    command.deliveries.push_back(delivery);
  }
  if (!command.deliveries.empty()) post(std::move(command), bytes);
}

void Listener::close_session(const CloseCommand& command) {
  if (command.session.endpoint == config_.number) post_urgent(command);
}

// WebSocket knows no request to leave; close_all() with draining follows.
void Listener::drain() {
  draining_ = true;
  desk_->refuse_all("draining");
}

void Listener::close_all(CloseCode code, std::string_view reason) {
  post_urgent(CloseAllCommand{code, std::string(reason)});
  desk_->refuse_all("closing");
}

Result<void> Listener::reload_certificate() {
  return Error{Errc::invalid_argument, "the certificate is the HTTP server's"};
}

quic::EndpointStats Listener::endpoint_stats() const {
  quic::EndpointStats stats = loop_stats();
  for (size_t i = 0; i < refused_.size(); ++i)
    stats.refused_connects[i] = refused_[i].get();
  return stats;
}

}  // namespace videocall::websocket
