// SPDX-License-Identifier: MIT
#include "libvideocall/quic/group_queue.h"

#include <algorithm>

namespace videocall::quic {
namespace {

// Session ids have 53 bits, kinds and layers two each.
uint64_t track_key(const PacketFields& fields) {
  return fields.session_id << 4 |
         uint64_t{static_cast<uint8_t>(fields.kind)} << 2 | fields.layer;
}

constexpr uint64_t kLayerBits = 3;

// A lower group number is a late group, unless the track has been silent: then
// its sender has started to count anew.
constexpr auto kRestartSilence = 1s;

}  // namespace

GroupQueue::GroupQueue(PacketPool& pool, const Options& options)
    : pool_(pool), options_(options) {}

void GroupQueue::push(const PacketRef& packet, Time now) {
  const PacketFields& fields = packet->fields();
  Track* track = find(track_key(fields));
  if (fields.header.keyframe) track = start_group(track, fields, now);
  Group* group = track ? group_of(*track, fields.header.group) : nullptr;
  if (!group) {
    ++dropped_;
    return;
  }
  track->last_packet = now;
  const auto index = static_cast<uint32_t>(group - groups_.data());
  expire(index, now);
  const size_t size = packet->framed().size();
  if (!accepts(*group, fields)) {
    ++dropped_;
    return;
  }
  const uint8_t temporal_id = fields.header.temporal_id;
  if (!make_room(size, index)) {
    ++dropped_;
    if (temporal_id == 0 || fields.header.keyframe) end_early(index);
    return;
  }
  if (temporal_id > group->max_temporal) {  // thinned to make room
    ++dropped_;
    return;
  }
  group->empty = false;
  group->last_sequence = fields.header.sequence;
  group->top_temporal = std::max(group->top_temporal, temporal_id);
  group->queue.push_back(packet, now);
  bytes_ += size;
  relocate(index);
}

// A base frame was left out for want of room. What is queued before it is
// still good: for a newcomer it is the first picture.
void GroupQueue::end_early(uint32_t index) {
  Group& group = groups_[index];
  ++cut_;
  group.full = true;
  group.ending = true;
  group.over = group.stream < 0 && group.queue.empty();
  relocate(index);
}

GroupQueue::Track* GroupQueue::find(uint64_t key) {
  if (last_track_ < tracks_.size() && tracks_[last_track_].key == key)
    return &tracks_[last_track_];
  for (size_t i = 0; i < tracks_.size(); ++i) {
    if (tracks_[i].key != key) continue;
    last_track_ = i;
    return &tracks_[i];
  }
  return nullptr;
}

GroupQueue::Track* GroupQueue::start_group(Track* track,
                                           const PacketFields& fields,
                                           Time now) {
  const uint64_t number = fields.header.group;
  if (track && track->current != kNone) {
    const Group& current = groups_[track->current];
    const bool restarted = now - track->last_packet > kRestartSilence;
    // A group that was ended for another layer begins anew when the viewer
    // comes back to it.
    const bool ended = current.full || current.over;
    if ((number == current.number && !ended) ||
        (number < current.number && !restarted))
      return track;
  }
  if (!track) {
    if (tracks_.size() >= limits::kMaxSendTracks) return nullptr;
    tracks_.push_back({track_key(fields), now, kNone, kNone});
    track = &tracks_.back();
  }
  supersede(*track);
  if (options_.one_layer_at_a_time) end_other_layers(track->key);
  track->current = acquire_group();
  groups_[track->current].number = number;
  return track;
}

// Makes the current group the superseded one. There is room for one: the one
// of before goes, unless its key frame is on the way, because a viewer whose
// link takes longer than a group for a key frame would never see one whole.
void GroupQueue::supersede(Track& track) {
  if (track.current == kNone) return;
  if (track.superseded != kNone) {
    const Group& old = groups_[track.superseded];
    const bool key_under_way = !old.key_sent && old.head_sent > 0;
    if (key_under_way) {
      cut(track.current);
      release_group(track.current);
      track.current = kNone;
      return;
    }
    cut(track.superseded);
    release_group(track.superseded);
  }
  track.superseded = std::exchange(track.current, kNone);
  Group& group = groups_[track.superseded];
  group.current = false;
  group.ending = true;
  // Nothing of it is out, and a newer picture is at hand: it is not begun.
  if (group.stream < 0) cut(track.superseded);
  relocate(track.superseded);
  retire_if_over(track.superseded);
}

void GroupQueue::end_other_layers(uint64_t key) {
  for (Track& track : tracks_) {
    if (track.key == key || (track.key ^ key) > kLayerBits) continue;
    if (track.current == kNone) continue;
    end_for_another_layer(track.current);
    // Down: the link has become narrow, mostly, and what was lost of the large
    // layer is not to be repeated before the small one.
    if (track.key > key) abandon(track.current);
  }
}

void GroupQueue::abandon(uint32_t index) {
  const uint64_t cuts = cut_;
  cut(index);
  cut_ = cuts;
}

// What waits of it would only delay the new layer's key frame, which shows a
// later picture. That is no loss for want of room, and not counted as one.
void GroupQueue::end_for_another_layer(uint32_t index) {
  Group& group = groups_[index];
  group.ending = true;
  group.full = true;
  if (!group.queue.empty()) {
    const uint64_t dropped = dropped_;
    if (group.head_sent > 0 || group.stream < 0) {
      const uint64_t cuts = cut_;
      cut(index);
      cut_ = cuts;
    } else {
      drop_queue(group);
    }
    dropped_ = dropped;
  }
  relocate(index);
}

GroupQueue::Group* GroupQueue::group_of(const Track& track, uint64_t number) {
  for (uint32_t index : {track.current, track.superseded})
    if (index != kNone && groups_[index].number == number)
      return &groups_[index];
  return nullptr;
}

bool GroupQueue::accepts(const Group& group, const PacketFields& fields) const {
  if (group.over || group.full) return false;
  if (group.empty) return fields.header.keyframe;
  return fields.header.sequence > group.last_sequence &&
         fields.header.temporal_id <= group.max_temporal;
}

// Frees the bytes of others, the least useful first; false if |size| bytes for
// the group |target| are still too many.
bool GroupQueue::make_room(size_t size, uint32_t target) {
  if (bytes_ + size <= options_.max_bytes) return true;
  for (uint32_t index = heaviest(true, target);
       index != kNone && bytes_ + size > options_.max_bytes;
       index = heaviest(true, target))
    cut(index);
  for (Group& group : groups_)
    if (group.in_use && bytes_ + size > options_.max_bytes) thin(group, 0);
  while (bytes_ + size > options_.max_bytes) {
    const uint32_t index = heaviest(false, target);
    if (index == kNone) return false;
    // The one that has most gives: it may be the target itself.
    if (groups_[index].queue.bytes() < groups_[target].queue.bytes())
      return false;
    cut(index);
  }
  return true;
}

uint32_t GroupQueue::heaviest(bool superseded_only, uint32_t except) const {
  uint32_t best = kNone;
  for (uint32_t i = 0; i < groups_.size(); ++i) {
    const Group& group = groups_[i];
    if (i == except || !group.in_use || group.queue.empty()) continue;
    if (superseded_only && group.current) continue;
    if (best == kNone || group.queue.bytes() > groups_[best].queue.bytes())
      best = i;
  }
  return best;
}

// Thins or cuts the group by the age of its first frame that has not begun to
// go out.
void GroupQueue::expire(uint32_t index, Time now) {
  constexpr Duration kLimit = limits::kMaxMediaQueueDelay;
  Group& group = groups_[index];
  while (!group.over && !group.queue.empty()) {
    Time queued = group.queue.front_queued();
    if (group.head_sent > 0) {
      if (now - queued > limits::kMaxFrameSendDelay) return cut(index);
      const PacketPool::Node* second = group.queue.second();
      // Behind a key frame that is on its way the clock stands still.
      if (!second || !group.key_sent) return;
      queued = second->queued;
    }
    const Duration age = now - std::max(queued, group.started);
    if (!group.key_sent) {
      if (age > limits::kMaxKeyframeQueueDelay) cut(index);
      return;
    }
    const size_t before = group.queue.count();
    if (age > kLimit / 3 && group.top_temporal > 0)
      thin(group, static_cast<uint8_t>(group.top_temporal - 1));
    if (age > kLimit * 2 / 3) thin(group, 0);
    if (group.queue.count() != before) continue;  // a younger one may be first
    if (age > kLimit) cut(index);
    return;
  }
}

void GroupQueue::thin(Group& group, uint8_t max_temporal) {
  if (max_temporal >= group.max_temporal) return;
  group.max_temporal = max_temporal;
  // A frame that has begun to go out is finished; a key frame is never thin.
  const size_t keep = group.head_sent > 0 || !group.key_sent ? 1 : 0;
  const size_t before = group.queue.bytes();
  dropped_ += group.queue.remove_if(keep, [max_temporal](const Packet& packet) {
    return packet.fields().header.temporal_id > max_temporal;
  });
  bytes_ -= before - group.queue.bytes();
  relocate(static_cast<uint32_t>(&group - groups_.data()));
}

void GroupQueue::cut(uint32_t index) {
  Group& group = groups_[index];
  if (group.over) return;
  group.over = true;
  // All that was queued is out, and only the FIN is missing: no loss.
  if (!group.queue.empty()) ++cut_;
  if (group.stream >= 0 && session_) session_->reset(group.stream);
  drop_queue(group);
  relocate(index);
}

void GroupQueue::drop_queue(Group& group) {
  dropped_ += group.queue.count();
  bytes_ -= group.queue.bytes();
  group.queue.clear();
  group.head_sent = 0;
}

SendItem GroupQueue::next(Time now) {
  for (List& list : lists_) {
    while (list.head != kNone) {
      const uint32_t index = list.head;
      expire(index, now);
      if (list.head != index) continue;
      Group& group = groups_[index];
      if (group.stream < 0 && !open_stream(group)) {
        relocate(index);
        continue;
      }
      offered_ = index;
      SendItem item;
      item.kind = SendItem::Kind::stream;
      item.stream = group.stream;
      item.fin = group.ending && group.queue.count() <= 1;
      item.more = others_wait(index);
      if (!group.queue.empty()) {
        item.packet = group.queue.front();
        item.bytes = item.packet->framed().subspan(group.head_sent);
      }
      return item;
    }
  }
  offered_ = kNone;
  return {};
}

// Even the bare end of another stream shares a QUIC packet.
bool GroupQueue::others_wait(uint32_t index) const {
  return std::any_of(
      std::begin(lists_), std::end(lists_), [index](const List& list) {
        return list.head != kNone && (list.head != index || list.tail != index);
      });
}

bool GroupQueue::open_stream(Group& group) {
  if (!session_) return false;
  auto stream =
      options_.bidirectional ? session_->open_bidi() : session_->open_uni();
  if (!stream) {
    streams_blocked_ = true;
    return false;
  }
  group.stream = *stream;
  return true;
}

void GroupQueue::consumed(const SendItem& item, size_t size, bool fin,
                          Time now) {
  const uint32_t index = index_of(item.stream);
  if (index == kNone) return;
  Group& group = groups_[index];
  if (item.packet && !group.queue.empty() &&
      group.queue.front() == item.packet) {
    group.head_sent += size;
    const size_t frame = item.packet->framed().size();
    if (group.head_sent >= frame) {
      bytes_ -= frame;
      group.queue.pop_front();
      group.head_sent = 0;
      if (!group.key_sent) group.started = now;
      group.key_sent = true;
      relocate(index, true);
    }
  }
  if (!fin) return;
  group.over = true;
  relocate(index);
  retire_if_over(index);
}

// A superseded group without anything left to say makes room for the next.
void GroupQueue::retire_if_over(uint32_t index) {
  const Group& group = groups_[index];
  const bool never_sent = group.queue.empty() && group.stream < 0;
  if (group.current || !(group.over || never_sent)) return;
  for (Track& track : tracks_)
    if (track.superseded == index) track.superseded = kNone;
  release_group(index);
}

bool GroupQueue::set_blocked(StreamId stream, bool blocked) {
  const uint32_t index = index_of(stream);
  if (index == kNone) return false;
  groups_[index].blocked = blocked;
  relocate(index);
  return true;
}

bool GroupQueue::stopped(StreamId stream) {
  const uint32_t index = index_of(stream);
  if (index == kNone) return false;
  groups_[index].stream = -1;  // it is gone: nothing to reset
  cut(index);
  retire_if_over(index);
  return true;
}

void GroupQueue::streams_available() {
  if (!streams_blocked_) return;
  streams_blocked_ = false;
  for (uint32_t i = 0; i < groups_.size(); ++i)
    if (groups_[i].in_use) relocate(i);
}

void GroupQueue::on_timer(Time now) {
  for (size_t i = 0; i < tracks_.size();) {
    Track& track = tracks_[i];
    for (uint32_t index : {track.superseded, track.current})
      if (index != kNone) expire(index, now);
    if (track.superseded != kNone) retire_if_over(track.superseded);
    if (now - track.last_packet <= limits::kIdleTrackTimeout) {
      ++i;
      continue;
    }
    // Its sender has left or the viewer sees another layer. What does not end
    // in good order within a tick is cut.
    if (track.current == kNone && track.superseded != kNone) {
      cut(track.superseded);
      retire_if_over(track.superseded);
    }
    supersede(track);
    if (track.superseded != kNone) {
      ++i;
      continue;
    }
    tracks_[i] = tracks_.back();
    tracks_.pop_back();
  }
}

void GroupQueue::clear() {
  tracks_.clear();
  groups_.clear();
  for (List& list : lists_) list = {};
  offered_ = kNone;
  bytes_ = 0;
}

Time GroupQueue::oldest() const {
  Time oldest = Time::max();
  for (const Group& group : groups_)
    if (group.in_use && !group.queue.empty())
      oldest = std::min(oldest, group.queue.front_queued());
  return oldest;
}

uint32_t GroupQueue::acquire_group() {
  for (uint32_t i = 0; i < groups_.size(); ++i) {
    if (groups_[i].in_use) continue;
    groups_[i].in_use = true;
    return i;
  }
  groups_.emplace_back(pool_);
  groups_.back().in_use = true;
  return static_cast<uint32_t>(groups_.size() - 1);
}

void GroupQueue::release_group(uint32_t index) {
  unlink(index);
  Group& group = groups_[index];
  drop_queue(group);
  std::destroy_at(&group);
  std::construct_at(&group, pool_);
}

uint32_t GroupQueue::index_of(StreamId stream) const {
  if (stream < 0) return kNone;
  if (offered_ < groups_.size() && groups_[offered_].in_use &&
      groups_[offered_].stream == stream)
    return offered_;
  for (uint32_t i = 0; i < groups_.size(); ++i)
    if (groups_[i].in_use && groups_[i].stream == stream) return i;
  return kNone;
}

GroupQueue::Place GroupQueue::place_of(const Group& group) const {
  if (group.over || group.blocked) return Place::none;
  if (group.stream < 0 && (streams_blocked_ || group.queue.empty()))
    return Place::none;
  // The end of a stream is due at once: it frees stream credit.
  if (group.queue.empty()) return group.ending ? Place::delta : Place::none;
  const bool key_under_way = !group.key_sent && group.head_sent > 0;
  if (!group.current && !key_under_way) return Place::superseded;
  return group.key_sent ? Place::delta : Place::key;
}

// Puts the group into the list where it belongs now; where it already is
// there, |to_the_end| lets the others have their turn.
void GroupQueue::relocate(uint32_t index, bool to_the_end) {
  Group& group = groups_[index];
  const Place place = place_of(group);
  if (place == group.place && !to_the_end) return;
  unlink(index);
  if (place == Place::none) return;
  List& list = lists_[static_cast<size_t>(place)];
  group.place = place;
  group.previous = list.tail;
  group.following = kNone;
  if (list.tail == kNone)
    list.head = index;
  else
    groups_[list.tail].following = index;
  list.tail = index;
}

void GroupQueue::unlink(uint32_t index) {
  Group& group = groups_[index];
  if (group.place == Place::none) return;
  List& list = lists_[static_cast<size_t>(group.place)];
  (group.previous == kNone ? list.head : groups_[group.previous].following) =
      group.following;
  (group.following == kNone ? list.tail : groups_[group.following].previous) =
      group.previous;
  group.place = Place::none;
  group.previous = group.following = kNone;
}

}  // namespace videocall::quic
