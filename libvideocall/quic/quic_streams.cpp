// SPDX-License-Identifier: MIT
// Streams and flow control of a QuicTransport.
#include <algorithm>

#include "libvideocall/quic/convert.h"
#include "libvideocall/quic/quic_transport.h"

namespace videocall::quic {
namespace {

// MAX_STREAMS one by one costs an ack-eliciting packet per stream.
constexpr size_t kStreamCreditBatch = 32;

// A packet larger than a stream's window must pass even if the user gives
// credit back for whole packets only; a stream that shows one gets this more.
constexpr uint64_t kWidenAbove = 64 * 1024;
constexpr uint64_t kWidenBy = 1024 * 1024;

// RFC 9000: short header, packet number, AEAD tag, DATAGRAM type and length.
constexpr size_t kDatagramOverhead = 1 + 4 + 16 + 1 + 2;
constexpr size_t kDatagramFrameOverhead = 1 + 8;

}  // namespace

Stream& QuicTransport::add_stream(StreamId id, bool local) {
  auto& slot = streams_[id];
  slot = std::make_unique<Stream>(id);
  slot->local = local;
  ngtcp2_conn_set_stream_user_data(conn_, id, slot.get());
  return *slot;
}

// A viewer's frames go on one stream for a whole group.
Stream* QuicTransport::find(StreamId id) {
  if (last_found_ && last_found_->id == id) return last_found_;
  const auto found = streams_.find(id);
  if (found == streams_.end()) return nullptr;
  last_found_ = found->second.get();
  return last_found_;
}

Result<Stream*> QuicTransport::open_stream(bool bidirectional, Bytes preamble) {
  if (!alive() || close_pending_)
    return Error{Errc::closed, "the connection is over"};
  StreamId id = -1;
  const int rv = bidirectional
                     ? ngtcp2_conn_open_bidi_stream(conn_, &id, nullptr)
                     : ngtcp2_conn_open_uni_stream(conn_, &id, nullptr);
  if (rv == NGTCP2_ERR_STREAM_ID_BLOCKED) {
    stream_credit_wanted_ = true;
    return Error{Errc::would_block, "no stream credit"};
  }
  if (rv != 0) return Error{Errc::internal, ngtcp2_strerror(rv)};
  Stream& stream = add_stream(id, true);
  stream.preamble = preamble;
  stream.receive_over = !bidirectional;
  return &stream;
}

void QuicTransport::reset(StreamId id, uint64_t code) {
  Stream* stream = find(id);
  if (!stream || stream->send_over) return;
  stream->send_over = true;
  shutdown_side({id, code, true});
}

void QuicTransport::stop_sending(StreamId id, uint64_t code) {
  Stream* stream = find(id);
  if (!stream || stream->receive_over) return;
  shutdown_side({id, code, false});
}

// ngtcp2 would mark a frame that is queued behind its back, while it holds an
// open packet, as sent with that packet.
void QuicTransport::shutdown_side(const Deferred& deferred) {
  if (!alive()) return;
  want_write_ = true;
  if (in_packet_) {
    deferred_.push_back(deferred);
  } else if (deferred.send_side) {
    ngtcp2_conn_shutdown_stream_write(conn_, deferred.id, deferred.code);
  } else {
    ngtcp2_conn_shutdown_stream_read(conn_, deferred.id, deferred.code);
    // ngtcp2 gives back what comes from now on, and we what came before. Of a
    // peer's unidirectional stream nothing more is heard if it just ends.
    if (Stream* stream = find(deferred.id)) {
      release_all(*stream);
      if (!stream->bidirectional()) stopped_.push_back(stream->id);
    }
  }
}

void QuicTransport::end_stopped() {
  for (StreamId id : std::exchange(stopped_, {}))
    if (Stream* stream = find(id)) end_receiving(*stream);
}

void QuicTransport::apply_deferred() {
  // Applying may call back and add more.
  while (!deferred_.empty()) {
    const std::vector<Deferred> batch = std::exchange(deferred_, {});
    for (const Deferred& deferred : batch) shutdown_side(deferred);
  }
}

void QuicTransport::release(Stream& stream, size_t size) {
  const uint64_t credit = std::min<uint64_t>(size, stream.unreleased);
  stream.unreleased -= credit;
  if (credit > 0) {
    // ngtcp2 tells the peer once half of the window has gathered.
    ngtcp2_conn_extend_max_offset(conn_, credit);
    if (!stream.receive_over)
      ngtcp2_conn_extend_max_stream_offset(conn_, stream.id, credit);
  }
  if (server_ && !stream.widened && !stream.receive_over &&
      stream.unreleased > kWidenAbove) {
    stream.widened = true;
    ngtcp2_conn_extend_max_stream_offset(conn_, stream.id, kWidenBy);
  }
}

void QuicTransport::release_all(Stream& stream) {
  release(stream, static_cast<size_t>(stream.unreleased));
}

void QuicTransport::widen_connection_window(uint64_t bytes) {
  if (!alive()) return;
  ngtcp2_conn_extend_max_offset(conn_, bytes);
  want_write_ = true;
}

// The peer's side of |stream| is over. ngtcp2 0.12 never closes unidirectional
// streams of the peer: this is all that will be heard of them.
void QuicTransport::end_receiving(Stream& stream) {
  if (stream.receive_over) return;
  stream.receive_over = true;
  release_all(stream);
  if (stream.bidirectional()) return;
  ngtcp2_conn_set_stream_user_data(conn_, stream.id, nullptr);
  forget(stream);
}

void QuicTransport::forget(Stream& stream) {
  release_all(stream);
  if (stream.awaited) unacked_ -= stream.sent - stream.acked;
  lost_before_ += ngtcp2_conn_get_stream_loss_count(conn_, stream.id);
  // ngtcp2 0.12 answers STOP_SENDING without a word: this, or the next write,
  // is when it shows.
  if (!stream.send_over && !stream.fin_sent) stop_source(stream);
  events_.on_stream_closed(stream);
  if (!stream.local) return_stream_credit(stream.bidirectional());
  if (last_found_ == &stream) last_found_ = nullptr;
  streams_.erase(stream.id);
}

void QuicTransport::stop_source(Stream& stream) {
  if (stream.send_over) return;
  stream.send_over = true;
  events_.on_send_stopped(stream);
}

void QuicTransport::return_stream_credit(bool bidirectional) {
  size_t& closed = bidirectional ? closed_bidi_ : closed_uni_;
  // A small limit must not wait for a batch that never fills.
  const size_t batch =
      std::min(kStreamCreditBatch,
               std::max<size_t>(1, config_.max_open_peer_streams / 4));
  if (++closed < batch) return;
  if (bidirectional) {
    ngtcp2_conn_extend_max_streams_bidi(conn_, closed);
  } else {
    ngtcp2_conn_extend_max_streams_uni(conn_, closed);
  }
  closed = 0;
  want_write_ = true;
}

void QuicTransport::block(Stream& stream) {
  if (stream.blocked) return;
  stream.blocked = true;
  events_.on_send_blocked(stream);
}

// ngtcp2 does not call back for MAX_DATA.
void QuicTransport::unblock_after_data_credit() {
  if (ngtcp2_conn_get_max_data_left(conn_) == 0) return;
  for (StreamId id : std::exchange(data_blocked_, {})) {
    Stream* stream = find(id);
    if (!stream || !stream->blocked || stream->send_over) continue;
    if (ngtcp2_conn_get_max_stream_data_left(conn_, id) == 0) continue;
    stream->blocked = false;
    events_.on_send_unblocked(*stream);
  }
  want_write_ = true;
}

size_t QuicTransport::max_datagram(size_t prefix) const {
  const ngtcp2_transport_params* peer =
      handshake_done_ || ngtcp2_conn_get_handshake_completed(conn_)
          ? ngtcp2_conn_get_remote_transport_params(conn_)
          : nullptr;
  if (!peer) return 0;
  const size_t overhead =
      kDatagramOverhead + ngtcp2_conn_get_dcid(conn_)->datalen + prefix;
  const size_t path = ngtcp2_conn_get_path_max_tx_udp_payload_size(conn_);
  const uint64_t frame = peer->max_datagram_frame_size;
  if (frame <= kDatagramFrameOverhead + prefix || path <= overhead) return 0;
  return static_cast<size_t>(std::min<uint64_t>(
      path - overhead, frame - kDatagramFrameOverhead - prefix));
}

}  // namespace videocall::quic
