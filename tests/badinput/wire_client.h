// SPDX-License-Identifier: MIT
// A client that may say anything: raw bytes on QUIC streams and datagrams over
// a real socket, with HTTP/3 and WebTransport only as far as a test asks for
// them. One thread: nothing moves but within turn(), until() and their like.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "libvideocall/base/unique_fd.h"
#include "libvideocall/quic/h3_frames.h"
#include "libvideocall/quic/quic_transport.h"
#include "libvideocall/quic/socket_address.h"

namespace videocall::badinput {

using Buffer = std::vector<uint8_t>;

inline Buffer operator+(Buffer a, const Buffer& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
Buffer varints(std::initializer_list<uint64_t> values);
Buffer h3_frame(uint64_t type, const Buffer& payload);
// |packet| as a frame of a stream.
Buffer framed(const PacketRef& packet);
// The prefix of a frame of |length| bytes.
Buffer frame_prefix(uint32_t length);

// A connected UDP socket to 127.0.0.1:|port|.
UniqueFd connect_udp(uint16_t port);

class WireClient final : public quic::StreamEvents,
                         public quic::RouteEvents,
                         public quic::PacketSink {
 public:
  struct In {
    Buffer bytes;
    bool fin = false;
    bool reset = false;
  };

  // Begins the handshake with 127.0.0.1:|port|.
  explicit WireClient(uint16_t port);
  // Closes QUIC, so that the server forgets at once.
  ~WireClient() override;
  WireClient(const WireClient&) = delete;
  WireClient& operator=(const WireClient&) = delete;

  // -- The loop --------------------------------------------------------------
  void turn(std::chrono::milliseconds timeout);
  // Whether |done| came true within |patience|.
  bool until(const std::function<bool()>& done,
             std::chrono::milliseconds patience = std::chrono::seconds(20));
  void run_for(std::chrono::milliseconds time);

  // -- QUIC ------------------------------------------------------------------
  // nothing: no credit, or the connection is over.
  std::optional<quic::StreamId> open(bool bidirectional);
  void send(quic::StreamId stream, const Buffer& bytes, bool fin = false);
  void send_datagram(const Buffer& bytes);  // with its session id in front
  void reset(quic::StreamId stream);
  // Whether what was to be sent is on its way.
  bool idle() const { return queue_.empty(); }

  // -- WebTransport ----------------------------------------------------------
  // Sends control stream and CONNECT; the status that it is answered with, 0
  // if none came.
  int connect(const std::string& path, const std::string& origin = "");
  // The same without waiting.
  void request(const std::string& path, const std::string& origin = "");
  int status() const;
  // CONNECTION on a stream of its own; false if no SESSION_ASSIGNED comes.
  bool enter(const std::string& meeting = "");
  // Streams and datagrams of the session.
  quic::StreamId session_stream(bool bidirectional, const Buffer& bytes,
                                bool fin = false);
  void session_datagram(const Buffer& bytes);
  void control_frame(const Buffer& bytes) { send(control_, bytes); }
  void capsule(const Buffer& bytes);
  // The code of the server's CLOSE capsule, if it sent one.
  std::optional<uint32_t> close_code() const;
  std::string close_reason() const;

  bool ready = false;
  bool over = false;
  quic::CloseReason reason;
  bool hold = false;  // gives no flow control credit back
  bool deaf = false;  // reads nothing at all
  // Gives the credit back that hold kept.
  void resume();
  bool was_retried = false;
  std::map<quic::StreamId, In> streams;
  size_t datagrams = 0;
  size_t bytes_in = 0;
  quic::StreamId connect_stream = -1;

 private:
  std::optional<std::pair<uint32_t, std::string>> read_close() const;
  void read_socket();
  void write();

  // PacketSink
  void send(const quic::Path& path, Bytes bytes, size_t segment_size,
            unsigned ecn) override;

  // StreamEvents
  void on_send_keys() override {}
  void on_handshake_done() override { ready = true; }
  void on_peer_stream(quic::Stream& stream) override { streams[stream.id]; }
  void on_stream_data(quic::Stream& stream, Bytes bytes, bool fin) override;
  void on_stream_reset(quic::Stream& stream) override;
  void on_send_stopped(quic::Stream& stream) override;
  void on_send_unblocked(quic::Stream& stream) override;
  void on_send_blocked(quic::Stream& stream) override;
  void on_all_acked(quic::Stream&) override {}
  void on_stream_closed(quic::Stream&) override {}
  void on_stream_credit() override {}
  void on_datagram(Bytes) override { ++datagrams; }
  void on_connection_over(const quic::CloseReason& why) override;
  quic::SendItem next(Time now) override;
  Bytes datagram_prefix() override { return {}; }
  void consumed(const quic::SendItem& item, size_t size, bool fin) override;
  void datagram_refused(const quic::SendItem& item) override;
  void stream_unknown(quic::StreamId stream) override;

  // RouteEvents
  quic::ConnectionId make_connection_id() override;
  void on_new_connection_id(const quic::ConnectionId&) override {}
  void on_retired_connection_id(const quic::ConnectionId&) override {}
  void on_path_changed(const quic::Path&) override {}

  UniqueFd socket_;
  quic::Path path_;
  quic::StreamId control_ = -1;
  std::deque<quic::SendItem> queue_;
  size_t current_ = 0;  // of queue_, what next() offered last
  std::set<quic::StreamId> blocked_;
  std::unique_ptr<quic::QuicTransport> transport_;
};

// The first datagram of a handshake that will not go on.
Buffer first_initial();

}  // namespace videocall::badinput
