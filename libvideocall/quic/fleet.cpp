// SPDX-License-Identifier: MIT
#include "libvideocall/quic/fleet.h"

#include <algorithm>

#include "libvideocall/quic/channel_link.h"
#include "libvideocall/quic/connection_packet.h"
#include "libvideocall/quic/impaired_connection.h"
#include "libvideocall/quic/meeting_url.h"
#include "libvideocall/quic/shard.h"
#include "libvideocall/quic/tls.h"

namespace videocall::quic {
namespace {

constexpr uint64_t kNoError = 0x100;  // H3_NO_ERROR: counts as having left

// A fleet's sessions report to their own visitor, not to the shard's.
class Silent final : public ShardVisitor {
 public:
  void on_session_request(const SessionRequest&) override {}
  void on_session_opened(const SessionOpened&, Time) override {}
  void on_packet(SessionHandle, PacketRef, Time) override {}
  void on_session_closed(SessionHandle, CloseCode, std::string_view, bool,
                         Time) override {}
  void on_draining(SessionHandle) override {}
  void on_refused(int, std::string_view) override {}
  void on_batch_end(Time) override {}
};

class FleetShard final : public Fleet, private Shard {
 public:
  FleetShard(FleetConfig config, FleetVisitor& visitor)
      : Shard(next_endpoint_number(), 0, true),
        config_(std::move(config)),
        visitor_(visitor) {}
  ~FleetShard() override { drop_peers(); }

  Result<void> start() { return init(); }

  // -- Fleet ------------------------------------------------------------------
  Result<void> connect(size_t index, const FleetTarget& target,
                       Time now) override;
  void send(size_t index, const PacketRef& packet, Time now) override;
  void close(size_t index, CloseCode code) override;
  ChannelStats stats(size_t index, Time now) const override;
  Result<void> turn(Duration timeout) override {
    sweep();
    return run_once(unused_, timeout);
  }
  void wake() override { Shard::wake(); }

 private:
  struct Session;

  // -- Shard ------------------------------------------------------------------
  void on_connect_request(Connection&, const ConnectRequest&) override {}
  void on_unrouted(const Datagram&, const DatagramHeader&, Time) override {}
  // A refused datagram says only that the server is not there just now; the
  // connections' own timers end them.
  void on_socket_error(size_t, const Error&, Time) override {}
  void on_command(Command&, Time) override {}
  Time on_turn(Time) override { return Time::max(); }
  void on_peer_gone(Peer& peer, Time now) override;
  void on_handshake_done(Peer&) override {}
  void on_session_ended(Peer&) override {}

  void sweep();
  Result<size_t> socket_towards(const SocketAddress& remote);
  Result<void> trust(const FleetTarget& target);
  Result<void> start_session(Session& session, const FleetTarget& target,
                             const MeetingUrl& url, const SocketAddress& remote,
                             size_t socket_index, Time now);

  const FleetConfig config_;
  FleetVisitor& visitor_;  // borrowed
  Silent unused_;
  std::shared_ptr<TlsContext> tls_;
  std::vector<std::string> trusted_hashes_;  // tls_ is for these
  // The last that was looked up.
  std::string authority_;
  SocketAddress address_;
  // The sockets towards one server: they are connected to its address.
  struct Server {
    SocketAddress address;
    std::vector<size_t> sockets;  // indexes
    size_t next = 0;
  };
  std::vector<Server> servers_;  // few
  std::vector<std::unique_ptr<Session>> sessions_;
  // Ended, but their connection may not yet be destroyed, which refers to them,
  // or they are just telling of their end.
  std::vector<std::unique_ptr<Session>> retired_;
  bool sweep_due_ = false;
  std::vector<Session*> by_slot_;
};

struct FleetShard::Session final : ChannelVisitor {
  struct Link final : ChannelLink {
    explicit Link(Session& s) : ChannelLink(s.channel), session(s) {}
    void on_established() override { session.attach(); }
    void on_refused(int status, std::string_view reason) override {
      session.on_refused(status, reason);
    }
    Session& session;
  };

  Session(FleetShard& f, size_t i, Time now)
      : fleet(f),
        index(i),
        link(*this),
        channel(Channel::create(Channel::Role::client, *this, now)) {
    channel->set_connection_packet(
        make_connection_packet(f.config_.client_name));
  }

  void attach() {
    Peer* peer = fleet.peer_at(slot);
    if (ended || !peer) return;
    peer->channel = channel.get();
    peer->open = true;
    channel->attach(*peer->connection->session());
    channel->on_established();
    fleet.touch(*peer);
  }
  void end(FleetEnd how) {
    if (ended) return;
    ended = true;
    how.was_open = open;
    if (Peer* peer = fleet.peer_at(slot)) {
      peer->open = false;
      if (!open) peer->connection->abort(kNoError, Clock::now());
      fleet.touch(*peer);
    }
    fleet.visitor_.on_ended(index, how, Clock::now());
  }

  // ChannelVisitor
  void on_open() override {
    if (ended) return;
    open = true;
    fleet.visitor_.on_open(index, Clock::now());
  }
  void on_refused(int status, std::string_view reason) override {
    end({false, status, CloseCode::left, true, reason});
  }
  void on_packet(PacketRef packet, Time now) override {
    if (!ended) fleet.visitor_.on_packet(index, *packet, now);
  }
  void on_draining() override {
    if (!ended) fleet.visitor_.on_draining(index, Clock::now());
  }
  void on_closed(CloseCode code, std::string_view reason,
                 bool by_peer) override {
    end({true, 0, code, by_peer, reason});
  }

