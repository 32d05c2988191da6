// SPDX-License-Identifier: MIT
// Timers of many connections, lazily: one entry per id, moved only towards an
// earlier time. QUIC timers are mostly put off, so the owner asks the
// connection again when an entry comes up and arms it anew. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "libvideocall/base/export.h"
#include "libvideocall/base/time.h"

namespace videocall::quic {

class VIDEOCALL_API TimerHeap {
 public:
  // Makes |id| come up at |when| at the latest. Time::max() is no timer.
  void arm(uint32_t id, Time when);
  void remove(uint32_t id);
  // Time::max() when empty.
  Time next() const {
    return entries_.empty() ? Time::max() : entries_.front().when;
  }
  // Takes out one id that is due; false when none is.
  bool pop_due(Time now, uint32_t& id);
  size_t size() const { return entries_.size(); }

 private:
  static constexpr uint32_t kAbsent = 0xffffffff;
  struct Entry {
    Time when;
    uint32_t id;
  };

  void place(size_t at, const Entry& entry);
  void rise(size_t at);
  void sink(size_t at);
  void take_out(size_t at);

  std::vector<Entry> entries_;
  std::vector<uint32_t> position_;  // by id
};

}  // namespace videocall::quic
