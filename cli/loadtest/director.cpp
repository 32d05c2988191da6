// SPDX-License-Identifier: MIT
#include "cli/loadtest/director.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <thread>

#include "cli/loadtest/worker.h"

namespace videocall::loadtest {
namespace {

constexpr auto kTick = 20ms;
constexpr auto kSampleInterval = 500ms;
constexpr auto kSessionPatience = 45s;  // until a session is up or has failed
constexpr auto kAhead = 100ms;          // so that everybody knows in time
constexpr auto kLastPackets = 1s;       // may be this late
constexpr auto kSettlePatience = 10s;

uint64_t nanoseconds(Time time) {
  return static_cast<uint64_t>(time.time_since_epoch().count());
}

double in_seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

Duration seconds(double value) {
  return std::chrono::duration_cast<Duration>(
      std::chrono::duration<double>(value));
}

}  // namespace

Director::Director(const Scenario& scenario, Watcher watcher)
    : scenario_(scenario), watcher_(std::move(watcher)) {}

Director::~Director() {
  end_workers();
}

Result<Results> Director::run(const volatile bool& stop) {
  stop_ = &stop;
  auto board = Board::create(scenario_);
  if (!board) return board.error();
  board_ = std::move(*board);
  for (const int pid : scenario_.server_pids) {
    if (read_usage(pid)) continue;
    failure_.message =
        "--server-pid: there is no process " + std::to_string(pid);
    failure_.internal = true;
    return Error{Errc::not_found, failure_.message};
  }
  if (const auto usage = read_sum(scenario_.server_pids))
    costs_.server_idle_kb = usage->resident_kb;
  if (auto started = start_workers(); !started) return started.error();
  if (auto ready = gather_publishers(); !ready) return ready.error();
  if (auto ready = gather_viewers(); !ready) return ready.error();
  measure();
  return finish();
}

// -- Processes ----------------------------------------------------------------

Result<void> Director::start_workers() {
  std::fflush(nullptr);
  load_last_.resize(scenario_.processes);
  for (size_t i = 0; i < scenario_.processes; ++i) {
    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (pid < 0)
      return Error{Errc::internal,
                   std::string("cannot start a process: ") + strerror(errno)};
    if (pid > 0) {
      pids_.push_back(pid);
      continue;
    }
    // The director says when it is over; Ctrl-C reaches all.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_DFL);
    const auto done = Worker(scenario_, *board_, i).run();
    if (!done) board_->worker(i).fail(-2, done.error().message);
    _exit(done ? 0 : 1);
  }
  return {};
}

bool Director::workers_alive() {
  for (int& pid : pids_) {
    int status = 0;
    if (pid > 0 && waitpid(pid, &status, WNOHANG) == pid) pid = -1;
  }
  return std::none_of(pids_.begin(), pids_.end(),
                      [](int pid) { return pid < 0; });
}

void Director::end_workers() {
  if (board_) board_->orders().leave = true;
  const Time patience = Clock::now() + kSettlePatience;
  for (int& pid : pids_) {
    int status = 0;
    while (pid > 0 && waitpid(pid, &status, WNOHANG) == 0) {
      if (Clock::now() > patience) kill(pid, SIGKILL);
      std::this_thread::sleep_for(5ms);
    }
    pid = 0;
  }
  pids_.clear();
}

// The error that ends the test before it was measured.
Error Director::give_up(const std::string& otherwise) {
  failure_.message = otherwise;
  for (size_t i = 0; i < scenario_.processes; ++i) {
    const WorkerRecord& worker = board_->worker(i);
    if (!worker.failure_set.load()) continue;
    failure_.http_status = worker.http_status.load();
    failure_.internal = failure_.http_status == -2;
    failure_.message = worker.failure.data();
    break;
  }
  return {Errc::unavailable, failure_.message};
}

// -- Phases -------------------------------------------------------------------

Director::Counted Director::count() const {
  Counted counted;
  const auto add = [&](SessionState state, size_t& done) {
    if (state == SessionState::open) ++counted.open;
    if (state != SessionState::waiting && state != SessionState::joining)
      ++done;
  };
  for (size_t i = 0; i < scenario_.all_publishers(); ++i)
    add(board_->publisher(i).state.load(), counted.publishers);
  for (size_t i = 0; i < scenario_.all_viewers(); ++i)
    add(board_->viewer(i).state.load(), counted.viewers);
  return counted;
}

bool Director::wait(const std::string& phase, Duration timeout,
                    const std::function<bool()>& done) {
  const Time begin = Clock::now();
  while (!done()) {
    if (*stop_ || Clock::now() > begin + timeout || !workers_alive())
      return false;
    tick(phase, begin, Duration::zero());
    std::this_thread::sleep_for(kTick);
  }
  return true;
}

Result<void> Director::gather_publishers() {
  const size_t expected = scenario_.all_publishers();
  const bool ready = wait("publishers join", kSessionPatience,
                          [&] { return count().publishers == expected; });
  if (!ready || count().open < expected)
    return give_up(*stop_ ? "stopped before anything was measured"
                          : "the publishers did not come in");
  return {};
}

Result<void> Director::gather_viewers() {
  Orders& orders = board_->orders();
  orders.viewers_join_ns = nanoseconds(Clock::now());
  const size_t expected = scenario_.rooms * scenario_.viewers;
  if (scenario_.ramp <= 0 && expected > 0) {
    const bool gathered = wait("viewers ask for tokens", 55s, [&] {
      uint64_t ready = 0;
      for (size_t i = 0; i < scenario_.processes; ++i)
        ready += board_->worker(i).tokens_ready.get();
      return ready >= expected;
    });
    if (!gathered && (*stop_ || !workers_alive()))
      return give_up("stopped before anything was measured");
    orders.viewers_connect_ns = nanoseconds(Clock::now() + kAhead);
  } else {
    orders.viewers_connect_ns = nanoseconds(Clock::now());
  }
  const bool ready =
      wait("viewers join", kSessionPatience + seconds(scenario_.ramp),
           [&] { return count().viewers >= expected; });
  if (!ready && (*stop_ || !workers_alive()))
    return give_up("stopped before anything was measured");
  if (expected > 0 && count().open <= scenario_.all_publishers())
    return give_up("no viewer came in");
  return {};
}

void Director::measure() {
  const Time warm = Clock::now();
  while (!*stop_ && workers_alive() &&
         Clock::now() < warm + seconds(scenario_.warm_up)) {
    tick("warming up", warm, seconds(scenario_.warm_up));
    std::this_thread::sleep_for(kTick);
  }
  if (const auto usage = read_sum(scenario_.server_pids))
    costs_.server_kb = costs_.server_max_kb = usage->resident_kb;
  server_points_.resize(board_->intervals());
  measure_begin_ = Clock::now() + kAhead;
  measure_end_ = measure_begin_ + seconds(scenario_.duration);
  board_->orders().measure_end_ns = nanoseconds(measure_end_);
  board_->orders().measure_begin_ns = nanoseconds(measure_begin_);
  std::this_thread::sleep_until(measure_begin_);
  const auto server = read_usages(scenario_.server_pids);
  std::vector<double> load;
  for (const int pid : pids_) {
    const auto usage = read_usage(pid);
    load.push_back(usage ? usage->cpu_seconds : 0);
  }
  while (Clock::now() < measure_end_) {
    if (*stop_ || !workers_alive()) {
      interrupted_ = true;
      measure_end_ = Clock::now() + kTick;
      board_->orders().measure_end_ns = nanoseconds(measure_end_);
      break;
    }
    tick("measuring", measure_begin_, seconds(scenario_.duration));
    std::this_thread::sleep_for(
        std::min<Duration>(kTick, measure_end_ - Clock::now()));
  }
  const double length = in_seconds(measure_end_ - measure_begin_);
  if (server) count_server_cpu(*server);
  for (size_t i = 0; i < pids_.size(); ++i) {
    const auto usage = read_usage(pids_[i]);
    if (!usage) continue;
    const double cpu = usage->cpu_seconds - load[i];
    costs_.load_cpu_s += cpu;
    costs_.busiest_load_percent =
        std::max(costs_.busiest_load_percent, 100 * cpu / length);
  }
}

// |before|: what each process had used when the measurement began.
void Director::count_server_cpu(const std::vector<ProcessUsage>& before) {
  const auto usages = read_usages(scenario_.server_pids);
  if (!usages || usages->empty()) return;
  costs_.server_cpu_s = 0;
  for (size_t i = 0; i < usages->size(); ++i) {
    costs_.server_cpus_s.push_back((*usages)[i].cpu_seconds -
                                   before[i].cpu_seconds);
    costs_.server_cpu_s += costs_.server_cpus_s.back();
  }
}

Results Director::finish() {
  const Time begin = Clock::now();
  while (Clock::now() < begin + kLastPackets && workers_alive()) {
    tick("the last packets", begin, kLastPackets);
    std::this_thread::sleep_for(kTick);
  }
  board_->orders().settle = true;
  std::string died;
  const bool settled = wait("adding up", kSettlePatience, [&] {
    for (size_t i = 0; i < scenario_.processes; ++i)
      if (!board_->worker(i).finished.load()) return false;
    return true;
  });
  if (!settled && !*stop_) died = "a process of the load test has died";
  Results results = add_up(scenario_, *board_, true);
  results.seconds = in_seconds(measure_end_ - measure_begin_);
  results.interrupted = interrupted_;
  results.costs = costs_;
  results.points = curves(scenario_, *board_);
  if (interrupted_)
    results.points.resize(std::min(
        results.points.size(),
        static_cast<size_t>(results.seconds / board_->interval_seconds()) + 1));
  for (size_t i = 0; i < results.points.size(); ++i) {
    results.points[i].server_cpu_percent = server_points_[i].server_cpu_percent;
    results.points[i].server_mb = server_points_[i].server_mb;
  }
  if (!died.empty()) {
    results.failure = died;
    ++results.lost_sessions;
  }
  end_workers();
  return results;
}

// -- Watching -----------------------------------------------------------------

void Director::sample(Time now) {
  const double elapsed = in_seconds(now - sampled_);
  const bool first = sampled_ == Time{};
  sampled_ = now;
  if (const auto usage = read_sum(scenario_.server_pids)) {
    if (!first)
      server_percent_ =
          100 * (usage->cpu_seconds - server_last_.cpu_seconds) / elapsed;
    server_last_ = *usage;
    costs_.server_max_kb = std::max(costs_.server_max_kb, usage->resident_kb);
  }
  double load = 0;
  for (size_t i = 0; i < pids_.size(); ++i) {
    const auto usage = read_usage(pids_[i]);
    if (!usage) continue;
    if (!first)
      load = std::max(
          load,
          100 * (usage->cpu_seconds - load_last_[i].cpu_seconds) / elapsed);
    load_last_[i] = *usage;
  }
  if (!first) load_percent_ = load;
  if (measure_begin_ == Time{} || now < measure_begin_) return;
  const auto place = static_cast<size_t>(in_seconds(now - measure_begin_) /
                                         board_->interval_seconds());
  if (place >= server_points_.size()) return;
  server_points_[place].server_cpu_percent = server_percent_;
  if (server_percent_ >= 0)
    server_points_[place].server_mb = server_last_.resident_kb / 1'024;
}

void Director::tick(const std::string& phase, Time begin, Duration length) {
  const Time now = Clock::now();
  if (now < sampled_ + kSampleInterval) return;
  sample(now);
  Progress progress;
  progress.phase = phase;
  progress.seconds = in_seconds(now - begin);
  progress.of = in_seconds(length);
  progress.open = count().open;
  progress.sessions = scenario_.all_publishers() + scenario_.all_viewers();
  for (size_t i = 0; i < scenario_.processes; ++i)
    progress.failed += board_->worker(i).failed_sessions.get() +
                       board_->worker(i).lost_sessions.get();
  progress.server_cpu_percent = server_percent_;
  progress.server_mb = server_last_.resident_kb / 1'024;
  progress.load_cpu_percent = load_percent_;
  Results results = add_up(scenario_, *board_, false);
  if (measure_begin_ != Time{})
    results.seconds = std::max(
        0.001, in_seconds(std::min(now, measure_end_) - measure_begin_));
  watcher_(progress, results);
}

}  // namespace videocall::loadtest
