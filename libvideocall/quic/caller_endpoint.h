// SPDX-License-Identifier: MIT
// An Endpoint that calls one server and has one session.
#pragma once

#include <memory>

#include "libvideocall/quic/caller_shard.h"
#include "libvideocall/quic/endpoint.h"

namespace videocall::quic {

class CallerEndpoint final : public Endpoint {
 public:
  static Result<std::shared_ptr<Endpoint>> open(EndpointConfig config);
  CallerEndpoint(EndpointConfig config, CallerShard::Target target);
  ~CallerEndpoint() override;

  const EndpointConfig& config() const override { return config_; }
  uint16_t port() const override { return shard_.local_port(); }
  CertificateHashes certificate_hashes() const override {
    return config_.certificate_hashes;
  }
  Result<void> reload_certificate() override;
  Result<void> run_once(unsigned shard, ShardVisitor& visitor,
                        Duration timeout) override;
  void wake(unsigned) override { shard_.wake(); }
  void deliver(std::span<const Delivery>) override {}
  void send(std::span<const PacketRef> packets) override;
  void admit(uint64_t, std::shared_ptr<void>) override {}
  void refuse(uint64_t, int, std::string_view) override {}
  void close_session(const CloseCommand& command) override;
  void drain() override {}
  void close_all(CloseCode code, std::string_view reason) override;
  size_t session_count() const override;
  ChannelStats stats() const override { return shard_.stats(); }
  EndpointStats endpoint_stats() const override;

 private:
  const EndpointConfig config_;
  CallerShard shard_;
};

}  // namespace videocall::quic
