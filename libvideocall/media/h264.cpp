// SPDX-License-Identifier: MIT
#include "libvideocall/media/h264.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <set>

#include "libvideocall/media/bit_reader.h"

namespace videocall {
namespace {

// Table 7-1: NAL unit types.
constexpr unsigned kSlice = 1;
constexpr unsigned kIdr = 5;
constexpr unsigned kSps = 7;
constexpr unsigned kPps = 8;
constexpr unsigned kDelimiter = 9;

constexpr uint32_t kMaxSpsId = 31;
constexpr uint32_t kMaxPpsId = 255;
constexpr uint32_t kMaxMacroblocks = 1024;  // in either direction

Error refused(const char* why) {
  return {Errc::protocol, why};
}

// 7.4.1: the payload without the bytes that keep start codes out of it.
std::vector<uint8_t> unescape(Bytes nal_unit) {
  std::vector<uint8_t> out;
  out.reserve(nal_unit.size());
  unsigned zeros = 0;
  for (const uint8_t byte : nal_unit) {
    if (zeros >= 2 && byte == 3) {
      zeros = 0;
      continue;
    }
    zeros = byte == 0 ? zeros + 1 : 0;
    out.push_back(byte);
  }
  return out;
}

// 7.3.2.1.1.1.
void skip_scaling_list(BitReader& reader, unsigned size) {
  int64_t last = 8;
  int64_t next = 8;
  for (unsigned i = 0; i < size && !reader.failed(); ++i) {
    if (next != 0) next = (last + reader.signed_exp_golomb() + 256) & 0xff;
    if (next != 0) last = next;
  }
}

bool has_chroma_format(uint32_t profile) {
  static constexpr std::array kProfiles = {100u, 110u, 122u, 244u, 44u,
                                           83u,  86u,  118u, 128u, 138u,
                                           139u, 134u, 135u};
  return std::find(kProfiles.begin(), kProfiles.end(), profile) !=
         kProfiles.end();
}

// The fields of high profiles; chroma_format_idc.
uint32_t read_chroma_format(BitReader& reader) {
  const uint32_t format = reader.exp_golomb();
  if (format == 3) reader.skip(1);
  reader.exp_golomb();  // bit depths
  reader.exp_golomb();
  reader.skip(1);
  if (!reader.flag()) return format;
  for (unsigned i = 0; i < (format == 3 ? 12u : 8u); ++i) {
    if (reader.flag()) skip_scaling_list(reader, i < 6 ? 16 : 64);
  }
  return format;
}

void skip_picture_order(BitReader& reader) {
  const uint32_t type = reader.exp_golomb();
  if (type == 0) {
    reader.exp_golomb();
  } else if (type == 1) {
    reader.skip(1);
    reader.exp_golomb();
    reader.exp_golomb();
    const uint32_t cycle = reader.exp_golomb();
    for (uint32_t i = 0; i < cycle && !reader.failed(); ++i)
      reader.exp_golomb();
  }
}

// Annex B: the NAL units between start codes 00 00 01. |visit|(unit, at) with
// |at| the offset of its start code.
template <typename Visit>
Result<void> for_each_nal(Bytes bytes, Visit&& visit) {
  const auto find_start = [&bytes](size_t from) {
    for (size_t i = from; i + 3 <= bytes.size(); ++i) {
      if (bytes[i] == 0 && bytes[i + 1] == 0 && bytes[i + 2] == 1) return i;
    }
    return bytes.size();
  };
  size_t start = find_start(0);
  if (start == bytes.size()) return refused("H.264 frame without start code");
  while (start < bytes.size()) {
    const size_t begin = start + 3;
    const size_t next = find_start(begin);
    size_t end = next;
    // The zero byte of a four-byte start code, and trailing ones.
    while (end > begin && bytes[end - 1] == 0) --end;
    const size_t at = start > 0 && bytes[start - 1] == 0 ? start - 1 : start;
    if (end > begin) {
      auto visited = visit(bytes.subspan(begin, end - begin), at);
      if (!visited) return visited.error();
    }
    start = next;
  }
  return {};
}

void append_nal(std::vector<uint8_t>& out, const std::vector<uint8_t>& unit) {
  static constexpr uint8_t kStartCode[] = {0, 0, 0, 1};
  out.insert(out.end(), std::begin(kStartCode), std::end(kStartCode));
  out.insert(out.end(), unit.begin(), unit.end());
}

}  // namespace

struct H264Parser::Unit {
  std::set<uint32_t> sps;
  std::set<uint32_t> pps;
  bool idr = false;
  bool slice = false;
  size_t after_delimiter = 0;
  size_t first_slice = 0;
};

Result<H264Sequence> parse_h264_sequence(Bytes nal_unit) {
  const std::vector<uint8_t> bytes = unescape(nal_unit);
  BitReader reader(bytes);
  reader.skip(8);
  const uint32_t profile = reader.bits(8);
  const uint32_t constraints = reader.bits(8);
  const uint32_t level = reader.bits(8);
  H264Sequence sequence;
  sequence.id = reader.exp_golomb();
  const uint32_t chroma =
      has_chroma_format(profile) ? read_chroma_format(reader) : 1;
  reader.exp_golomb();  // log2_max_frame_num_minus4
  skip_picture_order(reader);
  reader.exp_golomb();  // max_num_ref_frames
  reader.skip(1);
  const uint32_t columns = reader.exp_golomb() + 1;
  const uint32_t rows = reader.exp_golomb() + 1;
  const uint32_t fields = reader.flag() ? 1 : 2;  // map units of a frame
  if (fields == 2) reader.skip(1);
  reader.skip(1);
  if (columns > kMaxMacroblocks || rows > kMaxMacroblocks || chroma > 3 ||
      sequence.id > kMaxSpsId)
    return refused("H.264 SPS with impossible values");
  sequence.width = columns * 16;
  sequence.height = rows * fields * 16;
  if (reader.flag()) {
    const uint64_t x_unit = chroma == 1 || chroma == 2 ? 2 : 1;
    const uint64_t y_unit = (chroma == 1 ? 2 : 1) * fields;
    const uint64_t x =
        x_unit * (uint64_t{reader.exp_golomb()} + reader.exp_golomb());
    const uint64_t y =
        y_unit * (uint64_t{reader.exp_golomb()} + reader.exp_golomb());
    if (x >= sequence.width || y >= sequence.height)
      return refused("H.264 SPS that crops everything");
    sequence.width -= static_cast<uint32_t>(x);
    sequence.height -= static_cast<uint32_t>(y);
  }
  if (reader.failed()) return refused("H.264 SPS cut off");
  char codec[32];
  std::snprintf(codec, sizeof codec, "avc1.%02X%02X%02X", profile, constraints,
                level);
  sequence.codec = codec;
  return sequence;
}

Result<void> H264Parser::read_nal(Bytes nal_unit, Unit& unit) {
  const unsigned type = nal_unit[0] & 0x1f;
  if (type == kSps) {
    auto sequence = parse_h264_sequence(nal_unit);
    if (!sequence) return sequence.error();
    sequence_ = std::move(*sequence);
    unit.sps.insert(sequence_.id);
    sps_[sequence_.id].assign(nal_unit.begin(), nal_unit.end());
  } else if (type == kPps) {
    BitReader reader(nal_unit.subspan(1));
    const uint32_t id = reader.exp_golomb();
    if (reader.failed() || id > kMaxPpsId)
      return refused("H.264 PPS with an impossible id");
    unit.pps.insert(id);
    pps_[id].assign(nal_unit.begin(), nal_unit.end());
  } else if (type >= kSlice && type <= kIdr) {
    unit.slice = true;
    unit.idr = unit.idr || type == kIdr;
  }
  return {};
}

Result<VideoFrameInfo> H264Parser::parse(Bytes access_unit) {
  Unit unit;
  auto read = for_each_nal(access_unit, [&](Bytes nal_unit, size_t at) {
    const bool sliced = unit.slice;
    auto result = read_nal(nal_unit, unit);
    if (unit.slice && !sliced) unit.first_slice = at;
    if ((nal_unit[0] & 0x1f) == kDelimiter && at == 0)
      unit.after_delimiter = static_cast<size_t>(
          nal_unit.data() + nal_unit.size() - access_unit.data());
    return result;
  });
  if (!read) return read.error();
  if (!unit.slice) return refused("H.264 access unit without a picture");
  VideoFrameInfo info;
  info.keyframe = unit.idr;
  if (!info.keyframe) return info;
  if (sps_.empty() || pps_.empty())
    return refused("H.264 key frame without SPS and PPS");
  add_missing(unit, info);
  info.width = sequence_.width;
  info.height = sequence_.height;
  info.codec = sequence_.codec;
  return info;
}

void H264Parser::add_missing(const Unit& unit, VideoFrameInfo& info) const {
  if (!unit.sps.empty() && !unit.pps.empty()) return;
  // A PPS follows its SPS, so without one of its own the unit gets them in
  // front; with one, right before the first slice.
  info.insert_at = unit.sps.empty() ? unit.after_delimiter : unit.first_slice;
  if (unit.sps.empty()) {
    for (const auto& [id, bytes] : sps_) append_nal(info.insert, bytes);
  }
  for (const auto& [id, bytes] : pps_) {
    if (!unit.pps.contains(id)) append_nal(info.insert, bytes);
  }
}

}  // namespace videocall
