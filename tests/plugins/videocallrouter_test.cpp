// SPDX-License-Identifier: MIT
#include <gst/gst.h>

#include <algorithm>
#include <string>

#include "tests/plugins/routerbench.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::testing;

namespace {

PacketFields camera_frame(uint64_t sequence, bool keyframe) {
  PacketFields fields;
  fields.type = PacketType::media;
  fields.kind = MediaKind::video;
  fields.header.sequence = sequence;
  fields.header.group = 1;
  fields.header.keyframe = keyframe;
  fields.header.height = 360;
  return fields;
}

constexpr SessionHandle kAnna{1, 0, 1, 1};
constexpr SessionHandle kBert{1, 1, 2, 1};

// What was sent to |session|, in order.
std::vector<Received> sent_to(const std::vector<Received>& all,
                              SessionHandle session) {
  std::vector<Received> found;
  for (const Received& one : all) {
    const auto& to = one.recipients->sessions;
    if (std::find(to.begin(), to.end(), session) != to.end())
      found.push_back(one);
  }
  return found;
}

}  // namespace

VC_TEST(packets_come_out_with_their_recipients) {
  gst_init(nullptr, nullptr);
  RouterBench bench(2);
  bench.start();
  bench.join(0, kAnna, "anna");
  bench.join(1, kBert, "bert");
  const auto greetings = bench.take();
  ck_assert(sent_to(greetings, kAnna).at(0).packet->fields().type ==
            PacketType::session_assigned);
  // What a packet causes leaves through the pad beside the one it came by.
  ck_assert_int_eq(sent_to(greetings, kAnna).at(0).pad, 0);
  ck_assert_int_eq(sent_to(greetings, kBert).at(0).pad, 1);

  ck_assert_int_eq(bench.push(0, kAnna, camera_frame(1, true)), GST_FLOW_OK);
  const auto media = bench.take();
  ck_assert_uint_eq(media.size(), 1);
  ck_assert_uint_eq(media[0].recipients->sessions.size(), 1);
  ck_assert(media[0].recipients->sessions[0] == kBert);
  ck_assert_str_eq(std::string(media[0].packet->fields().user_id.begin(),
                               media[0].packet->fields().user_id.end())
                       .c_str(),
                   "anna");
  ck_assert_uint_ne(media[0].packet->fields().session_id, 0);
}

VC_SUITE_MAIN("videocallrouter")
