// SPDX-License-Identifier: MIT
// What a load test found, added up from the board, and how it is told: as
// JSON, and held against the bounds that were given.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/loadtest/board.h"
#include "cli/loadtest/scenario.h"

namespace videocall::loadtest {

struct Percentiles {
  uint64_t count = 0;
  double p50 = 0;
  double p95 = 0;
  double p99 = 0;
  double max = 0;

  template <typename H>
  static Percentiles of(const H& histogram, double unit) {
    return {histogram.count(), double(histogram.at(0.5)) * unit,
            double(histogram.at(0.95)) * unit,
            double(histogram.at(0.99)) * unit, double(histogram.max()) * unit};
  }
};

// A sum of Delivered, in plain numbers.
struct Sum {
  uint64_t packets_due = 0;
  uint64_t packets = 0;
  uint64_t in_time = 0;
  uint64_t frames_missing = 0;
  uint64_t media_bytes_due = 0;
  uint64_t media_bytes = 0;
  uint64_t bytes = 0;
  uint64_t groups_cut = 0;
  uint64_t groups_skipped = 0;
  uint64_t thinned = 0;
  uint64_t torn = 0;
  uint64_t orphans = 0;
  uint64_t duplicates = 0;
  uint64_t switches = 0;
  uint64_t pauses = 0;

  void add(const Delivered& delivered);
  void add(const Sum& other);
  // Missing packets, 0 .. 100.
  [[nodiscard]] double loss_percent() const;
};

// The viewers of a class, or all.
struct Group {
  std::string name;
  size_t viewers = 0;
  size_t open = 0;
  std::array<Sum, kKinds> delivered;  // by kind
  Percentiles video_ms;
  Percentiles audio_ms;
  Percentiles latency_ms;  // of both
  Percentiles join_ms;
  Percentiles connect_ms;
  Percentiles first_picture_ms;

  [[nodiscard]] Sum total() const;
};

// One point of the curves.
struct Point {
  double second = 0;  // from the beginning of the measurement
  double p50_ms = 0;
  double p99_ms = 0;
  double max_ms = 0;
  double mbit_per_second = 0;
  double loss_percent = 0;
  double server_cpu_percent = -1;  // negative: not known
  double server_mb = -1;
};

// CPU and memory while it was measured. Negative: not known.
struct Costs {
  double server_cpu_s = -1;           // of all its processes
  std::vector<double> server_cpus_s;  // of each
  double server_idle_kb = -1;         // before the first session
  double server_kb = -1;  // with all sessions, before the measurement
  double server_max_kb = -1;
  double load_cpu_s = 0;
  double busiest_load_percent = 0;  // of one core, of the busiest process
};

struct Results {
  Scenario scenario;
  double seconds = 0;  // measured
  bool interrupted = false;
  std::vector<Group> classes;  // those that there are
  Group all;
  size_t sessions = 0;
  uint64_t failed_sessions = 0;  // never came in
  uint64_t lost_sessions = 0;    // came in and ended by themselves
  std::string failure;           // the first
  uint64_t keyframe_requests = 0;
  uint64_t uplink_dropped = 0;
  Costs costs;
  std::vector<Point> points;
  nlohmann::json viewers;  // an object each

  // The class that bounds are for: steady viewers if there are any.
  [[nodiscard]] const Group& bounded() const;
  [[nodiscard]] double core_s_per_gb() const;   // negative: not known
  [[nodiscard]] double kb_per_session() const;  // negative: not known
  [[nodiscard]] nlohmann::json to_json() const;
};

// From the board as it is now; complete once the workers have settled.
Results add_up(const Scenario& scenario, Board& board, bool with_viewers);
// The curves; what the server used is for the caller to fill in.
std::vector<Point> curves(const Scenario& scenario, Board& board);

}  // namespace videocall::loadtest
