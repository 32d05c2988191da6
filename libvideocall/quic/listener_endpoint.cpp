// SPDX-License-Identifier: MIT
#include "libvideocall/quic/listener_endpoint.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include <algorithm>

#include "libvideocall/base/log.h"
#include "libvideocall/quic/tls.h"

namespace videocall::quic {
namespace {

constexpr int kPortTries = 16;
constexpr unsigned kMaxShards = 256;  // one byte of a connection id

// All shards' sockets of one address.
using Sockets = std::vector<UdpSocket>;

Result<Sockets> bind_shards(const SocketAddress& address, unsigned shards) {
  Sockets sockets;
  auto first = UdpSocket::bind(address, UdpSocket::Port::exclusive);
  if (!first) return first.error();
  const SocketAddress bound = first->local();
  if (shards > 1) {
    if (auto shared = first->allow_sharing(); !shared) return shared.error();
  }
  sockets.push_back(std::move(*first));
  for (unsigned i = 1; i < shards; ++i) {
    auto next = UdpSocket::bind(bound, UdpSocket::Port::shared);
    if (!next) return next.error();
    sockets.push_back(std::move(*next));
  }
  return sockets;
}

}  // namespace

ListenerEndpoint::ListenerEndpoint(EndpointConfig config)
    : config_(std::move(config)) {}

ListenerEndpoint::~ListenerEndpoint() {
  for (const auto& shard : state_.shards) shard->abort_all();
}

Result<std::shared_ptr<Endpoint>> ListenerEndpoint::open(
    EndpointConfig config) {
  if (config.shards == 0 || config.shards > kMaxShards) {
    return Error{Errc::invalid_argument,
                 "the number of shards is 1 to " + std::to_string(kMaxShards)};
  }
  auto endpoint = std::make_shared<ListenerEndpoint>(std::move(config));
  if (auto ready = endpoint->init(); !ready) return ready.error();
  return std::shared_ptr<Endpoint>(std::move(endpoint));
}

Result<void> ListenerEndpoint::init() {
  TlsServerConfig tls;
  tls.certificate_file = config_.certificate_file;
  tls.key_file = config_.key_file;
  tls.keylog_file = config_.keylog_file;
  auto context =
      TlsContext::create_server(tls, std::chrono::system_clock::now());
  if (!context) return context.error();
  tls_ = *context;
  state_.number = config_.number;
  state_.admission_timeout = config_.admission_timeout;
  state_.max_pending_admissions = config_.max_pending_admissions;
  state_.max_pending_handshakes = config_.max_pending_handshakes;
  state_.quota = config_.quota ? config_.quota : SessionQuota::create();
  state_.bounds = {config_.max_sessions, config_.max_sessions_per_address};
  state_.connection.tls = tls_;
  state_.connection.congestion_control = config_.congestion_control;
  gnutls_rnd(GNUTLS_RND_KEY, state_.connection.static_secret.data(),
             state_.connection.static_secret.size());
  renew_certificate();
  return bind();
}

Result<void> ListenerEndpoint::bind() {
  std::vector<SocketAddress> addresses;
  for (const std::string& text : config_.addresses) {
    auto address = SocketAddress::parse(text);
    if (!address) return address.error();
    addresses.push_back(*address);
  }
  if (addresses.empty())
    return Error{Errc::invalid_argument, "no address to listen on"};
  for (int tries = 0;; ++tries) {
    state_.shards.clear();
    for (unsigned i = 0; i < config_.shards; ++i) {
      state_.shards.push_back(std::make_unique<ListenerShard>(state_, i));
      state_.shards.back()->set_handshake_rate(
          static_cast<double>(config_.max_handshakes_per_s) / config_.shards);
      if (auto ready = state_.shards.back()->init(); !ready) return ready;
    }
    auto bound = bind_all(addresses);
    // A port that the kernel chose for one address may be taken on the other.
    const bool again = !bound && bound.error().code == Errc::address_in_use &&
                       addresses.front().port() == 0 && tries < kPortTries;
    if (!again) return bound;
  }
}

Result<void> ListenerEndpoint::bind_all(
    const std::vector<SocketAddress>& addresses) {
  port_ = 0;
  Error missing;
  for (SocketAddress address : addresses) {
    if (address.port() == 0) address.set_port(port_);
    auto sockets = bind_shards(address, config_.shards);
    if (!sockets) {
      // A machine without IPv6 still serves IPv4; all missing is an error.
      if (sockets.error().code != Errc::unavailable) return sockets.error();
      missing = sockets.error();
      log_message(LogLevel::warning, "quic", "not served: " + missing.message);
      continue;
    }
    if (port_ == 0) port_ = sockets->front().local().port();
    for (size_t i = 0; i < sockets->size(); ++i) {
      auto added = state_.shards[i]->add_socket(std::move((*sockets)[i]));
      if (!added) return added;
    }
  }
  if (port_ == 0) return missing;
  return {};
}

void ListenerEndpoint::renew_certificate() {
  const WallTime now = std::chrono::system_clock::now();
  auto next = tls_->renew(now);
  if (!next) {
    log_message(LogLevel::error, "quic",
                "certificate not renewed: " + next.error().message);
  }
  const WallTime again = next ? *next : now + std::chrono::minutes(1);
  renew_at_.store(again.time_since_epoch().count(), std::memory_order_relaxed);
}

CertificateHashes ListenerEndpoint::certificate_hashes() const {
  // A browser can pin a short-lived certificate of ours only; one from files
  // is for those who trust its issuer.
  if (!config_.certificate_file.empty()) return {};
  return tls_->certificate_hashes();
}

Result<void> ListenerEndpoint::reload_certificate() {
  return tls_->reload();
}

Result<void> ListenerEndpoint::run_once(unsigned shard, ShardVisitor& visitor,
                                        Duration timeout) {
  if (shard >= state_.shards.size())
    return Error{Errc::invalid_argument, "no such shard"};
  if (shard == 0) {
    const int64_t now =
        std::chrono::system_clock::now().time_since_epoch().count();
    if (now >= renew_at_.load(std::memory_order_relaxed)) renew_certificate();
  }
  return state_.shards[shard]->run_once(visitor, timeout);
}

void ListenerEndpoint::wake(unsigned shard) {
  if (shard < state_.shards.size()) state_.shards[shard]->wake();
}

void ListenerEndpoint::deliver(std::span<const Delivery> deliveries) {
  std::vector<bool> wanted(state_.shards.size());
  size_t bytes = 0;
  for (const Delivery& delivery : deliveries) {
    if (!delivery.to) continue;
    for (const Recipients::Run& run : delivery.to->runs) {
      if (run.endpoint == config_.number && run.shard < wanted.size())
        wanted[run.shard] = true;
    }
    bytes += delivery.packet->size();
  }
  std::shared_ptr<const std::vector<Delivery>> shared;
  for (size_t i = 0; i < wanted.size(); ++i) {
    ListenerShard& shard = *state_.shards[i];
    if (!wanted[i]) continue;
    if (shard.is_current()) {
      shard.deliver(deliveries);
      continue;
    }
    if (!shared) {
      shared = std::make_shared<const std::vector<Delivery>>(deliveries.begin(),
                                                             deliveries.end());
    }
    shard.post(DeliverCommand{shared, Clock::now()}, bytes);
  }
}

void ListenerEndpoint::admit(uint64_t request_id, std::shared_ptr<void> grant) {
  const unsigned shard = ListenerShard::shard_of(request_id);
  if (shard < state_.shards.size()) {
    state_.shards[shard]->post_urgent(
        AdmitCommand{request_id, std::move(grant)});
  }
}

void ListenerEndpoint::refuse(uint64_t request_id, int status,
                              std::string_view reason) {
  const unsigned shard = ListenerShard::shard_of(request_id);
  if (shard < state_.shards.size()) {
    state_.shards[shard]->post_urgent(
        RefuseCommand{request_id, status, std::string(reason)});
  }
}

void ListenerEndpoint::close_session(const CloseCommand& command) {
  const unsigned shard = command.session.shard;
  if (command.session.endpoint == config_.number &&
      shard < state_.shards.size())
    state_.shards[shard]->post_urgent(command);
}

void ListenerEndpoint::post_to_all(const Command& command) {
  for (const auto& shard : state_.shards) shard->post_urgent(command);
}

void ListenerEndpoint::drain() {
  if (!state_.draining.exchange(true)) post_to_all(DrainCommand{});
}

void ListenerEndpoint::close_all(CloseCode code, std::string_view reason) {
  post_to_all(CloseAllCommand{code, std::string(reason)});
}

size_t ListenerEndpoint::session_count() const {
  return state_.sessions.load(std::memory_order_relaxed);
}

EndpointStats ListenerEndpoint::endpoint_stats() const {
  EndpointStats sum;
  for (const auto& shard : state_.shards) shard->add_to(sum);
  sum.admissions = state_.admissions.load(std::memory_order_relaxed);
  return sum;
}

}  // namespace videocall::quic
