// SPDX-License-Identifier: MIT
#include "libvideocall/quic/h3_frames.h"

#include <algorithm>

namespace videocall::quic::h3 {
namespace {

size_t announced_size(uint8_t first) {
  return size_t{1} << (first >> 6);
}

uint64_t decode(const uint8_t* bytes, size_t size) {
  uint64_t value = bytes[0] & 0x3f;
  for (size_t i = 1; i < size; ++i) value = value << 8 | bytes[i];
  return value;
}

Error settings_error(const char* what) {
  return {Errc::protocol, what};
}

}  // namespace

uint8_t* put_varint(uint8_t* out, uint64_t value) {
  const size_t size = varint_size(value);
  for (size_t i = size; i-- > 0; value >>= 8)
    out[i] = static_cast<uint8_t>(value);
  const uint8_t prefix = size == 1   ? 0x00
                         : size == 2 ? 0x40
                         : size == 4 ? 0x80
                                     : 0xc0;
  out[0] = static_cast<uint8_t>(out[0] | prefix);
  return out + size;
}

void append_varint(std::vector<uint8_t>& out, uint64_t value) {
  uint8_t bytes[kMaxVarintBytes];
  out.insert(out.end(), bytes, put_varint(bytes, value));
}

std::optional<uint64_t> take_varint(Bytes& bytes) {
  if (bytes.empty()) return std::nullopt;
  const size_t size = announced_size(bytes[0]);
  if (bytes.size() < size) return std::nullopt;
  const uint64_t value = decode(bytes.data(), size);
  bytes = bytes.subspan(size);
  return value;
}

std::optional<uint64_t> VarintReader::read(Bytes& input) {
  if (fill_ == 0) {
    if (auto whole = take_varint(input)) return whole;
  }
  while (!input.empty()) {
    bytes_[fill_++] = input[0];
    input = input.subspan(1);
    if (fill_ == announced_size(bytes_[0])) {
      const uint64_t value = decode(bytes_, fill_);
      fill_ = 0;
      return value;
    }
  }
  return std::nullopt;
}

TlvReader::Event TlvReader::next(Bytes& input) {
  if (state_ == State::type) {
    auto type = varint_.read(input);
    if (!type) return Event::need_more;
    type_ = *type;
    state_ = State::length;
  }
  if (state_ == State::length) {
    auto length = varint_.read(input);
    if (!length) return Event::need_more;
    length_ = left_ = *length;
    state_ = State::value;
    return Event::start;
  }
  if (left_ == 0) {
    state_ = State::type;
    return Event::end;
  }
  if (input.empty()) return Event::need_more;
  const size_t size =
      static_cast<size_t>(std::min<uint64_t>(left_, input.size()));
  payload_ = input.first(size);
  input = input.subspan(size);
  left_ -= size;
  return Event::payload;
}

Result<Settings> parse_settings(Bytes payload) {
  Settings settings;
  std::vector<uint64_t> seen;
  while (!payload.empty()) {
    const auto id = take_varint(payload);
    const auto value = take_varint(payload);
    if (!id || !value) return settings_error("truncated SETTINGS");
    // HTTP/2's settings (RFC 9114 section 7.2.4.1).
    if (*id >= 0x02 && *id <= 0x05)
      return settings_error("a setting of HTTP/2");
    if (std::find(seen.begin(), seen.end(), *id) != seen.end())
      return settings_error("a setting twice");
    seen.push_back(*id);
    switch (*id) {
      case kSettingExtendedConnect:
        if (*value > 1) return settings_error("ENABLE_CONNECT_PROTOCOL > 1");
        settings.extended_connect = *value == 1;
        break;
      case kSettingDatagram:
        if (*value > 1) return settings_error("H3_DATAGRAM > 1");
        [[fallthrough]];
      case kSettingDatagramDraft04:
        settings.datagrams |= *value != 0;
        break;
      case kSettingWebTransportDraft02:
      case kSettingWebTransportDraft07:
      case kSettingWebTransportDraft13:
      case kSettingWebTransportDraft14:
        settings.webtransport |= *value != 0;
        break;
      default:
        break;
    }
  }
  return settings;
}

std::vector<uint8_t> control_stream_opening(bool server) {
  std::vector<uint8_t> payload;
  const auto setting = [&payload](uint64_t id, uint64_t value) {
    append_varint(payload, id);
    append_varint(payload, value);
  };
  // What Chromium and Firefox need of a server, and nothing that makes either
  // choose another draft.
  setting(kSettingMaxFieldSection, limits::kMaxHeaderSectionBytes);
  if (server) setting(kSettingExtendedConnect, 1);
  setting(kSettingDatagram, 1);
  setting(kSettingWebTransportDraft02, 1);
  setting(kSettingWebTransportDraft07, server ? 16 : 1);
  std::vector<uint8_t> out;
  append_varint(out, kStreamControl);
  append_frame(out, kFrameSettings, payload);
  return out;
}

void append_frame(std::vector<uint8_t>& out, uint64_t type, Bytes payload) {
  append_varint(out, type);
  append_varint(out, payload.size());
  out.insert(out.end(), payload.begin(), payload.end());
}

}  // namespace videocall::quic::h3
