// SPDX-License-Identifier: MIT
// Which HTTP connections are open, and which have to go: there is a limit on
// their number and on how long each may take for a request and an answer. Pure;
// the time is handed in. One thread.
#pragma once

#include <cstddef>
#include <list>
#include <unordered_map>
#include <vector>

#include "libvideocall/base/time.h"

namespace videocall::server {

class ConnectionTable {
 public:
  // Names a connection; never looked at.
  using Id = const void*;

  explicit ConnectionTable(size_t max_open) : max_open_(max_open) {}

  // A connection opened and waits for its first request. Returns who must be
  // closed for it: nullptr nobody, else the one that has waited longest for a
  // request, or |id| itself if all others are being answered.
  Id open(Id id, Time now);
  // Waits for the next request.
  void wait(Id id, Time now) { move(id, waiting_, now); }
  // Its request is here whole; now the answer goes out.
  void answer(Id id, Time now) { move(id, answering_, now); }
  // It is gone. Unknown ones are ignored, here and above.
  void close(Id id);

  // Those that took longer than limits::kHttpRequestTimeout for a request or
  // limits::kHttpAnswerTimeout for taking an answer. Each is named once more at
  // every call until close().
  std::vector<Id> expired(Time now) const;
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Id id;
    Time since;
  };
  using List = std::list<Entry>;  // oldest first
  struct Place {
    List* list;
    List::iterator at;
  };
  void move(Id id, List& to, Time now);

  const size_t max_open_;
  List waiting_;
  List answering_;
  std::unordered_map<Id, Place> entries_;
};

}  // namespace videocall::server
