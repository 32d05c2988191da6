// SPDX-License-Identifier: MIT
#include "libvideocall/cluster/placement.h"

#include <algorithm>
#include <cstdint>

namespace videocall::cluster {
namespace {

// How much fuller than the mean a meeting's node may be before newcomers go
// elsewhere, and below which load that is not looked at.
constexpr double kMargin = 1.25;
constexpr double kIdle = 0.25;

// FNV-1a and a finalizer: the same on every machine, unlike std::hash.
uint64_t rank_of(std::string_view node, std::string_view meeting) {
  uint64_t hash = 0xcbf29ce484222325u;
  const auto add = [&](std::string_view text) {
    for (const char c : text)
      hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3u;
    hash = (hash ^ 0xff) * 0x100000001b3u;
  };
  add(node);
  add(meeting);
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccdu;
  hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53u;
  return hash ^ (hash >> 33);
}

bool has_room(const Heartbeat& node) {
  return !node.draining && node.sessions < node.max_sessions;
}

}  // namespace

double load_of(const Heartbeat& node) {
  const double sessions =
      node.max_sessions == 0
          ? 1.0
          : static_cast<double>(node.sessions) / node.max_sessions;
  return std::max(sessions, node.cpu_load);
}

const Heartbeat* choose_node(std::span<const Heartbeat> nodes,
                             std::string_view meeting) {
  double sum = 0;
  size_t usable = 0;
  const Heartbeat* emptiest = nullptr;
  for (const Heartbeat& node : nodes) {
    if (!has_room(node)) continue;
    sum += load_of(node);
    ++usable;
    if (!emptiest || load_of(node) < load_of(*emptiest)) emptiest = &node;
  }
  if (usable == 0) return nullptr;
  const double bound =
      std::max(kIdle, kMargin * sum / static_cast<double>(usable));
  const Heartbeat* best = nullptr;
  uint64_t best_rank = 0;
  for (const Heartbeat& node : nodes) {
    if (!has_room(node) || load_of(node) > bound) continue;
    const uint64_t rank = rank_of(node.node_id, meeting);
    if (best && rank <= best_rank) continue;
    best = &node;
    best_rank = rank;
  }
  return best ? best : emptiest;
}

}  // namespace videocall::cluster
