// SPDX-License-Identifier: MIT
#include "server/node_load.h"

#include <algorithm>

namespace videocall::server {

const char* to_string(Full full) {
  switch (full) {
    case Full::no:
      return "";
    case Full::sessions:
      return "sessions";
    case Full::bandwidth:
      return "bandwidth";
    case Full::cpu:
      return "cpu";
  }
  return "";
}

const char* explain(Full full) {
  switch (full) {
    case Full::no:
      return "";
    case Full::sessions:
      return "The server has as many sessions as it may have.";
    case Full::bandwidth:
      return "The server sends as much as it may.";
    case Full::cpu:
      return "The server's processor is busy with those who are here.";
  }
  return "";
}

void NodeLoad::update(const Sample& sample, Time now) {
  const std::chrono::duration<double> passed = now - sampled_;
  if (sampled_ != Time{} && passed.count() > 0) {
    const double percent = 100 * (sample.cpu_seconds - cpu_seconds_) /
                           (passed.count() * std::max(sample.cores, 0.01));
    const double before = cpu_percent();
    cpu_percent_ = before + kWeight * (percent - before);
  }
  sampled_ = now;
  cpu_seconds_ = sample.cpu_seconds;
  cpu_full_ = cpu_is_full();
  Full full = Full::no;
  if (cpu_full_) full = Full::cpu;
  if (sample.shed_level > 0) full = Full::bandwidth;
  if (sample.sessions >= bounds_.max_sessions) full = Full::sessions;
  full_ = full;
}

bool NodeLoad::cpu_is_full() const {
  const double bound = bounds_.max_cpu_percent;
  if (bound <= 0) return false;
  return cpu_percent() > (cpu_full_ ? kRelief * bound : bound);
}

void NodeLoad::add_metrics(MetricsText& out) const {
  for (const Full why : {Full::sessions, Full::bandwidth, Full::cpu})
    out.gauge("videocall_node_full",
              "Whether newcomers are turned away (1), by what keeps them out.",
              label("reason", to_string(why)), full() == why ? 1 : 0);
  out.gauge("videocall_node_cpu_ratio",
            "CPU that the process takes of the cores it may use, averaged "
            "over some seconds.",
            "", cpu_percent() / 100);
}

}  // namespace videocall::server
