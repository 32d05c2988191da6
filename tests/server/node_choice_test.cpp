// SPDX-License-Identifier: MIT
#include "server/node_choice.h"

#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::server;
using cluster::Heartbeat;

namespace {

Heartbeat node(const std::string& id, uint32_t sessions = 0) {
  Heartbeat heartbeat;
  heartbeat.node_id = id;
  heartbeat.sessions = sessions;
  heartbeat.max_sessions = 100;
  heartbeat.transport_urls = {"https://" + id + ".example.org:4433",
                              "wss://" + id + ".example.org"};
  heartbeat.token_key_id = "key";
  return heartbeat;
}

// Who is chosen for |meeting| of |nodes|, the first of which is asked.
std::string chosen(const std::vector<Heartbeat>& nodes, bool self_serves = true,
                   const std::string& local_ip = "192.0.2.1",
                   const std::string& meeting = "demo") {
  const auto other = choose_other_node(nodes, meeting, local_ip, self_serves);
  return other ? other->node_id : "self";
}

// A full "a", so that it is "b" if that may be chosen at all.
std::vector<Heartbeat> full_and(Heartbeat b) {
  return {node("a", 100), std::move(b)};
}

}  // namespace

VC_TEST(who_knows_of_nobody_serves_itself) {
  ck_assert_str_eq(chosen({}).c_str(), "self");
  ck_assert_str_eq(chosen({node("a")}).c_str(), "self");
  ck_assert_str_eq(chosen({node("a", 100)}).c_str(), "self");
  ck_assert_str_eq(chosen({node("a")}, false).c_str(), "self");
}

VC_TEST(the_one_with_room_is_chosen) {
  ck_assert_str_eq(chosen(full_and(node("b"))).c_str(), "b");
  ck_assert_str_eq(chosen({node("a"), node("b", 100)}).c_str(), "self");
  ck_assert_str_eq(chosen({node("a", 100), node("b", 100)}).c_str(), "self");
  Heartbeat busy = node("b");
  busy.cpu_load = 1;
  ck_assert_str_eq(chosen({node("a"), busy}).c_str(), "self");
}

VC_TEST(all_who_are_asked_send_a_meeting_to_the_same) {
  bool to_a = false;
  bool to_b = false;
  for (int i = 0; i < 50; ++i) {
    const std::string meeting = "m" + std::to_string(i);
    const std::string by_a =
        chosen({node("a"), node("b")}, true, "192.0.2.1", meeting);
    const std::string by_b =
        chosen({node("b"), node("a")}, true, "192.0.2.1", meeting);
    ck_assert((by_a == "b" && by_b == "self") ||
              (by_a == "self" && by_b == "a"));
    (by_a == "b" ? to_b : to_a) = true;
  }
  ck_assert(to_a && to_b);
}

VC_TEST(only_who_shares_the_token_key_is_chosen) {
  Heartbeat stranger = node("b");
  stranger.token_key_id = "another";
  ck_assert_str_eq(chosen(full_and(stranger)).c_str(), "self");
  stranger.token_key_id = "";
  ck_assert_str_eq(chosen(full_and(stranger)).c_str(), "self");
  // Nor does one hand out others that has no key to sign with.
  std::vector<Heartbeat> keyless = full_and(stranger);
  keyless[0].token_key_id = "";
  ck_assert_str_eq(chosen(keyless).c_str(), "self");
}

VC_TEST(who_drains_hands_out_the_others_and_they_not_it) {
  Heartbeat draining = node("b");
  draining.draining = true;
  for (int i = 0; i < 20; ++i) {
    const std::string meeting = "m" + std::to_string(i);
    ck_assert_str_eq(
        chosen({node("a"), draining}, true, "::1", meeting).c_str(), "self");
    ck_assert_str_eq(
        chosen({draining, node("a")}, false, "192.0.2.1", meeting).c_str(),
        "a");
  }
  ck_assert_str_eq(chosen({draining, draining}, false).c_str(), "self");
}

VC_TEST(who_comes_from_elsewhere_is_not_sent_to_a_loopback_address) {
  Heartbeat near = node("b");
  near.transport_urls = {"https://127.0.0.1:4433", "ws://[::1]:8080",
                         "ws://localhost:8080"};
  ck_assert_str_eq(chosen(full_and(near)).c_str(), "self");
  for (const char* here : {"127.0.0.1", "127.1.2.3", "::1"})
    ck_assert_str_eq(chosen(full_and(near), true, here).c_str(), "b");
  // The rest of its addresses is handed out.
  near.transport_urls.push_back("wss://b.example.org");
  const auto other =
      choose_other_node(full_and(near), "demo", "192.0.2.1", true);
  ck_assert(other && other->transport_urls ==
                         std::vector<std::string>{"wss://b.example.org"});
  near.transport_urls.clear();
  ck_assert_str_eq(chosen(full_and(near), true, "127.0.0.1").c_str(), "self");
}

VC_TEST(a_key_is_told_by_its_id_and_not_from_it) {
  const SecretKey one = SecretKey::generate();
  const SecretKey other = SecretKey::generate();
  ck_assert(token_key_id(one) == token_key_id(one));
  ck_assert(token_key_id(one) != token_key_id(other));
  ck_assert_uint_eq(token_key_id(one).size(), 16);
  ck_assert(one.hex().find(token_key_id(one)) == std::string::npos);
}

VC_SUITE_MAIN("server/node_choice")
