// SPDX-License-Identifier: MIT
// One QUIC connection on ngtcp2: streams, datagrams, flow control, pacing and
// the end, without any HTTP/3. Sans-I/O; one thread. What it needs to know of
// those above it are the two interfaces in front.
//
//   quic_transport.cpp  life and death     quic_callbacks.cpp  what ngtcp2 says
//   quic_writer.cpp     packets out        quic_streams.cpp    streams, credit
#pragma once

#include <ngtcp2/ngtcp2.h>

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "libvideocall/quic/connection.h"
#include "libvideocall/quic/stream.h"
#include "libvideocall/quic/tls.h"

namespace videocall::quic {

struct TransportInside;  // lets a test send what no transport of ours would

// Why a connection ended, for who is above.
struct CloseReason {
  enum class Kind : uint8_t {
    local,      // we closed it, and nothing was wrong
    peer,       // the peer closed it; |code| is an application's or QUIC's
    protocol,   // the peer broke a protocol
    idle,       // silence
    handshake,  // it never came up
    broken,     // stateless reset or an internal error
  };
  Kind kind = Kind::local;
  bool application = false;
  uint64_t code = 0;
  std::string text;
};

// What the transport tells HTTP/3, and asks of it. All may call back.
class StreamEvents {
 public:
  virtual ~StreamEvents() = default;
  // We may open streams and send 1-RTT data.
  virtual void on_send_keys() = 0;
  virtual void on_handshake_done() = 0;
  virtual void on_peer_stream(Stream& stream) = 0;
  virtual void on_stream_data(Stream& stream, Bytes bytes, bool fin) = 0;
  virtual void on_stream_reset(Stream& stream) = 0;
  // The peer wants no more of it, or ngtcp2 will take no more.
  virtual void on_send_stopped(Stream& stream) = 0;
  virtual void on_send_unblocked(Stream& stream) = 0;
  // All that was sent, the end included, was acknowledged.
  virtual void on_all_acked(Stream& stream) = 0;
  // The stream is destroyed behind this call.
  virtual void on_stream_closed(Stream& stream) = 0;
  virtual void on_stream_credit() = 0;
  virtual void on_datagram(Bytes frame) = 0;
  // No other call follows.
  virtual void on_connection_over(const CloseReason& reason) = 0;

  // As of SendSource; a datagram's bytes go behind datagram_prefix().
  virtual SendItem next(Time now) = 0;
  // A few bytes that mean nothing, on a stream that is never reset. None: there
  // is no such stream yet.
  virtual SendItem filler() { return {}; }
  virtual Bytes datagram_prefix() = 0;
  virtual void consumed(const SendItem& item, size_t size, bool fin) = 0;
  virtual void datagram_refused(const SendItem& item) = 0;
  // By flow control, until on_send_unblocked.
  virtual void on_send_blocked(Stream& stream) = 0;
  // A stream was offered that is not there any more.
  virtual void stream_unknown(StreamId stream) = 0;
};

// What the transport tells the connection, for its owner.
class RouteEvents {
 public:
  virtual ~RouteEvents() = default;
  virtual ConnectionId make_connection_id() = 0;
  virtual void on_new_connection_id(const ConnectionId& id) = 0;
  virtual void on_retired_connection_id(const ConnectionId& id) = 0;
  virtual void on_path_changed(const Path& path) = 0;
};

class QuicTransport {
 public:
  QuicTransport(const ConnectionConfig& config, StreamEvents& streams,
                RouteEvents& routes, Time now);
  ~QuicTransport();
  QuicTransport(const QuicTransport&) = delete;
  QuicTransport& operator=(const QuicTransport&) = delete;

  Result<void> start_server(const Connection::ServerStart& start);
  Result<void> start_client(const Connection::ClientStart& start);

  // -- I/O, as of Connection -------------------------------------------------
  void receive(const Path& path, Bytes datagram, unsigned ecn, Time now);
  void write(PacketSink& sink, size_t budget, Time now);
  void on_timer(Time now);
  Time next_timer() const;
  bool wants_write(Time now) const;
  bool finished() const { return state_ == State::finished; }
  // Neither closing nor over.
  bool alive() const { return state_ == State::active; }
  bool handshake_done() const { return handshake_done_; }
  Time now() const { return now_; }

  // -- Streams ---------------------------------------------------------------
  // |preamble| is static storage that goes in front of the first bytes.
  // Errc::would_block: no credit, on_stream_credit follows.
  Result<Stream*> open_stream(bool bidirectional, Bytes preamble);
  Stream* find(StreamId id);
  void reset(StreamId id, uint64_t code);
  void stop_sending(StreamId id, uint64_t code);
  // Gives back flow control credit of |stream|.
  void release(Stream& stream, size_t size);
  void release_all(Stream& stream);
  // Raises the connection's window, once the peer has proved to be worth it.
  void widen_connection_window(uint64_t bytes);
  uint64_t peer_uni_streams() const { return peer_uni_streams_; }

