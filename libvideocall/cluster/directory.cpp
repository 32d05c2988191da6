// SPDX-License-Identifier: MIT
#include "libvideocall/cluster/directory.h"

#include "libvideocall/cluster/limits.h"

namespace videocall::cluster {

Directory::News Directory::heard(const Heartbeat& heartbeat, Time now) {
  const auto found = nodes_.find(heartbeat.node_id);
  if (found == nodes_.end()) {
    if (nodes_.size() >= limits::kMaxNodes) return News::ignored;
    nodes_.emplace(heartbeat.node_id, Node{heartbeat, now});
    return News::came;
  }
  Node& node = found->second;
  const bool same = node.heartbeat.incarnation == heartbeat.incarnation;
  node = {heartbeat, now};
  return same ? News::known : News::restarted;
}

std::vector<std::string> Directory::sweep(Time now) {
  std::vector<std::string> dead;
  std::erase_if(nodes_, [&](const auto& entry) {
    const Node& node = entry.second;
    const Duration patience = node.heartbeat.draining
                                  ? Duration(limits::kDrainedNodeSilence)
                                  : Duration(limits::kNodeSilence);
    if (now - node.last < patience) return false;
    dead.push_back(entry.first);
    return true;
  });
  return dead;
}

std::vector<Heartbeat> Directory::nodes() const {
  std::vector<Heartbeat> all;
  all.reserve(nodes_.size());
  for (const auto& [id, node] : nodes_) all.push_back(node.heartbeat);
  return all;
}

}  // namespace videocall::cluster
