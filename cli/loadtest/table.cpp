// SPDX-License-Identifier: MIT
#include "cli/loadtest/table.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>

namespace videocall::loadtest {
namespace {

[[gnu::format(printf, 1, 2)]] std::string format(const char* pattern, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, pattern);
  std::vsnprintf(text, sizeof text, pattern, arguments);
  va_end(arguments);
  return text;
}

std::string row(const Group& group, double seconds) {
  const Sum sum = group.total();
  const double mbit = seconds > 0 ? double(sum.bytes) * 8 / 1e6 / seconds : 0;
  return format(
      "%-9s %7zu %12llu %8.2f %9.1f %8.2f %8.2f %8.2f %8.2f %7llu %8.1f",
      group.name.c_str(), group.viewers,
      static_cast<unsigned long long>(sum.packets), sum.loss_percent(), mbit,
      group.latency_ms.p50, group.latency_ms.p95, group.latency_ms.p99,
      group.latency_ms.max,
      static_cast<unsigned long long>(sum.groups_cut) + sum.groups_skipped,
      group.first_picture_ms.p95);
}

// Gaps that must never be, and what the relay did on purpose.
void add_gaps(const Sum& sum, std::vector<std::string>& lines) {
  if (sum.torn + sum.orphans > 0)
    lines.push_back(
        format("torn      %llu base frames missing within a group, %llu frames "
               "without their key frame: the relay must never do that",
               static_cast<unsigned long long>(sum.torn),
               static_cast<unsigned long long>(sum.orphans)));
  if (sum.thinned + sum.switches + sum.pauses + sum.duplicates > 0)
    lines.push_back(format(
        "chosen    %llu frames of upper temporal layers left out, %llu layer "
        "switches, %llu pauses, %llu duplicates",
        static_cast<unsigned long long>(sum.thinned),
        static_cast<unsigned long long>(sum.switches),
        static_cast<unsigned long long>(sum.pauses),
        static_cast<unsigned long long>(sum.duplicates)));
}

void add_server(const Results& results, std::vector<std::string>& lines) {
  const Costs& costs = results.costs;
  if (costs.server_cpu_s >= 0)
    lines.push_back(format(
        "server    %.1f s of CPU in %.1f s (%.0f %% of a core)%s",
        costs.server_cpu_s, results.seconds,
        results.seconds > 0 ? 100 * costs.server_cpu_s / results.seconds : 0,
        results.core_s_per_gb() < 0
            ? ""
            : format(", %.2f core-seconds per delivered GB",
                     results.core_s_per_gb())
                  .c_str()));
  if (results.kb_per_session() >= 0)
    lines.push_back(format(
        "memory    %.1f MB with all sessions, %.1f MB at most, %.0f kB a "
        "session",
        costs.server_kb / 1'024, costs.server_max_kb / 1'024,
        results.kb_per_session()));
  lines.push_back(format(
      "load      %.1f s of CPU; the busiest process used %.0f %% of a core%s",
      costs.load_cpu_s, costs.busiest_load_percent,
      costs.busiest_load_percent > 90
          ? ": the load itself is the limit, use more --processes"
          : ""));
}

}  // namespace

std::vector<std::string> class_table(const Results& results) {
  std::vector<std::string> lines;
  lines.push_back(format("%-9s %7s %12s %8s %9s %8s %8s %8s %8s %7s %8s", "",
                         "viewers", "received", "loss %", "Mbit/s", "p50 ms",
                         "p95 ms", "p99 ms", "max ms", "cut", "first ms"));
  for (const Group& group : results.classes)
    lines.push_back(row(group, results.seconds));
  if (results.classes.size() > 1)
    lines.push_back(row(results.all, results.seconds));
  return lines;
}

std::vector<std::string> progress_lines(const Progress& progress) {
  std::string line = progress.phase;
  if (progress.of > 0)
    line += format(" %.0f of %.0f s", progress.seconds, progress.of);
  line += format("   %zu of %zu sessions", progress.open, progress.sessions);
  if (progress.failed > 0)
    line += format(", %llu failed",
                   static_cast<unsigned long long>(progress.failed));
  if (progress.server_cpu_percent >= 0)
    line += format("   server %.0f %% CPU %.0f MB", progress.server_cpu_percent,
                   progress.server_mb);
  if (progress.load_cpu_percent >= 0)
    line += format("   load %.0f %% CPU", progress.load_cpu_percent);
  return {line};
}

std::string progress_line(const Progress& progress, const Results& results) {
  const Sum sum = results.all.total();
  std::string line = progress_lines(progress).front();
  if (sum.packets > 0)
    line +=
        format("   loss %.2f %%  p50 %.2f ms  p99 %.2f ms", sum.loss_percent(),
               results.all.latency_ms.p50, results.all.latency_ms.p99);
  return line;
}

std::vector<std::string> final_table(const Results& results) {
  std::vector<std::string> lines = class_table(results);
  add_gaps(results.all.total(), lines);
  lines.push_back(format(
      "sessions  %zu, %llu failed, %llu lost; connect p95 %.1f ms, join p95 "
      "%.1f ms, %llu key frame requests",
      results.sessions,
      static_cast<unsigned long long>(results.failed_sessions),
      static_cast<unsigned long long>(results.lost_sessions),
      results.all.connect_ms.p95, results.all.join_ms.p95,
      static_cast<unsigned long long>(results.keyframe_requests)));
  if (!results.failure.empty())
    lines.push_back("          the first failure: " + results.failure);
  if (results.uplink_dropped > 0)
    lines.push_back(format(
        "uplink    %llu packets did not fit the publishers' own connections",
        static_cast<unsigned long long>(results.uplink_dropped)));
  add_server(results, lines);
  return lines;
}

void LiveTable::draw(const std::vector<std::string>& lines) {
  winsize size{};
  size_t columns = 80;
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1)
    columns = size.ws_col;
  std::string text;
  if (drawn_ > 0) text += "\033[" + std::to_string(drawn_) + "A";
  for (const std::string& line : lines)
    text += "\r\033[K" + line.substr(0, columns - 1) + "\n";
  if (drawn_ > lines.size()) text += "\033[J";
  drawn_ = lines.size();
  std::fputs(text.c_str(), stderr);
  std::fflush(stderr);
}

void LiveTable::clear() {
  if (drawn_ == 0) return;
  std::fprintf(stderr, "\033[%zuA\r\033[J", drawn_);
  drawn_ = 0;
}

}  // namespace videocall::loadtest
