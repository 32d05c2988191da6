// SPDX-License-Identifier: MIT
#include "libvideocall/media/packetizer.h"

#include <algorithm>
#include <utility>

#include "libvideocall/media/media_packet.h"
#include "libvideocall/media/opus.h"

namespace videocall {
namespace {

// Capture times of consecutive Opus frames are 20 ms apart but for rounding.
constexpr int64_t kToleranceUs = 1'000;

}  // namespace

VideoPacketizer::VideoPacketizer(Codec codec, MediaKind kind, uint8_t layer)
    : parser_(VideoParser::create(codec)), kind_(kind), layer_(layer) {}

void VideoPacketizer::set_codec(Codec codec) {
  parser_ = VideoParser::create(codec);
  needs_keyframe_ = true;
}

Result<PacketRef> VideoPacketizer::fail(Error error) {
  needs_keyframe_ = true;
  return error;
}

Result<PacketRef> VideoPacketizer::packetize(const EncodedFrame& frame) {
  auto info = parser_->parse(frame.payload);
  if (!info) return fail(info.error());
  if (needs_keyframe_ && !info->keyframe)
    return Error{Errc::would_block, "waits for a key frame"};

  MediaPacketFields media;
  media.kind = kind_;
  media.payload = complete(frame.payload, *info);
  media.duration_us = frame.duration_us;
  const std::vector<uint8_t> data = serialize_media_packet(media);

  PacketFields fields;
  fields.type = PacketType::media;
  fields.kind = kind_;
  fields.layer = layer_;
  fields.data = data;
  fields.header = header_of(frame, *info);
  auto packet = Packet::build(fields);
  if (!packet) return fail(packet.error());
  if ((*packet)->size() > limits::kMaxPacketBytes)
    return fail({Errc::limit, "frame larger than a packet may be"});

  sequence_ = fields.header.sequence + 1;
  if (info->keyframe) {
    group_ = fields.header.group;
    group_start_us_ = frame.capture_us;
    needs_keyframe_ = false;
  }
  return packet;
}

// |payload| with the parameter sets that the encoder left out.
Bytes VideoPacketizer::complete(Bytes payload, const VideoFrameInfo& info) {
  if (info.insert.empty()) return payload;
  const auto at = static_cast<std::ptrdiff_t>(info.insert_at);
  frame_.assign(payload.begin(), payload.end());
  frame_.insert(frame_.begin() + at, info.insert.begin(), info.insert.end());
  return frame_;
}

// The codec string is borrowed from |info|.
MediaHeader VideoPacketizer::header_of(const EncodedFrame& frame,
                                       const VideoFrameInfo& info) const {
  MediaHeader header;
  header.sequence = sequence_ == 0 ? first_number(frame.capture_us) : sequence_;
  header.group = group_;
  header.capture_us = frame.capture_us;
  header.keyframe = info.keyframe;
  // A key frame needs no other frame, whatever the encoder's pattern says.
  if (!info.keyframe) {
    header.temporal_id =
        std::min<uint8_t>(std::max(frame.temporal_id, info.temporal_id),
                          limits::kMaxTemporalLayer);
    return header;
  }
  header.group = group_ == 0 ? first_number(frame.capture_us) : group_ + 1;
  header.codec = info.codec;
  header.width = info.width;
  header.height = info.height;
  header.target_kbps = target_kbps_;
  return header;
}

uint64_t VideoPacketizer::group_age_us(uint64_t capture_us) const {
  return capture_us > group_start_us_ ? capture_us - group_start_us_ : 0;
}

Result<PacketRef> AudioPacketizer::packetize(const EncodedFrame& frame) {
  const auto duration_us = opus_duration_us(frame.payload);
  if (!duration_us) return duration_us.error();
  if (*duration_us != kOpusFrameUs)
    return Error{Errc::invalid_argument, "Opus packets must last 20 ms"};
  if (!follows(frame)) history_size_ = 0;

  MediaPacketFields media;
  media.kind = MediaKind::audio;
  media.payload = frame.payload;
  media.duration_us = *duration_us;
  media.redundant_count = std::min(history_size_, redundancy_);
  for (size_t i = 0; i < media.redundant_count; ++i)
    media.redundant[i] = history_[i].payload;

  PacketFields fields;
  fields.type = PacketType::media;
  fields.kind = MediaKind::audio;
  MediaHeader& header = fields.header;
  const bool first = group_ == 0;
  header.sequence = first ? first_number(frame.capture_us) : sequence_;
  header.group = first ? first_number(frame.capture_us) : group_;
  header.capture_us = frame.capture_us;
  header.audio_level = frame.audio_level;
  header.speaking = frame.speaking;
  if (first) header.codec = "opus";

  for (;;) {
    const std::vector<uint8_t> data = serialize_media_packet(media);
    fields.data = data;
    auto packet = Packet::build(fields);
    if (!packet) return packet.error();
    // The oldest copies go first until the packet fits a datagram; a frame
    // that is too large by itself travels on a stream.
    if ((*packet)->size() > limits::kMaxDatagramBytes &&
        media.redundant_count > 0) {
      --media.redundant_count;
      continue;
    }
    sequence_ = header.sequence + 1;
    group_ = header.group;
    remember(frame);
    return packet;
  }
}

bool AudioPacketizer::follows(const EncodedFrame& frame) const {
  if (history_size_ == 0 || frame.discont) return false;
  const auto step_us =
      static_cast<int64_t>(frame.capture_us - history_[0].capture_us);
  return step_us >= int64_t{kOpusFrameUs} - kToleranceUs &&
         step_us <= int64_t{kOpusFrameUs} + kToleranceUs;
}

void AudioPacketizer::remember(const EncodedFrame& frame) {
  // The oldest entry's storage is used again for the newest.
  std::rotate(history_.begin(), history_.end() - 1, history_.end());
  history_[0].payload.assign(frame.payload.begin(), frame.payload.end());
  history_[0].capture_us = frame.capture_us;
  history_size_ = std::min(history_size_ + 1, history_.size());
}

}  // namespace videocall
