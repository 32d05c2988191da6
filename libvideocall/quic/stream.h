// SPDX-License-Identifier: MIT
// What we know of one QUIC stream. Owned by QuicTransport; H3Session keeps its
// part in it, so that neither needs a table of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "libvideocall/quic/capsules.h"
#include "libvideocall/quic/webtransport.h"

namespace videocall::quic {

// What was sent on a stream and may have to be sent again: references to the
// packets, which stay until the peer has acknowledged all of their bytes.
class RetainedPackets {
 public:
  // The stream up to |end| is covered once |packet|'s bytes are counted in.
  void sent(const PacketRef& packet, uint64_t end);
  // All before |offset| was acknowledged.
  void acked(uint64_t offset);
  bool empty() const { return head_ == entries_.size(); }

 private:
  struct Entry {
    uint64_t end;
    PacketRef packet;
  };
  std::vector<Entry> entries_;  // from head_ on, ends ascending
  size_t head_ = 0;
};

enum class StreamRole : uint8_t {
  unknown,       // a peer's, its first bytes are awaited
  control,       // HTTP/3 control
  qpack,         // carries nothing, since there is no dynamic table
  request,       // a request that is or may become our CONNECT
  webtransport,  // the session's user has it
  early,         // of a session that is not there yet; bytes are kept
  discarded,     // refused or over; bytes are dropped
};

// A stream with HTTP/3 frames: a request, or the control stream.
struct FrameState {
  h3::TlvReader frames;
  std::vector<uint8_t> collected;  // of a frame that is read whole
  h3::CapsuleReader capsules;
  std::string status;  // client: of the reply
  std::string body;    // client: of a refusal
  bool first_frame_seen = false;
  bool headers_seen = false;
};

struct Stream {
  explicit Stream(StreamId id) : id(id) {}

  bool bidirectional() const { return (id & 2) == 0; }
  bool client_initiated() const { return (id & 1) == 0; }

  const StreamId id;

  // -- QuicTransport ---------------------------------------------------------
  RetainedPackets retained;
  uint64_t sent = 0;        // bytes handed to QUIC
  uint64_t acked = 0;       // of those, acknowledged without a gap
  uint64_t unreleased = 0;  // received, credit not given back
  Bytes preamble;           // goes before the first bytes; static storage
  bool local = false;
  bool awaited = true;   // acknowledgements of it are; see unacked_
  bool widened = false;  // its window was enlarged for a large packet
  bool fin_sent = false;
  bool send_over = false;  // reset, stopped or finished and acknowledged
  bool receive_over = false;
  bool blocked = false;  // SendSource was told

  // -- H3Session -------------------------------------------------------------
  StreamRole role = StreamRole::unknown;
  h3::VarintReader opening;  // of the type and session id in front
  uint64_t opening_type = 0;
  bool type_known = false;
  std::unique_ptr<FrameState> frames;
};

}  // namespace videocall::quic