  // -- The rest --------------------------------------------------------------
  void want_write() { want_write_ = true; }
  // Payload of a datagram that fits now, behind a prefix of |prefix| bytes.
  size_t max_datagram(size_t prefix) const;
  TransportStats stats() const;
  // CONNECTION_CLOSE with an application's error at the next write. |reason|
  // says what on_connection_over is told.
  void close(uint64_t code, const CloseReason& reason);

 private:
  enum class State : uint8_t { active, closing, draining, finished };
  class Train;
  struct Deferred {
    StreamId id;
    uint64_t code;
    bool send_side;
  };

  // quic_transport.cpp
  Result<void> make_session(const std::string& server_name);
  void fill_settings(ngtcp2_settings& settings,
                     ngtcp2_transport_params& params) const;
  void drop_tls();
  bool handle_expiry();
  void note_probe();
  ngtcp2_tstamp expiry() const;
  Time due() const;
  void fail(int liberr);
  void end(State state, const CloseReason& reason);
  void enter_draining();
  CloseReason peer_close_reason() const;
  void write_close(PacketSink& sink);

  // quic_writer.cpp
  ngtcp2_ssize write_packet(uint8_t* out, size_t size);
  SendItem next_item();
  void note_packet();
  void look_in_flight();
  ngtcp2_ssize write_stream(const SendItem& item, uint8_t* out, size_t size);
  ngtcp2_ssize write_datagram(const SendItem& item, uint8_t* out, size_t size);
  void account_stream(Stream& stream, const SendItem& item, size_t accepted);
  void block(Stream& stream);
  void pace(size_t bytes);
  size_t train_limit() const;

  // quic_streams.cpp
  void apply_deferred();
  void shutdown_side(const Deferred& deferred);
  void end_stopped();
  void end_receiving(Stream& stream);
  void return_stream_credit(bool bidirectional);
  void forget(Stream& stream);
  void stop_source(Stream& stream);
  void unblock_after_data_credit();

  // quic_callbacks.cpp
  friend struct QuicCallbacks;
  friend struct TransportInside;
  Stream& add_stream(StreamId id, bool local);

  const ConnectionConfig config_;
  StreamEvents& events_;
  RouteEvents& routes_;

  ngtcp2_conn* conn_ = nullptr;
  TlsSession tls_;  // a server's has no session after the handshake
  bool server_ = false;
  State state_ = State::active;
  Time now_;
  Time started_;

  std::unordered_map<StreamId, std::unique_ptr<Stream>> streams_;
  Stream* last_found_ = nullptr;        // borrowed from streams_
  std::vector<StreamId> data_blocked_;  // by the connection's window
  std::vector<Deferred> deferred_;      // while ngtcp2 holds an open packet
  std::vector<StreamId> stopped_;       // unidirectional, to be forgotten
  size_t closed_bidi_ = 0;              // stream credit not given back yet
  size_t closed_uni_ = 0;
  uint64_t peer_uni_streams_ = 0;
  uint64_t lost_before_ = 0;  // packets lost on streams that are gone
  bool stream_credit_wanted_ = false;

  // Writing.
  ngtcp2_path_storage write_path_;
  ngtcp2_pkt_info write_info_{};
  bool in_packet_ = false;     // ngtcp2 waits for more of the same packet
  bool took_all_ = false;      // the last packet of this visit had room left
  bool has_stream_ = false;    // the packet that is written
  bool has_datagram_ = false;  // the same
  bool wants_filler_ = false;  // the next packet with a datagram
  bool probes_ = false;        // the next packet is a probe, of ngtcp2's
  bool want_write_ = true;
  bool congested_ = false;  // until something arrives or a timer expires
  bool handshake_done_ = false;
  Time lazy_write_ = Time::max();
  // ngtcp2's timer; it looks at a dozen places for it. UINT64_MAX is a time.
  mutable ngtcp2_tstamp expiry_ = 0;
  mutable bool expiry_known_ = false;
  bool heard_data_ = false;  // of a stream or a datagram, since our last packet
  Time heard_{};             // anything
  Time streamed_{};          // when we last sent stream data or a datagram
  uint64_t unacked_ = 0;     // bytes in flight or lost, of streams that matter
  uint64_t burst_bytes_ = 0;    // since burst_start_
  uint64_t unpaced_bytes_ = 0;  // not told to the pacer
  Time burst_start_{};

  // The end.
  bool close_pending_ = false;
  ngtcp2_connection_close_error close_error_{};
  std::vector<uint8_t> close_packet_;
  Path close_path_;
  unsigned close_credit_ = 0;  // packets to answer before the next close
  unsigned close_interval_ = 1;
  bool close_repeat_ = false;
  Time end_at_ = Time::max();  // of the closing or draining period

  uint64_t bytes_sent_ = 0;
  uint64_t bytes_received_ = 0;
  uint64_t packets_sent_ = 0;
};

}  // namespace videocall::quic
