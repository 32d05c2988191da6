// SPDX-License-Identifier: MIT
#include "plugins/websocket/websocketloop.h"

#include <glib-unix.h>

#include <algorithm>

namespace videocall::websocket {
namespace {

constexpr size_t kMaxInboxItems = 4'096;
constexpr size_t kMaxInboxBytes = 32 * 1024 * 1024;
constexpr size_t kMaxUrgentItems = 64 * 1024;
// How long the end waits for close frames to go out.
constexpr auto kFarewell = 300ms;

// Only ends a wait; what is due is found in the turn. A ready time would not
// do: to set one wakes the context, so that the wait would end at once.
struct WaitSource {
  GSource source;
  gint timeout_ms;
};

constexpr auto kLongestWait = std::chrono::hours(1);

GSource* make_wait_source() {
  static GSourceFuncs functions = {
      [](GSource* source, gint* timeout) -> gboolean {
        *timeout = reinterpret_cast<WaitSource*>(source)->timeout_ms;
        return FALSE;
      },
      [](GSource*) -> gboolean { return FALSE; },
      [](GSource*, GSourceFunc, gpointer) -> gboolean {
        return G_SOURCE_CONTINUE;
      },
      nullptr,
      nullptr,
      nullptr};
  return g_source_new(&functions, sizeof(WaitSource));
}

}  // namespace

// -- Peer ---------------------------------------------------------------------

SessionHandle Peer::handle() const {
  return {loop.endpoint_, 0, slot, generation};
}

void Peer::on_open() {
  loop.on_peer_open(*this);
}

void Peer::on_packet(PacketRef packet, Time now) {
  if (open && loop.visitor_)
    loop.visitor_->on_packet(handle(), std::move(packet), now);
  loop.note_report();
}

void Peer::on_closed(CloseCode code, std::string_view reason, bool by_peer) {
  if (!std::exchange(open, false)) return;
  loop.sessions_.fetch_sub(1);
  loop.count_closed(*this, code);
  loop.on_peer_closed(*this, code, reason, by_peer);
  loop.note_report();
}

void Peer::on_message(Bytes message, Time now) {
  channel->on_message(message, now);
  loop.touch(*this);
}

void Peer::on_violation(const Error& error, Time) {
  channel->close(
      error.code == Errc::timeout ? CloseCode::idle : CloseCode::protocol_error,
      error.message);
}

void Peer::on_link_closed(CloseCode code, std::string_view reason,
                          bool by_peer) {
  channel->on_closed(code, reason, by_peer);
}

void Peer::wants_visit() {
  loop.touch(*this);
}

uint64_t Peer::turn() const {
  return loop.turn_;
}

// -- The loop -----------------------------------------------------------------

thread_local const Loop* Loop::current_ = nullptr;

Loop::Loop(uint16_t endpoint)
    : endpoint_(endpoint),
      inbox_(kMaxInboxItems, kMaxInboxBytes, kMaxUrgentItems),
      context_(g_main_context_new()) {
  arrivals_ = g_unix_fd_source_new(inbox_.fd(), G_IO_IN);
  const GUnixFDSourceFunc arrived = [](gint, GIOCondition,
                                       gpointer self) -> gboolean {
    static_cast<Loop*>(self)->take_inbox();
    return G_SOURCE_CONTINUE;
  };
  g_source_set_callback(arrivals_, G_SOURCE_FUNC(arrived), this, nullptr);
  g_source_attach(arrivals_, context_);
  timer_ = make_wait_source();
  g_source_attach(timer_, context_);
}

Loop::~Loop() {
  for (GSource* source : {arrivals_, timer_}) {
    g_source_destroy(source);
    g_source_unref(source);
  }
  g_main_context_unref(context_);
}

bool Loop::post(Command command, size_t bytes) {
  if (inbox_.put(std::move(command), bytes)) return true;
  dropped_commands_.fetch_add(1);
  return false;
}

void Loop::post_urgent(Command command) {
  if (!inbox_.put_urgent(std::move(command))) dropped_commands_.fetch_add(1);
}

Result<void> Loop::run_once(quic::ShardVisitor& visitor, Duration timeout) {
  if (running_.test_and_set(std::memory_order_acquire))
    return Error{Errc::invalid_argument, "the endpoint has a loop already"};
  g_main_context_push_thread_default(context_);
  visitor_ = &visitor;
  current_ = this;
  turn(timeout);
  current_ = nullptr;
  visitor_ = nullptr;
  g_main_context_pop_thread_default(context_);
  running_.clear(std::memory_order_release);
  return {};
}

void Loop::turn(Duration timeout) {
  ++turn_;
  const Time deadline = std::min(timers_.next(), next_turn_);
  const Time start = Clock::now();
  if (reported_ || !touched_.empty() || deadline <= start)
    timeout = Duration::zero();
  else if (deadline != Time::max())
    timeout = std::min(timeout, deadline - start);
  reported_ = false;
  iterate(timeout);
  Time now = Clock::now();
  fire_timers(now);
  next_turn_ = std::min(on_turn(now), report_links(now));
  visitor_->on_batch_end(now);
  reported_ = false;
  // Downstream of the batch's end viewers were given packets; that took time.
  now = Clock::now();
  visit_touched(now);
}

void Loop::iterate(Duration timeout) {
  reinterpret_cast<WaitSource*>(timer_)->timeout_ms = static_cast<gint>(
      std::chrono::ceil<std::chrono::milliseconds>(
          std::clamp<Duration>(timeout, Duration::zero(), kLongestWait))
          .count());
  g_main_context_iteration(context_, timeout > Duration::zero());
}

void Loop::take_inbox() {
  const Time now = Clock::now();
  inbox_.take(commands_);
  for (Command& command : commands_) {
    if (auto* deliveries = std::get_if<DeliverCommand>(&command))
      deliver(deliveries->deliveries);
    else
      on_command(command, now);
  }
  commands_.clear();  // gives up the packets
}

void Loop::fire_timers(Time now) {
  uint32_t slot = 0;
  // Bounded: what is due again at once waits for the next turn.
  for (size_t n = timers_.size(); n > 0 && timers_.pop_due(now, slot); --n) {
    Peer* peer = slot < peers_.size() ? peers_[slot].get() : nullptr;
    if (!peer) continue;
    peer->link->on_timer(now);
    if (peer->channel->next_timer() <= now) peer->channel->on_timer(now);
    touch(*peer);
  }
}

// Tells the visitor of the links over which anything goes. Returns when it
// wants to be called next.
Time Loop::report_links(Time now) {
  if (meter_.begin_reports(now)) {
    for_each_peer([&](Peer& peer) {
      if (peer.open)
        meter_.look(peer.reading, peer.channel->stats(now), peer.handle());
    });
    meter_.tell(*visitor_, now);
  }
  return meter_.next_reports();
}

// -- Counting -----------------------------------------------------------------

void Loop::count_closed(Peer& peer, CloseCode code) {
  meter_.count_closed(code);
  meter_.count(peer.reading, peer.channel->stats(Clock::now()));
}

// The network's bytes are those of the WebSocket's frames, without TCP and TLS.
quic::EndpointStats Loop::loop_stats() const {
  quic::EndpointStats stats;
  meter_.add_to(stats);
  stats.sessions = sessions_.load();
  stats.dropped_commands = dropped_commands_.load();
  stats.udp_bytes_in = meter_.network_bytes_in();
  stats.udp_bytes_out = meter_.network_bytes_out();
  return stats;
}

// -- Visits -------------------------------------------------------------------

void Loop::touch(Peer& peer) {
  if (peer.touched) return;
  peer.touched = true;
  touched_.push_back(peer.slot);
}

void Loop::visit_touched(Time now) {
  visiting_.swap(touched_);
  touched_.clear();
  for (const uint32_t slot : visiting_) {
    Peer* peer = slot < peers_.size() ? peers_[slot].get() : nullptr;
    if (!peer) continue;
    peer->touched = false;
    peer->link->visit(*peer->channel, now);
    settle(*peer);
  }
  visiting_.clear();
}

// After a visit: notices the end, and when to come back.
void Loop::settle(Peer& peer) {
  if (peer.link->finished() && !peer.touched) {
    remove_peer(peer);
    return;
  }
  timers_.arm(peer.slot,
              std::min(peer.channel->next_timer(), peer.link->next_timer()));
}

// -- Peers --------------------------------------------------------------------

Peer& Loop::add_peer(GIOStream* stream, Link::Side side, Time now) {
  uint32_t slot = 0;
  if (free_slots_.empty()) {
    slot = static_cast<uint32_t>(peers_.size());
    peers_.emplace_back();
    generations_.push_back(0);
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  peers_[slot] = std::make_unique<Peer>(*this);
  Peer& peer = *peers_[slot];
  peer.slot = slot;
  peer.generation = ++generations_[slot];
  peer.channel = quic::Channel::create(side == Link::Side::server
                                           ? quic::Channel::Role::server
                                           : quic::Channel::Role::client,
                                       peer, now);
  peer.link = std::make_unique<Link>(stream, side, peer);
  peer.channel->attach(*peer.link);
  touch(peer);
  return peer;
}

void Loop::open_peer(Peer& peer) {
  peer.open = true;
  sessions_.fetch_add(1);
  meter_.count_opened();
}

void Loop::remove_peer(Peer& peer) {
  const uint32_t slot = peer.slot;
  timers_.remove(slot);
  free_slots_.push_back(slot);
  // Out of the table first: its destruction may call back.
  const std::unique_ptr<Peer> gone = std::move(peers_[slot]);
}

void Loop::close_peers(CloseCode code, const std::function<bool()>& busy) {
  g_main_context_push_thread_default(context_);
  for_each_peer([&](Peer& peer) { peer.channel->close(code, ""); });
  const Time until = Clock::now() + kFarewell;
  const auto waits = [&] {
    return (busy && busy()) ||
           std::any_of(peers_.begin(), peers_.end(), [](const auto& peer) {
             return peer && !peer->link->finished();
           });
  };
  while (waits() && Clock::now() < until) iterate(until - Clock::now());
  peers_.clear();
  // Streams that are being closed in the background.
  while (g_main_context_iteration(context_, FALSE)) {
  }
  g_main_context_pop_thread_default(context_);
}

Peer* Loop::find_peer(const SessionHandle& session) {
  if (session.endpoint != endpoint_ || session.slot >= peers_.size())
    return nullptr;
  Peer* peer = peers_[session.slot].get();
  return peer && peer->generation == session.generation && peer->open ? peer
                                                                      : nullptr;
}

void Loop::deliver(std::span<const Delivery> deliveries) {
  const Time now = Clock::now();
  for (const Delivery& delivery : deliveries) {
    if (!delivery.to) continue;
    for (const Recipients::Run& run : delivery.to->runs) {
      if (run.endpoint != endpoint_) continue;
      const SessionHandle* session = delivery.to->sessions.data() + run.first;
      for (uint32_t i = 0; i < run.count; ++i) {
        Peer* peer = find_peer(session[i]);
        if (!peer) continue;
        peer->channel->send(delivery.packet, now);
        touch(*peer);
      }
    }
  }
}

}  // namespace videocall::websocket
