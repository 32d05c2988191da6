// SPDX-License-Identifier: MIT
#include "plugins/router/routerengine.h"

#include <chrono>

#include "libvideocall/auth/random.h"

using namespace videocall;
using namespace std::chrono_literals;

namespace {

constexpr auto kTickInterval = 100ms;

room::Config make_config(const std::string& node_id,
                         const auth::ResumeSecrets::Key& key,
                         const room::Policy& policy) {
  room::Config config;
  config.policy = policy;
  config.node_id = node_id;
  config.random = auth::random_u64;
  config.issue_secret = [secrets = auth::ResumeSecrets(key)](
                            std::string_view meeting, std::string_view user_id,
                            uint64_t session_id, uint64_t unix_ms) {
    return secrets.issue(meeting, user_id, session_id, unix_ms);
  };
  return config;
}

}  // namespace

RouterEngine::RouterEngine(const std::string& node_id,
                           const auth::ResumeSecrets::Key& key,
                           const room::Policy& policy)
    : hub(make_config(node_id, key, policy)), secrets_(key) {}

RouterEngine::~RouterEngine() {
  request_stop();
  join();
}

void RouterEngine::start(std::function<void()> tick) {
  thread_ = std::thread([this, tick = std::move(tick)] { run(tick); });
}

void RouterEngine::request_stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  wake_.notify_all();
}

void RouterEngine::join() {
  if (thread_.joinable()) thread_.join();
}

void RouterEngine::run(const std::function<void()>& tick) {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kTickInterval, [this] { return stopping_; })) {
    lock.unlock();
    tick();
    lock.lock();
  }
}

uint64_t RouterEngine::verify_resume(const std::string& meeting,
                                     const std::string& user_id,
                                     const std::string& secret) const {
  const auto session = secrets_.verify(meeting, user_id, secret, now().unix_ms);
  if (!session || !hub.accepts_secret(meeting, session.value(), secret))
    return 0;
  return session.value();
}

room::Now RouterEngine::now() {
  const auto unix_time = std::chrono::system_clock::now().time_since_epoch();
  return {Clock::now(),
          static_cast<uint64_t>(
              std::chrono::duration_cast<std::chrono::milliseconds>(unix_time)
                  .count())};
}
