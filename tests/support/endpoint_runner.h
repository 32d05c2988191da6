// SPDX-License-Identifier: MIT
// Endpoints on real loopback sockets for tests: each shard's loop in a thread,
// and a record of what it said that a test can wait on.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "libvideocall/quic/endpoint.h"

namespace videocall::testing {

// Generous: a sanitizer build on a busy machine.
inline constexpr auto kPatience = std::chrono::seconds(30);

class Recorder final : public quic::ShardVisitor {
 public:
  struct Received {
    SessionHandle session;
    PacketRef packet;
  };
  struct Closed {
    SessionHandle session;
    CloseCode code;
    std::string reason;
    bool by_peer;
  };
  struct Refused {
    int status;
    std::string reason;
  };
  struct State {
    std::vector<quic::SessionRequest> requests;
    std::vector<quic::SessionOpened> opened;
    std::vector<Received> packets;
    std::vector<Closed> closed;
    std::vector<Refused> refused;
    int draining = 0;
    std::vector<LinkReport> links;
  };

  // Called on the loop's thread, without the record's lock.
  std::function<void(const quic::SessionRequest&)> on_request;
  std::function<void(const Received&)> on_each_packet;

  bool wait(const std::function<bool(const State&)>& done) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return done(state_); });
  }
  State state() {
    const std::lock_guard lock(mutex_);
    return state_;
  }

  void on_session_request(const quic::SessionRequest& request) override {
    change([&](State& s) { s.requests.push_back(request); });
    if (on_request) on_request(request);
  }
  void on_session_opened(const quic::SessionOpened& opened, Time) override {
    change([&](State& s) { s.opened.push_back(opened); });
  }
  void on_packet(SessionHandle session, PacketRef packet, Time) override {
    const Received received{session, packet};
    change([&](State& s) { s.packets.push_back(received); });
    if (on_each_packet) on_each_packet(received);
  }
  void on_session_closed(SessionHandle session, CloseCode code,
                         std::string_view reason, bool by_peer, Time) override {
    change([&](State& s) {
      s.closed.push_back({session, code, std::string(reason), by_peer});
    });
  }
  void on_draining(SessionHandle) override {
    change([](State& s) { ++s.draining; });
  }
  void on_link_reports(std::span<const LinkReport> reports, Time) override {
    change([&](State& s) {
      s.links.insert(s.links.end(), reports.begin(), reports.end());
    });
  }
  void on_refused(int status, std::string_view reason) override {
    change([&](State& s) {
      s.refused.push_back({status, std::string(reason)});
    });
  }
  void on_batch_end(Time) override {}

 private:
  template <typename F>
  void change(F&& f) {
    {
      const std::lock_guard lock(mutex_);
      f(state_);
    }
    changed_.notify_all();
  }

  std::mutex mutex_;  // guards state_
  std::condition_variable changed_;
  State state_;
};

// Runs all shards of an endpoint until it is destroyed.
class Runner {
 public:
  explicit Runner(quic::EndpointConfig config, bool start = true) {
    auto opened = quic::Endpoint::open(std::move(config));
    if (!opened) {
      error_ = opened.error();
      return;
    }
    endpoint_ = *opened;
    for (unsigned i = 0; i < endpoint_->config().shards; ++i)
      recorders_.push_back(std::make_unique<Recorder>());
    if (start) this->start();
  }
  ~Runner() { stop(); }
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  void start() {
    for (unsigned i = 0; i < recorders_.size(); ++i) {
      threads_.emplace_back([this, i] {
        while (!stop_) {
          if (!endpoint_->run_once(i, *recorders_[i], std::chrono::seconds(1)))
            return;
        }
      });
    }
  }
  void stop() {
    stop_ = true;
    for (unsigned i = 0; i < threads_.size(); ++i) endpoint_->wake(i);
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    endpoint_.reset();
  }

  const Error& error() const { return error_; }
  explicit operator bool() const { return endpoint_ != nullptr; }
  quic::Endpoint* operator->() { return endpoint_.get(); }
  Recorder& recorder(unsigned shard = 0) { return *recorders_[shard]; }
  const std::shared_ptr<quic::Endpoint>& endpoint() { return endpoint_; }

 private:
  Error error_;
  std::shared_ptr<quic::Endpoint> endpoint_;
  std::vector<std::unique_ptr<Recorder>> recorders_;
  std::vector<std::thread> threads_;
  std::atomic<bool> stop_{false};
};

inline quic::EndpointConfig listener_config(unsigned shards = 1) {
  quic::EndpointConfig config;
  config.shards = shards;
  config.addresses = {"127.0.0.1:0"};
  return config;
}

inline quic::EndpointConfig caller_config(
    uint16_t port, const quic::CertificateHashes& hashes,
    const std::string& path = "/meet/demo?token=t&v=1",
    const std::string& host = "127.0.0.1") {
  quic::EndpointConfig config;
  config.mode = quic::EndpointConfig::Mode::caller;
  config.url = "https://" + host + ":" + std::to_string(port) + path;
  config.certificate_hashes = hashes;
  config.client_name = "test/1";
  return config;
}

}  // namespace videocall::testing
