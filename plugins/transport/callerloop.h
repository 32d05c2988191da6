// SPDX-License-Identifier: MIT
// Who runs a caller's loop: the streaming thread of its source, or, while it
// has none, a thread of its own on behalf of its sinks.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "libvideocall/quic/endpoint.h"

namespace videocall::transport {

class CallerLoop {
 public:
  // The one of |endpoint|. Thread-safe.
  static std::shared_ptr<CallerLoop> of(
      const std::shared_ptr<quic::Endpoint>& endpoint);
  explicit CallerLoop(std::shared_ptr<quic::Endpoint> endpoint);
  ~CallerLoop();

  const std::shared_ptr<quic::Endpoint>& endpoint() const { return endpoint_; }

  // A source will run the loop until it leaves; a thread of ours has ended when
  // this returns.
  void source_joins();
  void source_leaves();
  // |visitor| is borrowed until sink_leaves returns; it is called while no
  // source is there, on a thread of ours. With several sinks the first.
  void sink_joins(quic::ShardVisitor* visitor);
  void sink_leaves(quic::ShardVisitor* visitor);

 private:
  void settle();  // starts or stops the thread; the lock is held
  void run(quic::ShardVisitor* visitor);

  const std::shared_ptr<quic::Endpoint> endpoint_;
  std::mutex mutex_;  // guards what follows; never taken by the thread
  int sources_ = 0;
  std::vector<quic::ShardVisitor*> sinks_;
  quic::ShardVisitor* running_for_ = nullptr;
  std::thread thread_;
  std::atomic<bool> stop_{false};
};

}  // namespace videocall::transport
