// SPDX-License-Identifier: MIT
// Packets out of a QuicTransport.
#include <algorithm>
#include <array>

#include "libvideocall/quic/convert.h"
#include "libvideocall/quic/quic_transport.h"

namespace videocall::quic {
namespace {

constexpr size_t kMaxPacketSize = NGTCP2_MAX_PMTUD_UDP_PAYLOAD_SIZE;
// The kernel's UDP_MAX_SEGMENTS, and what fits an IPv4 datagram.
constexpr size_t kMaxSegments = 64;
constexpr size_t kMaxTrainBytes = 65'000;

// RFC 9002 section 7.7 lets bursts of an initial window go unpaced; a frame of
// a picture or a datagram is smaller, and needs no pacing timer then.
constexpr uint64_t kUnpacedBurst = 10 * kMaxPacketSize;
constexpr auto kBurstPause = 10ms;

// As ngtcp2_conn_update_pkt_tx_time computes it.
constexpr double kPacingGain = 1.25;

// The same for all connections of a thread: nothing lives here between visits.
thread_local std::array<uint8_t, kMaxTrainBytes + kMaxPacketSize> train_buffer;

// ngtcp2 pads a packet that has less than this left.
constexpr size_t kFullPacketSlack = 10;

// Items of one packet that may turn out to be of no use; an endless row of
// them would be the source's fault.
constexpr size_t kMaxSkipped = 10'000;

// From write_stream and write_datagram: the item was dealt with, ask again.
constexpr ngtcp2_ssize kNextItem = -1'000'000;

ngtcp2_vec to_vec(Bytes bytes) {
  return {const_cast<uint8_t*>(bytes.data()), bytes.size()};
}

}  // namespace

// Packets of one size, address and ECN mark in a row, for one GSO send.
class QuicTransport::Train {
 public:
  Train(PacketSink& sink, size_t limit) : sink_(sink), limit_(limit) {}

  uint8_t* tail() { return train_buffer.data() + size_; }
  static size_t room() { return kMaxPacketSize; }
  bool full() const { return closed_ || size_ >= limit_; }
  bool empty() const { return size_ == 0; }

  // Takes the packet of |size| bytes at tail(). Returns whether what was there
  // before had to be sent first.
  void append(size_t size, const ngtcp2_path& path, unsigned ecn) {
    if (!empty() && (size > segment_ || ecn != ecn_ || !same_path(path))) {
      // The odd one out starts the next train.
      uint8_t* packet = tail();
      flush();
      std::copy(packet, packet + size, train_buffer.data());
    }
    if (empty()) {
      segment_ = size;
      ecn_ = ecn;
      path_ = from_path(path);
    }
    size_ += size;
    closed_ = size < segment_ || size_ / segment_ >= kMaxSegments;
  }

  void flush() {
    if (!empty())
      sink_.send(path_, {train_buffer.data(), size_}, segment_, ecn_);
    size_ = 0;
    closed_ = false;
  }

 private:
  bool same_path(const ngtcp2_path& path) const {
    const ngtcp2_path mine = to_path(path_);
    return ngtcp2_path_eq(&mine, &path) != 0;
  }

