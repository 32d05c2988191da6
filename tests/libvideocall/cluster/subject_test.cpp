// SPDX-License-Identifier: MIT
#include "libvideocall/cluster/subject.h"

#include <string>

#include "libvideocall/cluster/limits.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::cluster;

VC_TEST(what_is_written_is_read) {
  const TrackLayer track{limits::kMaxSessionId, MediaKind::screen, 2};
  const std::string media = media_subject("demo-1_x", track);
  ck_assert_str_eq(media.c_str(),
                   "videocall.room.demo-1_x.media.9007199254740991.screen.2");
  const Subject read = parse_subject(media);
  ck_assert(read.kind == Subject::Kind::media);
  ck_assert(read.track == track);
  ck_assert(read.meeting == "demo-1_x");
  const std::string control = control_subject("demo", "node-1");
  ck_assert_str_eq(control.c_str(), "videocall.room.demo.ctl.node-1");
  ck_assert(parse_subject(control).kind == Subject::Kind::control);
  ck_assert(parse_subject(control).node == "node-1");
  ck_assert(parse_subject(node_subject("n")).kind == Subject::Kind::node);
  ck_assert(parse_subject(kNodesSubject).kind == Subject::Kind::nodes);
}

VC_TEST(what_is_none_is_other) {
  for (const char* text : {"",
                           "videocall",
                           "videocall.nodes.x",
                           "videocall.node.",
                           "videocall.node.a.b",
                           "videocall.room.demo",
                           "videocall.room.demo.ctl.",
                           "videocall.room..ctl.a",
                           "videocall.room.demo.ctl.a b",
                           "videocall.room.demo.ctl.*",
                           "videocall.room.demo.media.0.video.0",
                           "videocall.room.demo.media.9007199254740992.video.0",
                           "videocall.room.demo.media.1.video.3",
                           "videocall.room.demo.media.1.audio.1",
                           "videocall.room.demo.media.1.smell.0",
                           "videocall.room.demo.media.1.video",
                           "videocall.room.demo.media.1.video.0.0",
                           "videocall.room.demo.media.-1.video.0",
                           "videocall.room.demo.other.a",
                           "elsewhere.room.demo.ctl.a"})
    ck_assert_msg(parse_subject(text).kind == Subject::Kind::other, "%s", text);
  ck_assert(is_node_id(std::string(limits::kMaxNodeIdBytes, 'a')));
  ck_assert(!is_node_id(std::string(limits::kMaxNodeIdBytes + 1, 'a')));
  ck_assert(!is_node_id("a.b"));
}

VC_SUITE_MAIN("cluster/subject")
