// SPDX-License-Identifier: MIT
#include "libvideocall/quic/meeting_url.h"

#include <string>

#include "libvideocall/wire/limits.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::quic;

VC_TEST(reads_a_path) {
  const auto path = MeetingPath::parse(
      "/meet/My_Meeting-1?token=a.b%2Ec&v=1&resume=xyz&more=1");
  ck_assert_int_eq(path.status, 200);
  ck_assert_str_eq(path.meeting_id.c_str(), "My_Meeting-1");
  ck_assert_str_eq(path.token.c_str(), "a.b.c");
  ck_assert_str_eq(path.resume.c_str(), "xyz");
}

VC_TEST(version_1_is_the_default_and_the_only_one) {
  ck_assert_int_eq(MeetingPath::parse("/meet/x?token=t").status, 200);
  for (const char* path :
       {"/meet/x?token=t&v=2", "/meet/x?token=t&v=", "/meet/x?v=10&token=t"}) {
    const auto refused = MeetingPath::parse(path);
    ck_assert_int_eq(refused.status, 400);
    ck_assert(refused.reason.find("served: 1") != std::string::npos);
  }
}

VC_TEST(refuses_what_is_no_meeting) {
  ck_assert_int_eq(MeetingPath::parse("").status, 404);
  ck_assert_int_eq(MeetingPath::parse("/meet").status, 404);
  ck_assert_int_eq(MeetingPath::parse("/Meet/x?token=t").status, 404);
  ck_assert_int_eq(MeetingPath::parse("/meet/?token=t").status, 400);
  ck_assert_int_eq(MeetingPath::parse("/meet/a.b?token=t").status, 400);
  ck_assert_int_eq(MeetingPath::parse("/meet/a/b?token=t").status, 400);
  ck_assert_int_eq(MeetingPath::parse("/meet/x?token=%2").status, 400);
  ck_assert_int_eq(MeetingPath::parse("/meet/x?token=%zz").status, 400);
  ck_assert_int_eq(MeetingPath::parse("/meet/x?token=t%00u").status, 400);
  ck_assert_int_eq(MeetingPath::parse("/meet/x").status, 401);
  const std::string longest(limits::kMaxMeetingIdBytes, 'a');
  ck_assert_int_eq(MeetingPath::parse("/meet/" + longest + "?token=t").status,
                   200);
  ck_assert_int_eq(MeetingPath::parse("/meet/" + longest + "a?token=t").status,
                   400);
}

VC_TEST(a_refusal_does_not_repeat_the_query) {
  const auto refused = MeetingPath::parse("/meet/a b?token=secret");
  ck_assert(refused.reason.find("secret") == std::string::npos);
  ck_assert(refused.token.empty());
}

VC_TEST(reads_a_url) {
  const auto url = MeetingUrl::parse("https://example.org/meet/x?token=t#top");
  ck_assert(url.ok());
  ck_assert_str_eq(url->host.c_str(), "example.org");
  ck_assert_uint_eq(url->port, 443);
  ck_assert_str_eq(url->authority.c_str(), "example.org");
  ck_assert_str_eq(url->path_and_query.c_str(), "/meet/x?token=t");
  const auto six = MeetingUrl::parse("https://[::1]:4433/meet/x");
  ck_assert(six.ok());
  ck_assert_str_eq(six->host.c_str(), "::1");
  ck_assert_uint_eq(six->port, 4433);
  ck_assert_str_eq(six->authority.c_str(), "[::1]:4433");
  const auto bare = MeetingUrl::parse("https://h?token=t");
  ck_assert(bare.ok());
  ck_assert_str_eq(bare->path_and_query.c_str(), "/?token=t");
}

VC_TEST(refuses_what_is_no_url) {
  for (const char* text :
       {"", "https://", "http://h/meet/x", "https://h:0/", "https://h:99999/",
        "https://h:12x/", "https://[::1/", "https://user@h/", "https://:1/",
        "https://[::1]x/"}) {
    const auto url = MeetingUrl::parse(text);
    ck_assert_msg(!url.ok(), "%s", text);
    ck_assert(url.error().code == Errc::invalid_argument);
  }
}

VC_SUITE_MAIN("quic/meeting_url")
