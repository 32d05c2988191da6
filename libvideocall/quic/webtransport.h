// SPDX-License-Identifier: MIT
// One WebTransport session as its user sees it: streams and datagrams of one
// CONNECT (draft-ietf-webtrans-http3). Implemented by quic/h3_session on top
// of one QUIC connection; faked in memory by tests. Sans-I/O, one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "libvideocall/base/result.h"
#include "libvideocall/base/time.h"
#include "libvideocall/wire/close_code.h"
#include "libvideocall/wire/packet.h"

namespace videocall::quic {

using StreamId = int64_t;

// What to put on the wire next. Bytes are borrowed from |packet|, which the
// session keeps until the peer has acknowledged them.
struct SendItem {
  enum class Kind : uint8_t { none, stream, datagram };
  Kind kind = Kind::none;
  StreamId stream = -1;
  PacketRef packet;  // may be empty when only |fin| is left to send
  Bytes bytes;       // the unsent rest of a frame, or a whole datagram
  bool fin = false;  // the stream ends behind |bytes|
  // Something else is ready behind this item, so a QUIC packet need not be
  // finished with it. A wrong false costs bytes, a wrong true some CPU.
  bool more = false;
};

// Decides what is sent next; pulled by the session while congestion control,
// pacing and flow control have room, so that the decision is made at the last
// moment. Implemented by the channel's send scheduler. All of these may call
// back into the session, also open_uni() and open_bidi().
class SendSource {
 public:
  virtual ~SendSource() = default;
  // The most urgent item at |now|; stays until consumed. kind none: nothing.
  virtual SendItem next(Time now) = 0;
  // The first |size| bytes of |item| were taken; datagrams whole. |fin| tells
  // whether the end of the stream went with them.
  virtual void consumed(const SendItem& item, size_t size, bool fin) = 0;
  // The datagram does not fit the path or the peer takes none; drop it.
  virtual void datagram_refused(const SendItem& item) = 0;
  // Flow control: do not offer |stream| until it is unblocked.
  virtual void stream_blocked(StreamId stream) = 0;
  virtual void stream_unblocked(StreamId stream) = 0;
  // The peer asked for no more of |stream| (STOP_SENDING) or it is gone: do
  // not offer it again.
  virtual void stream_stopped(StreamId stream) = 0;
  // New stream credit came after open_uni/open_bidi said would_block.
  virtual void streams_available() = 0;
};

struct TransportStats {
  Duration smoothed_rtt{0};
  Duration latest_rtt{0};
  uint64_t bytes_sent = 0;
  uint64_t bytes_delivered = 0;  // about: acknowledged by the peer
  uint64_t bytes_received = 0;
  uint64_t packets_lost = 0;  // of those that carried stream data
  uint64_t packets_sent = 0;
  uint64_t congestion_window = 0;  // bytes
  uint64_t bytes_in_flight = 0;
  double delivery_rate = 0;       // bytes/s; 0 unknown
  size_t max_datagram_bytes = 0;  // payload that fits the path now; 0: none
};

class WebTransportSession {
 public:
  virtual ~WebTransportSession() = default;

  // Fail with Errc::would_block while there is no stream credit (then
  // SendSource::streams_available is called), Errc::closed after the end.
  virtual Result<StreamId> open_uni() = 0;
  virtual Result<StreamId> open_bidi() = 0;
  // Abandons our sending side of |stream|; "superseded" to the peer.
  virtual void reset(StreamId stream) = 0;
  // Asks the peer to stop sending on |stream|.
  virtual void stop_sending(StreamId stream) = 0;
  // Ends our sending side of a bidirectional stream on which we sent nothing.
  virtual void finish(StreamId stream) = 0;
  // The user handled |size| bytes of |stream|: flow control credit. May be
  // called from on_stream_data. What is still unreleased when the receiving
  // side of the stream ends is released then; later calls do nothing. A user
  // may hold back up to limits::kMaxPacketBytes of a stream at a time.
  virtual void release_credit(StreamId stream, size_t size) = 0;

  // CLOSE capsule with code and reason, FIN; QUIC is closed after the peer's
  // answer or limits::kCloseLinger. Nothing else is sent or reported then but
  // on_closed, which follows soon, not within this call.
  virtual void close(CloseCode code, std::string_view reason) = 0;
  // DRAIN capsule: please leave soon.
  virtual void drain() = 0;
  // There is something new in the SendSource; write at the next chance.
  virtual void want_write() = 0;
  virtual TransportStats stats() const = 0;
};

// What happens on a session. Called on the session's thread; the visitor may
// call back into the session, except that it must not destroy it.
class SessionVisitor {
 public:
  virtual ~SessionVisitor() = default;
  // Client side: the server answered 200 to CONNECT.
  virtual void on_established() = 0;
  // Client side: refused with HTTP |status|; |reason| is the reply's body or
  // empty. |status| 0: there was no reply at all (no answer, bad certificate,
  // not a WebTransport server), and |reason| says why. No other call follows.
  virtual void on_refused(int status, std::string_view reason) = 0;
  // Bytes of a peer's stream or of the receiving side of ours, in order;
  // |bytes| may be empty with |fin|.
  virtual void on_stream_data(StreamId stream, bool bidirectional, Bytes bytes,
                              bool fin, Time now) = 0;
  virtual void on_stream_reset(StreamId stream, Time now) = 0;
  virtual void on_datagram(Bytes payload, Time now) = 0;
  virtual void on_draining() = 0;
  // The session is over, by the peer, by an error or by a timeout; |by_peer|
  // false after our own close(). A connection that broke counts as idle.
  // Exactly once, on the client after on_established only.
  virtual void on_closed(CloseCode code, std::string_view reason,
                         bool by_peer) = 0;
};

}  // namespace videocall::quic
