// SPDX-License-Identifier: MIT
#include "libvideocall/media/audio_track.h"

#include <algorithm>

#include "libvideocall/media/opus.h"

namespace videocall {
namespace {

// A packet that is numbered below what was played and yet this much younger
// comes from a sender that began to number anew.
constexpr uint64_t kRestartUs = 500'000;

}  // namespace

void AudioTrack::push(const PacketRef& packet, const MediaPacketFields& media) {
  const MediaHeader& header = packet->fields().header;
  ++stats_.received;
  stats_.bytes += media.payload.size();
  if (next_ && header.sequence < *next_) {
    if (!is_restart(header.sequence, header.capture_us)) {
      reject(header.sequence);
      return;
    }
    stats_.discarded += frames_.size();
    frames_.clear();
    next_.reset();
    taken_ = 0;
  }
  const auto known = frames_.find(header.sequence);
  if (known != frames_.end() && !known->second.recovered) {
    ++stats_.duplicate;
    return;
  }
  // A frame that was recovered came after all: it was not lost, only late.
  if (known != frames_.end()) frames_.erase(known);
  ReceivedFrame frame;
  frame.packet = packet;
  frame.payload = media.payload;
  frame.sequence = header.sequence;
  frame.capture_us = header.capture_us;
  frame.duration_us = media.duration_us;
  insert(std::move(frame));
  insert_redundant(packet, media);
}

bool AudioTrack::is_restart(uint64_t sequence, uint64_t capture_us) const {
  return sequence < *next_ && capture_us > last_capture_us_ &&
         capture_us - last_capture_us_ > kRestartUs;
}

void AudioTrack::reject(uint64_t sequence) {
  const uint64_t back = *next_ - 1 - sequence;
  const bool taken = back < kRemembered && (taken_ >> back & 1) != 0;
  ++(taken ? stats_.duplicate : stats_.late);
}

void AudioTrack::insert(ReceivedFrame frame) {
  const uint64_t sequence = frame.sequence;
  frames_.emplace(sequence, std::move(frame));
  if (frames_.size() <= kMaxFrames) return;
  // Nobody takes frames, or the sequence jumps about: the oldest go.
  ++stats_.discarded;
  frames_.erase(frames_.begin());
}

void AudioTrack::insert_redundant(const PacketRef& packet,
                                  const MediaPacketFields& media) {
  const MediaHeader& header = packet->fields().header;
  for (size_t i = 0; i < media.redundant_count; ++i) {
    const uint64_t back = i + 1;
    const uint64_t age_us = back * kOpusFrameUs;
    if (header.sequence < back || header.capture_us < age_us) return;
    const uint64_t sequence = header.sequence - back;
    // Before the first frame nothing is missing.
    const uint64_t first = next_ ? *next_ : frames_.begin()->first;
    if (sequence < first || media.redundant[i].empty() ||
        frames_.contains(sequence))
      continue;
    ReceivedFrame frame;
    frame.packet = packet;
    frame.payload = media.redundant[i];
    frame.sequence = sequence;
    frame.capture_us = header.capture_us - age_us;
    frame.duration_us = kOpusFrameUs;
    frame.recovered = true;
    insert(std::move(frame));
  }
}

uint32_t AudioTrack::missing_before(const ReceivedFrame& next) const {
  if (!next_ || next.sequence <= *next_) return 0;
  const uint64_t gap = next.sequence - *next_;
  if (next.capture_us <= last_capture_us_) return 0;
  // What is missing would have filled the time between the two.
  const uint64_t room = (next.capture_us - last_capture_us_) / kOpusFrameUs;
  return gap <= room && gap < kMaxFrames ? static_cast<uint32_t>(gap) : 0;
}

std::optional<int64_t> AudioTrack::next_pop_us() const {
  if (frames_.empty()) return std::nullopt;
  const ReceivedFrame& first = frames_.begin()->second;
  const bool in_order = next_ && first.sequence == *next_;
  if (in_order || latency_us_ == 0 || clock_.mode() == ClockMap::Mode::linear)
    return INT64_MIN;
  // The last missing frame's turn is one frame before this one's. At the
  // start the whole latency is used, to let late siblings arrive.
  return clock_.to_local(first.capture_us,
                         next_ ? latency_us_ - kOpusFrameUs : latency_us_);
}

std::optional<ReceivedFrame> AudioTrack::pop(int64_t now_us, bool drain) {
  const auto due_us = next_pop_us();
  if (!due_us || (!drain && *due_us > now_us)) return std::nullopt;
  auto node = frames_.extract(frames_.begin());
  ReceivedFrame frame = std::move(node.mapped());
  frame.local_us = clock_.to_local(frame.capture_us);
  frame.missing = missing_before(frame);
  frame.discont = !next_ || frame.sequence != *next_;
  stats_.lost += frame.missing;
  if (frame.recovered) ++stats_.recovered;
  ++stats_.delivered;
  const uint64_t gap = next_ ? frame.sequence - *next_ : kRemembered;
  taken_ = gap + 1 < kRemembered ? (taken_ << (gap + 1)) | 1 : 1;
  next_ = frame.sequence + 1;
  last_capture_us_ = frame.capture_us;
  return frame;
}

}  // namespace videocall
