// SPDX-License-Identifier: MIT
#include "libvideocall/wire/delivery.h"

#include <algorithm>
#include <tuple>

namespace videocall {

RecipientsPtr Recipients::make(std::vector<SessionHandle> sessions) {
  auto order = [](const SessionHandle& h) {
    return std::tie(h.endpoint, h.shard, h.slot, h.generation);
  };
  std::sort(sessions.begin(), sessions.end(),
            [&](const auto& a, const auto& b) { return order(a) < order(b); });
  auto result = std::make_shared<Recipients>();
  result->sessions = std::move(sessions);
  for (uint32_t i = 0; i < result->sessions.size(); ++i) {
    const SessionHandle& h = result->sessions[i];
    auto& runs = result->runs;
    if (runs.empty() || runs.back().endpoint != h.endpoint ||
        runs.back().shard != h.shard) {
      runs.push_back({h.endpoint, h.shard, i, 0});
    }
    ++runs.back().count;
  }
  return result;
}

}  // namespace videocall
