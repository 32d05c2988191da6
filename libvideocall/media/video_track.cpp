// SPDX-License-Identifier: MIT
#include "libvideocall/media/video_track.h"

#include <algorithm>

namespace videocall {
namespace {

// A key frame that is numbered below what was played and yet this much
// younger comes from a sender that began to number anew.
constexpr uint64_t kRestartUs = 500'000;
// docs/wire-protocol.md, 3.4: no frame is shown that is older than this
// against the newest.
constexpr uint64_t kMaxShownAgeUs = 200'000;
constexpr uint64_t kRemembered = 64;

}  // namespace

const ReceivedFrame* VideoTrack::Group::keyframe() const {
  return key_sequence ? &frames.at(*key_sequence) : nullptr;
}

void VideoTrack::push(const PacketRef& packet, const MediaPacketFields& media,
                      int64_t now_us) {
  const MediaHeader& header = packet->fields().header;
  const GroupId id{packet->fields().layer, header.group};
  ++stats_.received;
  stats_.bytes += media.payload.size();

  ReceivedFrame frame;
  frame.payload = media.payload;
  frame.sequence = header.sequence;
  frame.capture_us = header.capture_us;
  frame.duration_us = media.duration_us;
  frame.packet = packet;
  const bool keyframe = header.keyframe;
  if (is_past(id, keyframe)) {
    if (!is_restart(header)) {
      ++stats_.late;
      return;
    }
    forget_layer(id.first);
  }
  follow_clock(header.capture_us);
  if (current_ && current_->id == id) {
    push_current(std::move(frame), keyframe, header.temporal_id);
  } else {
    push_waiting(std::move(frame), id, keyframe);
  }
  advance(now_us, false);
}

// Whether |id| was played, or left out for a later group of its layer.
bool VideoTrack::is_past(const GroupId& id, bool keyframe) const {
  const auto& begun = begun_[id.first];
  if (!begun || id.second > *begun) return false;
  if (current_ && current_->id == id) return false;
  // A relay that comes back to a layer within a group sends that anew.
  const bool elsewhere = current_ && current_->id.first != id.first;
  return id.second < *begun || !elsewhere ||
         !(keyframe || groups_.contains(id));
}

bool VideoTrack::is_restart(const MediaHeader& header) const {
  return header.keyframe && header.capture_us > last_capture_us_ &&
         header.capture_us - last_capture_us_ > kRestartUs;
}

// The newest capture times mean nothing any more once the remote clock jumped.
void VideoTrack::follow_clock(uint64_t capture_us) {
  newest_capture_us_ = std::max(newest_capture_us_, capture_us);
  if (clock_.jumps() == seen_jumps_) return;
  seen_jumps_ = clock_.jumps();
  newest_capture_us_ = capture_us;
  last_capture_us_ = std::min(last_capture_us_, capture_us);
  floor_capture_us_ = 0;
}

void VideoTrack::forget_layer(uint8_t layer) {
  begun_[layer].reset();
  for (auto it = groups_.begin(); it != groups_.end();) {
    const bool same = it->first.first == layer;
    if (same) stats_.discarded += it->second.frames.size();
    it = same ? groups_.erase(it) : std::next(it);
  }
  if (!current_ || current_->id.first != layer) return;
  stats_.discarded += current_->held.size();
  current_.reset();
}

void VideoTrack::push_current(ReceivedFrame frame, bool keyframe,
                              uint8_t temporal_id) {
  Current& current = *current_;
  if (frame.sequence < current.next_sequence) {
    const uint64_t back = current.next_sequence - 1 - frame.sequence;
    if (back < kRemembered && (current.recent >> back & 1) != 0) {
      ++stats_.duplicate;
      return;
    }
    ++stats_.late;
    in_order_ = false;
    // What was passed on after it may have been built on it.
    if (temporal_id == 0 && !keyframe) current.broken = true;
    return;
  }
  if (current.broken) {
    ++stats_.discarded;
    return;
  }
  if (frame.sequence == current.next_sequence || !waits()) {
    pass_on(std::move(frame));
    return;
  }
  const uint64_t sequence = frame.sequence;
  const size_t size = frame.payload.size();
  if (!current.held.emplace(sequence, std::move(frame)).second) {
    ++stats_.duplicate;
    return;
  }
  current.held_bytes += size;
  if (current.held.size() > kMaxFrames || current.held_bytes > kMaxBytes)
    current.broken = true;
}

void VideoTrack::push_waiting(ReceivedFrame frame, const GroupId& id,
                              bool keyframe) {
  Group& group = groups_[id];
  const uint64_t sequence = frame.sequence;
  const size_t size = frame.payload.size();
  if (!group.frames.emplace(sequence, std::move(frame)).second) {
    ++stats_.duplicate;
    return;
  }
  group.bytes += size;
  if (keyframe && !group.key_sequence) group.key_sequence = sequence;

  size_t frames = 0;
  size_t bytes = 0;
  for (const auto& [_, waiting] : groups_) {
    frames += waiting.frames.size();
    bytes += waiting.bytes;
  }
  // The bounds hold against senders that number wildly.
  while (groups_.size() > kMaxGroups || frames > kMaxFrames ||
         bytes > kMaxBytes) {
    const Group& oldest = groups_.begin()->second;
    frames -= oldest.frames.size();
    bytes -= oldest.bytes;
    stats_.discarded += oldest.frames.size();
    groups_.erase(groups_.begin());
  }
}

bool VideoTrack::waits() const {
  return !in_order_ && latency_us_ > 0 && clock_.mode() == ClockMap::Mode::live;
}

int64_t VideoTrack::due_us(const ReceivedFrame& frame) const {
  return clock_.to_local(frame.capture_us, latency_us_);
}

void VideoTrack::advance(int64_t now_us, bool drain) {
  for (;;) {
    release_held(now_us, drain);
    const auto it = next_group(now_us, drain);
    if (it == groups_.end()) return;
    begin(it);
  }
}

// The group to go on with now, or end().
VideoTrack::Groups::iterator VideoTrack::next_group(int64_t now_us,
                                                    bool drain) {
  auto best = groups_.end();
  for (auto it = groups_.begin(); it != groups_.end(); ++it) {
    const ReceivedFrame* key = it->second.keyframe();
    if (!key || !may_begin(it->first, it->second, now_us, drain)) continue;
    // Oldest first: a later group that may begin drops it anyway if its time
    // has come, and otherwise nothing is left out.
    if (best == groups_.end() ||
        key->capture_us < best->second.keyframe()->capture_us)
      best = it;
  }
  return best;
}

bool VideoTrack::may_begin(const GroupId& id, const Group& group,
                           int64_t now_us, bool drain) const {
  if (!current_ || current_->broken || drain) return true;
  if (current_->id.first != id.first) return true;  // the relay's choice
  const ReceivedFrame& key = *group.keyframe();
  if (key.sequence == current_->next_sequence) return true;
  if (latency_us_ == 0 || clock_.mode() == ClockMap::Mode::linear) return true;
  return due_us(key) <= now_us;
}

void VideoTrack::begin(Groups::iterator it) {
  const GroupId id = it->first;
  Group group = std::move(it->second);
  const uint64_t key = *group.key_sequence;
  // The earlier groups of this layer, and all that waits for a key frame
  // that will not come any more.
  for (auto at = groups_.begin(); at != groups_.end();) {
    const bool drop =
        at->first.first == id.first && at->first.second <= id.second;
    if (drop && at != it) stats_.discarded += at->second.frames.size();
    at = drop ? groups_.erase(at) : std::next(at);
  }
  if (!current_ || current_->id.first != id.first ||
      current_->next_sequence != key)
    discont_ = true;
  // A layer that begins in the past does not turn back the picture.
  if (current_ && current_->id.first != id.first)
    floor_capture_us_ = last_capture_us_;
  if (current_) stats_.discarded += current_->held.size();
  current_ = Current{id, key, 0, {}, 0, false};
  begun_[id.first] = id.second;
  for (auto& [sequence, frame] : group.frames) {
    if (sequence < key) {
      ++stats_.discarded;
    } else if (sequence == current_->next_sequence || !waits()) {
      pass_on(std::move(frame));
    } else {
      current_->held_bytes += frame.payload.size();
      current_->held.emplace(sequence, std::move(frame));
    }
  }
}

void VideoTrack::pass_on(ReceivedFrame frame) {
  Current& current = *current_;
  const uint64_t gap = frame.sequence - current.next_sequence;
  stats_.skipped += gap;
  current.recent =
      gap + 1 < kRemembered ? (current.recent << (gap + 1)) | 1 : 1;
  current.next_sequence = frame.sequence + 1;
  last_capture_us_ = std::max(last_capture_us_, frame.capture_us);
  frame.discont = std::exchange(discont_, false);
  ready_bytes_ += frame.payload.size();
  ready_.push_back(std::move(frame));
  trim_ready();
}

// Frames beyond a gap: go out when it is filled; when it was not in time, the
// group is over.
void VideoTrack::release_held(int64_t now_us, bool drain) {
  if (!current_) return;
  Frames& held = current_->held;
  while (!held.empty() && !current_->broken) {
    const auto first = held.begin();
    if (first->first == current_->next_sequence) {
      current_->held_bytes -= first->second.payload.size();
      pass_on(std::move(held.extract(first).mapped()));
    } else if (drain || due_us(first->second) <= now_us) {
      current_->broken = true;
    } else {
      return;
    }
  }
  stats_.discarded += held.size();
  held.clear();
  current_->held_bytes = 0;
}

// Nobody takes the frames in time: go on from the newest key frame among
// them, or wait for one.
void VideoTrack::trim_ready() {
  if (clock_.mode() == ClockMap::Mode::linear) return;  // its feeder waits
  if (ready_.size() <= kMaxFrames && ready_bytes_ <= kMaxBytes) return;
  auto keep = ready_.end();
  while (keep != ready_.begin()) {
    --keep;
    if (keep->header().keyframe) break;
  }
  if (keep == ready_.begin()) {
    keep = ready_.end();
    current_->broken = true;
  }
  for (auto it = ready_.begin(); it != keep; ++it)
    ready_bytes_ -= it->payload.size();
  stats_.discarded += static_cast<uint64_t>(keep - ready_.begin());
  ready_.erase(ready_.begin(), keep);
  discont_ = ready_.empty();
  if (!ready_.empty()) ready_.front().discont = true;
}

std::optional<int64_t> VideoTrack::next_pop_us() const {
  if (!ready_.empty()) return INT64_MIN;
  std::optional<int64_t> next;
  const auto earlier = [&next](int64_t us) {
    next = next ? std::min(*next, us) : us;
  };
  for (const auto& [id, group] : groups_) {
    if (const ReceivedFrame* key = group.keyframe()) earlier(due_us(*key));
  }
  if (current_ && !current_->held.empty())
    earlier(due_us(current_->held.begin()->second));
  return next;
}

std::optional<ReceivedFrame> VideoTrack::pop(int64_t now_us, bool drain) {
  advance(now_us, drain);
  if (ready_.empty()) return std::nullopt;
  ReceivedFrame frame = std::move(ready_.front());
  ready_.pop_front();
  ready_bytes_ -= frame.payload.size();
  frame.local_us = clock_.to_local(frame.capture_us);
  if (clock_.mode() == ClockMap::Mode::live) {
    // Old frames of a burst are decoded and not shown.
    frame.decode_only =
        frame.capture_us <= floor_capture_us_ ||
        newest_capture_us_ - std::min(frame.capture_us, newest_capture_us_) >
            kMaxShownAgeUs;
  }
  ++stats_.delivered;
  return frame;
}

bool VideoTrack::needs_keyframe() const {
  if (!current_) {
    // Frames wait, and none of them can be begun with.
    return !groups_.empty();
  }
  if (!current_->broken) return false;
  return std::none_of(groups_.begin(), groups_.end(), [](const auto& entry) {
    return entry.second.key_sequence.has_value();
  });
}

uint8_t VideoTrack::layer() const {
  if (current_) return current_->id.first;
  return groups_.empty() ? 0 : groups_.begin()->first.first;
}

}  // namespace videocall
