// SPDX-License-Identifier: MIT
#include "libvideocall/quic/shard.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

#include "libvideocall/base/log.h"
#include "libvideocall/quic/routed_sink.h"
#include "libvideocall/quic/stateless.h"

namespace videocall::quic {
namespace {

constexpr size_t kMaxInboxItems = 4'096;
constexpr size_t kMaxInboxBytes = 32 * 1024 * 1024;
constexpr size_t kMaxUrgentItems = 64 * 1024;
constexpr size_t kVisitBytes = 64 * 1024;
constexpr size_t kRandomPoolBytes = 1'024;
constexpr uint32_t kInboxTag = 0xffffffff;

uint64_t random_key() {
  uint64_t key = 0;
  gnutls_rnd(GNUTLS_RND_RANDOM, &key, sizeof key);
  return key;
}

}  // namespace

Shard::Shard(uint16_t endpoint, unsigned index, bool coalesced_arrivals)
    : endpoint_(endpoint),
      index_(index),
      inbox_(kMaxInboxItems, kMaxInboxBytes, kMaxUrgentItems),
      receiver_(coalesced_arrivals),
      ids_(random_key()) {}

Shard::~Shard() = default;

thread_local const Shard* Shard::current_ = nullptr;

Result<void> Shard::init() {
  epoll_.reset(epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u32 = kInboxTag;
  if (!epoll_ || inbox_.fd() < 0 ||
      epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, inbox_.fd(), &event) != 0) {
    return Error{Errc::io,
                 std::string("cannot make an epoll loop: ") + strerror(errno)};
  }
  return {};
}

bool Shard::post(Command command, size_t bytes) {
  if (inbox_.put(std::move(command), bytes)) return true;
  counters_.dropped_commands.fetch_add(1, std::memory_order_relaxed);
  return false;
}

void Shard::post_urgent(Command command) {
  if (!inbox_.put_urgent(std::move(command)))
    counters_.dropped_commands.fetch_add(1, std::memory_order_relaxed);
}

void Shard::add_to(EndpointStats& sum) const {
  auto add = [](uint64_t& to, const std::atomic<uint64_t>& from) {
    to += from.load(std::memory_order_relaxed);
  };
  add(sum.sessions, counters_.sessions);
  add(sum.handshakes, counters_.handshakes);
  add(sum.retries, counters_.retries);
  add(sum.resets, counters_.resets);
  add(sum.refused, counters_.refused);
  add(sum.forwarded, counters_.forwarded);
  add(sum.dropped_commands, counters_.dropped_commands);
  meter_.add_to(sum);
  const ShardCounters& from = counters_;
  for (size_t i = 0; i < kConnectRefusals; ++i)
    sum.refused_connects[i] += from.refused_connects[i].get();
  sum.udp_bytes_in += from.udp_bytes_in.get();
  sum.udp_bytes_out += from.udp_bytes_out.get();
  sum.datagrams_in += from.datagrams_in.get();
  sum.handshake += from.handshake.snapshot();
  sum.admission += from.admission.snapshot();
  sum.relay_delay += from.relay_delay.snapshot();
  sum.handover_delay += from.handover_delay.snapshot();
}

// -- Counting -----------------------------------------------------------------

void Shard::count_closed(Peer& peer, CloseCode code) {
  meter_.count_closed(code);
  if (peer.channel)
    meter_.count(peer.reading, peer.channel->stats(Clock::now()));
}

// -- One turn -----------------------------------------------------------------

Result<void> Shard::run_once(ShardVisitor& visitor, Duration timeout) {
  if (running_.test_and_set(std::memory_order_acquire)) {
    return Error{Errc::invalid_argument,
                 "shard " + std::to_string(index_) + " has a loop already"};
  }
  visitor_ = &visitor;
  current_ = this;
  Result<void> result = turn(visitor, timeout);
  current_ = nullptr;
  visitor_ = nullptr;
  running_.clear(std::memory_order_release);
  return result;
}

Result<void> Shard::turn(ShardVisitor& visitor, Duration timeout) {
  const Time came = rest();
  if (auto waited = wait(timeout); !waited) return waited;
  Time now = Clock::now();
  const Time began = now;
  reported_ = false;
  now = read_sockets(now);
  fire_timers(now);
  next_turn_ = std::min(on_turn(now), report_links(now));
  visitor.on_batch_end(now);
  reported_ = false;
  // Downstream of the batch's end viewers were given packets; that took time.
  now = Clock::now();
  write_touched(now);
  flush_sockets();
  const Time ended = Clock::now();
  writing_time_ = ended - now;
  pacer_.note(began, ended, std::exchange(left_some_, false));
  // What came while the loop rested has waited since.
  const Duration took = ended - std::min(came, began);
  meter_.note_turn(took);
  if (std::exchange(arrived_, false)) counters_.relay_delay.add(took);
  return {};
}

// Until the next turn may begin; returns since when.
Time Shard::rest() {
  const Time now = Clock::now();
  if (!paced_ || pacer_.next() <= now) return Time::max();
  std::this_thread::sleep_for(pacer_.next() - now);
  return now;
}

Result<void> Shard::wait(Duration timeout) {
  const Time now = Clock::now();
  const Time deadline = std::min(timers_.next(), next_turn_);
  const bool busy = reported_ || (!touched_.empty() && !any_blocked());
  if (busy || deadline <= now) {
    timeout = Duration::zero();
  } else if (deadline != Time::max()) {
    timeout = std::min(timeout, deadline - now);
  }
  timeout = std::max(timeout, Duration::zero());
  std::array<epoll_event, 16> events;
  int count = -1;
  if (has_epoll_pwait2_) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(timeout);
    const timespec spec{seconds.count(), (timeout - seconds).count()};
    count = epoll_pwait2(epoll_.get(), events.data(),
                         static_cast<int>(events.size()), &spec, nullptr);
    has_epoll_pwait2_ = count >= 0 || errno != ENOSYS;
  }
  if (!has_epoll_pwait2_) {  // before Linux 5.11: milliseconds, rounded up
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(timeout);
    count =
        epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                   static_cast<int>(std::min<int64_t>(ms.count(), 60'000)));
  }
  if (count < 0 && errno != EINTR)
    return Error{Errc::io, std::string("epoll_wait: ") + strerror(errno)};
  bool called = false;
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<size_t>(i)];
    if (event.data.u32 == kInboxTag) {
      called = true;
      continue;
    }
    const size_t index = event.data.u32;
    if (event.events & (EPOLLIN | EPOLLERR)) readable_[index] = true;
    if (event.events & EPOLLOUT && sockets_[index]->queue.flush())
      watch_writable(index, false);
  }
  if (called) take_inbox(Clock::now());
  return {};
}

