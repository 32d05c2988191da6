// SPDX-License-Identifier: MIT
#include "benchmarks/load/fleet.h"

#include "libvideocall/quic/socket_address.h"
#include "libvideocall/quic/udp_socket.h"

namespace videocall::load {
namespace {

// A fleet's sessions report to their own visitor, not to the shard's.
class Silent final : public quic::ShardVisitor {
 public:
  void on_session_request(const quic::SessionRequest&) override {}
  void on_session_opened(const quic::SessionOpened&, Time) override {}
  void on_packet(SessionHandle, PacketRef, Time) override {}
  void on_session_closed(SessionHandle, CloseCode, std::string_view, bool,
                         Time) override {}
  void on_draining(SessionHandle) override {}
  void on_refused(int, std::string_view) override {}
  void on_batch_end(Time) override {}
};

PacketRef connection_packet() {
  PacketFields fields;
  fields.type = PacketType::connection;
  return *Packet::build(fields);
}

}  // namespace

struct Fleet::Session final : quic::ChannelVisitor {
  // What the connection says goes to the channel, once that is attached.
  struct Link final : quic::SessionVisitor {
    explicit Link(Session& s) : session(s) {}
    void on_established() override { session.attach(); }
    void on_refused(int status, std::string_view reason) override {
      session.end("refused with " + std::to_string(status) + " " +
                  std::string(reason));
    }
    void on_stream_data(quic::StreamId stream, bool bidirectional, Bytes bytes,
                        bool fin, Time now) override {
      session.channel->on_stream_data(stream, bidirectional, bytes, fin, now);
    }
    void on_stream_reset(quic::StreamId stream, Time now) override {
      session.channel->on_stream_reset(stream, now);
    }
    void on_datagram(Bytes payload, Time now) override {
      session.channel->on_datagram(payload, now);
    }
    void on_draining() override { session.channel->on_draining(); }
    void on_closed(CloseCode code, std::string_view reason,
                   bool by_peer) override {
      session.channel->on_closed(code, reason, by_peer);
    }
    Session& session;
  };

  Session(Fleet& f, size_t i, Time now)
      : fleet(f),
        index(i),
        link(*this),
        channel(
            quic::Channel::create(quic::Channel::Role::client, *this, now)) {
    channel->set_connection_packet(connection_packet());
  }

  void attach() {
    quic::Peer* peer = fleet.peer_at(slot);
    peer->channel = channel.get();
    peer->open = true;
    channel->attach(*peer->connection->session());
    channel->on_established();
    fleet.touch(*peer);
  }
  void end(std::string_view reason) {
    if (!ended) fleet.visitor_.on_ended(index, reason);
    ended = true;
  }

  // ChannelVisitor
  void on_open() override { fleet.visitor_.on_open(index, Clock::now()); }
  void on_refused(int, std::string_view reason) override { end(reason); }
  void on_packet(PacketRef packet, Time now) override {
    fleet.visitor_.on_packet(index, *packet, now);
  }
  void on_draining() override {}
  void on_closed(CloseCode code, std::string_view reason, bool) override {
    end(std::string(to_string(code)) + " " + std::string(reason));
  }

  Fleet& fleet;
  const size_t index;
  uint32_t slot = quic::ConnectionIdTable::kNone;
  bool ended = false;
  Link link;
  std::unique_ptr<quic::Channel> channel;
};

Fleet::Fleet(FleetVisitor& visitor, std::shared_ptr<quic::TlsContext> tls)
    : Shard(1, 0, true),
      visitor_(visitor),
      tls_(std::move(tls)),
      unused_(std::make_unique<Silent>()) {}

Fleet::~Fleet() {
  drop_peers();
}

Result<void> Fleet::connect(size_t index, const std::string& url, Time now) {
  auto parsed = quic::MeetingUrl::parse(url);
  if (!parsed) return parsed.error();
  auto addresses = quic::SocketAddress::resolve(parsed->host, parsed->port);
  if (!addresses) return addresses.error();
  const quic::SocketAddress& remote = addresses->front();
  if (socket_count() == 0) {
    auto opened = quic::UdpSocket::connect(remote);
    if (!opened) return opened.error();
    if (auto added = add_socket(std::move(*opened)); !added) return added;
  }
  if (sessions_.size() <= index) sessions_.resize(index + 1);
  sessions_[index] = std::make_unique<Session>(*this, index, now);
  Session& session = *sessions_[index];

  quic::Connection::ClientStart start;
  const quic::SocketAddress& local = socket(0).local();
  start.path.local = local.storage;
  start.path.local_size = local.size;
  start.path.remote = remote.storage;
  start.path.remote_size = remote.size;
  start.authority = parsed->authority;
  start.server_name = parsed->host;
  start.path_and_query = parsed->path_and_query;
  start.visitor = &session.link;
  start.source = session.channel.get();
  quic::ConnectionConfig config;
  config.tls = tls_;
  quic::Peer& peer = add_peer();
  auto connection = quic::Connection::connect(config, *this, start, now);
  if (!connection) {
    remove_peer(peer, now);
    return connection.error();
  }
  set_connection(peer, std::move(*connection));
  session.slot = peer.slot;
  touch(peer);
  return {};
}

void Fleet::send(size_t index, const PacketRef& packet, Time now) {
  Session& session = *sessions_[index];
  quic::Peer* peer = peer_at(session.slot);
  if (!peer) return;
  session.channel->send(packet, now);
  session.channel->flush();
  touch(*peer);
}

Result<void> Fleet::turn(Duration timeout) {
  return run_once(*unused_, timeout);
}

void Fleet::on_peer_gone(quic::Peer& peer, Time) {
  for (const auto& session : sessions_) {
    if (!session || session->slot != peer.slot) continue;
    session->slot = quic::ConnectionIdTable::kNone;
    session->end("connection lost");
  }
}

}  // namespace videocall::load
