// SPDX-License-Identifier: MIT
#include "libvideocall/media/av1.h"

#include <cstdio>

#include "libvideocall/media/bit_reader.h"

namespace videocall {
namespace {

// 6.2.2: OBU types.
constexpr unsigned kSequenceHeader = 1;
constexpr unsigned kTemporalDelimiter = 2;
constexpr unsigned kFrameHeader = 3;
constexpr unsigned kFrame = 6;
constexpr uint32_t kKeyFrame = 0;
constexpr uint32_t kSelectScreenContentTools = 2;

Error refused(const char* why) {
  return {Errc::protocol, why};
}

struct Obu {
  unsigned type = 0;
  uint8_t temporal_id = 0;
  bool has_size = false;
  Bytes whole;
  Bytes payload;
};

// 5.3.2:  forbidden 0 | type (4) | extension | has_size | reserved,
// with extension: temporal_id (3) | spatial_id (2) | reserved (3),
// with has_size: leb128 length of the payload.
Result<Obu> next_obu(Bytes rest) {
  Obu obu;
  const uint8_t head = rest[0];
  if ((head & 0x80) != 0) return refused("no AV1 OBU");
  obu.type = head >> 3 & 0xf;
  obu.has_size = (head & 2) != 0;
  size_t at = 1;
  if ((head & 4) != 0) {
    if (rest.size() < 2) return refused("AV1 OBU too short");
    obu.temporal_id = static_cast<uint8_t>(rest[at++] >> 5);
  }
  uint64_t size = rest.size() - at;
  if (obu.has_size) {
    size = 0;
    for (unsigned i = 0;; ++i) {
      if (i == 8 || at == rest.size()) return refused("AV1 OBU without size");
      const uint8_t byte = rest[at++];
      size |= uint64_t{byte & 0x7fu} << (7 * i);
      if ((byte & 0x80) == 0) break;
    }
    if (size > rest.size() - at) return refused("AV1 OBU cut off");
  }
  obu.payload = rest.subspan(at, static_cast<size_t>(size));
  obu.whole = rest.first(at + static_cast<size_t>(size));
  return obu;
}

// 5.5.3 and 5.5.4; the length of the delays, 0 without a decoder model.
unsigned skip_timing(BitReader& reader) {
  if (!reader.flag()) return 0;
  reader.skip(64);  // num_units_in_display_tick, time_scale
  if (reader.flag()) reader.exp_golomb();
  if (!reader.flag()) return 0;
  const unsigned delay_bits = reader.bits(5) + 1;
  reader.skip(32 + 5 + 5);
  return delay_bits;
}

// Level and tier of the first operating point, which is the whole stream.
void read_operating_points(BitReader& reader, uint32_t& level, uint32_t& tier) {
  const unsigned delay_bits = skip_timing(reader);
  const bool display_delay = reader.flag();
  const uint32_t count = reader.bits(5) + 1;
  for (uint32_t i = 0; i < count; ++i) {
    reader.skip(12);
    const uint32_t this_level = reader.bits(5);
    const uint32_t this_tier = this_level > 7 ? reader.bits(1) : 0;
    if (i == 0) {
      level = this_level;
      tier = this_tier;
    }
    if (delay_bits > 0 && reader.flag()) reader.skip(2 * delay_bits + 1);
    if (display_delay && reader.flag()) reader.skip(4);
  }
}

// 5.5.1, from use_128x128_superblock to enable_restoration.
void skip_tools(BitReader& reader, bool reduced) {
  reader.skip(3);
  if (!reduced) {
    reader.skip(4);
    const bool order_hint = reader.flag();
    if (order_hint) reader.skip(2);
    const uint32_t screen_content =
        reader.flag() ? kSelectScreenContentTools : reader.bits(1);
    if (screen_content > 0 && !reader.flag()) reader.skip(1);
    if (order_hint) reader.skip(3);
  }
  reader.skip(3);
}

// 5.9.2: whether this is a key frame that is shown.
bool is_shown_keyframe(Bytes payload, bool reduced_still_picture) {
  if (reduced_still_picture) return true;
  BitReader reader(payload);
  if (reader.flag()) return false;  // show_existing_frame
  const bool key = reader.bits(2) == kKeyFrame;
  return key && reader.flag() && !reader.failed();
}

}  // namespace

Result<Av1Sequence> parse_av1_sequence(Bytes payload) {
  BitReader reader(payload);
  Av1Sequence sequence;
  const uint32_t profile = reader.bits(3);
  reader.skip(1);  // still_picture
  sequence.reduced_still_picture = reader.flag();
  uint32_t level = 0;
  uint32_t tier = 0;
  if (sequence.reduced_still_picture) {
    level = reader.bits(5);
  } else {
    read_operating_points(reader, level, tier);
  }
  const uint32_t width_bits = reader.bits(4) + 1;
  const uint32_t height_bits = reader.bits(4) + 1;
  sequence.width = reader.bits(width_bits) + 1;
  sequence.height = reader.bits(height_bits) + 1;
  if (!sequence.reduced_still_picture && reader.flag())
    reader.skip(4 + 3);  // lengths of frame ids
  skip_tools(reader, sequence.reduced_still_picture);
  unsigned depth = 8;
  if (reader.flag()) depth = profile == 2 && reader.flag() ? 12 : 10;
  if (reader.failed()) return refused("AV1 sequence header cut off");
  char codec[32];
  std::snprintf(codec, sizeof codec, "av01.%u.%02u%c.%02u", profile, level,
                tier == 0 ? 'M' : 'H', depth);
  sequence.codec = codec;
  return sequence;
}

Result<VideoFrameInfo> Av1Parser::parse(Bytes temporal_unit) {
  if (temporal_unit.empty()) return refused("empty AV1 temporal unit");
  VideoFrameInfo info;
  bool has_header = false;
  bool has_frame = false;
  for (Bytes rest = temporal_unit; !rest.empty();) {
    const auto obu = next_obu(rest);
    if (!obu) return obu.error();
    rest = rest.subspan(obu->whole.size());
    if (obu->type == kTemporalDelimiter && !has_frame) {
      info.insert_at = obu->whole.size();
    } else if (obu->type == kSequenceHeader) {
      auto sequence = parse_av1_sequence(obu->payload);
      if (!sequence) return sequence.error();
      sequence_ = std::move(*sequence);
      header_obu_.assign(obu->whole.begin(), obu->whole.end());
      if (!obu->has_size) header_obu_.clear();
      has_header = true;
    } else if ((obu->type == kFrame || obu->type == kFrameHeader) &&
               !has_frame) {
      has_frame = true;
      info.temporal_id = obu->temporal_id;
      info.keyframe =
          is_shown_keyframe(obu->payload, sequence_.reduced_still_picture);
    }
  }
  if (!has_frame) return refused("AV1 temporal unit without a frame");
  if (!info.keyframe) return info;
  if (!has_header && header_obu_.empty())
    return refused("AV1 key frame without a sequence header");
  if (!has_header) info.insert = header_obu_;
  info.width = sequence_.width;
  info.height = sequence_.height;
  info.codec = sequence_.codec;
  return info;
}

}  // namespace videocall
