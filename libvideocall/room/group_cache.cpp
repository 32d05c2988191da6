// SPDX-License-Identifier: MIT
#include "libvideocall/room/group_cache.h"

namespace videocall::room {

void GroupCache::add(const PacketRef& packet, Time now) {
  const MediaHeader& header = packet->fields().header;
  if (header.keyframe) {
    clear();
    started_ = now;
  } else if (packets_.empty()) {
    return;
  }
  if (packets_.size() >= limits::kMaxCachedGroupPackets ||
      bytes_ + packet->size() > limits::kMaxCachedGroupBytes) {
    clear();
    return;
  }
  packets_.push_back(packet);
  bytes_ += packet->size();
  if (header.temporal_id > 0) upper_bytes_ += packet->size();
}

void GroupCache::clear() {
  packets_.clear();
  bytes_ = 0;
  upper_bytes_ = 0;
}

void GroupCache::expire(Time now) {
  if (packets_.empty() || serves(now)) return;
  clear();
  packets_.shrink_to_fit();
}

bool GroupCache::serves(Time now) const {
  return !packets_.empty() && now - started_ <= limits::kMaxCachedGroupAge;
}

}  // namespace videocall::room
