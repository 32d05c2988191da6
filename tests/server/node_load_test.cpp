// SPDX-License-Identifier: MIT
#include "server/node_load.h"

#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::server;

namespace {

// Seconds of a node on two cores that takes |percent| of them.
struct Node {
  explicit Node(double max_cpu)
      : load({.max_sessions = 100, .max_cpu_percent = max_cpu}) {}

  void second(double percent, size_t sessions = 0, double shed = 0) {
    now += 1s;
    cpu_seconds += percent / 100 * 2;
    load.update({cpu_seconds, 2, sessions, shed}, now);
  }

  NodeLoad load;
  Time now{1000s};
  double cpu_seconds = 17;
};

}  // namespace

VC_TEST(a_short_peak_turns_nobody_away) {
  Node node(80);
  for (int i = 0; i < 20; ++i) node.second(50);
  node.second(100);
  node.second(100);
  ck_assert(node.load.full() == Full::no);
}

VC_TEST(a_busy_node_takes_nobody_until_it_is_well_below) {
  Node node(80);
  for (int i = 0; i < 20; ++i) node.second(100);
  ck_assert(node.load.full() == Full::cpu);
  for (int i = 0; i < 20; ++i) node.second(78);
  ck_assert_msg(node.load.full() == Full::cpu, "just below its bound");
  for (int i = 0; i < 20; ++i) node.second(60);
  ck_assert(node.load.full() == Full::no);
  ck_assert(node.load.cpu_percent() > 59 && node.load.cpu_percent() < 62);
}

VC_TEST(without_a_bound_it_is_never_too_busy) {
  Node node(0);
  for (int i = 0; i < 20; ++i) node.second(100);
  ck_assert(node.load.full() == Full::no);
}

VC_TEST(the_first_second_says_nothing) {
  Node node(80);
  node.cpu_seconds = 1e6;
  node.second(0);
  ck_assert(node.load.full() == Full::no);
}

VC_TEST(sessions_and_bandwidth) {
  Node node(80);
  node.second(0, 99);
  ck_assert(node.load.full() == Full::no);
  node.second(0, 100);
  ck_assert(node.load.full() == Full::sessions);
  node.second(0, 99, 1);
  ck_assert(node.load.full() == Full::bandwidth);
  node.second(0, 99, 0);
  ck_assert(node.load.full() == Full::no);
}

VC_TEST(the_metrics_say_why) {
  Node node(80);
  node.second(0, 0, 2);
  MetricsText metrics;
  node.load.add_metrics(metrics);
  const std::string text = metrics.text();
  ck_assert(text.find("full{reason=\"bandwidth\"} 1\n") != std::string::npos);
  ck_assert(text.find("full{reason=\"sessions\"} 0\n") != std::string::npos);
}

VC_SUITE_MAIN("server-node_load")
