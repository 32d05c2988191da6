// SPDX-License-Identifier: MIT
#include "libvideocall/room/video_track.h"

#include <algorithm>
#include <utility>

namespace videocall::room {
namespace {

// What a layer costs of which nothing is known yet, bits a second.
constexpr std::array<double, kLayers> kGuesses = {150e3, 500e3, 1.5e6};

}  // namespace

VideoTrack::VideoTrack(MediaKind kind, const Seats& seats, bool remote)
    : seats_(seats), kind_(kind), remote_(remote) {
  if (remote) demand_.start_silent();
}

VideoTrack::Verdict VideoTrack::meet(const PacketFields& fields, Time now,
                                     bool& layers_changed) {
  const Verdict verdict = judge(fields, now);
  if (verdict == Verdict::undecodable) layers_[fields.layer].gate.want();
  layers_changed = false;
  if (verdict != Verdict::accepted) return verdict;
  LayerState& state = states_[fields.layer];
  const uint32_t height =
      fields.header.keyframe ? fields.header.height : state.height;
  if (!returns(fields.layer, fields.header.keyframe, now)) return verdict;
  layers_changed = !state.live || state.height != height;
  state = {true, true, height};
  note_flow(fields.layer, now);
  // A key frame that comes now is better than the group that is cached: who
  // must be moved waits for the packet after it.
  if (!fields.header.keyframe && find_stalled()) layers_changed = true;
  return verdict;
}

void VideoTrack::Flow::add(Duration step) {
  time += std::min<Duration>(step, limits::kMaxStallStep);
  ++frames;
}

// A packet of layer |flowing| is there, which is not stalled.
void VideoTrack::note_flow(uint8_t flowing, Time now) {
  for (Layer& layer : layers_)
    layer.missed.add(now - std::max(flowed_, layer.last));
  layers_[flowing].missed = {};
  flowed_ = now;
}

// Whether a layer that was silent while others flowed is not to be chosen any
// more. One that its sender has just been asked for has time to come.
bool VideoTrack::find_stalled() {
  const Duration patience = kind_ == MediaKind::screen
                                ? Duration(limits::kScreenLayerStall)
                                : Duration(limits::kCameraLayerStall);
  bool found = false;
  for (size_t i = 0; i < kLayers; ++i) {
    Layer& layer = layers_[i];
    if (layer.missed.time < patience ||
        layer.missed.frames < limits::kMinStallFrames || !states_[i].live ||
        !demand_.told(i) || layer.last < layer.asked)
      continue;
    states_[i].live = false;
    layer.stalled = true;
    layer.back = {};
    found = true;
  }
  return found;
}

// Whether layer |index|, of which a packet is there, is to be chosen.
bool VideoTrack::returns(uint8_t index, bool keyframe, Time now) {
  Layer& layer = layers_[index];
  if (!layer.stalled) return true;
  layer.back.add(now - layer.last);
  if (!keyframe && layer.back.time < limits::kLayerReturn) return false;
  layer.stalled = false;
  return true;
}

void VideoTrack::add(const PacketRef& packet, Time now, Output& out) {
  const PacketFields& fields = packet->fields();
  const size_t index = fields.layer;
  Layer& layer = layers_[index];
  layer.group = fields.header.group;
  layer.sequence = fields.header.sequence;
  layer.last = now;
  layer.cache.add(packet, now);
  layer.rates.add(fields.header.temporal_id, packet->size(),
                  fields.header.target_kbps);
  if (fields.header.keyframe) {
    layer.started = now;
    layer.broken = false;
    layer.gate.satisfied();
    if (layer.awaited) promote(index);
  }
  if (layer.dirty) rebuild(index);
  out.deliver(packet, layer.to[fields.header.temporal_id], layer.subject);
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
  if (layer.broken || header.group > layer.group) return Verdict::undecodable;
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
    layers_[i].rates.roll(now);
    const Time heard = std::max(layers_[i].last, layers_[i].asked);
    const bool due = states_[i].available() || layers_[i].stalled;
    if (!due || now - heard <= silence) continue;
    if (states_[i].live || layers_[i].stalled || demand_.told(i)) {
      lose(i);
      changed = true;
    }
  }
  // Somebody still waits for a first picture: ask again.
  const int lowest = lowest_layer(now);
  if (lowest == kNoLayer || !states_[static_cast<size_t>(lowest)].available())
    return changed;
  const bool starving =
      std::any_of(feeds_.begin(), feeds_.end(), [](const Feed& f) {
        return f.target != kNoLayer && f.current == kNoLayer;
      });
  if (starving) layers_[static_cast<size_t>(lowest)].gate.want();
  return changed;
}

// Layer |index| has been silent: because nobody wanted it, or for good.
void VideoTrack::lose(size_t index) {
  LayerState& state = states_[index];
  const bool asked_for = demand_.told(index);
  state.live = false;
  state.dormant = !asked_for;
  layers_[index].stalled = false;
  if (!asked_for || remote_) return;
  // Its sender gave it up (too slow to encode it?). What it can send instead
  // it must not take for unwanted.
  demand_.reset();
}

