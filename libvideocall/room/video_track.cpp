// SPDX-License-Identifier: MIT
#include "libvideocall/room/video_track.h"

#include <algorithm>
#include <utility>

namespace videocall::room {

VideoTrack::VideoTrack(MediaKind kind, const Seats& seats)
    : seats_(seats), kind_(kind) {}

VideoTrack::Verdict VideoTrack::meet(const PacketFields& fields, Time now,
                                     bool& layers_changed) {
  const Verdict verdict = judge(fields, now);
  if (verdict == Verdict::undecodable) layers_[fields.layer].gate.want();
  layers_changed = false;
  if (verdict != Verdict::accepted) return verdict;
  LayerState& state = states_[fields.layer];
  const uint32_t height =
      fields.header.keyframe ? fields.header.height : state.height;
  layers_changed = !state.live || state.height != height;
  state = {true, true, height};
  return verdict;
}

void VideoTrack::add(const PacketRef& packet, Time now, Output& out) {
  const PacketFields& fields = packet->fields();
  const size_t index = fields.layer;
  Layer& layer = layers_[index];
  layer.group = fields.header.group;
  layer.sequence = fields.header.sequence;
  layer.last = now;
  layer.cache.add(packet, now);
  if (fields.header.keyframe) {
    layer.gate.satisfied();
    if (layer.awaited) promote(index);
  }
  if (layer.dirty) rebuild(index);
  out.deliver(packet, fields.header.temporal_id == 0 ? layer.all : layer.upper);
}

VideoTrack::Verdict VideoTrack::judge(const PacketFields& fields,
                                      Time now) const {
  const MediaHeader& header = fields.header;
  const Layer& layer = layers_[fields.layer];
  if (!states_[fields.layer].exists)
    return header.keyframe ? Verdict::accepted : Verdict::undecodable;
  if (header.keyframe) {
    // Streams overtake one another, so an old group may come late; but a
    // sender that began to count anew must not be shut out for good.
    const bool newer =
        header.group > layer.group ||
        (header.group == layer.group && header.sequence > layer.sequence);
    return newer || now - layer.last > limits::kGroupRestartSilence
               ? Verdict::accepted
               : Verdict::late;
  }
  if (header.group > layer.group) return Verdict::undecodable;
  return header.group == layer.group && header.sequence > layer.sequence
             ? Verdict::accepted
             : Verdict::late;
}

bool VideoTrack::sweep(Time now) {
  const Duration silence = kind_ == MediaKind::screen
                               ? Duration(limits::kScreenLayerSilence)
                               : Duration(limits::kCameraLayerSilence);
  bool changed = false;
  for (size_t i = 0; i < kLayers; ++i) {
    layers_[i].cache.expire(now);
    if (states_[i].live && now - layers_[i].last > silence) {
      states_[i].live = false;
      changed = true;
    }
  }
  // Somebody still waits for a first picture: ask again.
  const int lowest = lowest_layer();
  if (lowest == kNoLayer || !states_[static_cast<size_t>(lowest)].live)
    return changed;
  const bool starving =
      std::any_of(feeds_.begin(), feeds_.end(), [](const Feed& f) {
        return f.target != kNoLayer && f.current == kNoLayer;
      });
  if (starving) layers_[static_cast<size_t>(lowest)].gate.want();
  return changed;
}

void VideoTrack::set_target(uint32_t seat, int target, Time now, Output& out) {
  if (seat >= feeds_.size()) {
    if (target == kNoLayer) return;
    feeds_.resize(std::max<size_t>(seat + 1, seats_.size()));
  }
  Feed& feed = feeds_[seat];
  feed.target = static_cast<int8_t>(target);
  if (target == kNoLayer) {
    leave_layer(feed);
    return;
  }
  if (feed.current == kNoLayer) {
    start(seat, feed, now, out);
    return;
  }
  if (feed.current == target) return;
  Layer& layer = layers_[static_cast<size_t>(target)];
  layer.awaited = true;
  // What it gets now has ended.
  if (!states_[static_cast<size_t>(feed.current)].live) layer.gate.want();
}

// Gives a newcomer the lowest layer that it can have at once; the step up to
// the target follows at the target's next key frame.
void VideoTrack::start(uint32_t seat, Feed& feed, Time now, Output& out) {
  const auto target = static_cast<size_t>(feed.target);
  layers_[target].awaited = true;
  for (size_t i = 0; i <= target; ++i) {
    if (states_[i].live && layers_[i].cache.serves(now)) {
      serve(seat, feed, i, out);
      return;
    }
  }
  for (size_t i = 0; i <= target; ++i) layers_[i].awaited = true;
  const int lowest = lowest_layer();
  if (lowest != kNoLayer) layers_[static_cast<size_t>(lowest)].gate.want();
}

void VideoTrack::serve(uint32_t seat, Feed& feed, size_t index, Output& out) {
  Layer& layer = layers_[index];
  // Temporal layers come back only at a group's start, so whoever is not given
  // them from the key frame on goes without until the next one.
  feed.trimmed = layer.cache.upper_bytes() > limits::kMaxCachedUpperBytes;
  for (const PacketRef& packet : layer.cache.packets()) {
    if (feed.trimmed && packet->fields().header.temporal_id > 0) continue;
    out.deliver(packet, seats_[seat].self);
  }
  feed.current = static_cast<int8_t>(index);
  layer.dirty = true;
  if (feed.trimmed) layer.awaited = true;
}

void VideoTrack::leave_layer(Feed& feed) {
  if (feed.current == kNoLayer) return;
  layers_[static_cast<size_t>(feed.current)].dirty = true;
  feed.current = kNoLayer;
  feed.trimmed = false;
}

void VideoTrack::drop(uint32_t seat) {
  if (seat >= feeds_.size()) return;
  leave_layer(feeds_[seat]);
  feeds_[seat] = {};
}

void VideoTrack::want_keyframe(uint32_t seat, Time now, Output& out) {
  if (seat >= feeds_.size() || feeds_[seat].target == kNoLayer) return;
  Feed& feed = feeds_[seat];
  if (feed.current == kNoLayer) {
    start(seat, feed, now, out);
    return;
  }
  layers_[static_cast<size_t>(feed.current)].gate.want();
}

std::optional<uint8_t> VideoTrack::next_request(Time now) {
  for (size_t i = 0; i < kLayers; ++i) {
    if (layers_[i].gate.due(now)) return static_cast<uint8_t>(i);
  }
  return std::nullopt;
}

void VideoTrack::pause() {
  for (size_t i = 0; i < kLayers; ++i) {
    layers_[i].cache.clear();
    layers_[i].gate.satisfied();
    states_[i].live = false;
  }
}

bool VideoTrack::live() const {
  return std::any_of(states_.begin(), states_.end(),
                     [](const LayerState& s) { return s.live; });
}

size_t VideoTrack::cached_bytes() const {
  size_t bytes = 0;
  for (const Layer& layer : layers_) bytes += layer.cache.bytes();
  return bytes;
}

// A key frame of layer |index| is there: those who waited for it come over.
void VideoTrack::promote(size_t index) {
  Layer& layer = layers_[index];
  layer.awaited = false;
  const int here = static_cast<int>(index);
  for (Feed& feed : feeds_) {
    if (feed.current == here) {
      if (feed.trimmed) layer.dirty = true;
      feed.trimmed = false;
      continue;
    }
    const bool first = feed.current == kNoLayer && here < feed.target;
    if (feed.target != here && !first) continue;
    leave_layer(feed);
    feed.current = static_cast<int8_t>(here);
    layer.dirty = true;
  }
}

void VideoTrack::rebuild(size_t index) {
  Layer& layer = layers_[index];
  layer.dirty = false;
  std::vector<SessionHandle> all;
  std::vector<SessionHandle> upper;
  bool trimmed = false;
  for (size_t seat = 0; seat < feeds_.size(); ++seat) {
    const Feed& feed = feeds_[seat];
    if (feed.current != static_cast<int>(index) || !seats_[seat].self) continue;
    all.push_back(seats_[seat].handle);
    if (feed.trimmed) {
      trimmed = true;
    } else {
      upper.push_back(seats_[seat].handle);
    }
  }
  layer.all = Recipients::make(std::move(all));
  layer.upper = trimmed ? Recipients::make(std::move(upper)) : layer.all;
}

int VideoTrack::lowest_layer() const {
  for (const bool want_live : {true, false}) {
    for (size_t i = 0; i < kLayers; ++i) {
      if (want_live ? states_[i].live : states_[i].exists)
        return static_cast<int>(i);
    }
  }
  return kNoLayer;
}

}  // namespace videocall::room
