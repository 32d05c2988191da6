// SPDX-License-Identifier: MIT
#include "libvideocall/cluster/directory.h"

#include <string>

#include "libvideocall/wire/limits.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::cluster;

namespace {

Heartbeat beat(const std::string& id, uint64_t incarnation = 1) {
  Heartbeat heartbeat;
  heartbeat.node_id = id;
  heartbeat.incarnation = incarnation;
  return heartbeat;
}

}  // namespace

VC_TEST(a_silent_node_is_dead_once) {
  Directory directory;
  const Time start(1000s);
  ck_assert(directory.heard(beat("a"), start) == Directory::News::came);
  ck_assert(directory.heard(beat("b"), start) == Directory::News::came);
  ck_assert(directory.heard(beat("b"), start + 3s) == Directory::News::known);
  ck_assert(directory.sweep(start + limits::kNodeSilence - 1ms).empty());
  const auto dead = directory.sweep(start + limits::kNodeSilence);
  ck_assert_uint_eq(dead.size(), 1);
  ck_assert_str_eq(dead[0].c_str(), "a");
  ck_assert(directory.sweep(start + limits::kNodeSilence).empty());
  ck_assert_uint_eq(directory.nodes().size(), 1);
  ck_assert(directory.heard(beat("a"), start + 6s) == Directory::News::came);
}

VC_TEST(a_restart_is_noticed_at_once) {
  Directory directory;
  ck_assert(directory.heard(beat("a", 1), Time(1s)) == Directory::News::came);
  ck_assert(directory.heard(beat("a", 2), Time(2s)) ==
            Directory::News::restarted);
}

VC_TEST(who_drained_has_the_time_to_resume) {
  Directory directory;
  Heartbeat heartbeat = beat("a");
  heartbeat.draining = true;
  directory.heard(heartbeat, Time(0s));
  ck_assert(directory.sweep(Time(limits::kDrainedNodeSilence) - 1ms).empty());
  ck_assert_uint_eq(directory.sweep(Time(limits::kDrainedNodeSilence)).size(),
                    1);
}

VC_TEST(nodes_are_bounded) {
  Directory directory;
  for (size_t i = 0; i < limits::kMaxNodes; ++i)
    directory.heard(beat("n" + std::to_string(i)), Time(0s));
  ck_assert(directory.heard(beat("more"), Time(0s)) ==
            Directory::News::ignored);
  ck_assert_uint_eq(directory.nodes().size(), limits::kMaxNodes);
}

VC_SUITE_MAIN("cluster/directory")
