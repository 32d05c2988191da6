// SPDX-License-Identifier: MIT
#include "libvideocall/quic/endpoint.h"

#include "tests/support/endpoint_runner.h"
#include "tests/support/make_packet.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::quic;
using namespace videocall::testing;

namespace {

RecipientsPtr only(const SessionHandle& session) {
  return Recipients::make({session});
}

// A listener that admits everybody and assigns a session on CONNECTION.
class Server {
 public:
  explicit Server(unsigned shards = 1) : Server(listener_config(shards)) {}
  explicit Server(const EndpointConfig& config) : runner(config, false) {
    ck_assert_msg(bool(runner), "%s", runner.error().message.c_str());
    for (unsigned i = 0; i < config.shards; ++i) {
      Recorder& recorder = runner.recorder(i);
      recorder.on_request = [this](const SessionRequest& request) {
        runner->admit(request.id, std::make_shared<std::string>(request.token));
      };
      recorder.on_each_packet = [this](const Recorder::Received& received) {
        if (received.packet->fields().type != PacketType::connection) return;
        const Delivery answer{control(PacketType::session_assigned),
                              only(received.session)};
        runner->deliver({&answer, 1});
      };
    }
    runner.start();
  }

  EndpointConfig call(const std::string& path = "/meet/demo?token=t&v=1") {
    return caller_config(runner->port(), runner->certificate_hashes(), path);
  }

  Runner runner;
};

bool has_session(Runner& client) {
  return client.recorder().wait([](const auto& s) {
    return !s.packets.empty() && s.packets[0].packet->fields().type ==
                                     PacketType::session_assigned;
  });
}

}  // namespace

VC_TEST(a_caller_gets_a_session_and_packets_go_both_ways) {
  Server server;
  Runner client(server.call());
  ck_assert_msg(bool(client), "%s", client.error().message.c_str());
  ck_assert(has_session(client));
  const auto seen = server.runner.recorder().state();
  ck_assert_str_eq(seen.requests.at(0).meeting_id.c_str(), "demo");
  ck_assert_str_eq(seen.requests.at(0).token.c_str(), "t");
  ck_assert_str_eq(
      static_cast<std::string*>(seen.opened.at(0).grant.get())->c_str(), "t");
  const SessionHandle session = seen.opened.at(0).session;

  const PacketRef up = media({.keyframe = true, .size = 20'000});
  client->send({&up, 1});
  ck_assert(server.runner.recorder().wait(
      [](const auto& s) { return s.packets.size() >= 2; }));
  const auto received = server.runner.recorder().state().packets.at(1);
  ck_assert(received.session == session);
  ck_assert_uint_eq(received.packet->size(), up->size());

  const Delivery down{media({.keyframe = true, .size = 30'000}),
                      only(session)};
  server.runner->deliver({&down, 1});
  ck_assert(client.recorder().wait(
      [](const auto& s) { return s.packets.size() >= 2; }));
  ck_assert_uint_eq(client.recorder().state().packets.at(1).packet->size(),
                    down.packet->size());
}

VC_SUITE_MAIN("quic/endpoint")
