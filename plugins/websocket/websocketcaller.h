// SPDX-License-Identifier: MIT
// An Endpoint that is the client of one server over a WebSocket.
#pragma once

#include <memory>
#include <mutex>
#include <optional>

#include "plugins/websocket/websocketdial.h"
#include "plugins/websocket/websocketloop.h"

namespace videocall::websocket {

class Caller final : public quic::Endpoint, private Loop {
 public:
  static Result<std::shared_ptr<quic::Endpoint>> open(
      quic::EndpointConfig config);
  Caller(quic::EndpointConfig config, quic::MeetingUrl url);
  ~Caller() override;

  // -- Endpoint ---------------------------------------------------------------
  const quic::EndpointConfig& config() const override { return config_; }
  uint16_t port() const override { return 0; }
  quic::CertificateHashes certificate_hashes() const override { return {}; }
  Result<void> reload_certificate() override;
  Result<void> run_once(unsigned shard, quic::ShardVisitor& visitor,
                        Duration timeout) override;
  void wake(unsigned) override { Loop::wake(); }
  void deliver(std::span<const Delivery>) override {}
  void send(std::span<const PacketRef> packets) override;
  void admit(uint64_t, std::shared_ptr<void>) override {}
  void refuse(uint64_t, int, std::string_view) override {}
  void close_session(const CloseCommand& command) override;
  void drain() override {}
  void close_all(CloseCode code, std::string_view reason) override;
  size_t session_count() const override { return sessions(); }
  quic::ChannelStats stats() const override;
  quic::EndpointStats endpoint_stats() const override;

 private:
  // Loop
  void on_command(Command& command, Time now) override;
  Time on_turn(Time now) override;
  void on_peer_open(Peer& peer) override;
  void on_peer_closed(Peer& peer, CloseCode code, std::string_view reason,
                      bool by_peer) override;

  void on_dialled(const Dial::Outcome& outcome);
  void give_up(int status, std::string_view reason);
  void close(CloseCode code, std::string_view reason);
  Peer* session() { return handle_ ? find_peer(*handle_) : nullptr; }

  const quic::EndpointConfig config_;
  const quic::MeetingUrl url_;
  std::unique_ptr<Dial> dial_;
  std::optional<Dial::Outcome> outcome_;  // until the turn looks at it
  std::optional<SessionHandle> handle_;
  std::vector<PacketRef> early_;  // sent before there was a session
  bool over_ = false;  // refused, failed, closed: nothing more will come
  Time next_stats_{};
  mutable std::mutex stats_mutex_;  // guards stats_
  quic::ChannelStats stats_;
};

}  // namespace videocall::websocket
