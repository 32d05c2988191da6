// SPDX-License-Identifier: MIT
// A few threads for what may block (the database), behind a bounded queue.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace videocall::server {

class WorkerPool {
 public:
  using Job = std::function<void()>;

  WorkerPool(size_t threads, size_t max_waiting);
  ~WorkerPool();  // as stop()
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Runs |job| on one of the threads, in order of posting where there is one
  // thread. false: the queue is full or the pool has stopped, and |job| will
  // not run. A job must not throw. Any thread.
  [[nodiscard]] bool post(Job job);

  // Jobs that wait for a thread. Any thread.
  size_t waiting() const;

  // Runs what waits, then ends the threads. Not from a job.
  void stop();

 private:
  void run();

  const size_t max_waiting_;
  mutable std::mutex mutex_;  // guards the three below
  std::condition_variable wake_;
  std::deque<Job> waiting_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace videocall::server
