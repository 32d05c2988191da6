// SPDX-License-Identifier: MIT
#include "libvideocall/quic/channel.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <unordered_map>

#include "libvideocall/base/log.h"
#include "libvideocall/quic/packet_gate.h"
#include "libvideocall/quic/send_scheduler.h"
#include "libvideocall/wire/framing.h"

namespace videocall::quic {
namespace {

// The one "stream" of a transport that has none, for the scheduler.
constexpr StreamId kMessages = 0;

// The data of our own RTT probes: | which one, 8 bytes |
constexpr size_t kProbeBytes = 8;

PacketRef make_probe(uint64_t number) {
  uint8_t data[kProbeBytes];
  std::memcpy(data, &number, sizeof data);
  PacketFields fields;
  fields.type = PacketType::rtt;
  fields.data = data;
  auto packet = Packet::build(fields);
  return packet ? std::move(*packet) : PacketRef();
}

// What a client does not take of a server: what it could not use anyway.
Result<void> check_from_server(const Packet& packet) {
  const PacketFields& fields = packet.fields();
  switch (fields.type) {
    case PacketType::unknown:
    case PacketType::rsa_pub_key:
    case PacketType::aes_key:
    case PacketType::congestion:
    case PacketType::connection:
    case PacketType::node:
      return Error{Errc::protocol, "packet type that no server sends"};
    case PacketType::media:
      if (fields.media_headers == 1 && fields.kind != MediaKind::unspecified)
        return {};
      return Error{Errc::protocol, "media without exactly one media_header"};
    default:
      return {};
  }
}

class ChannelImpl final : public Channel {
 public:
  ChannelImpl(Role role, ChannelVisitor& visitor, Time now)
      : server_(role == Role::server),
        visitor_(visitor),
        scheduler_(server_),
        created_(now),
        last_in_(now),
        now_(now) {}

  // -- Channel
  // ------------------------------------------------------------------
  void attach(WebTransportSession& session) override {
    session_ = &session;
    scheduler_.attach(session);
  }
  void set_connection_packet(PacketRef packet) override {
    connection_ = std::move(packet);
  }
  void send(const PacketRef& packet, Time now) override;
  void flush() override;
  void drain() override {
    if (session_ && !closing_) session_->drain();
  }
  void close(CloseCode code, std::string_view reason) override;
  Time next_timer() const override;
  void on_timer(Time now) override;
  ChannelStats stats(Time now) const override;

  void on_message(Bytes message, Time now) override;

  // -- SessionVisitor
  // -------------------------------------------------------------
  void on_established() override;
  void on_refused(int status, std::string_view reason) override;
  void on_stream_data(StreamId stream, bool bidirectional, Bytes bytes,
                      bool fin, Time now) override;
  void on_stream_reset(StreamId stream, Time now) override;
  void on_datagram(Bytes payload, Time now) override;
  void on_draining() override { visitor_.on_draining(); }
  void on_closed(CloseCode code, std::string_view reason,
                 bool by_peer) override;

  // -- SendSource
  // -------------------------------------------------------------------
  SendItem next(Time now) override {
    now_ = now;
    return scheduler_.next(now);
  }
  void consumed(const SendItem& item, size_t size, bool fin) override {
    scheduler_.consumed(item, size, fin);
  }
  void datagram_refused(const SendItem& item) override {
    scheduler_.datagram_refused(item);
  }
  void stream_blocked(StreamId stream) override {
    scheduler_.stream_blocked(stream);
  }
  void stream_unblocked(StreamId stream) override {
    scheduler_.stream_unblocked(stream);
  }
  void stream_stopped(StreamId stream) override {
    if (stream == scheduler_.control_stream() && stream >= 0)
      on_end_of_control(now_);
    else
      scheduler_.stream_stopped(stream);
  }
  void streams_available() override { scheduler_.streams_available(); }

 private:
  // The receiving side of a stream.
  struct Incoming {
    explicit Incoming(size_t max_packet) : decoder(max_packet) {}
    FrameDecoder decoder;
    bool first = true;  // no packet has come on it
  };

