// SPDX-License-Identifier: MIT
// One loop: its UDP sockets, its connections and their timers, and an inbox
// for what other threads want of it. All of it belongs to the thread that
// calls run_once(). What listeners and callers do differently is in their
// subclasses.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <variant>
#include <vector>

#include "libvideocall/base/counter.h"
#include "libvideocall/quic/connection_id_table.h"
#include "libvideocall/quic/endpoint.h"
#include "libvideocall/quic/inbox.h"
#include "libvideocall/quic/peer.h"
#include "libvideocall/quic/timer_heap.h"
#include "libvideocall/quic/turn_pacer.h"
#include "libvideocall/quic/udp_socket.h"

namespace videocall::quic {

// -- What arrives in a shard's inbox -----------------------------------------
struct DeliverCommand {
  std::shared_ptr<const std::vector<Delivery>> deliveries;  // shared by shards
  Time posted{};
};
struct SendCommand {
  std::vector<PacketRef> packets;
};
// A datagram for a connection of this shard that another shard's socket got.
struct ForwardedDatagram {
  Path path;
  std::vector<uint8_t> bytes;
  unsigned ecn = 0;
};
struct AdmitCommand {
  uint64_t request_id = 0;
  std::shared_ptr<void> grant;
};
struct RefuseCommand {
  uint64_t request_id = 0;
  int status = 0;
  std::string reason;
};
struct DrainCommand {};
struct CloseAllCommand {
  CloseCode code = CloseCode::left;
  std::string reason;
};
using Command =
    std::variant<DeliverCommand, SendCommand, ForwardedDatagram, AdmitCommand,
                 RefuseCommand, CloseCommand, DrainCommand, CloseAllCommand>;

// Counters of a shard, read from any thread. EndpointStats says what each is.
struct ShardCounters {
  std::atomic<uint64_t> sessions{0};
  std::atomic<uint64_t> handshakes{0};
  std::atomic<uint64_t> dropped_commands{0};  // written by any thread
  std::atomic<uint64_t> forwarded{0};
  std::atomic<uint64_t> retries{0};
  std::atomic<uint64_t> resets{0};
  std::atomic<uint64_t> refused{0};
  // Written by the loop's thread alone.
  std::array<Counter, kConnectRefusals> refused_connects;
  Counter udp_bytes_in, udp_bytes_out, datagrams_in;
  DurationHistogram handshake, admission, relay_delay, handover_delay;
};

struct DatagramHeader;  // quic/stateless.h

class Shard : public ConnectionOwner {
 public:
  // Our connection ids: the shard's number, then random bytes.
  static constexpr size_t kIdBytes = 12;

  Shard(uint16_t endpoint, unsigned index, bool coalesced_arrivals);
  ~Shard() override;
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // Before the first turn.
  Result<void> init();
  Result<void> add_socket(UdpSocket socket);

  // One turn of the loop; see Endpoint::run_once.
  Result<void> run_once(ShardVisitor& visitor, Duration timeout);

  // Any thread.
  void wake() const { inbox_.wake(); }
  // Whether the calling thread is in this shard's turn.
  bool is_current() const { return current_ == this; }
  bool post(Command command, size_t bytes);
  void post_urgent(Command command);
  void add_to(EndpointStats& sum) const;
  unsigned index() const { return index_; }
  uint16_t endpoint() const { return endpoint_; }

  // The loop's thread only: queues for those recipients that are here.
  void deliver(std::span<const Delivery> deliveries);

  // ConnectionOwner
  void on_new_connection_id(Connection& connection,
                            const ConnectionId& id) override;
  void on_retired_connection_id(Connection& connection,
                                const ConnectionId& id) override;
  ConnectionId make_connection_id() override;
  void on_path_changed(Connection& connection, const Path& path) override;

 protected:
  // No connection here has the datagram's id.
  virtual void on_unrouted(const Datagram& datagram,
                           const DatagramHeader& header, Time now) = 0;
  virtual void on_socket_error(size_t socket, const Error& error, Time now) = 0;
  virtual void on_command(Command& command, Time now) = 0;
  // Once per turn, after arrivals and timers; returns when it wants the next
  // turn at the latest.
  virtual Time on_turn(Time now) = 0;
  // The connection is over and about to be destroyed.
  virtual void on_peer_gone(Peer& peer, Time now) = 0;
  virtual void on_handshake_done(Peer& peer) = 0;
  // A session that was counted in counters_.sessions has ended.
  virtual void on_session_ended(Peer& peer) = 0;

