// SPDX-License-Identifier: MIT
#include "libvideocall/quic/caller_shard.h"

#include <algorithm>

#include "libvideocall/base/log.h"
#include "libvideocall/quic/connection_packet.h"

namespace videocall::quic {
namespace {

constexpr uint64_t kNoError = 0x100;   // H3_NO_ERROR: counts as having left
constexpr auto kAttemptDelay = 300ms;  // RFC 8305, section 5: 100 ms to 2 s
constexpr auto kStatsInterval = 100ms;

}  // namespace

CallerShard::CallerShard(uint16_t endpoint, Target target)
    : Shard(endpoint, 0, true), target_(std::move(target)) {
  channel_ = Channel::create(Channel::Role::client, *this, Clock::now());
  channel_->set_connection_packet(make_connection_packet(target_.client_name));
}

CallerShard::~CallerShard() {
  drop_peers();
}

// -- Attempts -----------------------------------------------------------------

Time CallerShard::on_turn(Time now) {
  if (now >= next_stats_) {
    next_stats_ = now + kStatsInterval;
    const std::lock_guard lock(stats_mutex_);
    stats_ = channel_->stats(now);
  }
  if (over_ || chosen_) return Time::max();
  const bool more = attempts_.size() < target_.addresses.size();
  if (more && (trying() == 0 || now >= next_attempt_)) start_attempt(now);
  if (attempts_.size() < target_.addresses.size())
    return trying() == 0 ? now : next_attempt_;
  if (trying() == 0) give_up(0, last_error_);
  return Time::max();
}

size_t CallerShard::trying() const {
  return static_cast<size_t>(
      std::count_if(attempts_.begin(), attempts_.end(),
                    [](const auto& attempt) { return !attempt->over; }));
}

void CallerShard::start_attempt(Time now) {
  const SocketAddress& remote = target_.addresses[attempts_.size()];
  next_attempt_ = now + kAttemptDelay;
  attempts_.push_back(std::make_unique<Attempt>(*this));
  Attempt& attempt = *attempts_.back();
  attempt.over = true;
  attempt.socket = socket_count();
  auto opened = UdpSocket::connect(remote);
  if (!opened) {
    last_error_ = opened.error().message;
    return;
  }
  Connection::ClientStart start;
  start.path.local = opened->local().storage;
  start.path.local_size = opened->local().size;
  start.path.remote = remote.storage;
  start.path.remote_size = remote.size;
  start.authority = target_.url.authority;
  start.server_name = target_.url.host;
  start.path_and_query = target_.url.path_and_query;
  start.visitor = &attempt;
  start.source = channel_.get();
  local_port_ = opened->local().port();
  if (auto added = add_socket(std::move(*opened)); !added) {
    last_error_ = added.error().message;
    return;
  }
  Peer& peer = add_peer();
  auto connection = Connection::connect(target_.connection, *this, start, now);
  if (!connection) {
    last_error_ = connection.error().message;
    remove_peer(peer, now);
    return;
  }
  set_connection(peer, std::move(*connection));
  attempt.slot = peer.slot;
  attempt.over = false;
  touch(peer);
}

CallerShard::Attempt* CallerShard::attempt_of(const Peer& peer) {
  for (const auto& attempt : attempts_)
    if (!attempt->over && attempt->slot == peer.slot) return attempt.get();
  return nullptr;
}

// Ends an attempt that lost or that is not wanted any more.
void CallerShard::abandon(Attempt& attempt, Time now) {
  if (attempt.over) return;
  attempt.over = true;
  Peer* peer = peer_at(attempt.slot);
  if (!peer) return;
  peer->connection->abort(kNoError, now);
  touch(*peer);
}

void CallerShard::on_handshake_done(Peer& peer) {
  Attempt* winner = attempt_of(peer);
  if (chosen_ || !winner) return;
  chosen_ = winner;
  local_port_ = socket(winner->socket).local().port();
  for (const auto& attempt : attempts_)
    if (attempt.get() != winner) abandon(*attempt, Clock::now());
}

void CallerShard::on_peer_gone(Peer& peer, Time) {
  Attempt* attempt = attempt_of(peer);
  if (!attempt) return;
  attempt->over = true;
  attempt->slot = ConnectionIdTable::kNone;
  if (attempt != chosen_) return;
  if (open_)
    on_closed(CloseCode::idle, "connection lost", false);
  else
    give_up(0, last_error_.empty() ? "connection lost" : last_error_);
}

void CallerShard::on_socket_error(size_t index, const Error& error, Time now) {
  for (const auto& attempt : attempts_) {
    // Later such an error says only that the server is not there just now.
    if (attempt->over || attempt->socket != index || attempt.get() == chosen_)
      continue;
    last_error_ = error.message;
    abandon(*attempt, now);
  }
}

void CallerShard::on_attempt_refused(Attempt& attempt, int status,
                                     std::string_view reason) {
  if (attempt.over) return;
  if (status == 0 && &attempt != chosen_) {
    // No answer, or not the right one; another address may do better.
    last_error_ = reason;
    attempt.over = true;
    return;
  }
  give_up(status, reason);
}

void CallerShard::give_up(int status, std::string_view reason) {
  if (over_) return;
  over_ = true;
  for (const auto& attempt : attempts_) abandon(*attempt, Clock::now());
  if (has_visitor()) visitor().on_refused(status, reason);
  note_report();
}

// -- The session --------------------------------------------------------------

void CallerShard::on_established(Attempt& attempt) {
  Peer* peer = peer_at(attempt.slot);
  if (attempt.over || !peer) return;
  if (!chosen_) on_handshake_done(*peer);
  if (&attempt != chosen_) return;
  peer->shaken = true;
  peer->open = true;
  session_ = peer->handle();
  counters_.sessions.store(1, std::memory_order_relaxed);
  peer->channel = channel_.get();
  channel_->attach(*peer->connection->session());
  channel_->on_established();
  touch_session();
}

void CallerShard::on_open() {
  open_ = true;
  if (has_visitor())
    visitor().on_session_opened({0, session_, {}, {}}, Clock::now());
  note_report();
}

void CallerShard::on_refused(int status, std::string_view reason) {
  give_up(status, reason);
}

void CallerShard::on_packet(PacketRef packet, Time now) {
  if (has_visitor()) visitor().on_packet(session_, std::move(packet), now);
  note_report();
}

void CallerShard::on_draining() {
  if (has_visitor()) visitor().on_draining(session_);
  note_report();
}

void CallerShard::on_closed(CloseCode code, std::string_view reason,
                            bool by_peer) {
  if (over_) return;
  if (!open_) {
    give_up(0, reason);
    return;
  }
  over_ = true;
  open_ = false;
  counters_.sessions.store(0, std::memory_order_relaxed);
  touch_session();
  if (has_visitor())
    visitor().on_session_closed(session_, code, reason, by_peer, Clock::now());
  note_report();
}

Peer* CallerShard::session_peer() {
  return chosen_ ? peer_at(chosen_->slot) : nullptr;
}

void CallerShard::touch_session() {
  if (Peer* peer = session_peer()) touch(*peer);
}

void CallerShard::on_command(Command& command, Time now) {
  if (auto* sent = std::get_if<SendCommand>(&command)) {
    if (over_) return;
    for (const PacketRef& packet : sent->packets) channel_->send(packet, now);
    channel_->flush();
    touch_session();
  } else if (auto* one = std::get_if<CloseCommand>(&command)) {
    close(one->code, one->reason);
  } else if (auto* all = std::get_if<CloseAllCommand>(&command)) {
    close(all->code, all->reason);
  }
}

void CallerShard::close(CloseCode code, std::string_view reason) {
  if (over_) return;
  if (!open_) {
    give_up(0, "closed before the session was open");
    return;
  }
  channel_->close(code, reason);
  touch_session();
}

void CallerShard::leave() {
  const Time now = Clock::now();
  take_inbox(now);  // it may say with which code
  if (open_ && !over_) channel_->close(CloseCode::left, "");
  touch_session();
  write_touched(now);
  flush_sockets();
  for_each_peer([&](Peer& peer) {
    peer.connection->abort(kNoError, now);
    touch(peer);
  });
  write_touched(now);
  flush_sockets();
}

ChannelStats CallerShard::stats() const {
  const std::lock_guard lock(stats_mutex_);
  return stats_;
}

}  // namespace videocall::quic
