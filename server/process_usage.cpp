// SPDX-License-Identifier: MIT
#include "server/process_usage.h"

#include <dirent.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

namespace videocall::server {
namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) +
         static_cast<double>(time.tv_usec) / 1e6;
}

// Seconds since the Unix epoch at which the first caller asked, that is, the
// start of the program.
double start_time() {
  static const double start =
      std::chrono::duration<double>(
          std::chrono::system_clock::now().time_since_epoch())
          .count();
  return start;
}
[[maybe_unused]] const double started = start_time();

size_t open_files() {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc/self/fd"),
                                                   closedir);
  if (!folder) return 0;
  size_t count = 0;
  while (const dirent* entry = readdir(folder.get()))
    if (entry->d_name[0] != '.') ++count;
  return count - 1;  // the folder itself
}

// Cores' worth of time that the control group allows; 0: no bound.
double quota() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string max;
  double period = 0;
  if (!(file >> max >> period) || max == "max" || period <= 0) return 0;
  return std::strtod(max.c_str(), nullptr) / period;
}

}  // namespace

double process_cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double available_cores() {
  double cores = std::max(1u, std::thread::hardware_concurrency());
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    cores = std::max(1, CPU_COUNT(&set));
  const double allowed = quota();
  return allowed > 0 ? std::min(cores, allowed) : cores;
}

void add_process_metrics(MetricsText& out) {
  out.counter("process_cpu_seconds_total",
              "User and system CPU time spent, in seconds.", "",
              process_cpu_seconds());
  std::ifstream statm("/proc/self/statm");
  double virtual_pages = 0;
  double resident_pages = 0;
  if (statm >> virtual_pages >> resident_pages) {
    const auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
    out.gauge("process_virtual_memory_bytes", "Virtual memory, in bytes.", "",
              virtual_pages * page);
    out.gauge("process_resident_memory_bytes", "Resident memory, in bytes.", "",
              resident_pages * page);
  }
  out.gauge("process_open_fds", "Open file descriptors.", "",
            static_cast<double>(open_files()));
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
    out.gauge("process_max_fds", "Open file descriptors that are allowed.", "",
              static_cast<double>(limit.rlim_cur));
  out.gauge("process_start_time_seconds",
            "When the process started, seconds since the Unix epoch.", "",
            start_time());
}

}  // namespace videocall::server
