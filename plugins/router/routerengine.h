// SPDX-License-Identifier: MIT
// What a router has while it runs: the hub, and the thread of its timer. From
// READY to PAUSED and back.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "libvideocall/auth/resume_secret.h"
#include "libvideocall/room/hub.h"

class RouterEngine {
 public:
  RouterEngine(const std::string& node_id,
               const videocall::auth::ResumeSecrets::Key& key,
               const videocall::room::Policy& policy);
  ~RouterEngine();
  RouterEngine(const RouterEngine&) = delete;
  RouterEngine& operator=(const RouterEngine&) = delete;

  // Calls |tick| every 100 ms from a thread of its own until stop().
  void start(std::function<void()> tick);
  // From now on tick is not called; the call under way is not waited for.
  void request_stop();
  // Waits for the thread. Not from tick.
  void join();

  // 0 if |secret| does not resume a session of |user_id| in |meeting| here.
  uint64_t verify_resume(const std::string& meeting, const std::string& user_id,
                         const std::string& secret) const;

  static videocall::room::Now now();

  videocall::room::Hub hub;

 private:
  void run(const std::function<void()>& tick);

  const videocall::auth::ResumeSecrets secrets_;
  std::mutex mutex_;  // guards stopping_
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};
