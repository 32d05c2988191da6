// SPDX-License-Identifier: MIT
// The one shard of a caller: tries the addresses of the server, a little apart
// and in turn, keeps the first connection whose handshake succeeds, and runs
// its one session.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "libvideocall/quic/channel_link.h"
#include "libvideocall/quic/meeting_url.h"
#include "libvideocall/quic/shard.h"

namespace videocall::quic {

class CallerShard final : public Shard, private ChannelVisitor {
 public:
  struct Target {
    ConnectionConfig connection;
    MeetingUrl url;
    std::vector<SocketAddress> addresses;  // at least one
    std::string client_name;
  };
  CallerShard(uint16_t endpoint, Target target);
  ~CallerShard() override;

  // Leaves the meeting at once. After the last run_once.
  void leave();
  // Any thread; a little old.
  ChannelStats stats() const;
  uint16_t local_port() const { return local_port_.load(); }

  void on_connect_request(Connection&, const ConnectRequest&) override {}

 private:
  // One connection on trial; what the connection says of its session.
  struct Attempt final : ChannelLink {
    explicit Attempt(CallerShard& o) : ChannelLink(o.channel_), owner(o) {}
    void on_established() override { owner.on_established(*this); }
    void on_refused(int status, std::string_view reason) override {
      owner.on_attempt_refused(*this, status, reason);
    }

    CallerShard& owner;
    size_t socket = 0;
    uint32_t slot = ConnectionIdTable::kNone;
    bool over = false;
  };

  // Shard
  void on_unrouted(const Datagram&, const DatagramHeader&, Time) override {}
  void on_socket_error(size_t socket, const Error& error, Time now) override;
  void on_command(Command& command, Time now) override;
  Time on_turn(Time now) override;
  void on_peer_gone(Peer& peer, Time now) override;
  void on_handshake_done(Peer& peer) override;
  void on_session_ended(Peer&) override {}

  // ChannelVisitor
  void on_open() override;
  void on_refused(int status, std::string_view reason) override;
  void on_packet(PacketRef packet, Time now) override;
  void on_draining() override;
  void on_closed(CloseCode code, std::string_view reason,
                 bool by_peer) override;

  void start_attempt(Time now);
  void on_established(Attempt& attempt);
  void on_attempt_refused(Attempt& attempt, int status,
                          std::string_view reason);
  void abandon(Attempt& attempt, Time now);
  Attempt* attempt_of(const Peer& peer);
  size_t trying() const;
  void give_up(int status, std::string_view reason);
  void close(CloseCode code, std::string_view reason);
  Peer* session_peer();
  void touch_session();

  const Target target_;
  std::unique_ptr<Channel> channel_;
  std::vector<std::unique_ptr<Attempt>> attempts_;
  Attempt* chosen_ = nullptr;  // its handshake was the first to succeed
  Time next_attempt_{};
  SessionHandle session_{};
  bool open_ = false;
  bool over_ = false;  // refused, failed, closed: nothing more will come
  std::string last_error_;
  std::atomic<uint16_t> local_port_{0};
  Time next_stats_{};
  mutable std::mutex stats_mutex_;  // guards stats_
  ChannelStats stats_;
};

}  // namespace videocall::quic
