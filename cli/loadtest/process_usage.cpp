// SPDX-License-Identifier: MIT
#include "cli/loadtest/process_usage.h"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

namespace videocall::loadtest {

std::optional<ProcessUsage> read_usage(int pid) {
  const std::string folder = "/proc/" + std::to_string(pid);
  std::ifstream stat(folder + "/stat");
  std::string text;
  std::getline(stat, text);
  // The program's name, in parentheses, may hold anything.
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos || name_end + 2 > text.size())
    return std::nullopt;
  std::istringstream rest(text.substr(name_end + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) rest >> skipped;
  double user = 0;
  double system = 0;
  rest >> user >> system;
  std::ifstream statm(folder + "/statm");
  double total = 0;
  double resident = 0;
  statm >> total >> resident;
  ProcessUsage usage;
  usage.cpu_seconds =
      (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
  usage.resident_kb =
      resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1'024;
  return usage;
}

std::optional<std::vector<ProcessUsage>> read_usages(
    const std::vector<int>& pids) {
  std::vector<ProcessUsage> usages;
  for (const int pid : pids) {
    const auto usage = read_usage(pid);
    if (!usage) return std::nullopt;
    usages.push_back(*usage);
  }
  return usages;
}

std::optional<ProcessUsage> read_sum(const std::vector<int>& pids) {
  const auto usages = read_usages(pids);
  if (!usages || usages->empty()) return std::nullopt;
  ProcessUsage sum;
  for (const ProcessUsage& usage : *usages) {
    sum.cpu_seconds += usage.cpu_seconds;
    sum.resident_kb += usage.resident_kb;
  }
  return sum;
}

}  // namespace videocall::loadtest
