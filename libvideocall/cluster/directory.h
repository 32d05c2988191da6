// SPDX-License-Identifier: MIT
// The other nodes, by their heartbeats. Pure; not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "libvideocall/base/export.h"
#include "libvideocall/base/time.h"
#include "libvideocall/cluster/limits.h"
#include "libvideocall/cluster/node_messages.h"

namespace videocall::cluster {

class VIDEOCALL_API Directory {
 public:
  enum class News {
    known,
    came,       // it was not known, or dead
    restarted,  // another process of that name; what it had is gone
    ignored,    // one more than limits::kMaxNodes
  };

  // A node said |heartbeat|.
  News heard(const Heartbeat& heartbeat, Time now);
  // Forgets and returns the nodes that have been silent for
  // limits::kNodeSilence; those that drained have longer.
  std::vector<std::string> sweep(Time now);
  // The last heartbeat of each node that is alive, by node id.
  std::vector<Heartbeat> nodes() const;
  bool contains(const std::string& node_id) const {
    return nodes_.contains(node_id);
  }

 private:
  struct Node {
    Heartbeat heartbeat;
    Time last;
  };
  std::map<std::string, Node> nodes_;
};

}  // namespace videocall::cluster
