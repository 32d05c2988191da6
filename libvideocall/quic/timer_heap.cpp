// SPDX-License-Identifier: MIT
#include "libvideocall/quic/timer_heap.h"

namespace videocall::quic {
namespace {

constexpr size_t kArity = 4;  // shallower than binary: fewer cache misses

}  // namespace

void TimerHeap::arm(uint32_t id, Time when) {
  if (when == Time::max()) return;
  if (id >= position_.size()) position_.resize(id + 1, kAbsent);
  if (position_[id] == kAbsent) {
    entries_.push_back({when, id});
    place(entries_.size() - 1, {when, id});
    rise(entries_.size() - 1);
    return;
  }
  const size_t at = position_[id];
  if (when >= entries_[at].when) return;
  entries_[at].when = when;
  rise(at);
}

void TimerHeap::remove(uint32_t id) {
  if (id < position_.size() && position_[id] != kAbsent)
    take_out(position_[id]);
}

bool TimerHeap::pop_due(Time now, uint32_t& id) {
  if (entries_.empty() || entries_.front().when > now) return false;
  id = entries_.front().id;
  take_out(0);
  return true;
}

void TimerHeap::place(size_t at, const Entry& entry) {
  entries_[at] = entry;
  position_[entry.id] = static_cast<uint32_t>(at);
}

void TimerHeap::rise(size_t at) {
  const Entry entry = entries_[at];
  while (at > 0) {
    const size_t parent = (at - 1) / kArity;
    if (entries_[parent].when <= entry.when) break;
    place(at, entries_[parent]);
    at = parent;
  }
  place(at, entry);
}

void TimerHeap::sink(size_t at) {
  const Entry entry = entries_[at];
  for (;;) {
    const size_t first = at * kArity + 1;
    if (first >= entries_.size()) break;
    size_t least = first;
    for (size_t child = first + 1;
         child < first + kArity && child < entries_.size(); ++child) {
      if (entries_[child].when < entries_[least].when) least = child;
    }
    if (entry.when <= entries_[least].when) break;
    place(at, entries_[least]);
    at = least;
  }
  place(at, entry);
}

void TimerHeap::take_out(size_t at) {
  position_[entries_[at].id] = kAbsent;
  const Entry last = entries_.back();
  entries_.pop_back();
  if (at == entries_.size()) return;
  place(at, last);
  rise(at);
  sink(position_[last.id]);
}

}  // namespace videocall::quic
