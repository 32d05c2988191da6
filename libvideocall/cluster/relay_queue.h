// SPDX-License-Identifier: MIT
// Packets on their way to or from the broker: first in, first out, bounded in
// bytes, packets and age. What must be dropped is dropped by the rules of
// docs/wire-protocol.md, section 2: media before anything else, and of a video
// layer, once a packet of it is missing, all until its next key frame. Pure;
// not thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "libvideocall/base/export.h"
#include "libvideocall/base/time.h"
#include "libvideocall/cluster/limits.h"
#include "libvideocall/cluster/subject.h"
#include "libvideocall/wire/delivery.h"

namespace videocall::cluster {

// Of a message, beside its packet.
using Headers = std::vector<std::pair<std::string, std::string>>;
using HeadersPtr = std::shared_ptr<const Headers>;

class VIDEOCALL_API RelayQueue {
 public:
  struct Bounds {
    size_t bytes = limits::kMaxNatsQueueBytes;
    size_t packets = limits::kMaxNatsQueuePackets;
    Duration media_age = limits::kMaxMediaQueueDelay;
  };
  struct Entry {
    PacketRef packet;
    SubjectPtr subject;
    Time queued{};
    HeadersPtr headers;  // empty: none
  };
  // Packets, by why they went no further.
  struct Dropped {
    uint64_t full = 0;      // the queue was at its bound
    uint64_t late = 0;      // media that waited too long
    uint64_t cut = 0;       // of a group that something was missing of
    uint64_t unlinked = 0;  // there was no connection; see lose()
  };

  RelayQueue() : RelayQueue(Bounds{}) {}
  explicit RelayQueue(const Bounds& bounds) : bounds_(bounds) {}

  // False if |entry| was dropped. What is no media may use twice the bounds.
  bool push(Entry entry);
  // The next that is still worth something.
  std::optional<Entry> pop(Time now);
  // There is no connection: |entry| is lost.
  void lose(const Entry& entry);
  // |entry| was refused by the broker or the network.
  void break_group(const Entry& entry);

  bool empty() const { return entries_.empty(); }
  size_t size() const { return entries_.size(); }
  size_t bytes() const { return bytes_; }
  const Dropped& dropped() const { return dropped_; }

 private:
  bool heals(const Entry& entry);

  const Bounds bounds_;
  std::deque<Entry> entries_;
  size_t bytes_ = 0;
  // Subjects of video whose group is cut.
  std::unordered_set<std::string> cut_;
  Dropped dropped_;
};

}  // namespace videocall::cluster