  Incoming* find_stream(StreamId stream, bool bidirectional, bool empty);
  void on_frame(StreamId stream, bool bidirectional, bool first,
                PacketRef packet, const Result<void>& parsed, Time now);
  void on_end_of_stream(StreamId stream, bool at_boundary, Time now);
  void handle(PacketRef packet, Time now);
  void handle_from_client(PacketRef packet, Time now);
  void handle_from_server(PacketRef packet, Time now);
  void accept_connection(StreamId stream, PacketRef packet, Time now);
  void refuse(std::string_view why, Time now);
  void echo(const PacketRef& probe, Time now);
  void measure(const Packet& echo, Time now);
  void send_probe(Time now);
  bool server_is_silent(Time now);
  void on_end_of_control(Time now);
  Time idle_deadline() const;

  const bool server_;
  ChannelVisitor& visitor_;                 // borrowed
  WebTransportSession* session_ = nullptr;  // borrowed until on_closed
  SendScheduler scheduler_;
  PacketGate gate_;
  RefusalCounter refusals_;
  PacketRef connection_;  // a client's
  std::unordered_map<StreamId, Incoming> streams_;
  size_t partial_bytes_ = 0;  // of frames that have not come whole

  bool connected_ = false;  // server: CONNECTION came
  bool assigned_ = false;   // SESSION_ASSIGNED was sent or came
  bool closing_ = false;    // we closed it, with:
  CloseCode close_code_ = CloseCode::left;
  std::string close_reason_;
  bool ended_by_peer_ = false;
  bool reported_ = false;  // on_closed or on_refused