  PacketSink& sink_;
  const size_t limit_;
  size_t size_ = 0;
  size_t segment_ = 0;
  bool closed_ = false;
  unsigned ecn_ = 0;
  Path path_;
};

size_t QuicTransport::train_limit() const {
  const size_t quantum = ngtcp2_conn_get_send_quantum(conn_);
  return std::min(kMaxTrainBytes - kMaxPacketSize,
                  std::max<size_t>(quantum, kUnpacedBurst));
}

void QuicTransport::write(PacketSink& sink, size_t budget, Time now) {
  now_ = now;
  if (state_ == State::closing && close_repeat_) return write_close(sink);
  if (state_ != State::active) return;
  if (!close_pending_ && !handle_expiry()) {
    if (state_ != State::active) return;
  }
  if (close_pending_) return write_close(sink);
  want_write_ = false;
  lazy_write_ = Time::max();
  took_all_ = false;
  if (wants_filler_ || probes_) look_in_flight();
  Train train(sink, train_limit());
  size_t total = 0;
  size_t unsent = 0;
  for (;;) {
    if (budget != 0 && total >= budget) {
      want_write_ = true;
      break;
    }
    const ngtcp2_ssize size = write_packet(train.tail(), Train::room());
    if (size <= 0) {
      if (size < 0) fail(static_cast<int>(size));
      break;
    }
    const auto bytes = static_cast<size_t>(size);
    ++packets_sent_;
    total += bytes;
    unsent += bytes;
    train.append(bytes, write_path_.path, write_info_.ecn);
    if (train.full()) {
      train.flush();
      pace(std::exchange(unsent, 0));
    }
  }
  train.flush();
  pace(unsent);
  expiry_known_ = false;
  bytes_sent_ += total;
  if (total > 0) heard_data_ = false;
  if (state_ == State::active) end_stopped();
  if (close_pending_) write_close(sink);
}

// Tells the pacer of |bytes| that were just sent, if they were many. Those of
// small bursts before count as sent in the past.
void QuicTransport::pace(size_t bytes) {
  if (bytes == 0) return;
  if (now_ - burst_start_ > kBurstPause) {
    burst_start_ = now_;
    burst_bytes_ = 0;
  }
  burst_bytes_ += bytes;
  if (burst_bytes_ <= kUnpacedBurst) {
    unpaced_bytes_ += bytes;
    return;
  }
  ngtcp2_tstamp when = to_timestamp(now_);
  if (unpaced_bytes_ > 0) {
    ngtcp2_conn_stat stat;
    ngtcp2_conn_get_conn_stat(conn_, &stat);
    const double rate = stat.pacing_rate > 0
                            ? stat.pacing_rate
                            : static_cast<double>(stat.cwnd) /
                                  static_cast<double>(stat.smoothed_rtt) *
                                  kPacingGain;
    const auto past =
        static_cast<ngtcp2_tstamp>(static_cast<double>(unpaced_bytes_) / rate);
    when -= std::min(when, past);
    unpaced_bytes_ = 0;
  }
  ngtcp2_conn_update_pkt_tx_time(conn_, when);
}

// ngtcp2 0.12 arms the probe timeout (RFC 9002, section 6.2) only for packets
// that have something to repeat. Datagrams are not repeated; so where the
// window is full of them, and all are lost, nothing would ever be sent again.
// That is why no two packets in a row are without bytes of a stream: what the
// first leaves of the least window (RFC 9002, section 7.2) is enough for one
// more, for whose loss there is a timer. A probe has some, too, for a PING that
// is lost is forgotten as well.
SendItem QuicTransport::next_item() {
  SendItem item = events_.next(now_);
  if (has_stream_ || (!probes_ && !wants_filler_)) return item;
  if (item.kind != SendItem::Kind::datagram &&
      !(item.kind == SendItem::Kind::none && probes_))
    return item;
  SendItem filler = events_.filler();
  return filler.kind == SendItem::Kind::none ? item : filler;
}

// A filler that found no room is still owed.
void QuicTransport::note_packet() {
  if (has_stream_ || has_datagram_) wants_filler_ = !has_stream_;
  if (has_stream_) probes_ = false;
}

// Where nothing is on its way nothing can be lost.
void QuicTransport::look_in_flight() {
  ngtcp2_conn_stat stat;
  ngtcp2_conn_get_conn_stat(conn_, &stat);
  if (stat.bytes_in_flight > 0) return;
  wants_filler_ = probes_ = false;
}

// Fills one packet. 0: nothing to send, or no room for it now.
ngtcp2_ssize QuicTransport::write_packet(uint8_t* out, size_t size) {
  ngtcp2_ssize result = 0;
  in_packet_ = false;
  has_stream_ = has_datagram_ = false;
  for (size_t skipped = 0; skipped < kMaxSkipped;) {
    const SendItem item = next_item();
    // A packet with room left took all that there was.
    if (item.kind == SendItem::Kind::none && !in_packet_ && took_all_) break;
    switch (item.kind) {
      case SendItem::Kind::none:
        result = ngtcp2_conn_write_pkt(conn_, &write_path_.path, &write_info_,
                                       out, size, to_timestamp(now_));
        break;
      case SendItem::Kind::stream:
        result = write_stream(item, out, size);
        break;
      case SendItem::Kind::datagram:
        result = write_datagram(item, out, size);
        break;
    }
    if (result == NGTCP2_ERR_WRITE_MORE) {
      in_packet_ = true;
      continue;
    }
    if (result == kNextItem) {
      ++skipped;
      result = 0;
      continue;
    }
    took_all_ = result > 0 && item.kind != SendItem::Kind::none && !item.more &&
                handshake_done_ &&
                static_cast<size_t>(result) + kFullPacketSlack <
                    ngtcp2_conn_get_path_max_tx_udp_payload_size(conn_);
    if (result == 0 && item.kind != SendItem::Kind::none) {
      // Pacing or congestion; a timer or an acknowledgement goes on.
      congested_ = true;
      want_write_ = true;
    }
    break;
  }
  in_packet_ = false;
  if (result > 0) note_packet();
  if (!deferred_.empty()) apply_deferred();
  return result;
}

ngtcp2_ssize QuicTransport::write_stream(const SendItem& item, uint8_t* out,
                                         size_t size) {
  Stream* stream = find(item.stream);
  if (!stream || stream->send_over || stream->fin_sent) {
    events_.stream_unknown(item.stream);
    return kNextItem;
  }
  const size_t offered = stream->preamble.size() + item.bytes.size();
  if (offered == 0 && !item.fin) {
    events_.consumed(item, 0, false);
    return kNextItem;
  }
  if (offered > 0 && ngtcp2_conn_get_max_data_left(conn_) == 0) {
    data_blocked_.push_back(item.stream);
    block(*stream);
    return kNextItem;
  }
  ngtcp2_vec data[2];
  size_t count = 0;
  if (!stream->preamble.empty()) data[count++] = to_vec(stream->preamble);
  if (!item.bytes.empty()) data[count++] = to_vec(item.bytes);
  const uint32_t flags = (item.fin ? NGTCP2_WRITE_STREAM_FLAG_FIN : 0u) |
                         (item.more ? NGTCP2_WRITE_STREAM_FLAG_MORE : 0u);
  ngtcp2_ssize accepted = -1;
  const ngtcp2_ssize result = ngtcp2_conn_writev_stream(
      conn_, &write_path_.path, &write_info_, out, size, &accepted, flags,
      item.stream, data, count, to_timestamp(now_));
  if (result == NGTCP2_ERR_WRITE_MORE) in_packet_ = true;
  if (accepted >= 0)
    account_stream(*stream, item, static_cast<size_t>(accepted));
  switch (result) {
    case NGTCP2_ERR_STREAM_DATA_BLOCKED:
      block(*stream);
      return kNextItem;
    case NGTCP2_ERR_STREAM_SHUT_WR:
      stop_source(*stream);
      return kNextItem;
    case NGTCP2_ERR_STREAM_NOT_FOUND:
      events_.stream_unknown(item.stream);
      return kNextItem;
    default:
      return result;
  }
}

void QuicTransport::account_stream(Stream& stream, const SendItem& item,
                                   size_t accepted) {
  has_stream_ = true;
  const size_t preamble = std::min(accepted, stream.preamble.size());
  stream.preamble = stream.preamble.subspan(preamble);
  const size_t taken = accepted - preamble;
  stream.sent += accepted;
  if (stream.awaited) unacked_ += accepted;
  streamed_ = now_;
  if (taken > 0 && item.packet) stream.retained.sent(item.packet, stream.sent);
  const bool fin =
      item.fin && stream.preamble.empty() && taken == item.bytes.size();
  if (fin) stream.fin_sent = true;
  events_.consumed(item, taken, fin);
}

ngtcp2_ssize QuicTransport::write_datagram(const SendItem& item, uint8_t* out,
                                           size_t size) {
  const Bytes prefix = events_.datagram_prefix();
  // ngtcp2 answers to one that is too large as it does to congestion.
  if (item.bytes.size() > max_datagram(prefix.size())) {
    events_.datagram_refused(item);
    return kNextItem;
  }
  // An empty vector trips an assertion of ngtcp2's.
  ngtcp2_vec data[2];
  size_t count = 0;
  if (!prefix.empty()) data[count++] = to_vec(prefix);
  if (!item.bytes.empty()) data[count++] = to_vec(item.bytes);
  const uint32_t flags = item.more ? NGTCP2_WRITE_DATAGRAM_FLAG_MORE : 0u;
  int accepted = 0;
  const ngtcp2_ssize result = ngtcp2_conn_writev_datagram(
      conn_, &write_path_.path, &write_info_, out, size, &accepted, flags, 0,
      data, count, to_timestamp(now_));
  if (result == NGTCP2_ERR_WRITE_MORE) in_packet_ = true;
  if (accepted) {
    streamed_ = now_;
    has_datagram_ = true;
    events_.consumed(item, item.bytes.size(), false);
  }
  if (result == NGTCP2_ERR_INVALID_STATE ||
      result == NGTCP2_ERR_INVALID_ARGUMENT) {
    events_.datagram_refused(item);
    return kNextItem;
  }
  return result;
}

}  // namespace videocall::quic
