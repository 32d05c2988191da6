// SPDX-License-Identifier: MIT
#include "libvideocall/quic/endpoint.h"

#include <set>
#include <thread>

#include "tests/support/server.h"

using namespace videocall;
using namespace videocall::quic;
using namespace videocall::testing;

namespace {

Recorder::Refused refusal(Runner& client) {
  ck_assert_msg(bool(client), "%s", client.error().message.c_str());
  ck_assert(
      client.recorder().wait([](const auto& s) { return !s.refused.empty(); }));
  const auto state = client.recorder().state();
  ck_assert(state.opened.empty());
  return state.refused.at(0);
}

Recorder::Closed closure(Recorder& recorder) {
  ck_assert(recorder.wait([](const auto& s) { return !s.closed.empty(); }));
  return recorder.state().closed.at(0);
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
  ck_assert_uint_eq(server.runner->session_count(), 1);

  const PacketRef up = media({.keyframe = true, .size = 20'000});
  client->send({&up, 1});
  ck_assert(client.recorder().wait(
      [](const auto& s) { return media_count(s) >= 1; }));
  const auto received = server.runner.recorder().state().packets.at(1);
  ck_assert(received.session == seen.opened.at(0).session);
  ck_assert_uint_eq(received.packet->size(), up->size());
  ck_assert_uint_eq(client.recorder().state().packets.back().packet->size(),
                    up->size());
}

VC_TEST(packets_reach_sessions_of_every_shard) {
  Server server(2);
  std::vector<std::unique_ptr<Runner>> clients;
  auto shards_used = [&] {
    std::set<unsigned> used;
    for (const SessionHandle& s : server.sessions()) used.insert(s.shard);
    return used.size();
  };
  // The kernel spreads them by address; 2^-31 that all fall on one side.
  while (clients.size() < 32 && shards_used() < 2) {
    clients.push_back(std::make_unique<Runner>(server.call()));
    ck_assert(has_session(*clients.back()));
  }
  ck_assert_uint_eq(shards_used(), 2);

  // From a thread that is no shard's.
  server.deliver(media({.kind = MediaKind::audio, .size = 100}),
                 server.sessions());
  for (const auto& client : clients) {
    ck_assert(client->recorder().wait(
        [](const auto& s) { return media_count(s) == 1; }));
  }
  // From the shard of the sender.
  const PacketRef frame = media({.group = 1, .keyframe = true, .size = 9'000});
  (*clients[0])->send({&frame, 1});
  for (const auto& client : clients) {
    ck_assert(client->recorder().wait(
        [](const auto& s) { return media_count(s) == 2; }));
  }
  ck_assert_uint_eq(server.runner->endpoint_stats().dropped_commands, 0);
}

VC_TEST(bad_urls_are_refused_with_their_status) {
  Server server;
  const struct {
    const char* path;
    int status;
  } cases[] = {
      {"/elsewhere?token=t", 404},
      {"/meet/a%20b?token=t", 400},
      {"/meet/?token=t", 400},
      {"/meet/demo?token=t&v=2", 400},
      {"/meet/demo", 401},
      {"/meet/demo?token=", 401},
      {"/meet/demo/more?token=t&v=1", 400},
  };
  for (const auto& c : cases) {
    Runner client(server.call(c.path));
    ck_assert_msg(refusal(client).status == c.status, "%s", c.path);
  }
  ck_assert(server.runner.recorder().state().requests.empty());
}

VC_TEST(a_version_missing_is_version_1) {
  Server server;
  Runner client(server.call("/meet/demo?token=t"));
  ck_assert(has_session(client));
}

VC_TEST(the_owner_refuses_with_a_status) {
  Runner server(listener_config(), false);
  server.recorder().on_request = [&](const SessionRequest& request) {
    server->refuse(request.id, 401, "spent");
  };
  server.start();
  Runner client(caller_config(server->port(), server->certificate_hashes()));
  ck_assert_int_eq(refusal(client).status, 401);
}

VC_TEST(an_undecided_request_is_refused_in_time) {
  EndpointConfig config = listener_config();
  config.admission_timeout = 50ms;
  Runner server(config);
  Runner client(caller_config(server->port(), server->certificate_hashes()));
  ck_assert_int_eq(refusal(client).status, 503);
  // Too late, and about nobody: ignored.
  server->admit(server.recorder().state().requests.at(0).id, nullptr);
  server->admit(12345, nullptr);
  ck_assert_uint_eq(server->session_count(), 0);
}

VC_TEST(a_closed_session_hears_code_and_reason) {
  Server server;
  Runner client(server.call());
  ck_assert(has_session(client));
  server.runner->close_session(
      {server.sessions().at(0), CloseCode::removed, "by the host"});
  const auto theirs = closure(client.recorder());
  ck_assert(theirs.code == CloseCode::removed);
  ck_assert_str_eq(theirs.reason.c_str(), "by the host");
  ck_assert(theirs.by_peer);
  const auto ours = closure(server.runner.recorder());
  ck_assert(ours.code == CloseCode::removed);
  ck_assert(!ours.by_peer);
  ck_assert_uint_eq(server.runner->session_count(), 0);
}

VC_TEST(close_all_closes_all) {
  Server server(2);
  Runner one(server.call());
  Runner two(server.call());
  ck_assert(has_session(one) && has_session(two));
  server.runner->close_all(CloseCode::draining, "");
  ck_assert(closure(one.recorder()).code == CloseCode::draining);
  ck_assert(closure(two.recorder()).code == CloseCode::draining);
}

VC_TEST(draining_is_told_and_newcomers_get_503) {
  Server server;
  Runner client(server.call());
  ck_assert(has_session(client));
  server.runner->drain();
  ck_assert(
      client.recorder().wait([](const auto& s) { return s.draining == 1; }));
  Runner late(server.call());
  ck_assert_int_eq(refusal(late).status, 503);
  ck_assert_uint_eq(server.runner->session_count(), 1);
}

VC_TEST(sessions_beyond_the_bound_get_503) {
  EndpointConfig config = listener_config(2);
  config.max_sessions = 2;
  Server server(config);
  auto one = std::make_unique<Runner>(server.call());
  Runner two(server.call());
  ck_assert(has_session(*one) && has_session(two));
  Runner late(server.call());
  ck_assert_int_eq(refusal(late).status, 503);
  ck_assert_uint_eq(server.runner->session_count(), 2);
}

VC_TEST(the_bounds_are_those_of_the_limits) {
  const EndpointConfig config;
  ck_assert_uint_eq(config.max_sessions, limits::kMaxSessionsPerEndpoint);
  ck_assert_uint_eq(config.max_handshakes_per_s,
                    limits::kMaxHandshakesPerSecond);
  ck_assert_uint_eq(config.max_pending_admissions,
                    limits::kMaxPendingAdmissions);
  ck_assert_uint_eq(config.max_pending_handshakes, limits::kMaxHandshakes);
  ck_assert(config.admission_timeout == limits::kAdmissionTimeout);
}

VC_TEST(one_more_than_may_wait_to_be_admitted_gets_503) {
  EndpointConfig config = listener_config();
  config.max_pending_admissions = 2;
  Runner server(config);  // decides about nobody
  const auto call = [&] {
    return caller_config(server->port(), server->certificate_hashes());
  };
  Runner one(call());
  Runner two(call());
  for (int i = 0; i < 5'000 && server->endpoint_stats().admissions < 2; ++i)
    std::this_thread::sleep_for(1ms);
  ck_assert_uint_eq(server->endpoint_stats().admissions, 2);
  Runner late(call());
  ck_assert_int_eq(refusal(late).status, 503);
  const EndpointStats stats = server->endpoint_stats();
  ck_assert_uint_eq(
      stats.refused_connects[static_cast<size_t>(ConnectRefusal::full)], 1);
}

VC_TEST(sessions_of_one_address_beyond_the_bound_get_429) {
  EndpointConfig config = listener_config(2);
  config.max_sessions_per_address = 1;
  Server server(config);
  auto one = std::make_unique<Runner>(server.call());
  ck_assert(has_session(*one));
  Runner late(server.call());
  ck_assert_int_eq(refusal(late).status, 429);
  one.reset();
  // Its place is free once the server has heard that it left.
  for (int i = 0; i < 2'000 && server.runner->session_count() > 0; ++i)
    std::this_thread::sleep_for(1ms);
  Runner next(server.call());
  ck_assert(has_session(next));
}

VC_TEST(handshakes_beyond_the_rate_are_put_off) {
  EndpointConfig config = listener_config();
  config.max_handshakes_per_s = 1;
  Server server(config);
  Runner one(server.call());
  Runner two(server.call());
  Runner three(server.call());
  // The clients try again by themselves.
  ck_assert(has_session(one) && has_session(two) && has_session(three));
  ck_assert_uint_ge(server.runner->endpoint_stats().refused, 1);
}

VC_TEST(links_are_reported_while_anything_is_sent) {
  Server server;
  Runner client(server.call());
  ck_assert(has_session(client));
  const SessionHandle session = server.sessions().at(0);
  ck_assert(server.runner.recorder().wait([&](const auto& s) {
    return !s.links.empty() && s.links.back().session == session &&
           s.links.back().bytes_sent > 0 && s.links.back().packets_sent > 0;
  }));
  const uint64_t before =
      server.runner.recorder().state().links.back().bytes_sent;
  for (uint64_t i = 0; i < 20; ++i)
    server.deliver(media({.sequence = i + 1, .keyframe = i == 0}), {session});
  ck_assert(server.runner.recorder().wait([&](const auto& s) {
    return s.links.back().bytes_sent >= before + 20'000 &&
           s.links.back().rtt > Duration(0);
  }));
  // A caller is told nothing.
  ck_assert(client.recorder().state().links.empty());
}

VC_TEST(a_caller_that_goes_has_left) {
  Server server;
  {
    Runner client(server.call());
    ck_assert(has_session(client));
  }
  const auto closed = closure(server.runner.recorder());
  ck_assert(closed.code == CloseCode::left);
  ck_assert(closed.by_peer);
}

VC_TEST(a_listener_that_goes_leaves_sessions_to_be_resumed) {
  auto server = std::make_unique<Server>();
  Runner client(server->call());
  ck_assert(has_session(client));
  server.reset();
  ck_assert(is_resumable(closure(client.recorder()).code));
}

VC_TEST(a_caller_closes_itself) {
  Server server;
  Runner client(server.call());
  ck_assert(has_session(client));
  client->close_all(CloseCode::left, "");
  ck_assert(!closure(client.recorder()).by_peer);
  ck_assert(closure(server.runner.recorder()).code == CloseCode::left);
}

VC_TEST(localhost_is_found_on_either_family) {
  Server server;  // IPv4 alone, and localhost is ::1 first on most machines
  EndpointConfig config =
      caller_config(server.runner->port(), server.runner->certificate_hashes(),
                    "/meet/demo?token=t", "localhost");
  Runner client(config);
  ck_assert(has_session(client));
  ck_assert_uint_eq(server.runner.recorder().state().requests.size(), 1);
}

VC_TEST(a_wrong_certificate_is_told) {
  Server server;
  Runner other(listener_config());
  EndpointConfig config = server.call();
  config.certificate_hashes = other->certificate_hashes();
  Runner client(config);
  const auto refused = refusal(client);
  ck_assert_int_eq(refused.status, 0);
  ck_assert(refused.reason.find("certificate") != std::string::npos);
}

VC_TEST(nobody_there_is_told) {
  uint16_t port = 0;
  {
    Runner gone(listener_config());
    port = gone->port();
  }
  Runner client(caller_config(port, {"AAAA"}));
  const auto refused = refusal(client);
  ck_assert_int_eq(refused.status, 0);
  ck_assert(refused.reason.find("127.0.0.1:" + std::to_string(port)) !=
            std::string::npos);
}

VC_TEST(a_bad_url_fails_to_open) {
  EndpointConfig config;
  config.mode = EndpointConfig::Mode::caller;
  config.url = "http://127.0.0.1/meet/demo?token=secret";
  Runner client(config);
  ck_assert(!client);
  ck_assert(client.error().code == Errc::invalid_argument);
  ck_assert(client.error().message.find("secret") == std::string::npos);
}

VC_TEST(a_shard_has_one_loop) {
  Runner server(listener_config(), false);
  server.recorder().on_request = [&](const SessionRequest& request) {
    Recorder other;
    auto turned = server->run_once(0, other, 0s);
    ck_assert(!turned && turned.error().code == Errc::invalid_argument);
    server->refuse(request.id, 403, "");
  };
  server.start();
  Runner client(caller_config(server->port(), server->certificate_hashes()));
  ck_assert_int_eq(refusal(client).status, 403);
}

VC_TEST(one_name_is_one_endpoint) {
  int made = 0;
  auto make = [&] {
    ++made;
    return Endpoint::open(listener_config());
  };
  ck_assert(EndpointRegistry::find("x") == nullptr);
  auto first = EndpointRegistry::acquire("x", make);
  auto second = EndpointRegistry::acquire("x", make);
  ck_assert(first.ok() && second.ok());
  ck_assert(*first == *second);
  ck_assert(EndpointRegistry::find("x") == *first);
  ck_assert_int_eq(made, 1);
  first = Error{};
  second = Error{};
  ck_assert(EndpointRegistry::find("x") == nullptr);
  auto failed =
      EndpointRegistry::acquire("x", []() -> Result<std::shared_ptr<Endpoint>> {
        return Error{Errc::io, "no"};
      });
  ck_assert(!failed.ok());
  ck_assert(EndpointRegistry::acquire("x", make).ok());
}

VC_SUITE_MAIN("quic/endpoint")
