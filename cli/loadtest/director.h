// SPDX-License-Identifier: MIT
// Runs a load test: starts its processes, says when the viewers join and what
// time is measured, watches the server's process, and adds up.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/loadtest/board.h"
#include "cli/loadtest/process_usage.h"
#include "cli/loadtest/results.h"
#include "cli/loadtest/scenario.h"
#include "cli/loadtest/table.h"

namespace videocall::loadtest {

class Director {
 public:
  // Called a few times a second while it runs. |results| has no viewers.
  using Watcher =
      std::function<void(const Progress& progress, const Results& results)>;
  // What keeps a test from being run at all.
  struct Failure {
    int http_status = 0;  // 0: no answer; -1: the certificate
    bool internal = false;
    std::string message;
  };

  // |scenario| has been checked and outlives the director.
  Director(const Scenario& scenario, Watcher watcher);
  ~Director();
  Director(const Director&) = delete;
  Director& operator=(const Director&) = delete;

  // Call it before the process has threads: it forks. Ends early, in order,
  // when |stop| becomes true, which a signal handler may do.
  Result<Results> run(const volatile bool& stop);
  // After an error of run().
  [[nodiscard]] const Failure& failure() const { return failure_; }

 private:
  Result<void> start_workers();
  Result<void> gather_publishers();
  Result<void> gather_viewers();
  void measure();
  void count_server_cpu(const std::vector<ProcessUsage>& before);
  Results finish();
  // Waits, watching, until |done| or |timeout|; false: it took too long, it
  // is to stop, or a process has died.
  bool wait(const std::string& phase, Duration timeout,
            const std::function<bool()>& done);
  void tick(const std::string& phase, Time begin, Duration length);
  void sample(Time now);
  // Sessions that are up, and those that are or never will be.
  struct Counted {
    size_t open = 0;
    size_t publishers = 0;
    size_t viewers = 0;
  };
  [[nodiscard]] Counted count() const;
  [[nodiscard]] bool workers_alive();
  void end_workers();
  Error give_up(const std::string& otherwise);

  const Scenario& scenario_;
  const Watcher watcher_;
  std::unique_ptr<Board> board_;
  std::vector<int> pids_;
  const volatile bool* stop_ = nullptr;
  Failure failure_;
  Costs costs_;
  std::vector<Point> server_points_;  // by interval
  // The last sample.
  Time sampled_{};
  ProcessUsage server_last_;
  std::vector<ProcessUsage> load_last_;
  double server_percent_ = -1;
  double load_percent_ = -1;
  Time measure_begin_{};
  Time measure_end_{};
  bool interrupted_ = false;
};

}  // namespace videocall::loadtest
