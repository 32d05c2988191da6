// SPDX-License-Identifier: MIT
// Which viewer gets which layer of a video, and how it comes from one to
// another.
#include <algorithm>
#include <utility>

#include "libvideocall/room/video_track.h"

namespace videocall::room {

void VideoTrack::set_target(uint32_t seat, const Choice& choice, Time now,
                            Output& out) {
  if (seat >= feeds_.size()) {
    if (choice.layer == kNoLayer) return;
    feeds_.resize(std::max<size_t>(seat + 1, seats_.size()));
  }
  Feed& feed = feeds_[seat];
  set_wish(feed, choice);
  if (choice.layer == kNoLayer) {
    leave_layer(feed);
  } else if (feed.current == kNoLayer) {
    start(seat, feed, now, out);
  } else if (feed.current != choice.layer) {
    step(seat, feed, choice, now, out);
  } else {
    feed.leaving = false;
    lower(feed, feed.ceiling);
    if (feed.temporal < feed.ceiling)
      layers_[static_cast<size_t>(feed.current)].awaited = true;
  }
}

void VideoTrack::set_wish(Feed& feed, const Choice& choice) {
  demand_.change(feed.target, choice.layer);
  demand_.change_more(feed.wants_more, choice.wants_more);
  feed.target = static_cast<int8_t>(choice.layer);
  feed.ceiling = choice.temporal;
  feed.wants_more = choice.wants_more;
}

// From a layer to another: by its cached group where that is no great burst,
// else at its next key frame.
void VideoTrack::step(uint32_t seat, Feed& feed, const Choice& choice, Time now,
                      Output& out) {
  const auto target = static_cast<size_t>(choice.layer);
  Layer& layer = layers_[target];
  layer.awaited = true;
  const bool up = choice.layer > feed.current;
  const bool ended = !states_[static_cast<size_t>(feed.current)].live;
  if (up || ended || choice.urgent) {
    // A link that is full already gets the base alone.
    const uint8_t temporal = choice.urgent ? 0 : feed.ceiling;
    if (can_serve(target, temporal, choice.burst_bytes, now)) {
      leave_layer(feed);
      serve(seat, feed, target, temporal, out);
      return;
    }
  }
  if (ended && serve_below(seat, feed, now, out)) {
    layer.gate.want();
    return;
  }
  if (choice.urgent && !up) {
    lower(feed, 0);
    feed.leaving = true;
    layers_[static_cast<size_t>(feed.current)].awaited = true;
    layer.gate.want();
  }
  if (ended || (up && now - layer.started > limits::kStepUpPatience))
    layer.gate.want();
}

// The layer that the viewer gets has ended, and the target cannot be had at
// once: meanwhile it gets the best one below that can.
bool VideoTrack::serve_below(uint32_t seat, Feed& feed, Time now, Output& out) {
  for (int i = feed.target; i-- > 0;) {
    const auto index = static_cast<size_t>(i);
    if (i == feed.current ||
        !can_serve(index, feed.ceiling, limits::kMaxSwitchBurstBytes, now))
      continue;
    leave_layer(feed);
    serve(seat, feed, index, feed.ceiling, out);
    return true;
  }
  return false;
}

// Gives a newcomer the lowest layer that it can have at once; the step up to
// the target follows at the target's next key frame.
void VideoTrack::start(uint32_t seat, Feed& feed, Time now, Output& out) {
  const auto target = static_cast<size_t>(feed.target);
  layers_[target].awaited = true;
  for (size_t i = 0; i <= target; ++i) {
    if (can_serve(i, feed.ceiling, SIZE_MAX, now)) {
      serve(seat, feed, i, feed.ceiling, out);
      return;
    }
  }
  for (size_t i = 0; i <= target; ++i) layers_[i].awaited = true;
  const int lowest = lowest_layer(now);
  const bool suits = lowest != kNoLayer && lowest <= feed.target &&
                     states_[static_cast<size_t>(lowest)].available();
  layers_[suits ? static_cast<size_t>(lowest) : target].gate.want();
}

bool VideoTrack::can_serve(size_t index, uint8_t temporal, size_t max_bytes,
                           Time now) const {
  const GroupCache& cache = layers_[index].cache;
  if (layers_[index].broken || !flows(index, now) || !cache.serves(now))
    return false;
  const size_t bytes = cache.top_temporal(temporal) == 0
                           ? cache.bytes() - cache.upper_bytes()
                           : cache.bytes();
  return bytes <= max_bytes;
}

// Temporal layers come back only at a group's start, so whoever is not given
// them from the key frame on goes without until the next one.
void VideoTrack::serve(uint32_t seat, Feed& feed, size_t index,
                       uint8_t temporal, Output& out) {
  Layer& layer = layers_[index];
  feed.temporal = layer.cache.top_temporal(temporal);
  for (const PacketRef& packet : layer.cache.packets()) {
    if (packet->fields().header.temporal_id > feed.temporal) continue;
    out.deliver(packet, seats_[seat].self);
  }
  feed.current = static_cast<int8_t>(index);
  layer.dirty = true;
  if (feed.temporal < feed.ceiling) layer.awaited = true;
}

// Takes temporal layers away, at once.
void VideoTrack::lower(Feed& feed, uint8_t temporal) {
  if (feed.temporal <= temporal) return;
  feed.temporal = temporal;
  layers_[static_cast<size_t>(feed.current)].dirty = true;
}

void VideoTrack::leave_layer(Feed& feed) {
  feed.leaving = false;
  if (feed.current == kNoLayer) return;
  layers_[static_cast<size_t>(feed.current)].dirty = true;
  feed.current = kNoLayer;
  feed.temporal = 0;
}

void VideoTrack::drop(uint32_t seat) {
  if (seat >= feeds_.size()) return;
  leave_layer(feeds_[seat]);
  set_wish(feeds_[seat], {});
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

// A key frame of layer |index| is there: those who waited for it come over,
// and those who leave the layer get nothing of its new group.
void VideoTrack::promote(size_t index) {
  Layer& layer = layers_[index];
  layer.awaited = false;
  const int here = static_cast<int>(index);
  for (Feed& feed : feeds_) {
    if (feed.current == here) {
      if (feed.target != here) {
        if (feed.leaving) leave_layer(feed);
        continue;
      }
      if (feed.temporal != feed.ceiling) layer.dirty = true;
      feed.temporal = feed.ceiling;
      continue;
    }
    const bool first = feed.current == kNoLayer && here < feed.target;
    if (feed.target != here && !first) continue;
    leave_layer(feed);
    feed.current = static_cast<int8_t>(here);
    feed.temporal = feed.ceiling;
    layer.dirty = true;
  }
}

void VideoTrack::rebuild(size_t index) {
  Layer& layer = layers_[index];
  layer.dirty = false;
  std::array<std::vector<SessionHandle>, kTemporalLayers> sessions;
  std::array<size_t, kTemporalLayers> reach{};  // how many stop there
  for (size_t seat = 0; seat < feeds_.size(); ++seat) {
    const Feed& feed = feeds_[seat];
    if (feed.current == static_cast<int>(index) && seats_[seat].self)
      ++reach[feed.temporal];
  }
  for (size_t t = 0; t < kTemporalLayers; ++t) {
    // Mostly nobody stops below: one list serves all.
    if (t > 0 && reach[t - 1] == 0) {
      layer.to[t] = layer.to[t - 1];
      continue;
    }
    for (size_t seat = 0; seat < feeds_.size(); ++seat) {
      const Feed& feed = feeds_[seat];
      if (feed.current == static_cast<int>(index) && feed.temporal >= t &&
          seats_[seat].self)
        sessions[t].push_back(seats_[seat].handle);
    }
    layer.to[t] = Recipients::make(std::move(sessions[t]));
  }
}

Choice VideoTrack::granted(uint32_t seat) const {
  Choice choice;
  if (seat >= feeds_.size()) return choice;
  choice.layer = feeds_[seat].target;
  choice.temporal = feeds_[seat].ceiling;
  return choice;
}

uint8_t VideoTrack::layers_in_use() const {
  uint8_t used = 0;
  for (const Feed& feed : feeds_)
    if (feed.current != kNoLayer)
      used |= LayerDemand::bit(static_cast<size_t>(feed.current));
  for (size_t i = 0; i < kLayers; ++i)
    if (layers_[i].stalled || layers_[i].subject) used |= LayerDemand::bit(i);
  return used;
}

}  // namespace videocall::room