std::optional<uint8_t> VideoTrack::next_request(Time now) {
  for (size_t i = 0; i < kLayers; ++i) {
    // Another node is asked for a layer first, and knows what to do.
    if (remote_ && !demand_.told(i)) continue;
    if (layers_[i].gate.due(now)) return static_cast<uint8_t>(i);
  }
  return std::nullopt;
}

std::optional<uint8_t> VideoTrack::next_hint(bool keep_all, Time now) {
  // Of what is not sent nothing can be unwanted.
  if (!available() && !demand_.untold() && !remote_) return std::nullopt;
  uint8_t higher = 0;
  for (size_t i = kLayers; i-- > 0 && !states_[i].available();)
    higher |= LayerDemand::bit(i);
  uint8_t forced = 0;
  for (size_t i = 0; remote_ && keep_all && i < kLayers; ++i)
    if (states_[i].available()) forced |= LayerDemand::bit(i);
  std::array<bool, kLayers> told{};
  for (size_t i = 0; i < kLayers; ++i) told[i] = demand_.told(i);
  const auto mask = demand_.due(higher, forced, now, [&] {
    return !remote_ && (keep_all || !available()) ? LayerDemand::kAll
                                                  : layers_in_use();
  });
  for (size_t i = 0; mask && i < kLayers; ++i) {
    if (!demand_.told(i) || told[i] || !states_[i].exists) continue;
    // Wanted again: nobody waits for the next group, or gets an old picture.
    Layer& layer = layers_[i];
    layer.asked = now;
    if (remote_)
      layer.gate.satisfied();  // comes with what the node answers
    else
      layer.gate.want();
    if (now - layer.last > limits::kStaleGroup) layer.cache.clear();
  }
  return mask;
}

void VideoTrack::publish(size_t index, SubjectPtr subject, Time now,
                         Output& out) {
  Layer& layer = layers_[index];
  const bool first = !layer.subject;
  const int wanted = static_cast<int>(index);
  demand_.change(first ? kNoLayer : wanted, subject ? wanted : kNoLayer);
  layer.subject = std::move(subject);
  if (!layer.subject) return;
  // To nodes that get it already the group is late, and they leave it.
  const size_t most = first ? SIZE_MAX : limits::kMaxSwitchBurstBytes;
  if (can_serve(index, limits::kMaxTemporalLayer, most, now)) {
    for (const PacketRef& packet : layer.cache.packets())
      out.deliver(packet, nullptr, layer.subject);
  } else if (states_[index].live) {
    layer.gate.want();
  }
}

void VideoTrack::offer(size_t index, bool available, uint32_t height,
                       uint32_t target_kbps) {
  LayerState& state = states_[index];
  if (available) {
    state.exists = true;
    state.dormant = !state.live;
    if (height > 0) state.height = height;
    layers_[index].rates.add(0, 0, target_kbps);
  } else {
    state.live = false;
    state.dormant = false;
    layers_[index].cache.clear();
  }
}

void VideoTrack::pause() {
  for (size_t i = 0; i < kLayers; ++i) {
    layers_[i].cache.clear();
    layers_[i].gate.satisfied();
    layers_[i].stalled = false;
    states_[i].live = false;
    states_[i].dormant = false;
  }
  if (!remote_) demand_.reset();
}

bool VideoTrack::available() const {
  return std::any_of(states_.begin(), states_.end(),
                     [](const LayerState& s) { return s.available(); });
}

double VideoTrack::bps(size_t layer, uint8_t temporal) const {
  return layers_[layer].rates.bps(temporal, kGuesses[layer]);
}

size_t VideoTrack::cached_bytes() const {
  size_t bytes = 0;
  for (const Layer& layer : layers_) bytes += layer.cache.bytes();
  return bytes;
}

// Whether more follows what the cache holds: not of a layer that was hinted
// off and has stopped.
bool VideoTrack::flows(size_t index, Time now) const {
  return states_[index].live &&
         (demand_.told(index) ||
          now - layers_[index].last <= limits::kStaleGroup);
}

// The lowest that comes, else that is available, else that ever was.
int VideoTrack::lowest_layer(Time now) const {
  const auto first = [](auto&& good) {
    for (size_t i = 0; i < kLayers; ++i)
      if (good(i)) return static_cast<int>(i);
    return kNoLayer;
  };
  int lowest = first([&](size_t i) { return flows(i, now); });
  if (lowest == kNoLayer)
    lowest = first(
        [&](size_t i) { return states_[i].available() && demand_.told(i); });
  if (lowest == kNoLayer)
    lowest = first([&](size_t i) { return states_[i].exists; });
  return lowest;
}

}  // namespace videocall::room
