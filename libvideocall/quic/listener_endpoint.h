// SPDX-License-Identifier: MIT
// An Endpoint that takes connections: shards that share one UDP port.
#pragma once

#include <memory>
#include <vector>

#include "libvideocall/quic/endpoint.h"
#include "libvideocall/quic/listener_shard.h"

namespace videocall::quic {

class ListenerEndpoint final : public Endpoint {
 public:
  static Result<std::shared_ptr<Endpoint>> open(EndpointConfig config);
  explicit ListenerEndpoint(EndpointConfig config);
  ~ListenerEndpoint() override;

  const EndpointConfig& config() const override { return config_; }
  uint16_t port() const override { return port_; }
  CertificateHashes certificate_hashes() const override;
  Result<void> reload_certificate() override;
  Result<void> run_once(unsigned shard, ShardVisitor& visitor,
                        Duration timeout) override;
  void wake(unsigned shard) override;
  void deliver(std::span<const Delivery> deliveries) override;
  void send(std::span<const PacketRef>) override {}
  void admit(uint64_t request_id, std::shared_ptr<void> grant) override;
  void refuse(uint64_t request_id, int status,
              std::string_view reason) override;
  void close_session(const CloseCommand& command) override;
  void drain() override;
  void close_all(CloseCode code, std::string_view reason) override;
  size_t session_count() const override;
  ChannelStats stats() const override { return {}; }
  EndpointStats endpoint_stats() const override;

 private:
  Result<void> init();
  Result<void> bind();
  // Binds |addresses| in all shards; Errc::address_in_use with port 0 in the
  // configuration means: try again.
  Result<void> bind_all(const std::vector<SocketAddress>& addresses);
  void renew_certificate();
  void post_to_all(const Command& command);

  const EndpointConfig config_;
  std::shared_ptr<TlsContext> tls_;
  ListenerState state_;
  uint16_t port_ = 0;
  std::atomic<int64_t> renew_at_{0};  // system clock ticks
};

}  // namespace videocall::quic
