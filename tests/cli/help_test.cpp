// SPDX-License-Identifier: MIT
// What the program teaches, and how it answers mistakes on its command line.
#include <string>

#include "tests/cli/program.h"
#include "tests/support/suite.h"

VC_TEST(the_program_introduces_itself) {
  const Ran ran = run_cli({"--help"});
  ck_assert_int_eq(ran.code, 0);
  for (const char* text :
       {"stream", "watch", "run", "info", "pipelines",
        "Examples:", "Exit codes:", "  4  the server does not answer"})
    ck_assert_msg(ran.says(text), "no \"%s\" in\n%s", text, ran.out.c_str());
  expect(run_cli({"--version"}), 0, "videocall-cli ");
}

// Users of videocall.rs know these by name.
VC_TEST(stream_has_every_known_flag) {
  const Ran ran = run_cli({"stream", "--help"});
  ck_assert_int_eq(ran.code, 0);
  for (const char* flag : {"--user-id",
                           "--meeting-id",
                           "--url",
                           "-v,--video-device-index",
                           "-a,--audio-device",
                           "-r,--resolution",
                           "--fps",
                           "--bitrate-kbps",
                           "--vp9-cpu-used",
                           "--frame-format",
                           "--insecure-skip-verify",
                           "--debug-keylog",
                           "--debug-send-test-pattern",
                           "--debug-offline-streaming-test",
                           "--video-file",
                           "--audio-file",
                           "--codec",
                           "--json",
                           "Examples:",
                           "Exit codes:"})
    ck_assert_msg(ran.says(flag), "no %s in\n%s", flag, ran.out.c_str());
}

VC_TEST(help_says_range_and_default) {
  const Ran ran = run_cli({"stream", "--help"});
  ck_assert(ran.says("--bitrate-kbps uint, 30 to 50000 kbit/s, default 1200"));
  ck_assert(ran.says("-r,--resolution WIDTHxHEIGHT, default 1280x720"));
}

VC_TEST(watch_and_info_have_their_flags) {
  const Ran watch = run_cli({"watch", "--help"});
  for (const char* flag : {"--record", "--show", "--meeting-id", "--user-id"})
    ck_assert(watch.says(flag));
  const Ran info = run_cli({"info", "--help"});
  for (const char* flag : {"--list-cameras", "--list-audio-devices",
                           "--list-formats", "--list-resolutions"})
    ck_assert(info.says(flag));
}

VC_TEST(mistakes_are_named_with_the_right_word) {
  expect(run_cli({"strem"}), 2,
         "unknown flag or word \"strem\"; did you mean stream?");
  expect(run_cli({"stream", "--fsp", "3"}), 2,
         "unknown flag or word \"--fsp\"; did you mean --fps?");
  expect(run_cli({}), 2, "say what to do: stream, watch, run, info");
  expect(run_cli({"pipelines"}), 2, "say what to do: list, show, check");
  expect(run_cli({"pipelines", "check"}), 2,
         "NAME is required (videocall-cli pipelines check --help");
  expect(run_cli({"stream", "--fps"}), 2, "--fps needs a value");
  expect(run_cli({"info"}), 2, "say what to show");
}

VC_TEST(values_are_checked_before_anything_runs) {
  const std::vector<std::string> base = {
      "stream", "--debug-offline-streaming-test", "--debug-send-test-pattern"};
  const auto with = [&](std::vector<std::string> more) {
    std::vector<std::string> all = base;
    all.insert(all.end(), more.begin(), more.end());
    return run_cli(all);
  };
  expect(with({"--fps", "0"}), 2,
         "--fps: 0 is out of range, 1 to 120 pictures/s");
  expect(with({"--resolution", "big"}), 2, "is not WIDTHxHEIGHT");
  expect(with({"--codec", "vp10"}), 2, "did you mean \"vp8\"?");
  expect(with({"--video-file", "/no/such/film"}), 2,
         "no such file: /no/such/film");
  expect(run_cli({"stream", "--user-id", "cam", "--video", "pattern"}), 2,
         "--meeting-id is missing");
  expect(run_cli({"stream", "--video", "pattern", "--video-file", "/dev/null",
                  "--to", "offline"}),
         2, "video-file has no meaning with video = pattern");
}

VC_TEST(an_address_that_is_none_is_a_wrong_value) {
  const auto with = [](const char* url) {
    return run_cli({"stream", "--meeting-id", "m", "--user-id", "u", "--video",
                    "pattern", "--url", url});
  };
  expect(with("ftp://x"), 2, "\"ftp://x\" is no http:// or https:// address");
  expect(with("http://"), 2, "is no http:// or https:// address");
  expect(with("localhost:8080"), 2, "such as http://localhost:8080 (");
}

// One line: what is wrong and what to do.
VC_TEST(a_mistake_is_one_line) {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {},
           {"strem"},
           {"stream", "--fps"},
           {"stream", "--fps", "0"},
           {"stream", "--url", "ftp://x"},
           {"watch", "--meeting-id", "m", "--user-id", "u", "--record", "/x/y"},
           {"run", "nosuch"},
           {"pipelines", "check", "/no/such.toml"},
           {"info", "--list-formats", "99"}}) {
    const Ran ran = run_cli(words);
    ck_assert_int_gt(ran.code, 0);
    ck_assert_str_eq(ran.out.c_str(), "");
    ck_assert_msg(ran.err.starts_with("videocall-cli: ") &&
                      ran.err.find('\n') == ran.err.size() - 1,
                  "%s", ran.err.c_str());
  }
}

VC_TEST(pipelines_are_listed_shown_and_checked) {
  const Ran list = run_cli({"pipelines", "list"});
  ck_assert_int_eq(list.code, 0);
  for (const char* name : {"relay", "stream", "watch"})
    ck_assert(list.says(name));
  expect(run_cli({"pipelines", "show", "stream"}), 0, "[[choice]]");
  expect(run_cli({"pipelines", "show", "steam"}), 8,
         "no description \"steam\"; did you mean \"stream\"?");
  for (const char* name : {"relay", "stream", "watch"})
    expect(run_cli({"pipelines", "check", name}), 0, "no faults");
}

VC_SUITE_MAIN("cli/help")
