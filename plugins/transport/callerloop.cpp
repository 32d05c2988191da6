// SPDX-License-Identifier: MIT
#include "plugins/transport/callerloop.h"

#include <map>

#include "libvideocall/base/log.h"

namespace videocall::transport {

CallerLoop::CallerLoop(std::shared_ptr<quic::Endpoint> endpoint)
    : endpoint_(std::move(endpoint)) {}

CallerLoop::~CallerLoop() {
  sinks_.clear();
  settle();
}

std::shared_ptr<CallerLoop> CallerLoop::of(
    const std::shared_ptr<quic::Endpoint>& endpoint) {
  static std::mutex mutex;  // guards loops
  static auto* const loops =
      new std::map<quic::Endpoint*, std::weak_ptr<CallerLoop>>;
  const std::lock_guard lock(mutex);
  std::erase_if(*loops, [](const auto& item) { return item.second.expired(); });
  auto& entry = (*loops)[endpoint.get()];
  auto live = entry.lock();
  if (!live) {
    live = std::make_shared<CallerLoop>(endpoint);
    entry = live;
  }
  return live;
}

void CallerLoop::source_joins() {
  const std::lock_guard lock(mutex_);
  ++sources_;
  settle();
}

void CallerLoop::source_leaves() {
  const std::lock_guard lock(mutex_);
  --sources_;
  settle();
}

void CallerLoop::sink_joins(quic::ShardVisitor* visitor) {
  const std::lock_guard lock(mutex_);
  sinks_.push_back(visitor);
  settle();
}

void CallerLoop::sink_leaves(quic::ShardVisitor* visitor) {
  const std::lock_guard lock(mutex_);
  std::erase(sinks_, visitor);
  settle();
}

void CallerLoop::settle() {
  quic::ShardVisitor* const wanted =
      sources_ == 0 && !sinks_.empty() ? sinks_.front() : nullptr;
  if (wanted == running_for_) return;
  if (thread_.joinable()) {
    stop_ = true;
    endpoint_->wake(0);
    thread_.join();
  }
  stop_ = false;
  running_for_ = wanted;
  if (wanted) thread_ = std::thread(&CallerLoop::run, this, wanted);
}

void CallerLoop::run(quic::ShardVisitor* visitor) {
  while (!stop_) {
    auto turned = endpoint_->run_once(0, *visitor, 1s);
    if (turned) continue;
    log_message(LogLevel::error, "quic", turned.error().message);
    return;
  }
}

}  // namespace videocall::transport
