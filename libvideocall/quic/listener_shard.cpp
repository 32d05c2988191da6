// SPDX-License-Identifier: MIT
#include "libvideocall/quic/listener_shard.h"

#include <algorithm>
#include <array>

#include "libvideocall/base/log.h"
#include "libvideocall/quic/meeting_url.h"

namespace videocall::quic {
namespace {

// H3_INTERNAL_ERROR: a client treats the session as lost and comes back.
constexpr uint64_t kAbortCode = 0x102;
// Stateless answers cost us little, but they must not serve to flood others.
constexpr double kStatelessPerSecond = 200;
constexpr double kStatelessBurst = 400;
constexpr auto kRetryTokenLifetime = 10s;
constexpr size_t kMinInitialBytes = 1'200;  // RFC 9000, section 14.1

}  // namespace

std::string_view to_string(ConnectRefusal why) {
  switch (why) {
    case ConnectRefusal::draining:
      return "draining";
    case ConnectRefusal::full:
      return "full";
    case ConnectRefusal::address:
      return "address";
    case ConnectRefusal::request:
      return "request";
    case ConnectRefusal::timeout:
      return "timeout";
    case ConnectRefusal::program:
      return "program";
  }
  return "unknown";
}

ListenerShard::ListenerShard(ListenerState& state, unsigned index)
    : Shard(state.number, index, false), state_(state) {
  allowance_ = {kStatelessPerSecond, kStatelessBurst, kStatelessBurst, {}};
  start_link_reports();
  start_pacing();
}

// Its part of the listener's bound; at least one a second.
void ListenerShard::set_handshake_rate(double per_second) {
  const double burst = std::max(1.0, per_second);
  handshakes_ = {per_second, burst, burst, {}};
}

ListenerShard::~ListenerShard() {
  drop_peers();
}

bool ListenerShard::Allowance::take(Time now) {
  if (last != Time{}) {
    const std::chrono::duration<double> passed = now - last;
    tokens = std::min(burst, tokens + passed.count() * per_second);
  }
  last = now;
  if (tokens < 1) return false;
  tokens -= 1;
  return true;
}

// -- Datagrams without a connection -------------------------------------------

void ListenerShard::on_unrouted(const Datagram& datagram,
                                const DatagramHeader& header, Time now) {
  std::array<uint8_t, kMinInitialBytes> out;
  if (!header.long_header) {
    if (forward(datagram, header.destination) || !allowance_.take(now)) return;
    const size_t size =
        write_stateless_reset(out, state_.connection.static_secret,
                              header.destination, datagram.bytes.size());
    if (size == 0) return;
    counters_.resets.fetch_add(1, std::memory_order_relaxed);
    send_stateless(datagram.path, {out.data(), size});
    return;
  }
  if (!header.supported) {
    // Only to what could have opened a connection (RFC 9000, section 5.2.2).
    if (datagram.bytes.size() < kMinInitialBytes || !allowance_.take(now))
      return;
    const size_t size = write_version_negotiation(out, datagram.bytes);
    send_stateless(datagram.path, {out.data(), size});
    return;
  }
  answer_initial(datagram, now);
}

// A client that moved may be on another shard's socket now.
bool ListenerShard::forward(const Datagram& datagram, const ConnectionId& id) {
  const size_t owner = id.bytes[0];
  if (id.size != kIdBytes || owner == index() || owner >= state_.shards.size())
    return false;
  ForwardedDatagram copy{datagram.path,
                         {datagram.bytes.begin(), datagram.bytes.end()},
                         datagram.ecn};
  const size_t size = copy.bytes.size();
  counters_.forwarded.fetch_add(1, std::memory_order_relaxed);
  state_.shards[owner]->post(std::move(copy), size);
  return true;
}

void ListenerShard::answer_initial(const Datagram& datagram, Time now) {
  const auto initial = parse_initial(datagram.bytes);
  if (!initial) {
    // A later packet of a handshake whose client moved.
    const auto header = parse_header(datagram.bytes, kIdBytes);
    if (header) forward(datagram, header->destination);
    return;
  }
  std::array<uint8_t, kMinInitialBytes> out;
  const Secret& secret = state_.connection.static_secret;
  const uint64_t pending =
      has_waited_ ? 0
                  : counters_.handshakes.load(std::memory_order_relaxed) +
                        initials_.size();
  if (pending >= state_.max_pending_handshakes) {
    counters_.refused.fetch_add(1, std::memory_order_relaxed);
    return;  // silence: the client tries again by itself
  }
  std::optional<ConnectionId> original;
  if (is_retry_token(initial->token)) {
    original = verify_retry_token(secret, *initial, datagram.path,
                                  kRetryTokenLifetime, now);
    if (!original) {
      if (!allowance_.take(now)) return;
      send_stateless(datagram.path,
                     {out.data(), write_refusal(out, *initial, kInvalidToken)});
      return;
    }
  } else if (pending >= limits::kRetryAboveHandshakes) {
    counters_.retries.fetch_add(1, std::memory_order_relaxed);
    send_stateless(
        datagram.path,
        {out.data(), write_retry(out, secret, *initial, datagram.path,
                                 make_connection_id(), now)});
    return;
  }
  const bool full = begun_in_turn_ >= limits::kMaxHandshakesPerTurn;
  if (!has_waited_ && (full || !initials_.empty())) {
    initials_.push_back({datagram.path,
                         {datagram.bytes.begin(), datagram.bytes.end()},
                         datagram.ecn});
    return;
  }
  if (handshakes_.per_second > 0 && !handshakes_.take(now)) {
    counters_.refused.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  ++begun_in_turn_;
  accept_connection(datagram, *initial, original, now);
}

void ListenerShard::accept_connection(
    const Datagram& datagram, const InitialHeader& initial,
    const std::optional<ConnectionId>& original, Time now) {
  Connection::ServerStart start;
  start.path = datagram.path;
  start.destination = initial.destination;
  start.source = initial.source;
  start.original_destination = original;
  start.version = initial.version;
  if (original) start.token = initial.token;

  Peer& peer = add_peer();
  auto connection =
      Connection::accept_new(state_.connection, *this, start, now);
  if (!connection) {
    log_message(LogLevel::warning, "quic", connection.error().message);
    remove_peer(peer, now);
    return;
  }
  counters_.handshakes.fetch_add(1, std::memory_order_relaxed);
  peer.accepted = now;
  set_connection(peer, std::move(*connection));
  peer.connection->receive(datagram.path, datagram.bytes, datagram.ecn, now);
  touch(peer);
}

void ListenerShard::on_handshake_done(Peer& peer) {
  counters_.handshakes.fetch_sub(1, std::memory_order_relaxed);
  counters_.handshake.add(Clock::now() - peer.accepted);
}

void ListenerShard::on_session_ended(Peer& peer) {
  peer.seat.leave();
  state_.sessions.fetch_sub(1, std::memory_order_relaxed);
}

void ListenerShard::on_peer_gone(Peer& peer, Time) {
  if (!peer.shaken)
    counters_.handshakes.fetch_sub(1, std::memory_order_relaxed);
  if (peer.request_id != 0) take_waiting(peer.request_id);
  peer.on_closed(CloseCode::idle, "connection lost", false);
}

// -- Admission ----------------------------------------------------------------

void ListenerShard::on_connect_request(Connection& connection,
                                       const ConnectRequest& request) {
  Peer* peer = peer_at(connection.slot);
  if (!peer || peer->request_id != 0) return;
  touch(*peer);
  if (state_.draining.load(std::memory_order_relaxed)) {
    turn_away(connection, ConnectRefusal::draining, 503, "draining");
    return;
  }
  if (state_.admissions.load(std::memory_order_relaxed) >=
      state_.max_pending_admissions) {
    turn_away(connection, ConnectRefusal::full);
    return;
  }
  if (const auto why =
          state_.quota->refusal(request.remote_address, state_.bounds)) {
    turn_away(connection, *why);
    return;
  }
  ask_admission(*peer, request);
}

void ListenerShard::turn_away(Connection& connection, ConnectRefusal why) {
  const QuotaAnswer answer = answer_of(why);
  turn_away(connection, why, answer.status, answer.reason);
}

void ListenerShard::turn_away(Connection& connection, ConnectRefusal why,
                              int status, std::string_view reason) {
  counters_.refused_connects[static_cast<size_t>(why)].add(1);
  connection.refuse(status, reason);
}

void ListenerShard::ask_admission(Peer& peer, const ConnectRequest& request) {
  MeetingPath path = MeetingPath::parse(request.path);
  if (path.status != 200) {
    turn_away(*peer.connection, ConnectRefusal::request, path.status,
              path.reason);
    return;
  }
  SessionRequest out;
  out.id = uint64_t{index()} << kCounterBits | ++last_request_;
  out.meeting_id = std::move(path.meeting_id);
  out.token = std::move(path.token);
  out.resume = std::move(path.resume);
  out.origin = request.origin;
  out.authority = request.authority;
  out.remote_address = request.remote_address;
  peer.request_id = out.id;
  peer.remote_address = request.remote_address;
  peer.asked = Clock::now();
  waiting_[out.id] = {peer.slot, peer.generation};
  state_.admissions.fetch_add(1, std::memory_order_relaxed);
  deadlines_.emplace_back(Clock::now() + state_.admission_timeout, out.id);
  if (has_visitor()) visitor().on_session_request(out);
  note_report();
}

// nullptr: answered before, or its connection is gone.
Peer* ListenerShard::take_waiting(uint64_t request_id) {
  const auto found = waiting_.find(request_id);
  if (found == waiting_.end()) return nullptr;
  const Waiting waiting = found->second;
  waiting_.erase(found);
  state_.admissions.fetch_sub(1, std::memory_order_relaxed);
  Peer* peer = peer_at(waiting.slot);
  return peer && peer->generation == waiting.generation ? peer : nullptr;
}

void ListenerShard::admit(AdmitCommand& command, Time now) {
  Peer* peer = take_waiting(command.request_id);
  if (!peer || peer->connection->finished()) return;
  touch(*peer);
  if (state_.draining.load(std::memory_order_relaxed)) {
    turn_away(*peer->connection, ConnectRefusal::draining, 503, "draining");
    return;
  }
  if (const auto why =
          state_.quota->take(peer->remote_address, state_.bounds, peer->seat)) {
    turn_away(*peer->connection, *why);
    return;
  }
  peer->own_channel = Channel::create(Channel::Role::server, *peer, now);
  peer->channel = peer->own_channel.get();
  peer->open = true;
  meter_.count_opened();
  counters_.admission.add(now - peer->asked);
  counters_.sessions.fetch_add(1, std::memory_order_relaxed);
  state_.sessions.fetch_add(1, std::memory_order_relaxed);
  // First, so that the owner knows the session before its first packet.
  if (has_visitor()) {
    visitor().on_session_opened(
        {command.request_id, peer->handle(), peer->remote_address,
         std::move(command.grant)},
        now);
  }
  WebTransportSession& session =
      peer->connection->accept(*peer->channel, *peer->channel);
  peer->channel->attach(session);
}

void ListenerShard::refuse(uint64_t request_id, ConnectRefusal why, int status,
                           std::string_view reason) {
  Peer* peer = take_waiting(request_id);
  if (!peer) return;
  turn_away(*peer->connection, why, status, reason);
  touch(*peer);
}

void ListenerShard::on_command(Command& command, Time now) {
  if (auto* admitted = std::get_if<AdmitCommand>(&command)) {
    admit(*admitted, now);
  } else if (auto* refused = std::get_if<RefuseCommand>(&command)) {
    refuse(refused->request_id, ConnectRefusal::program, refused->status,
           refused->reason);
  } else if (auto* one = std::get_if<CloseCommand>(&command)) {
    Peer* peer = find_peer(one->session);
    if (!peer) return;
    touch(*peer);
    peer->channel->close(one->code, one->reason);
  } else if (std::get_if<DrainCommand>(&command)) {
    for_each_peer([&](Peer& peer) {
      if (!peer.open) return;
      peer.channel->drain();
      touch(peer);
    });
  } else if (auto* all = std::get_if<CloseAllCommand>(&command)) {
    close_all(all->code, all->reason);
  }
}

void ListenerShard::close_all(CloseCode code, std::string_view reason) {
  for_each_peer([&](Peer& peer) {
    if (!peer.open) return;
    touch(peer);
    peer.channel->close(code, reason);
  });
  while (!waiting_.empty())
    refuse(waiting_.begin()->first, ConnectRefusal::draining, 503, "closing");
}

// Oldest first. One that came twice finds the connection of the first.
void ListenerShard::answer_waiting(Time now) {
  has_waited_ = true;
  while (!initials_.empty() && begun_in_turn_ < limits::kMaxHandshakesPerTurn) {
    const ForwardedDatagram first = std::move(initials_.front());
    initials_.pop_front();
    dispatch({first.path, first.bytes, first.ecn}, now);
  }
  has_waited_ = false;
  begun_in_turn_ = 0;
}

Time ListenerShard::on_turn(Time now) {
  answer_waiting(now);
  if (!initials_.empty()) return now;
  while (!deadlines_.empty()) {
    const auto [when, id] = deadlines_.front();
    if (!waiting_.contains(id)) {
      deadlines_.pop_front();
    } else if (when <= now) {
      deadlines_.pop_front();
      log_message(LogLevel::warning, "quic",
                  "nobody decided about a session in time; refused with 503");
      refuse(id, ConnectRefusal::timeout, 503, "admission timed out");
    } else {
      return when;
    }
  }
  return Time::max();
}

void ListenerShard::abort_all() {
  const Time now = Clock::now();
  for_each_peer([&](Peer& peer) {
    peer.connection->abort(kAbortCode, now);
    touch(peer);
  });
  write_touched(now);
  flush_sockets();
}

}  // namespace videocall::quic
