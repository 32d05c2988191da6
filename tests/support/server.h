// SPDX-License-Identifier: MIT
// A listener endpoint that admits everybody, assigns a session on CONNECTION,
// and answers each media packet as it is told.
#pragma once

#include <mutex>
#include <vector>

#include "tests/support/endpoint_runner.h"
#include "tests/support/make_packet.h"
#include "tests/support/suite.h"

namespace videocall::testing {

class Server {
 public:
  explicit Server(unsigned shards = 1) : Server(listener_config(shards)) {}
  explicit Server(const quic::EndpointConfig& config) : runner(config, false) {
    ck_assert_msg(bool(runner), "%s", runner.error().message.c_str());
    for (unsigned i = 0; i < config.shards; ++i) {
      Recorder& recorder = runner.recorder(i);
      recorder.on_request = [this](const quic::SessionRequest& request) {
        runner->admit(request.id, std::make_shared<std::string>(request.token));
      };
      recorder.on_each_packet = [this](const Recorder::Received& received) {
        answer(received);
      };
    }
    runner.start();
  }

  quic::EndpointConfig call(
      const std::string& path = "/meet/demo?token=t&v=1") {
    return caller_config(runner->port(), runner->certificate_hashes(), path);
  }

  // Of all shards.
  std::vector<SessionHandle> sessions() {
    const std::lock_guard lock(mutex_);
    return sessions_;
  }
  void deliver(const PacketRef& packet, std::vector<SessionHandle> to) {
    const Delivery delivery{packet, Recipients::make(std::move(to))};
    runner->deliver({&delivery, 1});
  }

  Runner runner;

 private:
  // On a shard's thread: media goes to everybody, the sender too.
  void answer(const Recorder::Received& received) {
    if (received.packet->fields().type == PacketType::connection) {
      {
        const std::lock_guard lock(mutex_);
        sessions_.push_back(received.session);
      }
      deliver(control(PacketType::session_assigned), {received.session});
    } else if (received.packet->fields().type == PacketType::media) {
      deliver(received.packet, sessions());
    }
  }

  std::mutex mutex_;  // guards sessions_
  std::vector<SessionHandle> sessions_;
};

// SESSION_ASSIGNED has come.
inline bool has_session(Runner& client) {
  return client.recorder().wait([](const auto& s) {
    return !s.packets.empty() &&
           s.packets[0].packet->fields().type == PacketType::session_assigned;
  });
}

inline size_t media_count(const Recorder::State& state) {
  size_t count = 0;
  for (const auto& received : state.packets)
    count += received.packet->fields().type == PacketType::media;
  return count;
}

}  // namespace videocall::testing
