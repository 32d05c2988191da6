// SPDX-License-Identifier: MIT
#include "server/connection_table.h"

#include "server/http_limits.h"

namespace videocall::server {

ConnectionTable::Id ConnectionTable::open(Id id, Time now) {
  Id victim = nullptr;
  if (entries_.size() >= max_open_)
    victim = waiting_.empty() ? id : waiting_.front().id;
  // Out of the count at once: its end may be noticed later.
  if (victim != nullptr) close(victim);
  if (victim == id) return victim;
  waiting_.push_back({id, now});
  entries_[id] = {&waiting_, std::prev(waiting_.end())};
  return victim;
}

void ConnectionTable::close(Id id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  found->second.list->erase(found->second.at);
  entries_.erase(found);
}

void ConnectionTable::move(Id id, List& to, Time now) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  Place& place = found->second;
  to.splice(to.end(), *place.list, place.at);
  place.list = &to;
  place.at->since = now;
}

std::vector<ConnectionTable::Id> ConnectionTable::expired(Time now) const {
  std::vector<Id> ids;
  const auto add = [&](const List& list, Duration limit) {
    for (const Entry& entry : list) {
      if (now - entry.since < limit) return;
      ids.push_back(entry.id);
    }
  };
  add(waiting_, limits::kHttpRequestTimeout);
  add(answering_, limits::kHttpAnswerTimeout);
  return ids;
}

}  // namespace videocall::server
