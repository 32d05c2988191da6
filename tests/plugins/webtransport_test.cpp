// SPDX-License-Identifier: MIT
// Source and sink together: a listener pipeline and callers on loopback.
#include <gst/gst.h>

#include "tests/plugins/webtransportbench.h"
#include "tests/support/make_packet.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::testing;

VC_TEST(packets_go_from_caller_to_caller) {
  gst_init(nullptr, nullptr);
  ServerBench server;
  server.play();
  CallerBench anna(server, server.uri("anna"), "anna");
  CallerBench bert(server, server.uri("bert"), "bert");
  ck_assert(bool(anna.pull(PacketType::session_assigned)));
  ck_assert(bool(bert.pull(PacketType::session_assigned)));
  ck_assert(wait_message(anna.bus, "videocall-connected") != nullptr);

  const PacketRef frame = media({.keyframe = true, .size = 7'000});
  anna.push(frame);
  const PacketRef got = bert.pull(PacketType::media);
  ck_assert(bool(got));
  ck_assert_uint_eq(got->fields().data.size(), frame->fields().data.size());
  const std::string user(
      reinterpret_cast<const char*>(got->fields().user_id.data()),
      got->fields().user_id.size());
  ck_assert_str_eq(user.c_str(), "anna");
}

VC_SUITE_MAIN("plugins/webtransport")
