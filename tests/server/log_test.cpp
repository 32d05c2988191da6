// SPDX-License-Identifier: MIT
#include "server/log.h"

#include <nlohmann/json.hpp>

#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::server;

VC_TEST(secrets_in_urls_are_masked) {
  const auto is = [](const char* text, const char* wanted) {
    const std::string masked = mask_secrets(text);
    ck_assert_msg(masked == wanted, "%s", masked.c_str());
  };
  is("https://h/meet/x?token=abc.def-_&v=1", "https://h/meet/x?token=***&v=1");
  is("?token=a&resume=b", "?token=***&resume=***");
  is("token=a token=b", "token=*** token=***");
  is("'https://h/?token=abc'", "'https://h/?token=***'");
  is("token=", "token=***");
  is("no secret", "no secret");
}

VC_TEST(a_text_line) {
  ck_assert(format_line(false, "T", LogLevel::info, "http", "joined",
                        {{"user", "a b"}, {"n", "3"}, {"x", ""}}) ==
            "T INFO    http: joined user=\"a b\" n=3 x=\"\"");
  // journald adds the time and reads the priority.
  ck_assert(format_line(false, "", LogLevel::error, "http", "x", {}) ==
            "<3>http: x");
}

VC_TEST(nobody_can_forge_a_line) {
  const std::string line =
      format_line(false, "T", LogLevel::info, "http", "joined",
                  {{"user", "x\nT ERROR http: hacked\x1b[31m"}});
  ck_assert(line.find('\n') == std::string::npos);
  ck_assert(line.find('\x1b') == std::string::npos);
}

VC_TEST(a_json_line) {
  const std::string line =
      format_line(true, "T", LogLevel::warning, "http", "a \"b\"",
                  {{"user", "x\ny\xff"}, {"url", "?token=s"}});
  ck_assert(line.find('\n') == std::string::npos);
  const auto json = nlohmann::json::parse(line);
  ck_assert(json["level"] == "warning");
  ck_assert(json["time"] == "T");
  ck_assert(json["area"] == "http");
  ck_assert(json["message"] == "a \"b\"");
  ck_assert(json["user"] == "x\ny\xef\xbf\xbd");
  ck_assert(json["url"] == "?token=***");
}

VC_SUITE_MAIN("server/log")
