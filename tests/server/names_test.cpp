// SPDX-License-Identifier: MIT
#include "server/names.h"

#include <string>

#include "tests/support/suite.h"

using namespace videocall::server;

VC_TEST(meeting_ids) {
  for (const std::string& id :
       {std::string("a"), std::string("Team_1-x"), std::string(255, 'z')})
    ck_assert(is_meeting_id(id));
  for (const std::string& id :
       {std::string(), std::string(256, 'z'), std::string("a b"),
        std::string("a/b"), std::string("a.b"), std::string("ä"),
        std::string("a*"), std::string("a>"), std::string("a\0", 2)})
    ck_assert_msg(!is_meeting_id(id), "%s", id.c_str());
}

VC_TEST(user_ids) {
  for (const std::string& id : {std::string("a"), std::string("a@b.c"),
                                std::string("Ж ❤"), std::string(64, 'z')})
    ck_assert(is_user_id(id));
  for (const std::string& id :
       {std::string(), std::string(65, 'z'), std::string("a\x7f"),
        std::string("a\n"), std::string("\xc2\x80"), std::string("\xff"),
        std::string("\xed\xa0\x80"), std::string("a\xc3"),
        std::string("a\0b", 3)})
    ck_assert(!is_user_id(id));
}

VC_TEST(display_names) {
  ck_assert(is_display_name("Ada Lovelace"));
  ck_assert(is_display_name(std::string(128, 'z')));
  for (const std::string& name :
       {std::string(), std::string("  "), std::string("\xe2\x80\x83"),
        std::string(129, 'z'), std::string("a\rb")})
    ck_assert(!is_display_name(name));
}

VC_SUITE_MAIN("server/names")
