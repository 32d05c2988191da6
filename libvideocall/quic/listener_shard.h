// SPDX-License-Identifier: MIT
// A shard of a listener: takes new connections, answers what belongs to none,
// and brings CONNECT requests to whoever decides about them.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

#include "libvideocall/quic/session_quota.h"
#include "libvideocall/quic/shard.h"
#include "libvideocall/quic/stateless.h"

namespace videocall::quic {

class ListenerShard;

// What the shards of one listener share. Outlives them.
struct ListenerState {
  ConnectionConfig connection;
  uint16_t number = 0;
  Duration admission_timeout{0};
  size_t max_pending_admissions = limits::kMaxPendingAdmissions;
  size_t max_pending_handshakes = limits::kMaxHandshakes;
  std::shared_ptr<SessionQuota> quota;
  SessionQuota::Bounds bounds;
  std::atomic<bool> draining{false};
  std::atomic<size_t> sessions{0};    // open
  std::atomic<size_t> admissions{0};  // waiting for admit or refuse
  std::vector<std::unique_ptr<ListenerShard>> shards;  // fixed once open
};

class ListenerShard final : public Shard {
 public:
  ListenerShard(ListenerState& state, unsigned index);
  ~ListenerShard() override;

  // Which shard a request waits in.
  static unsigned shard_of(uint64_t request_id) {
    return static_cast<unsigned>(request_id >> kCounterBits);
  }

  // Before the first turn: new connections a second; 0: no bound.
  void set_handshake_rate(double per_second);

  // Closes every connection at once, telling the peers so that they reconnect.
  // After the last run_once.
  void abort_all();

  void on_connect_request(Connection& connection,
                          const ConnectRequest& request) override;

 private:
  static constexpr unsigned kCounterBits = 48;
  // Tells how many stateless answers may be sent; refilled over time.
  struct Allowance {
    double per_second = 0;
    double burst = 0;
    double tokens = 0;
    Time last{};
    bool take(Time now);
  };
  struct Waiting {
    uint32_t slot = 0;
    uint32_t generation = 0;
  };

  void on_unrouted(const Datagram& datagram, const DatagramHeader& header,
                   Time now) override;
  void on_socket_error(size_t, const Error&, Time) override {}
  void on_command(Command& command, Time now) override;
  Time on_turn(Time now) override;
  void on_peer_gone(Peer& peer, Time now) override;
  void on_handshake_done(Peer& peer) override;
  void on_session_ended(Peer& peer) override;

  bool forward(const Datagram& datagram, const ConnectionId& id);
  void answer_initial(const Datagram& datagram, Time now);
  void answer_waiting(Time now);
  void accept_connection(const Datagram& datagram, const InitialHeader& initial,
                         const std::optional<ConnectionId>& original, Time now);
  void ask_admission(Peer& peer, const ConnectRequest& request);
  // |connection| does not fit.
  void turn_away(Connection& connection, ConnectRefusal why);
  // |connection| gets |status|; counted under |why|.
  void turn_away(Connection& connection, ConnectRefusal why, int status,
                 std::string_view reason);
  Peer* take_waiting(uint64_t request_id);
  void admit(AdmitCommand& command, Time now);
  void refuse(uint64_t request_id, ConnectRefusal why, int status,
              std::string_view reason);
  void close_all(CloseCode code, std::string_view reason);

  ListenerState& state_;  // borrowed
  uint64_t last_request_ = 0;
  std::unordered_map<uint64_t, Waiting> waiting_;  // by request id
  std::deque<std::pair<Time, uint64_t>> deadlines_;
  // Those that came while a turn had begun its share of handshakes.
  std::deque<ForwardedDatagram> initials_;
  size_t begun_in_turn_ = 0;
  bool has_waited_ = false;  // the one that is looked at
  Allowance allowance_;
  Allowance handshakes_;  // this shard's part; per_second 0: no bound
};

}  // namespace videocall::quic
