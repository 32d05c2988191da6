// SPDX-License-Identifier: MIT
// A daemon in a thread of this process, its relay a FakeRelay.
#pragma once

#include <gst/gst.h>

#include <future>
#include <memory>
#include <thread>

// After the standard headers: it defines a macro called fail.
#include <check.h>

#include "server/daemon.h"
#include "server/log.h"
#include "server/main_loop.h"
#include "tests/server/fake_relay.h"
#include "tests/server/temporary_folder.h"

namespace videocall::testing {

class RunningDaemon {
 public:
  using Change = std::function<void(server::Configuration&)>;

  explicit RunningDaemon(const Change& change = {}) {
    server::Configuration configuration = server::default_configuration();
    configuration.listen_http = {"127.0.0.1:0"};
    configuration.listen_webtransport = {"127.0.0.1:0", "[::1]:0"};
    configuration.listen_admin = {};
    configuration.drain_timeout_s = 1;
    configuration.state_dir = state_.path();
    configuration.node_id = "node-1";
    if (change) change(configuration);
    auto started = std::make_shared<std::promise<void>>();
    thread_ = std::thread([this, configuration, started] {
      daemon_ = std::make_unique<server::Daemon>(
          configuration, [this](const server::Daemon::RelaySettings&) {
            auto relay = std::make_unique<FakeRelay>();
            relay_ = relay.get();
            return relay;
          });
      const auto result = daemon_->start();
      ck_assert_msg(result.ok(), "%s",
                    result.ok() ? "" : result.error().message.c_str());
      const auto& address = daemon_->http().addresses().front();
      base_ =
          (daemon_->http().secure() ? "https://" : "http://") + address.text();
      started->set_value();
      exit_code_ = daemon_->run();
      daemon_.reset();
    });
    started->get_future().wait();
  }

  ~RunningDaemon() {
    if (thread_.joinable()) stop();
  }

  // As SIGTERM; returns the exit code.
  int stop() {
    on_daemon([](server::Daemon& daemon) { daemon.begin_drain(); });
    thread_.join();
    return exit_code_;
  }

  // Runs |call| on the daemon's thread and waits for it.
  void on_daemon(const std::function<void(server::Daemon&)>& call) {
    std::promise<void> done;
    server::run_on_main([&] {
      call(*daemon_);
      done.set_value();
    });
    done.get_future().wait();
  }

  const std::string& base() const { return base_; }
  FakeRelay& relay() { return *relay_; }

 private:
  TemporaryFolder state_;
  std::unique_ptr<server::Daemon> daemon_;
  FakeRelay* relay_ = nullptr;  // borrowed from the daemon
  std::string base_;
  int exit_code_ = -1;
  std::thread thread_;
};

}  // namespace videocall::testing