void Shard::take_inbox(Time now) {
  inbox_.take(commands_);
  for (Command& command : commands_) {
    if (auto* deliveries = std::get_if<DeliverCommand>(&command)) {
      counters_.handover_delay.add(now - deliveries->posted);
      deliver(*deliveries->deliveries);
    } else if (auto* forwarded = std::get_if<ForwardedDatagram>(&command)) {
      route({forwarded->path, forwarded->bytes, forwarded->ecn}, now);
    } else {
      on_command(command, now);
    }
  }
  commands_.clear();  // gives up the packets
}

void Shard::route(const Datagram& datagram, Time now) {
  arrived_ = true;
  counters_.datagrams_in.add(1);
  counters_.udp_bytes_in.add(datagram.bytes.size());
  dispatch(datagram, now);
}

void Shard::dispatch(const Datagram& datagram, Time now) {
  const auto header = parse_header(datagram.bytes, kIdBytes);
  if (!header) return;
  const ConnectionId& id = header->destination;
  Peer* peer = peer_at(ids_.find(id.bytes.data(), id.size));
  if (!peer) {
    on_unrouted(datagram, *header, now);
    return;
  }
  peer->connection->receive(datagram.path, datagram.bytes, datagram.ecn, now);
  touch(*peer);
}

void Shard::fire_timers(Time now) {
  uint32_t slot = 0;
  // Bounded: what is due again at once waits for the next turn.
  for (size_t n = timers_.size(); n > 0 && timers_.pop_due(now, slot); --n) {
    Peer* peer = peer_at(slot);
    if (!peer) continue;
    if (peer->connection->next_timer() <= now) peer->connection->on_timer(now);
    if (peer->channel && peer->channel->next_timer() <= now)
      peer->channel->on_timer(now);
    touch(*peer);
  }
}

// Tells the visitor of the links over which anything goes. Returns when it
// wants to be called next.
Time Shard::report_links(Time now) {
  if (meter_.begin_reports(now)) {
    for_each_peer([&](Peer& peer) {
      if (peer.open)
        meter_.look(peer.reading, peer.channel->stats(now), peer.handle());
    });
    meter_.tell(*visitor_, now);
  }
  return meter_.next_reports();
}

// -- Writing ------------------------------------------------------------------

void Shard::touch(Peer& peer) {
  if (peer.touched) return;
  peer.touched = true;
  touched_.push_back(peer.slot);
}

void Shard::write_touched(Time now) {
  visiting_.swap(touched_);
  touched_.clear();
  // In memory order: a viewer's state is far larger than a cache line.
  std::sort(visiting_.begin(), visiting_.end());
  for (const uint32_t slot : visiting_) {
    Peer* peer = peer_at(slot);
    if (!peer) continue;
    peer->touched = false;
    write_peer(*peer, now);
    settle(*peer, now);
  }
  visiting_.clear();
}

