// SPDX-License-Identifier: MIT
// HTTP/3 on the wire: QUIC varints (RFC 9000 section 16), frames and settings
// (RFC 9114 section 7), and the numbers of WebTransport
// (draft-ietf-webtrans-http3) that we send or understand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "libvideocall/base/result.h"
#include "libvideocall/wire/packet.h"

namespace videocall::quic::h3 {

// -- Frames ------------------------------------------------------------------
inline constexpr uint64_t kFrameData = 0x00;
inline constexpr uint64_t kFrameHeaders = 0x01;
inline constexpr uint64_t kFrameCancelPush = 0x03;
inline constexpr uint64_t kFrameSettings = 0x04;
inline constexpr uint64_t kFramePushPromise = 0x05;
inline constexpr uint64_t kFrameGoaway = 0x07;
inline constexpr uint64_t kFrameMaxPushId = 0x0d;
// Opens a bidirectional WebTransport stream; has no length.
inline constexpr uint64_t kFrameWebTransport = 0x41;

// HTTP/2's frames that have no meaning here (RFC 9114 section 7.2.8).
constexpr bool is_forbidden_frame(uint64_t type) {
  return type == 0x02 || type == 0x06 || type == 0x08 || type == 0x09;
}

// -- Unidirectional streams --------------------------------------------------
inline constexpr uint64_t kStreamControl = 0x00;
inline constexpr uint64_t kStreamPush = 0x01;
inline constexpr uint64_t kStreamQpackEncoder = 0x02;
inline constexpr uint64_t kStreamQpackDecoder = 0x03;
inline constexpr uint64_t kStreamWebTransport = 0x54;

// -- Settings ----------------------------------------------------------------
inline constexpr uint64_t kSettingQpackCapacity = 0x01;
inline constexpr uint64_t kSettingMaxFieldSection = 0x06;
inline constexpr uint64_t kSettingExtendedConnect = 0x08;
inline constexpr uint64_t kSettingDatagram = 0x33;
inline constexpr uint64_t kSettingDatagramDraft04 = 0xffd277;
inline constexpr uint64_t kSettingWebTransportDraft02 = 0x2b603742;
inline constexpr uint64_t kSettingWebTransportDraft07 = 0xc671706a;
inline constexpr uint64_t kSettingWebTransportDraft13 = 0x14e9cd29;
inline constexpr uint64_t kSettingWebTransportDraft14 = 0x2c7cf000;

// -- Errors ------------------------------------------------------------------
inline constexpr uint64_t kNoError = 0x100;
inline constexpr uint64_t kGeneralProtocolError = 0x101;
inline constexpr uint64_t kInternalError = 0x102;
inline constexpr uint64_t kStreamCreationError = 0x103;
inline constexpr uint64_t kClosedCriticalStream = 0x104;
inline constexpr uint64_t kFrameUnexpected = 0x105;
inline constexpr uint64_t kFrameError = 0x106;
inline constexpr uint64_t kExcessiveLoad = 0x107;
inline constexpr uint64_t kIdError = 0x108;
inline constexpr uint64_t kSettingsError = 0x109;
inline constexpr uint64_t kMissingSettings = 0x10a;
inline constexpr uint64_t kRequestRejected = 0x10b;
inline constexpr uint64_t kRequestCancelled = 0x10c;
inline constexpr uint64_t kRequestIncomplete = 0x10d;
inline constexpr uint64_t kMessageError = 0x10e;
inline constexpr uint64_t kDatagramError = 0x33;
inline constexpr uint64_t kQpackDecompressionFailed = 0x200;
inline constexpr uint64_t kWtBufferedStreamRejected = 0x3994bd84;
inline constexpr uint64_t kWtSessionGone = 0x170d7b68;

// A WebTransport application's stream error |code| as HTTP/3 carries it.
constexpr uint64_t webtransport_error(uint32_t code) {
  return 0x52e4a40fa8db + code + code / 0x1e;
}

// -- Varints -----------------------------------------------------------------
inline constexpr uint64_t kMaxVarint = (uint64_t{1} << 62) - 1;
inline constexpr size_t kMaxVarintBytes = 8;

constexpr size_t varint_size(uint64_t value) {
  return value < 0x40 ? 1 : value < 0x4000 ? 2 : value < 0x40000000 ? 4 : 8;
}
// |value| <= kMaxVarint; |out| has room for it. Returns the end.
uint8_t* put_varint(uint8_t* out, uint64_t value);
void append_varint(std::vector<uint8_t>& out, uint64_t value);
// Reads one varint off the front of |bytes|; nothing if it is not all there.
std::optional<uint64_t> take_varint(Bytes& bytes);

// Collects one varint from input that may be split anywhere.
class VarintReader {
 public:
  // Eats from |input| until the varint is complete.
  std::optional<uint64_t> read(Bytes& input);
  bool started() const { return fill_ != 0; }

 private:
  uint8_t bytes_[kMaxVarintBytes] = {};
  uint8_t fill_ = 0;
};

// Walks over what HTTP/3 frames and capsules have in common: a type, a length
// and that many bytes, split anywhere. Keeps nothing but the two varints.
class TlvReader {
 public:
  enum class Event : uint8_t {
    need_more,  // all input was eaten
    start,      // type() and length() are known
    payload,    // payload() is the next piece of the value
    end,        // the value is complete
  };

  // Eats from |input|. Call until need_more.
  Event next(Bytes& input);
  // The first type was read elsewhere.
  void begin_with(uint64_t type) {
    type_ = type;
    state_ = State::length;
  }

  uint64_t type() const { return type_; }
  uint64_t length() const { return length_; }
  Bytes payload() const { return payload_; }  // borrowed from the input
  // Whether the input may end here.
  bool at_boundary() const {
    return state_ == State::type && !varint_.started();
  }

 private:
  enum class State : uint8_t { type, length, value };
  State state_ = State::type;
  VarintReader varint_;
  uint64_t type_ = 0;
  uint64_t length_ = 0;
  uint64_t left_ = 0;
  Bytes payload_;
};

// -- Settings ----------------------------------------------------------------
struct Settings {
  bool extended_connect = false;
  bool datagrams = false;
  bool webtransport = false;
};
inline constexpr size_t kMaxSettingsBytes = 4'096;

// |payload| of a SETTINGS frame; unknown ones are skipped. Fails on truncated,
// repeated and forbidden settings and on values out of range.
Result<Settings> parse_settings(Bytes payload);

// -- Building
// -------------------------------------------------------------------- The type
// of our control stream and the SETTINGS frame.
std::vector<uint8_t> control_stream_opening(bool server);
void append_frame(std::vector<uint8_t>& out, uint64_t type, Bytes payload);

}  // namespace videocall::quic::h3
