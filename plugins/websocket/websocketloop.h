// SPDX-License-Identifier: MIT
// The loop of a WebSocket endpoint: a main context of its own, the sessions
// and their timers, and an inbox for what other threads want. All of it belongs
// to the thread that calls run_once(). What listeners and callers do
// differently is in their subclasses.
#pragma once

#include <gio/gio.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "libvideocall/quic/endpoint.h"
#include "libvideocall/quic/inbox.h"
#include "libvideocall/quic/session_meter.h"
#include "libvideocall/quic/session_quota.h"
#include "libvideocall/quic/timer_heap.h"
#include "plugins/websocket/websocketlink.h"

namespace videocall::websocket {

struct ObjectUnref {
  void operator()(gpointer object) const { g_object_unref(object); }
};
template <typename T>
using Object = std::unique_ptr<T, ObjectUnref>;

class Loop;

// One session in a loop's slot.
struct Peer final : quic::ChannelVisitor, LinkVisitor {
  explicit Peer(Loop& owner) : loop(owner) {}
  SessionHandle handle() const;

  // ChannelVisitor
  void on_open() override;
  void on_refused(int, std::string_view) override {}
  void on_packet(PacketRef packet, Time now) override;
  void on_draining() override {}
  void on_closed(CloseCode code, std::string_view reason,
                 bool by_peer) override;
  // LinkVisitor
  void on_message(Bytes message, Time now) override;
  void on_violation(const Error& error, Time now) override;
  void on_link_closed(CloseCode code, std::string_view reason,
                      bool by_peer) override;
  void wants_visit() override;
  uint64_t turn() const override;

  Loop& loop;  // borrowed
  // owned; the channel refers to the link until that has told its end
  std::unique_ptr<quic::Channel> channel;
  std::unique_ptr<Link> link;
  // state
  std::string remote_address;
  uint32_t slot = 0;
  uint32_t generation = 0;
  quic::SessionMeter::Reading reading;
  quic::SessionQuota::Seat seat;  // of a listener's, while open
  bool touched = false;
  bool open = false;  // reported opened, not yet closed
};

// -- What arrives in a loop's inbox -------------------------------------------
struct DeliverCommand {
  std::vector<Delivery> deliveries;
};
struct SendCommand {
  std::vector<PacketRef> packets;
};
// A connection that was admitted and upgraded.
struct AdoptCommand {
  Object<GIOStream> stream;
  uint64_t request_id = 0;
  std::string remote_address;
  std::shared_ptr<void> grant;
  quic::SessionQuota::Seat seat;
};
struct CloseAllCommand {
  CloseCode code = CloseCode::left;
  std::string reason;
};
using Command = std::variant<DeliverCommand, SendCommand, AdoptCommand,
                             CloseCommand, CloseAllCommand>;

class Loop {
 public:
  explicit Loop(uint16_t endpoint);
  virtual ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // See quic::Endpoint.
  Result<void> run_once(quic::ShardVisitor& visitor, Duration timeout);
  void wake() const { inbox_.wake(); }
  bool is_current() const { return current_ == this; }
  bool post(Command command, size_t bytes);
  void post_urgent(Command command);
  uint64_t sessions() const { return sessions_.load(); }
  // Any thread.
  quic::EndpointStats loop_stats() const;

  // The loop's thread only: queues for those recipients that are here.
  void deliver(std::span<const Delivery> deliveries);

 protected:
  virtual void on_command(Command& command, Time now) = 0;
  // Once per turn, after arrivals and timers; returns when it wants the next
  // turn at the latest.
  virtual Time on_turn(Time now) = 0;
  virtual void on_peer_open(Peer& peer) = 0;
  // A session that was open has ended.
  virtual void on_peer_closed(Peer& peer, CloseCode code,
                              std::string_view reason, bool by_peer) = 0;

  // |stream| is borrowed.
  Peer& add_peer(GIOStream* stream, Link::Side side, Time now);
  // Counts it, from now until on_peer_closed().
  void open_peer(Peer& peer);
  // The end: closes all with |code| and waits a little until they have heard
  // it, and while |busy|. Subclasses call it first of all in their destructors.
  void close_peers(CloseCode code, const std::function<bool()>& busy = {});
  Peer* find_peer(const SessionHandle& session);
  template <typename F>
  void for_each_peer(F&& f) {
    for (size_t i = 0; i < peers_.size(); ++i)
      if (peers_[i]) f(*peers_[i]);
  }
  void touch(Peer& peer);
  void start_link_reports() { meter_.start_reports(); }
  // The visitor was told something after the batch's end: a turn at once.
  void note_report() { reported_ = true; }
  quic::ShardVisitor* visitor() { return visitor_; }
  GMainContext* context() { return context_; }
  uint16_t endpoint() const { return endpoint_; }

 private:
  friend struct Peer;

  void turn(Duration timeout);
  void arm(Duration timeout);
  void iterate(Duration timeout);
  void take_inbox();
  void fire_timers(Time now);
  Time report_links(Time now);
  void count_closed(Peer& peer, CloseCode code);
  void visit_touched(Time now);
  void settle(Peer& peer);
  void remove_peer(Peer& peer);

  // state
  const uint16_t endpoint_;
  quic::Inbox<Command> inbox_;
  GMainContext* context_ = nullptr;  // owned
  GSource* arrivals_ = nullptr;      // owned: the inbox
  GSource* timer_ = nullptr;         // owned
  quic::TimerHeap timers_;
  std::vector<std::unique_ptr<Peer>> peers_;  // by slot
  std::vector<uint32_t> generations_;         // by slot, of the last user
  std::vector<uint32_t> free_slots_;
  std::vector<uint32_t> touched_;
  std::vector<uint32_t> visiting_;  // touched_ of the turn being visited
  std::vector<Command> commands_;   // scratch of take_inbox
  uint64_t turn_ = 0;
  Time next_turn_ = Time::min();
  bool reported_ = false;
  quic::SessionMeter meter_;
  std::atomic<uint64_t> sessions_{0};
  std::atomic<uint64_t> dropped_commands_{0};
  std::atomic_flag running_;

  // The loop whose turn the thread is in.
  static thread_local const Loop* current_;
  // borrowed, during run_once
  quic::ShardVisitor* visitor_ = nullptr;
};

}  // namespace videocall::websocket
