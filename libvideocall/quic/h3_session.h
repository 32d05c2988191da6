// SPDX-License-Identifier: MIT
// HTTP/3 with one WebTransport session, server or client side, on a
// QuicTransport: control stream and SETTINGS, the extended CONNECT, streams
// with their preamble, datagrams with their quarter session id, capsules, and
// the order in which all of it ends (RFC 9114, 9220, 9297,
// draft-ietf-webtrans-http3).
//
//   waiting --CONNECT--> requested --200--> open --CLOSE--> closing --> over
//                            `-----other status------------'
//
//   h3_session.cpp  the session and its end     h3_streams.cpp   streams in
//   h3_request.cpp  CONNECT and its replies
#pragma once

#include <array>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "libvideocall/quic/qpack.h"
#include "libvideocall/quic/quic_transport.h"

namespace videocall::quic {

// Server side: who decides on a CONNECT.
class ConnectHandler {
 public:
  virtual ~ConnectHandler() = default;
  virtual void on_connect(const ConnectRequest& request) = 0;
};

class H3Session final : public WebTransportSession, public StreamEvents {
 public:
  // |transport| may be under construction; it and |handler| are borrowed.
  // |request_timeout| is what the CONNECT may take, once there is a connection.
  H3Session(bool server, QuicTransport& transport, ConnectHandler& handler,
            Duration request_timeout, uint64_t max_lifetime_uni_streams);

  // Client: what to ask for, before the first packet.
  void prepare_request(const Connection::ClientStart& start);

  void accept(SessionVisitor& visitor, SendSource& source);
  void refuse(int status, std::string_view reason);
  void abort(uint64_t code);
  bool answered() const { return answered_; }

  // Reports what could not be reported when it happened. Call on every entry.
  void deliver();
  bool has_reports() const { return replay_pending_ || pending_end_; }
  Time deadline() const { return deadline_; }
  void on_deadline(Time now);

  // -- WebTransportSession ---------------------------------------------------
  Result<StreamId> open_uni() override;
  Result<StreamId> open_bidi() override;
  void reset(StreamId stream) override;
  void stop_sending(StreamId stream) override;
  void finish(StreamId stream) override;
  void release_credit(StreamId stream, size_t size) override;
  void close(CloseCode code, std::string_view reason) override;
  void drain() override;
  void want_write() override;
  TransportStats stats() const override;

  // -- StreamEvents ----------------------------------------------------------
  void on_send_keys() override;
  void on_handshake_done() override;
  void on_peer_stream(Stream& stream) override;
  void on_stream_data(Stream& stream, Bytes bytes, bool fin) override;
  void on_stream_reset(Stream& stream) override;
  void on_send_stopped(Stream& stream) override;
  void on_send_unblocked(Stream& stream) override;
  void on_all_acked(Stream& stream) override;
  void on_stream_closed(Stream& stream) override;
  void on_stream_credit() override;
  void on_datagram(Bytes frame) override;
  void on_connection_over(const CloseReason& reason) override;
  SendItem next(Time now) override;
  SendItem filler() override;
  Bytes datagram_prefix() override { return datagram_prefix_.bytes(); }
  void consumed(const SendItem& item, size_t size, bool fin) override;
  void datagram_refused(const SendItem& item) override;
  void on_send_blocked(Stream& stream) override;
  void stream_unknown(StreamId stream) override;

 private:
  enum class State : uint8_t { waiting, requested, open, closing, over };
  enum class Critical : uint8_t { control, encoder, decoder };

  // A few varints that go in front of streams and datagrams.
  struct Preamble {
    std::array<uint8_t, 2 * h3::kMaxVarintBytes> data{};
    size_t size = 0;
    Bytes bytes() const { return {data.data(), size}; }
    void append(uint64_t value);
  };
  struct EarlyStream {
    StreamId id;
    bool bidirectional;
    uint64_t session;
    std::vector<uint8_t> bytes;
    bool fin = false;
    bool reset = false;
  };
  struct EarlyDatagram {
    uint64_t session;
    std::vector<uint8_t> bytes;
  };
  struct End {
    CloseCode code;
    std::string reason;
    bool by_peer;
  };

  // h3_session.cpp
  void become_open();
  Result<StreamId> open(bool bidirectional);
  void send_internal(StreamId stream, const std::vector<uint8_t>& bytes,
                     bool fin);
  void drop_internal(StreamId stream);
  void set_session(StreamId connect_stream);
  void fail(uint64_t code, std::string_view what);
  void end_session(CloseCode code, std::string_view reason, bool by_peer);
  void peer_closed(CloseCode code, std::string_view reason);
  void refused_by_server(int status, std::string_view reason);
  void close_transport();
  void replay();

  // h3_streams.cpp
  void read_opening(Stream& stream, Bytes& bytes);
  void open_peer_uni(Stream& stream, uint64_t type);
  void claim_critical(Stream& stream, Critical which, StreamRole role);
  void bind_stream(Stream& stream, uint64_t session);
  void pass_on(Stream& stream, Bytes bytes, bool fin);
  void keep_early(Stream& stream, Bytes bytes, bool fin);
  EarlyStream* find_early(StreamId id);
  void discard(Stream& stream, uint64_t code);
  void read_control(Stream& stream, Bytes bytes);
  void start_control_frame(FrameState& frames);
  void end_control_frame(FrameState& frames);

  // h3_request.cpp
  void read_request(Stream& stream, Bytes bytes, bool fin);
  bool start_request_frame(Stream& stream);
  void request_payload(Stream& stream);
  void end_request_frame(Stream& stream);
  void end_request(Stream& stream);
  void read_capsules(Bytes payload);
  void on_request_headers(Stream& stream, const h3::Fields& fields);
  void on_response_headers(Stream& stream, const h3::Fields& fields);
  void answer_without(std::string_view what);
  void on_settings(const h3::Settings& settings);
  void reply(StreamId stream, int status, std::string_view body);
  void send_connect();

  const bool server_;
  QuicTransport& transport_;
  ConnectHandler& handler_;
  const Duration request_timeout_;
  const uint64_t max_lifetime_uni_streams_;
  Connection::ClientStart request_;  // client

  State state_ = State::waiting;
  bool answered_ = false;
  StreamId connect_stream_ = -1;
  SessionVisitor* visitor_ = nullptr;
  SendSource* source_ = nullptr;
  Preamble uni_preamble_;
  Preamble bidi_preamble_;
  Preamble datagram_prefix_;

  std::deque<SendItem> internal_;  // of control and CONNECT stream
  StreamId control_stream_ = -1;   // ours
  size_t filled_ = 0;              // of a filler's bytes
  bool critical_[3] = {};
  bool settings_seen_ = false;

  std::vector<EarlyStream> early_streams_;
  std::vector<EarlyDatagram> early_datagrams_;
  size_t early_bytes_ = 0;
  bool replay_pending_ = false;

  std::optional<End> pending_end_;
  bool established_ = false;
  bool drain_sent_ = false;
  bool peer_finished_ = false;   // its side of the CONNECT stream
  bool finish_acked_ = false;    // our side of it
  Time deadline_ = Time::max();  // of what state_ waits for
};

}  // namespace videocall::quic
