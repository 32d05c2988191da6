// SPDX-License-Identifier: MIT
#include "cli/loadtest/bounds.h"

#include <algorithm>
#include <cstdio>

namespace videocall::loadtest {
namespace {

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

// Collects what is broken.
class Judge {
 public:
  // |value| negative: it is not known, because |missing|.
  void judge(const std::optional<double>& bound, double value, const char* flag,
             const std::string& what, const char* missing) {
    if (!bound) return;
    if (value < 0)
      broken_.push_back(std::string(flag) + " cannot be judged: " + missing);
    else if (value > *bound)
      broken_.push_back(what + " is " + number(value) + ", above " + flag +
                        " " + number(*bound));
  }
  std::vector<std::string> take() { return std::move(broken_); }

 private:
  std::vector<std::string> broken_;
};

}  // namespace

std::vector<std::string> Bounds::broken(const Results& results) const {
  const Group& group = results.bounded();
  const Sum sum = group.total();
  const std::string whose =
      results.classes.size() > 1 ? " of the " + group.name + " viewers" : "";
  const char* nothing = "nothing was delivered";
  const double minutes =
      results.seconds * double(std::max<size_t>(group.viewers, 1)) / 60;
  Judge judge;
  judge.judge(p99_ms, group.latency_ms.count > 0 ? group.latency_ms.p99 : -1,
              "--max-p99", "the latency's p99" + whose + ", in ms,", nothing);
  judge.judge(loss_percent, sum.packets_due > 0 ? sum.loss_percent() : -1,
              "--max-loss", "the loss" + whose + ", in percent,", nothing);
  judge.judge(
      first_picture_ms,
      group.first_picture_ms.count > 0 ? group.first_picture_ms.p95 : -1,
      "--max-first-key-frame",
      "the time to the first key frame" + whose + " (p95), in ms,",
      "no viewer got a key frame");
  judge.judge(groups_cut,
              sum.packets_due > 0 && minutes > 0
                  ? double(sum.groups_cut + sum.groups_skipped) / minutes
                  : -1,
              "--max-groups-cut",
              "the number of groups cut" + whose + ", a viewer and minute,",
              nothing);
  judge.judge(core_s_per_gb, results.core_s_per_gb(), "--max-core-s-per-gb",
              "the server's CPU, in core-seconds per delivered GB,",
              "give --server-pid");
  judge.judge(kb_per_session, results.kb_per_session(), "--max-kb-per-session",
              "the server's memory, in kB a session,", "give --server-pid");
  judge.judge(failed, double(results.failed_sessions + results.lost_sessions),
              "--max-failed", "the number of sessions that failed or were lost",
              "");
  return judge.take();
}

}  // namespace videocall::loadtest
