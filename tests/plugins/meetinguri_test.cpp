// SPDX-License-Identifier: MIT
#include "plugins/videocall/meetinguri.h"

#include "tests/support/suite.h"

using videocall::gst::format_meeting_uri;
using videocall::gst::MeetingUri;
using videocall::gst::parse_meeting_uri;

VC_TEST(reads_every_part) {
  std::string why;
  auto parts = parse_meeting_uri(
      "videocall://localhost:8080/demo?user=cam&display-name=The%20Camera",
      why);
  ck_assert(parts.has_value());
  ck_assert(*parts ==
            (MeetingUri{"http://localhost:8080", "demo", "cam", "The Camera"}));
  parts = parse_meeting_uri("videocalls://call.example.org/a_b-C", why);
  ck_assert(parts.has_value());
  ck_assert(*parts ==
            (MeetingUri{"https://call.example.org", "a_b-C", "", ""}));
  parts = parse_meeting_uri("videocall://[::1]:80/sub/path/demo", why);
  ck_assert(parts.has_value());
  ck_assert(parts->location == "http://[::1]:80/sub/path");
  ck_assert(parts->meeting == "demo");
}

VC_TEST(comes_back_as_it_was) {
  for (const MeetingUri& parts :
       {MeetingUri{"http://localhost:8080", "demo", "", ""},
        MeetingUri{"https://call.example.org/base", "x", "anna@home", ""},
        MeetingUri{"http://[2001:db8::1]:81", "a-b_c", "ä&?=", "Anna B / C"},
        MeetingUri{"http://h", "m", "", "only name"}}) {
    std::string why;
    const auto again = parse_meeting_uri(format_meeting_uri(parts), why);
    ck_assert_msg(again.has_value(), "%s: %s",
                  format_meeting_uri(parts).c_str(), why.c_str());
    ck_assert(*again == parts);
  }
  ck_assert(format_meeting_uri({"http://h", "", "", ""}).empty());
  ck_assert(format_meeting_uri({"ftp://h", "m", "", ""}).empty());
}

VC_TEST(says_what_is_wrong) {
  for (const char* uri :
       {"http://host/demo", "videocall:///demo", "videocall://host",
        "videocall://host/", "videocall://host/demo?usr=x", "videocall",
        "videocall://host/demo?user", ""}) {
    std::string why;
    ck_assert_msg(!parse_meeting_uri(uri, why), "%s", uri);
    ck_assert_msg(!why.empty(), "%s", uri);
  }
}

VC_SUITE_MAIN("plugins/meetinguri")
