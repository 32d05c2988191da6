// SPDX-License-Identifier: MIT
#include "cli/loadtest/track_meter.h"

#include <algorithm>

namespace videocall::loadtest {
namespace {

// More than half a second of audio, or a whole group of video, that did not
// come was not meant to.
constexpr uint64_t kAudioPause = kAudioPerSecond / 2;

}  // namespace

// The last frames of the layer that was left may come behind the first of the
// one that was switched to.
bool TrackMeter::is_straggler(const Arrival& arrival) const {
  return !arrival.keyframe && arrival.layer == left_layer_ &&
         arrival.group == left_group_;
}

void TrackMeter::receive(const Arrival& arrival, Delivered& out) {
  out.packets.add(1);
  out.media_bytes.add(arrival.data_bytes);
  out.bytes.add(arrival.packet_bytes);
}

void TrackMeter::begin(const Arrival& arrival, bool measured, Delivered& out) {
  settle_tail(out);
  active_ = true;
  layer_ = arrival.layer;
  seen_ = 0;
  if (measured) {
    out.packets_due.add(1);
    out.media_bytes_due.add(arrival.data_bytes);
    if (arrival.kind == kVideo && !arrival.keyframe) out.orphans.add(1);
  }
}

// Behind a later one: it was counted as missing when that came.
int64_t TrackMeter::late(const Arrival& arrival, bool measured,
                         Delivered& out) {
  const uint64_t age = sequence_ - arrival.sequence;
  const bool known = age < 64 && (seen_ >> age & 1) != 0;
  if (age < 64) seen_ |= uint64_t{1} << age;
  if (arrival.kind == kVideo && arrival.group + 1 == group_ &&
      tail_missing_ > 0)
    --tail_missing_;
  if (!measured) return 0;
  if (known) {
    out.duplicates.add(1);
    return 0;
  }
  receive(arrival, out);
  return -1;
}

void TrackMeter::settle_tail(Delivered& out) {
  if (tail_missing_ > 0) out.groups_cut.add(1);
  tail_missing_ = 0;
}

void TrackMeter::look_at_groups(const Arrival& arrival, size_t temporal_layers,
                                Delivered& out) {
  const uint32_t index = arrival.stamp.index;
  // Of the frames |from| to |to| of a group, without the latter.
  const auto count_base = [&](uint64_t from, uint64_t to) {
    uint32_t base = 0;
    for (uint64_t i = from; i < to; ++i)
      if (temporal_id(temporal_layers, i) == 0) ++base;
    return base;
  };
  if (arrival.group == group_) {
    if (index <= index_ + 1) return;
    const uint32_t base = count_base(index_ + 1, index);
    out.torn.add(base);
    out.thinned.add(index - index_ - 1 - base);
    return;
  }
  settle_tail(out);
  if (index > 0) out.orphans.add(1);
  if (arrival.group > group_ + 1) {
    out.groups_skipped.add(arrival.group - group_ - 1);
    return;  // where the group before ended is not known
  }
  const uint64_t missing = arrival.sequence - index - sequence_ - 1;
  tail_missing_ = count_base(index_ + 1, index_ + 1 + missing);
  out.thinned.add(missing - tail_missing_);
}

// What was due since the packet before.
void TrackMeter::count_due(const Arrival& arrival, const SentBefore& before,
                           size_t temporal_layers, Delivered& out) {
  const uint64_t from = std::max(sequence_, before.packets);
  out.packets_due.add(arrival.sequence - from);
  out.media_bytes_due.add(arrival.stamp.bytes_before + arrival.data_bytes -
                          std::max(bytes_end_, before.bytes));
  if (arrival.kind == kVideo)
    look_at_groups(arrival, temporal_layers, out);
  else if (arrival.sequence > from + 1 + kRepeatedFrames)
    out.frames_missing.add(arrival.sequence - from - 1 - kRepeatedFrames);
}

int64_t TrackMeter::take(const Arrival& arrival, bool measured,
                         const SentBefore& before, bool all_due,
                         size_t temporal_layers, Delivered& out) {
  const bool video = arrival.kind == kVideo;
  if (active_ && arrival.layer == layer_ && arrival.sequence <= sequence_)
    return late(arrival, measured, out);
  if (active_ && arrival.layer != layer_) {
    if (is_straggler(arrival)) {
      if (!measured) return 0;
      out.packets_due.add(1);
      out.media_bytes_due.add(arrival.data_bytes);
      receive(arrival, out);
      return 0;
    }
    if (measured) out.switches.add(1);
    left_layer_ = layer_;
    left_group_ = group_;
    begin(arrival, measured, out);
  } else if (!active_) {
    begin(arrival, measured, out);
  } else if (!all_due && (video ? arrival.group > group_ + 1
                                : arrival.sequence > sequence_ + kAudioPause)) {
    if (measured) out.pauses.add(1);
    begin(arrival, measured, out);
  } else if (measured) {
    count_due(arrival, before, temporal_layers, out);
  }
  int64_t missing = 0;
  if (seen_ != 0) {
    const uint64_t step = arrival.sequence - sequence_;
    if (measured)
      missing = static_cast<int64_t>(arrival.sequence -
                                     std::max(sequence_, before.packets)) -
                1;
    seen_ = step < 64 ? seen_ << step : 0;
  }
  seen_ |= 1;
  sequence_ = arrival.sequence;
  group_ = arrival.group;
  index_ = arrival.stamp.index;
  bytes_end_ = arrival.stamp.bytes_before + arrival.data_bytes;
  if (measured) receive(arrival, out);
  return missing;
}

int64_t TrackMeter::finish(const SentBefore& before, const SentBefore& sent,
                           bool all_due, Delivered& out) {
  settle_tail(out);
  if (!active_) return 0;
  active_ = false;
  const uint64_t from = std::max(sequence_, before.packets);
  if (sent.packets <= from) return 0;
  const uint64_t missing = sent.packets - from;
  // What was not chosen any more is not missing.
  if (!all_due && missing > kAudioPause) return 0;
  out.packets_due.add(missing);
  out.media_bytes_due.add(sent.bytes - std::max(bytes_end_, before.bytes));
  return static_cast<int64_t>(missing);
}

void TrackMeter::leave(Delivered& out) {
  settle_tail(out);
  active_ = false;
}

}  // namespace videocall::loadtest