  // A slot for a connection that is made next: its first connection ids go to
  // it. Then set_connection, or remove_peer if it could not be made.
  Peer& add_peer();
  void set_connection(Peer& peer, std::unique_ptr<Connection> connection);
  void remove_peer(Peer& peer, Time now);
  // The end: destroys all, telling nobody. Subclasses call it first of all in
  // their destructors, since connections call back into them.
  void drop_peers();
  Peer* find_peer(const SessionHandle& session);
  Peer* peer_at(uint32_t slot) {
    return slot < peers_.size() ? peers_[slot].get() : nullptr;
  }
  template <typename F>
  void for_each_peer(F&& f) {
    for (size_t i = 0; i < peers_.size(); ++i)
      if (peers_[i]) f(*peers_[i]);
  }
  // The peer has something to write or is to be looked at this turn.
  void touch(Peer& peer);
  void route(const Datagram& datagram, Time now);
  // The same for one that was counted when it came.
  void dispatch(const Datagram& datagram, Time now);
  // Outside of any connection: version negotiation, Retry, reset.
  void send_stateless(const Path& path, Bytes bytes);
  // Does what other threads asked for; used at the end.
  void take_inbox(Time now);
  // Writes what is queued without a visitor's turn; used at the end.
  void write_touched(Time now);
  void flush_sockets();

  size_t socket_count() const { return sockets_.size(); }
  UdpSocket& socket(size_t index) { return sockets_[index]->socket; }
  ShardVisitor& visitor() { return *visitor_; }
  bool has_visitor() const { return visitor_ != nullptr; }
  ConnectionIdTable& ids() { return ids_; }
  // Listeners: the visitor hears of its viewers' links.
  void start_link_reports() { meter_.start_reports(); }
  // Listeners: many are served by one turn, so under load turns are fewer.
  void start_pacing() { paced_ = true; }
  // The visitor was told something after the batch's end: a turn at once.
  void note_report() { reported_ = true; }

  ShardCounters counters_;
  SessionMeter meter_;

 private:
  friend struct Peer;
  struct Socket {
    explicit Socket(UdpSocket s) : socket(std::move(s)), queue(socket) {}
    UdpSocket socket;
    UdpSendQueue queue;
    bool wants_writable = false;  // EPOLLOUT is asked for
  };

  Result<void> turn(ShardVisitor& visitor, Duration timeout);
  Time rest();
  Result<void> wait(Duration timeout);
  Time report_links(Time now);
  Time read_sockets(Time now);
  Time read_socket(size_t index, Time now);
  void fire_timers(Time now);
  void write_peer(Peer& peer, Time now);
  void count_closed(Peer& peer, CloseCode code);
  void settle(Peer& peer, Time now);
  void watch_writable(size_t index, bool wanted);
  Socket* socket_for(const Path& path);
  bool any_blocked() const;

  // state
  const uint16_t endpoint_;
  const unsigned index_;
  Inbox<Command> inbox_;
  UniqueFd epoll_;
  std::vector<std::unique_ptr<Socket>> sockets_;
  std::vector<bool> readable_;
  UdpReceiver receiver_;
  ConnectionIdTable ids_;
  TimerHeap timers_;
  std::vector<std::unique_ptr<Peer>> peers_;  // by slot
  Peer* adopting_ = nullptr;           // between add_peer and set_connection
  std::vector<uint32_t> generations_;  // by slot, of the last user
  std::vector<uint32_t> free_slots_;
  std::vector<uint32_t> touched_;
  std::vector<uint32_t> visiting_;  // touched_ of the turn being written
  std::vector<Command> commands_;   // scratch of take_inbox
  std::vector<uint8_t> random_pool_;
  size_t random_used_ = 0;
  Time next_turn_ = Time::min();
  Duration writing_time_{0};  // of the last turn
  bool left_some_ = false;    // unread
  TurnPacer pacer_;
  bool paced_ = false;
  bool reported_ = false;
  bool has_epoll_pwait2_ = true;
  bool arrived_ = false;  // something, in this turn

  // The shard whose turn the thread is in.
  static thread_local const Shard* current_;
  std::atomic_flag running_;

  // borrowed, during run_once
  ShardVisitor* visitor_ = nullptr;
};

}  // namespace videocall::quic
