// SPDX-License-Identifier: MIT
#include "libvideocall/quic/caller_endpoint.h"

#include "libvideocall/quic/tls.h"

namespace videocall::quic {

CallerEndpoint::CallerEndpoint(EndpointConfig config,
                               CallerShard::Target target)
    : config_(std::move(config)), shard_(config_.number, std::move(target)) {}

CallerEndpoint::~CallerEndpoint() {
  shard_.leave();
}

Result<std::shared_ptr<Endpoint>> CallerEndpoint::open(EndpointConfig config) {
  CallerShard::Target target;
  auto url = MeetingUrl::parse(config.url);
  if (!url) return url.error();
  target.url = *url;
  target.client_name = config.client_name;
  auto addresses = SocketAddress::resolve(url->host, url->port);
  if (!addresses) return addresses.error();
  target.addresses = *addresses;

  TlsClientConfig tls;
  tls.certificate_hashes = config.certificate_hashes;
  tls.insecure_skip_verify = config.insecure_skip_verify;
  tls.keylog_file = config.keylog_file;
  auto context = TlsContext::create_client(tls);
  if (!context) return context.error();
  target.connection.tls = *context;
  target.connection.congestion_control = config.congestion_control;

  auto endpoint =
      std::make_shared<CallerEndpoint>(std::move(config), std::move(target));
  if (auto ready = endpoint->shard_.init(); !ready) return ready.error();
  return std::shared_ptr<Endpoint>(std::move(endpoint));
}

Result<void> CallerEndpoint::reload_certificate() {
  return Error{Errc::invalid_argument, "a caller has no certificate"};
}

Result<void> CallerEndpoint::run_once(unsigned shard, ShardVisitor& visitor,
                                      Duration timeout) {
  if (shard != 0) return Error{Errc::invalid_argument, "no such shard"};
  return shard_.run_once(visitor, timeout);
}

void CallerEndpoint::send(std::span<const PacketRef> packets) {
  size_t bytes = 0;
  for (const PacketRef& packet : packets) bytes += packet->size();
  shard_.post(SendCommand{{packets.begin(), packets.end()}}, bytes);
}

void CallerEndpoint::close_session(const CloseCommand& command) {
  shard_.post_urgent(command);
}

void CallerEndpoint::close_all(CloseCode code, std::string_view reason) {
  shard_.post_urgent(CloseAllCommand{code, std::string(reason)});
}

size_t CallerEndpoint::session_count() const {
  return endpoint_stats().sessions;
}

EndpointStats CallerEndpoint::endpoint_stats() const {
  EndpointStats stats;
  shard_.add_to(stats);
  return stats;
}

}  // namespace videocall::quic
