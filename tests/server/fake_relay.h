// SPDX-License-Identifier: MIT
// A relay without media: it notes what the daemon asks and plays the sessions
// that a test wants. For the tests of the HTTP side and of admission alone;
// relay_test runs the real pipeline.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>

#include "server/relay.h"

namespace videocall::testing {

class FakeRelay : public server::Relay {
 public:
  struct Answer {
    std::optional<server::Grant> grant;  // admitted
    unsigned status = 0;                 // refused
    std::string reason;
  };

  Result<void> start(Listener& listener) override {
    listener_ = &listener;
    if (!failure.empty()) return Error{Errc::address_in_use, failure};
    return {};
  }
  uint16_t webtransport_port() const override { return 4567; }
  std::vector<std::string> certificate_hashes() const override {
    return {"aGFzaA==", "bmV4dA=="};
  }
  void admit(const server::SessionRequest& request,
             const server::Grant& grant) override {
    answer(request.id, {grant, 0, ""});
  }
  void refuse(const server::SessionRequest& request, unsigned status,
              const std::string& reason) override {
    answer(request.id, {std::nullopt, status, reason});
  }
  std::vector<server::RoomMember> members(const std::string& meeting) override {
    return meeting == "full" ? people : std::vector<server::RoomMember>();
  }
  uint64_t verify_resume(const std::string&, const std::string& user_id,
                         const std::string& secret) override {
    return user_id == "alice" && secret == "right" ? 4711 : 0;
  }
  std::vector<server::Statistics> statistics() const override {
    return {{.part = "videocallrouter-stats",
             .numbers = {{"shed-level", shed_level}},
             .histograms = {}}};
  }
  size_t session_count() const override { return sessions; }
  Result<void> reload_certificate() override {
    ++reloads;
    return {};
  }
  void drain() override { drained = true; }
  void close_all(unsigned code, const std::string&) override {
    closed_with = code;
    sessions = 0;
  }
  void stop() override { stopped = true; }

  void describe(const cluster::Heartbeat& self) override {
    const std::lock_guard lock(mutex_);
    self_ = self;
    self_.node_id = "node-1";
  }
  std::vector<cluster::Heartbeat> nodes() const override {
    const std::lock_guard lock(mutex_);
    if (self_.node_id.empty()) return {};
    std::vector<cluster::Heartbeat> all = {self_};
    all.insert(all.end(), others_.begin(), others_.end());
    return all;
  }
  // Another server is heard of, which has the same token key.
  void hear(cluster::Heartbeat other) {
    const std::lock_guard lock(mutex_);
    other.token_key_id = self_.token_key_id;
    others_ = {std::move(other)};
  }

  // The answer to request |id|, waited for.
  Answer wait_for(uint64_t id) {
    std::unique_lock lock(mutex_);
    answered_.wait_for(lock, std::chrono::seconds(20),
                       [&] { return answers_.contains(id); });
    return answers_.at(id);
  }

  std::string failure;  // of start()
  std::vector<server::RoomMember> people;
  size_t sessions = 0;
  double shed_level = 0;
  int reloads = 0;
  bool drained = false;
  bool stopped = false;
  unsigned closed_with = 0;

 private:
  void answer(uint64_t id, Answer answer) {
    const std::lock_guard lock(mutex_);
    answers_[id] = std::move(answer);
    answered_.notify_all();
  }

  Listener* listener_ = nullptr;
  mutable std::mutex mutex_;  // guards what follows
  cluster::Heartbeat self_;   // as described
  std::vector<cluster::Heartbeat> others_;
  std::condition_variable answered_;
  std::map<uint64_t, Answer> answers_;
};

}  // namespace videocall::testing
