// SPDX-License-Identifier: MIT
// A WebTransport session in memory: takes what a SendSource offers, within
// budgets that a test sets, and remembers it; hands it to a peer on demand.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "libvideocall/quic/webtransport.h"
#include "libvideocall/wire/framing.h"

namespace videocall::testing {

class FakeSession final : public quic::WebTransportSession {
 public:
  struct Stream {
    bool bidirectional = false;
    std::vector<uint8_t> sent;
    bool fin = false;
    bool reset = false;
    bool stop_asked = false;   // we asked the peer to stop
    size_t window = SIZE_MAX;  // bytes that may be sent in all
    size_t released = 0;       // credit given back for what came
    size_t delivered = 0;      // of |sent|, by deliver_to
    bool end_delivered = false;
  };

  // One packet that went out whole, in the order of their ends.
  struct Sent {
    bool datagram = false;
    quic::StreamId stream = -1;
    PacketRef packet;
    Time when{};
  };

  explicit FakeSession(bool server) : server_(server) {}

  // What a test sets.
  quic::SendSource* source = nullptr;
  quic::SessionVisitor* visitor = nullptr;
  size_t stream_credit = 1'000;
  size_t stream_window = SIZE_MAX;  // of new streams
  uint64_t bytes_received = 0;      // as stats() tells
  size_t max_datagram = 1'200;      // 0: the peer takes none

  // What a test looks at.
  std::map<quic::StreamId, Stream> streams;
  std::vector<std::vector<uint8_t>> datagrams;
  std::vector<Sent> log;
  int write_wishes = 0;
  bool drained = false;
  bool closed = false;
  CloseCode close_code = CloseCode::left;
  std::string close_reason;

  // Takes up to |budget| bytes, |chunk| at a time; returns how many.
  size_t pump(Time now, size_t budget = SIZE_MAX, size_t chunk = 1'200) {
    size_t taken = 0;
    for (int idle = 0; idle < 1'000 && taken < budget;) {
      const quic::SendItem item = source->next(now);
      if (item.kind == quic::SendItem::Kind::none) break;
      const size_t size = take(item, std::min(chunk, budget - taken), now);
      idle = size == 0 ? idle + 1 : 0;
      taken += size;
    }
    return taken;
  }

  void add_stream_credit(size_t count) {
    stream_credit += count;
    source->streams_available();
  }
  void set_window(quic::StreamId stream, size_t window) {
    streams.at(stream).window = window;
    source->stream_unblocked(stream);
  }

  // Hands what was sent since the last call to |peer|'s visitor.
  void deliver_to(FakeSession& peer, Time now) {
    for (auto& [id, stream] : streams) {
      const Bytes bytes = Bytes(stream.sent).subspan(stream.delivered);
      const bool end = stream.fin && !stream.end_delivered;
      stream.delivered = stream.sent.size();
      if (stream.reset && !stream.end_delivered) {
        stream.end_delivered = true;
        peer.visitor->on_stream_reset(id, now);
      } else if (!bytes.empty() || end) {
        stream.end_delivered = end;
        peer.visitor->on_stream_data(id, stream.bidirectional, bytes, end, now);
      }
    }
    for (const auto& datagram : std::exchange(datagrams, {}))
      peer.visitor->on_datagram(datagram, now);
  }

  // The packets on |stream|, decoded from its bytes.
  std::vector<PacketRef> packets_on(quic::StreamId stream) const {
    std::vector<PacketRef> packets;
    FrameDecoder decoder(limits::kMaxStampedPacketBytes);
    (void)decoder.feed(streams.at(stream).sent,
                       [&](PacketRef packet, const Result<void>&) {
                         packets.push_back(std::move(packet));
                       });
    return packets;
  }

  // -- WebTransportSession
  // ------------------------------------------------------
  Result<quic::StreamId> open_uni() override { return open(false); }
  Result<quic::StreamId> open_bidi() override { return open(true); }
  void reset(quic::StreamId stream) override {
    streams.at(stream).reset = true;
  }
  void stop_sending(quic::StreamId stream) override {
    streams[stream].stop_asked = true;
  }
  void finish(quic::StreamId stream) override {
    streams[stream].bidirectional = true;
    streams[stream].fin = true;
  }
  void release_credit(quic::StreamId stream, size_t size) override {
    streams[stream].released += size;
  }
  void close(CloseCode code, std::string_view reason) override {
    closed = true;
    close_code = code;
    close_reason = reason;
    if (visitor) visitor->on_closed(code, reason, false);
  }
  void drain() override { drained = true; }
  void want_write() override { ++write_wishes; }
  quic::TransportStats stats() const override {
    quic::TransportStats stats;
    stats.max_datagram_bytes = max_datagram;
    stats.bytes_received = bytes_received;
    return stats;
  }

 private:
  Result<quic::StreamId> open(bool bidirectional) {
    if (closed) return Error{Errc::closed, "closed"};
    if (stream_credit == 0) return Error{Errc::would_block, "no credit"};
    --stream_credit;
    const int kind = (server_ ? 1 : 0) | (bidirectional ? 0 : 2);
    const quic::StreamId id = 4 * opened_[kind]++ + kind;
    streams[id].bidirectional = bidirectional;
    streams[id].window = stream_window;
    return id;
  }

  size_t take(const quic::SendItem& item, size_t room, Time now) {
    if (item.kind == quic::SendItem::Kind::datagram) {
      if (item.bytes.size() > max_datagram) {
        source->datagram_refused(item);
        return 0;
      }
      datagrams.emplace_back(item.bytes.begin(), item.bytes.end());
      log.push_back({true, -1, item.packet, now});
      source->consumed(item, item.bytes.size(), false);
      return item.bytes.size();
    }
    Stream& stream = streams[item.stream];
    const size_t window =
        stream.window - std::min(stream.window, stream.sent.size());
    const size_t size = std::min({item.bytes.size(), room, window});
    if (size == 0 && !item.bytes.empty()) {
      source->stream_blocked(item.stream);
      return 0;
    }
    stream.sent.insert(stream.sent.end(), item.bytes.begin(),
                       item.bytes.begin() + static_cast<ptrdiff_t>(size));
    const bool whole = size == item.bytes.size();
    stream.fin = whole && item.fin;
    if (whole && item.packet)
      log.push_back({false, item.stream, item.packet, now});
    source->consumed(item, size, stream.fin);
    return size;
  }

  const bool server_;
  quic::StreamId opened_[4] = {};
};

}  // namespace videocall::testing
