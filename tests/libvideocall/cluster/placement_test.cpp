// SPDX-License-Identifier: MIT
#include "libvideocall/cluster/placement.h"

#include <map>
#include <string>

#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::cluster;

namespace {

Heartbeat node(const std::string& id, uint32_t sessions, double cpu = 0) {
  Heartbeat heartbeat;
  heartbeat.node_id = id;
  heartbeat.sessions = sessions;
  heartbeat.max_sessions = 100;
  heartbeat.cpu_load = cpu;
  return heartbeat;
}

}  // namespace

VC_TEST(a_meeting_stays_together_whoever_is_asked) {
  const std::vector<Heartbeat> seen_by_a = {node("a", 5), node("b", 9),
                                            node("c", 1)};
  const std::vector<Heartbeat> seen_by_c = {node("c", 2), node("a", 6),
                                            node("b", 8)};
  std::map<std::string, int> used;
  for (int i = 0; i < 300; ++i) {
    const std::string meeting = "m" + std::to_string(i);
    const std::string& chosen = choose_node(seen_by_a, meeting)->node_id;
    ck_assert_str_eq(chosen.c_str(),
                     choose_node(seen_by_c, meeting)->node_id.c_str());
    ++used[chosen];
  }
  for (const char* id : {"a", "b", "c"}) ck_assert_int_gt(used[id], 50);
}

VC_TEST(a_node_that_goes_moves_its_own_meetings_alone) {
  const std::vector<Heartbeat> three = {node("a", 0), node("b", 0),
                                        node("c", 0)};
  const std::vector<Heartbeat> two = {three[0], three[1]};
  for (int i = 0; i < 100; ++i) {
    const std::string meeting = "m" + std::to_string(i);
    const std::string& before = choose_node(three, meeting)->node_id;
    if (before != "c")
      ck_assert_str_eq(choose_node(two, meeting)->node_id.c_str(),
                       before.c_str());
  }
}

VC_TEST(who_is_much_fuller_gets_nobody) {
  for (int i = 0; i < 50; ++i) {
    const std::string meeting = "m" + std::to_string(i);
    const std::vector<Heartbeat> by_sessions = {node("a", 90), node("b", 20)};
    ck_assert_str_eq(choose_node(by_sessions, meeting)->node_id.c_str(), "b");
    const std::vector<Heartbeat> by_cpu = {node("a", 1, 0.9),
                                           node("b", 1, 0.2)};
    ck_assert_str_eq(choose_node(by_cpu, meeting)->node_id.c_str(), "b");
  }
}

VC_TEST(neither_who_is_full_nor_who_drains) {
  std::vector<Heartbeat> nodes = {node("a", 100), node("b", 99)};
  ck_assert_str_eq(choose_node(nodes, "m")->node_id.c_str(), "b");
  nodes[1].draining = true;
  ck_assert_ptr_null(choose_node(nodes, "m"));
  ck_assert_ptr_null(choose_node({}, "m"));
}

VC_SUITE_MAIN("cluster/placement")
