// SPDX-License-Identifier: MIT
// The load test as people read it: a table that redraws itself while it runs,
// and the one at the end.
#pragma once

#include <string>
#include <vector>

#include "cli/loadtest/results.h"

namespace videocall::loadtest {

// What goes on, for the first line.
struct Progress {
  std::string phase;
  double seconds = 0;  // of this phase
  double of = 0;       // its length; 0: not known
  size_t open = 0;
  size_t sessions = 0;
  uint64_t failed = 0;
  double server_cpu_percent = -1;  // of one core, now
  double server_mb = -1;
  double load_cpu_percent = -1;
};

// Rows of the classes of viewers and of all.
std::vector<std::string> class_table(const Results& results);
std::vector<std::string> progress_lines(const Progress& progress);
// One line that says the most important, for where nothing can be redrawn.
std::string progress_line(const Progress& progress, const Results& results);
// What is said at the end.
std::vector<std::string> final_table(const Results& results);

// Redraws lines in place on standard error.
class LiveTable {
 public:
  ~LiveTable() { clear(); }
  void draw(const std::vector<std::string>& lines);
  void clear();

 private:
  size_t drawn_ = 0;
};

}  // namespace videocall::loadtest
