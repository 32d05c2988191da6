// SPDX-License-Identifier: MIT
// An Endpoint whose sessions are WebSockets of a server's HTTP port: the server
// hands over the requests that ask for one.
#pragma once

#include <array>
#include <memory>

#include "libvideocall/base/counter.h"
#include "libvideocall/quic/session_quota.h"
#include "plugins/websocket/websocketloop.h"
#include "plugins/websocket/websocketupgrade.h"

namespace videocall::websocket {

class Listener final : public quic::Endpoint, private Loop {
 public:
  explicit Listener(quic::EndpointConfig config);
  ~Listener() override;

  // See UpgradeDesk::take. The server's thread.
  void take_upgrade(
      SoupServerMessage* message, const std::string& remote_address,
      const std::function<void(const quic::SessionRequest&)>& ask);

  // -- Endpoint ---------------------------------------------------------------
  const quic::EndpointConfig& config() const override { return config_; }
  uint16_t port() const override { return 0; }  // the server's
  quic::CertificateHashes certificate_hashes() const override { return {}; }
  Result<void> reload_certificate() override;
  Result<void> run_once(unsigned shard, quic::ShardVisitor& visitor,
                        Duration timeout) override;
  void wake(unsigned) override { Loop::wake(); }
  void deliver(std::span<const Delivery> deliveries) override;
  void send(std::span<const PacketRef>) override {}
  void admit(uint64_t request_id, std::shared_ptr<void> grant) override;
  void refuse(uint64_t request_id, int status,
              std::string_view reason) override;
  void close_session(const CloseCommand& command) override;
  void drain() override;
  void close_all(CloseCode code, std::string_view reason) override;
  size_t session_count() const override { return sessions(); }
  quic::ChannelStats stats() const override { return {}; }
  quic::EndpointStats endpoint_stats() const override;

 private:
  UpgradeDesk::Refusal check(const std::string& address) const;
  UpgradeDesk::Refusal take(const std::string& address,
                            quic::SessionQuota::Seat& seat);

  // Loop
  void on_command(Command& command, Time now) override;
  Time on_turn(Time) override { return Time::max(); }
  void on_peer_open(Peer&) override {}
  void on_peer_closed(Peer& peer, CloseCode code, std::string_view reason,
                      bool by_peer) override;
  void adopt(AdoptCommand& command, Time now);

  const quic::EndpointConfig config_;
  const std::shared_ptr<quic::SessionQuota> quota_;
  const quic::SessionQuota::Bounds bounds_;
  std::array<Counter, quic::kConnectRefusals>
      refused_;  // the server's thread's
  std::atomic<bool> draining_{false};
  std::shared_ptr<UpgradeDesk> desk_;
};

}  // namespace videocall::websocket