void Shard::write_peer(Peer& peer, Time now) {
  if (peer.queued) {
    peer.queued = false;
    peer.channel->flush();
  }
  if (!peer.connection->wants_write(now)) return;
  if (any_blocked()) {
    touch(peer);
    return;
  }
  RoutedSink sink([this](const Path& path) -> PacketSink* {
    Socket* found = socket_for(path);
    return found ? &found->queue : nullptr;
  });
  peer.connection->write(sink, kVisitBytes, now);
  counters_.udp_bytes_out.add(sink.sent());
  // Without progress only a timer or an arrival can help.
  if (sink.sent() > 0 && peer.connection->wants_write(now)) touch(peer);
}

// After a visit: notices the end, and when to come back.
void Shard::settle(Peer& peer, Time now) {
  if (!peer.shaken && peer.connection->handshake_done()) {
    peer.shaken = true;
    on_handshake_done(peer);
  }
  if (peer.connection->finished()) {
    remove_peer(peer, now);
    return;
  }
  Time next = peer.connection->next_timer();
  if (peer.channel) next = std::min(next, peer.channel->next_timer());
  timers_.arm(peer.slot, next);
}

// -- Peers --------------------------------------------------------------------

Peer& Shard::add_peer() {
  uint32_t slot = 0;
  if (free_slots_.empty()) {
    slot = static_cast<uint32_t>(peers_.size());
    peers_.emplace_back();
    generations_.push_back(0);
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  auto peer = std::make_unique<Peer>(*this);
  peer->slot = slot;
  peer->generation = ++generations_[slot];
  adopting_ = peer.get();
  peers_[slot] = std::move(peer);
  return *peers_[slot];
}

void Shard::set_connection(Peer& peer, std::unique_ptr<Connection> connection) {
  peer.connection = std::move(connection);
  peer.connection->slot = peer.slot;
  adopting_ = nullptr;
}

void Shard::remove_peer(Peer& peer, Time now) {
  if (peer.connection) on_peer_gone(peer, now);
  adopting_ = nullptr;
  for (const ConnectionId& id : peer.ids) ids_.erase(id);
  timers_.remove(peer.slot);
  free_slots_.push_back(peer.slot);
  // Out of the table first: its destruction may look itself up.
  const std::unique_ptr<Peer> gone = std::move(peers_[peer.slot]);
}

void Shard::drop_peers() {
  for (auto& peer : peers_) {
    if (!peer) continue;
    peer->ids.clear();
    peer.reset();
  }
  peers_.clear();
  touched_.clear();
}

Peer* Shard::find_peer(const SessionHandle& session) {
  Peer* peer = session.endpoint == endpoint_ && session.shard == index_
                   ? peer_at(session.slot)
                   : nullptr;
  return peer && peer->generation == session.generation && peer->open ? peer
                                                                      : nullptr;
}

void Shard::deliver(std::span<const Delivery> deliveries) {
  const Time now = Clock::now();
  for (const Delivery& delivery : deliveries) {
    if (!delivery.to) continue;
    for (const Recipients::Run& run : delivery.to->runs) {
      if (run.endpoint != endpoint_ || run.shard != index_) continue;
      const SessionHandle* session = delivery.to->sessions.data() + run.first;
      for (uint32_t i = 0; i < run.count; ++i) {
        Peer* peer = find_peer(session[i]);
        if (!peer) continue;
        peer->channel->send(delivery.packet, now);
        peer->queued = true;
        touch(*peer);
      }
    }
  }
}

// -- ConnectionOwner ----------------------------------------------------------

void Shard::on_new_connection_id(Connection& connection,
                                 const ConnectionId& id) {
  // The first ids come while the connection is made and has no slot yet.
  Peer* peer = adopting_ ? adopting_ : peer_at(connection.slot);
  if (!peer) return;
  ids_.insert(id, peer->slot);
  if (std::find(peer->ids.begin(), peer->ids.end(), id) == peer->ids.end())
    peer->ids.push_back(id);
}

void Shard::on_retired_connection_id(Connection& connection,
                                     const ConnectionId& id) {
  Peer* peer = peer_at(connection.slot);
  if (!peer || std::erase(peer->ids, id) == 0) return;
  ids_.erase(id);
}

ConnectionId Shard::make_connection_id() {
  ConnectionId id;
  id.size = kIdBytes;
  if (random_used_ + kIdBytes > random_pool_.size()) {
    random_pool_.resize(kRandomPoolBytes);
    gnutls_rnd(GNUTLS_RND_RANDOM, random_pool_.data(), random_pool_.size());
    random_used_ = 0;
  }
  std::memcpy(id.bytes.data(), random_pool_.data() + random_used_, kIdBytes);
  random_used_ += kIdBytes;
  id.bytes[0] = static_cast<uint8_t>(index_);
  return id;
}

void Shard::on_path_changed(Connection&, const Path& path) {
  if (!log_enabled(LogLevel::debug)) return;
  log_message(
      LogLevel::debug, "quic",
      "a peer moved to " +
          SocketAddress::from(path.remote, path.remote_size).to_string());
}

}  // namespace videocall::quic
