// SPDX-License-Identifier: MIT
#include "server/observed_store.h"

namespace videocall::server {
namespace {

constexpr const char* kNames[] = {"open", "find", "check"};

}  // namespace

template <typename Call>
auto ObservedStore::observe(Operation operation, Call call) {
  const Time began = Clock::now();
  {
    const std::lock_guard lock(mutex_);
    Counted& counted = counted_[operation];
    if (counted.running++ == 0) counted.since = began;
  }
  auto result = call();
  // That there is no such meeting is an answer.
  const bool worked = result.ok() || result.error().code == Errc::not_found;
  const Time now = Clock::now();
  const std::lock_guard lock(mutex_);
  Counted& counted = counted_[operation];
  --counted.running;
  counted.since = now;  // at most too late for those that still run
  ++(worked ? counted.done : counted.failed);
  counted.took.add(now - began);
  worked_ = worked;
  return result;
}

Result<MeetingStore::Opened> ObservedStore::open(const Meeting& wanted) {
  return observe(kOpen, [&] { return store_->open(wanted); });
}

Result<Meeting> ObservedStore::find(const std::string& id) {
  return observe(kFind, [&] { return store_->find(id); });
}

Result<void> ObservedStore::check() {
  return observe(kCheck, [&] { return store_->check(); });
}

bool ObservedStore::up(Time now) const {
  const std::lock_guard lock(mutex_);
  for (const Counted& counted : counted_)
    if (counted.running > 0 && now - counted.since > kHung) return false;
  return worked_;
}

void ObservedStore::add_metrics(MetricsText& out, Time now) const {
  out.gauge("videocall_store_up", "Whether the database works (1) or not (0).",
            "", up(now) ? 1 : 0);
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < kOperations; ++i) {
    const std::string operation = label("operation", kNames[i]);
    constexpr const char* kTotal = "videocall_store_operations_total";
    constexpr const char* kTotalHelp = "Calls of the database, by result.";
    out.counter(kTotal, kTotalHelp, operation + "," + label("result", "ok"),
                static_cast<double>(counted_[i].done));
    out.counter(kTotal, kTotalHelp, operation + "," + label("result", "error"),
                static_cast<double>(counted_[i].failed));
    out.histogram("videocall_store_operation_duration_seconds",
                  "How long calls of the database took.", operation,
                  MetricHistogram::from(counted_[i].took.snapshot()));
  }
}

}  // namespace videocall::server