  FleetShard& fleet;
  const size_t index;
  uint32_t slot = ConnectionIdTable::kNone;
  bool open = false;
  bool ended = false;
  Link link;
  std::unique_ptr<Channel> channel;
};

Result<size_t> FleetShard::socket_towards(const SocketAddress& remote) {
  auto found =
      std::find_if(servers_.begin(), servers_.end(),
                   [&](const Server& s) { return s.address == remote; });
  if (found == servers_.end())
    found = servers_.insert(servers_.end(), {.address = remote});
  if (found->sockets.size() < std::max<size_t>(config_.sockets, 1)) {
    auto opened = UdpSocket::connect(remote);
    if (!opened) return opened.error();
    if (auto added = add_socket(std::move(*opened)); !added)
      return added.error();
    found->sockets.push_back(socket_count() - 1);
    return socket_count() - 1;
  }
  return found->sockets[found->next++ % found->sockets.size()];
}

// A context for the certificates that |target| may show; the last one again if
// they are the same, as they nearly always are.
Result<void> FleetShard::trust(const FleetTarget& target) {
  if (tls_ && trusted_hashes_ == target.certificate_hashes) return {};
  TlsClientConfig tls;
  tls.certificate_hashes = target.certificate_hashes;
  tls.insecure_skip_verify = config_.insecure_skip_verify;
  tls.ca_file = config_.ca_file;
  auto context = TlsContext::create_client(tls);
  if (!context) return context.error();
  tls_ = std::move(*context);
  trusted_hashes_ = target.certificate_hashes;
  return {};
}

Result<void> FleetShard::connect(size_t index, const FleetTarget& target,
                                 Time now) {
  auto url = MeetingUrl::parse(target.url);
  if (!url) return url.error();
  if (url->authority != authority_) {
    auto addresses = SocketAddress::resolve(url->host, url->port);
    if (!addresses) return addresses.error();
    address_ = addresses->front();
    authority_ = url->authority;
  }
  if (auto trusted = trust(target); !trusted) return trusted;
  auto socket_index = socket_towards(address_);
  if (!socket_index) return socket_index.error();

  if (sessions_.size() <= index) sessions_.resize(index + 1);
  if (std::unique_ptr<Session>& old = sessions_[index]) {
    old->ended = true;  // whatever it still says, nobody hears it
    retired_.push_back(std::move(old));
    sweep_due_ = true;
  }
  sessions_[index] = std::make_unique<Session>(*this, index, now);
  auto started = start_session(*sessions_[index], target, *url, address_,
                               *socket_index, now);
  if (!started) sessions_[index].reset();
  return started;
}

Result<void> FleetShard::start_session(Session& session,
                                       const FleetTarget& target,
                                       const MeetingUrl& url,
                                       const SocketAddress& remote,
                                       size_t socket_index, Time now) {
  Connection::ClientStart start;
  const SocketAddress& local = socket(socket_index).local();
  start.path.local = local.storage;
  start.path.local_size = local.size;
  start.path.remote = remote.storage;
  start.path.remote_size = remote.size;
  start.authority = url.authority;
  start.server_name = url.host;
  start.path_and_query = url.path_and_query;
  start.visitor = &session.link;
  start.source = session.channel.get();
  ConnectionConfig config;
  config.tls = tls_;
  config.congestion_control = config_.congestion_control;
  Peer& peer = add_peer();
  auto connection = Connection::connect(config, *this, start, now);
  if (!connection) {
    remove_peer(peer, now);
    return connection.error();
  }
  if (target.impairment.any() || target.uplink.any()) {
    auto impaired = std::make_unique<ImpairedConnection>(
        std::move(*connection), target.impairment, target.uplink);
    impaired->set_slot(peer.slot);
    set_connection(peer, std::move(impaired));
  } else {
    set_connection(peer, std::move(*connection));
  }
  session.slot = peer.slot;
  if (by_slot_.size() <= peer.slot) by_slot_.resize(peer.slot + 1);
  by_slot_[peer.slot] = &session;
  touch(peer);
  return {};
}

void FleetShard::send(size_t index, const PacketRef& packet, Time now) {
  if (index >= sessions_.size() || !sessions_[index]) return;
  Session& session = *sessions_[index];
  Peer* peer = peer_at(session.slot);
  if (session.ended || !peer) return;
  session.channel->send(packet, now);
  session.channel->flush();
  touch(*peer);
}

void FleetShard::close(size_t index, CloseCode code) {
  if (index >= sessions_.size() || !sessions_[index]) return;
  Session& session = *sessions_[index];
  Peer* peer = peer_at(session.slot);
  if (session.ended || !peer) return;
  session.channel->close(code, "");
  touch(*peer);
}

ChannelStats FleetShard::stats(size_t index, Time now) const {
  if (index >= sessions_.size() || !sessions_[index]) return {};
  return sessions_[index]->channel->stats(now);
}

void FleetShard::on_peer_gone(Peer& peer, Time) {
  if (peer.slot >= by_slot_.size() || !by_slot_[peer.slot]) return;
  Session& session = *by_slot_[peer.slot];
  by_slot_[peer.slot] = nullptr;
  session.slot = ConnectionIdTable::kNone;
  session.end({true, 0, CloseCode::idle, true, "connection lost"});
  sweep_due_ = true;
}

void FleetShard::sweep() {
  if (!std::exchange(sweep_due_, false)) return;
  std::erase_if(retired_, [](const auto& session) {
    return session->slot == ConnectionIdTable::kNone;
  });
}

}  // namespace

Result<std::unique_ptr<Fleet>> Fleet::create(FleetConfig config,
                                             FleetVisitor& visitor) {
  auto fleet = std::make_unique<FleetShard>(std::move(config), visitor);
  if (auto started = fleet->start(); !started) return started.error();
  return std::unique_ptr<Fleet>(std::move(fleet));
}

}  // namespace videocall::quic