  Time created_;
  Time last_in_;
  Time now_;                        // of the last call that had it
  Time control_end_ = Time::max();  // when its end ends the session
  Time next_probe_ = Time::max();
  uint64_t heard_bytes_ = 0;  // client: of the transport, at the last probe
  Time heard_{};
  uint64_t probe_ = 0;  // number of the last one
  Time probe_sent_{};
  Duration rtt_{0};
  uint64_t packets_in_ = 0;
  uint64_t bytes_in_ = 0;
};

void ChannelImpl::send(const PacketRef& packet, Time now) {
  if (closing_ || reported_) return;
  if (server_ && packet->fields().type == PacketType::session_assigned)
    assigned_ = true;
  if (auto pushed = scheduler_.push(packet, now); !pushed)
    close(CloseCode::overload, pushed.error().message);
}

void ChannelImpl::flush() {
  if (session_ && !closing_ && !scheduler_.empty()) session_->want_write();
}

void ChannelImpl::close(CloseCode code, std::string_view reason) {
  if (closing_ || reported_) return;
  closing_ = true;
  close_code_ = code;
  close_reason_ = reason.substr(0, limits::kMaxCloseReasonBytes);
  scheduler_.detach();
  if (session_)
    session_->close(code, close_reason_);
  else
    on_closed(code, close_reason_, false);
}

Time ChannelImpl::idle_deadline() const {
  if (server_ && !connected_)
    return created_ + limits::kConnectionPacketTimeout;
  return last_in_ + limits::kIdleTimeout;
}

Time ChannelImpl::next_timer() const {
  if (closing_ || reported_) return Time::max();
  return std::min(
      {idle_deadline(), control_end_, next_probe_, scheduler_.next_timer()});
}

void ChannelImpl::on_timer(Time now) {
  if (closing_ || reported_) return;
  now_ = now;
  if (now >= control_end_) {
    ended_by_peer_ = true;  // it left without a word
    close(CloseCode::left, "the control stream ended");
    return;
  }
  if (now >= idle_deadline()) {
    close(CloseCode::idle, server_ && !connected_ ? "no CONNECTION within 60 s"
                                                  : "no packet for 30 s");
    return;
  }
  if (now >= next_probe_) {
    if (server_is_silent(now)) {
      close(CloseCode::idle, "the server fell silent");
      return;
    }
    send_probe(now);
  }
  scheduler_.on_timer(now);
}

ChannelStats ChannelImpl::stats(Time now) const {
  ChannelStats stats;
  if (session_) stats.transport = session_->stats();
  stats.packets_in = packets_in_;
  stats.packets_out = scheduler_.packets_out();
  stats.bytes_in = bytes_in_;
  stats.bytes_out = scheduler_.bytes_out();
  stats.refused = refusals_.total();
  stats.dropped_audio = scheduler_.dropped_audio();
  stats.dropped_video = scheduler_.dropped_video();
  stats.groups_cut = scheduler_.groups_cut();
  stats.queued_bytes = scheduler_.queued_bytes();
  const Time oldest = scheduler_.oldest();
  if (oldest < now) stats.queued_for = now - oldest;
  stats.rtt = rtt_;
  return stats;
}

void ChannelImpl::on_established() {
  if (server_ || closing_) return;
  if (connection_) scheduler_.start_control(std::move(connection_), last_in_);
  visitor_.on_open();
  if (session_ && !closing_) session_->want_write();
}

void ChannelImpl::on_refused(int status, std::string_view reason) {
  if (reported_) return;
  reported_ = true;
  scheduler_.detach();
  session_ = nullptr;
  visitor_.on_refused(status, reason);
}

void ChannelImpl::on_closed(CloseCode code, std::string_view reason,
                            bool by_peer) {
  if (reported_) return;
  reported_ = true;
  scheduler_.detach();
  session_ = nullptr;
  if (closing_)
    visitor_.on_closed(close_code_, close_reason_, ended_by_peer_);
  else
    visitor_.on_closed(code, reason, by_peer);
}

// A peer that closes a session resets its streams, and the capsule with the
// code may come behind that.
void ChannelImpl::on_end_of_control(Time now) {
  control_end_ = std::min(control_end_, now + limits::kCloseCapsuleGrace);
}

ChannelImpl::Incoming* ChannelImpl::find_stream(StreamId stream,
                                                bool bidirectional,
                                                bool empty) {
  if (auto found = streams_.find(stream); found != streams_.end())
    return &found->second;
  // The empty answer of the server on a client's stream for a group.
  if (empty) {
    if (server_ && bidirectional) session_->finish(stream);
    return nullptr;
  }
  const size_t max_packet =
      server_ ? limits::kMaxPacketBytes : limits::kMaxStampedPacketBytes;
  return &streams_.try_emplace(stream, max_packet).first->second;
}

void ChannelImpl::on_stream_data(StreamId stream, bool bidirectional,
                                 Bytes bytes, bool fin, Time now) {
  if (!session_) return;
  now_ = now;
  // At once: what is kept of partial frames has a bound of its own.
  if (!bytes.empty()) session_->release_credit(stream, bytes.size());
  if (closing_) return;
  Incoming* in = find_stream(stream, bidirectional, bytes.empty());
  if (in) {
    partial_bytes_ -= in->decoder.buffered();
    auto fed = in->decoder.feed(
        bytes, [&](PacketRef packet, const Result<void>& parsed) {
          if (closing_) return;
          on_frame(stream, bidirectional, std::exchange(in->first, false),
                   std::move(packet), parsed, now);
        });
    partial_bytes_ += in->decoder.buffered();
    if (!fed) close(CloseCode::protocol_error, fed.error().message);
    if (partial_bytes_ > limits::kMaxPartialFrameBytes)
      close(CloseCode::protocol_error, "too many unfinished frames");
  }
  if (fin && !closing_)
    on_end_of_stream(stream, !in || in->decoder.at_boundary(), now);
}

void ChannelImpl::on_end_of_stream(StreamId stream, bool at_boundary,
                                   Time now) {
  if (stream == scheduler_.control_stream()) {
    on_end_of_control(now);
    return;
  }
  if (auto found = streams_.find(stream); found != streams_.end()) {
    partial_bytes_ -= found->second.decoder.buffered();
    streams_.erase(found);
  }
  if (!at_boundary) refuse("a stream ended within a frame", now);
}

void ChannelImpl::on_stream_reset(StreamId stream, Time now) {
  if (!session_ || closing_) return;
  // Superseded: what came of its last frame is worth nothing.
  on_end_of_stream(stream, true, now);
}

void ChannelImpl::on_datagram(Bytes payload, Time now) {
  if (!session_ || closing_) return;
  const size_t limit =
      server_ ? limits::kMaxDatagramBytes : limits::kMaxStampedPacketBytes;
  if (payload.size() > limit) {
    close(CloseCode::protocol_error, "datagram larger than 1 000 bytes");
    return;
  }
  auto packet = Packet::from_bytes(payload);
  if (!packet)
    refuse(packet.error().message, now);
  else
    handle(std::move(*packet), now);
}

void ChannelImpl::on_message(Bytes message, Time now) {
  if (!session_ || closing_) return;
  now_ = now;
  const size_t limit =
      server_ ? limits::kMaxPacketBytes : limits::kMaxStampedPacketBytes;
  if (message.size() > limit) {
    close(CloseCode::protocol_error, "message larger than a packet may be");
    return;
  }
  auto packet = message.empty() ? Error{Errc::protocol, "empty message"}
                                : Packet::from_bytes(message);
  if (!packet)
    refuse(packet.error().message, now);
  else if (server_ && !connected_ &&
           (*packet)->fields().type == PacketType::connection &&
           gate_.check(**packet, now))
    accept_connection(kMessages, std::move(*packet), now);
  else
    handle(std::move(*packet), now);
}

void ChannelImpl::on_frame(StreamId stream, bool bidirectional, bool first,
                           PacketRef packet, const Result<void>& parsed,
                           Time now) {
  const bool connection =
      parsed && packet->fields().type == PacketType::connection;
  if (server_ && bidirectional && first) {
    if (connection && !connected_ && gate_.check(*packet, now)) {
      accept_connection(stream, std::move(packet), now);
      return;
    }
    // Not the control stream: our side of it says nothing.
    session_->finish(stream);
  }
  if (!parsed)
    refuse(parsed.error().message, now);
  else
    handle(std::move(packet), now);
}

void ChannelImpl::accept_connection(StreamId stream, PacketRef packet,
                                    Time now) {
  connected_ = true;
  last_in_ = now;
  ++packets_in_;
  bytes_in_ += packet->size();
  scheduler_.set_control_stream(stream);
  visitor_.on_packet(std::move(packet), now);
}

void ChannelImpl::handle(PacketRef packet, Time now) {
  last_in_ = now;
  ++packets_in_;
  bytes_in_ += packet->size();
  if (server_)
    handle_from_client(std::move(packet), now);
  else
    handle_from_server(std::move(packet), now);
}

void ChannelImpl::handle_from_client(PacketRef packet, Time now) {
  const PacketType type = packet->fields().type;
  if (auto allowed = gate_.check(*packet, now); !allowed)
    refuse(allowed.error().message, now);
  else if (type == PacketType::connection)
    refuse("CONNECTION that does not start the control stream", now);
  else if (!assigned_)
    refuse("packet before SESSION_ASSIGNED", now);
  else if (type == PacketType::rtt)
    echo(packet, now);
  else
    visitor_.on_packet(std::move(packet), now);
}

void ChannelImpl::handle_from_server(PacketRef packet, Time now) {
  if (auto allowed = check_from_server(*packet); !allowed) {
    refuse(allowed.error().message, now);
    return;
  }
  const PacketType type = packet->fields().type;
  if (type == PacketType::rtt) {
    measure(*packet, now);
    return;
  }
  if (type == PacketType::session_assigned && !assigned_) {
    assigned_ = true;
    scheduler_.release_hold();
    next_probe_ = heard_ = now;
    session_->want_write();
  }
  visitor_.on_packet(std::move(packet), now);
}

void ChannelImpl::refuse(std::string_view why, Time now) {
  if (log_enabled(LogLevel::debug))
    log_message(LogLevel::debug, "quic", std::string("refused: ").append(why));
  if (!refusals_.count(now))
    close(CloseCode::protocol_error,
          std::string("too many refused packets, the last: ").append(why));
}

void ChannelImpl::echo(const PacketRef& probe, Time now) {
  scheduler_.push_probe(probe, now);
  session_->want_write();
}

// Acknowledgements count too: where datagrams do not pass there are no echoes.
bool ChannelImpl::server_is_silent(Time now) {
  const uint64_t bytes = session_ ? session_->stats().bytes_received : 0;
  if (std::exchange(heard_bytes_, bytes) != bytes || heard_ < last_in_)
    heard_ = now;
  return now - heard_ >= limits::kServerSilenceTimeout;
}

void ChannelImpl::send_probe(Time now) {
  next_probe_ = now + limits::kProbeInterval;
  PacketRef packet = make_probe(++probe_);
  if (!packet) return;
  probe_sent_ = now;
  scheduler_.push_probe(packet, now);
  if (session_) session_->want_write();
}

void ChannelImpl::measure(const Packet& echo, Time now) {
  const Bytes data = echo.fields().data;
  uint64_t number = 0;
  if (data.size() != kProbeBytes) return;
  std::memcpy(&number, data.data(), sizeof number);
  if (number == probe_ && probe_ > 0) rtt_ = now - probe_sent_;
}

}  // namespace

std::unique_ptr<Channel> Channel::create(Role role, ChannelVisitor& visitor,
                                         Time now) {
  return std::make_unique<ChannelImpl>(role, visitor, now);
}

}  // namespace videocall::quic
