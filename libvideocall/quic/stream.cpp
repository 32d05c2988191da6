// SPDX-License-Identifier: MIT
#include "libvideocall/quic/stream.h"

namespace videocall::quic {

void RetainedPackets::sent(const PacketRef& packet, uint64_t end) {
  if (!empty() && entries_.back().packet == packet) {
    entries_.back().end = end;
    return;
  }
  if (empty()) {
    entries_.clear();
    head_ = 0;
  }
  entries_.push_back({end, packet});
}

void RetainedPackets::acked(uint64_t offset) {
  while (!empty() && entries_[head_].end <= offset)
    entries_[head_++].packet = {};
  // A stream that is never idle would otherwise grow for ever.
  if (head_ >= 32 && head_ * 2 >= entries_.size()) {
    entries_.erase(entries_.begin(),
                   entries_.begin() + static_cast<ptrdiff_t>(head_));
    head_ = 0;
  }
}

}  // namespace videocall::quic
