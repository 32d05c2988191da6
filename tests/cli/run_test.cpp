// SPDX-License-Identifier: MIT
// The program at work, without a server: streaming to nowhere, descriptions of
// one's own, and every way to fail that needs no network.
#include <glib/gstdio.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "tests/cli/program.h"
#include "tests/support/suite.h"

namespace fs = std::filesystem;

namespace {

class Folder {
 public:
  Folder() {
    char name[] = "/tmp/videocall-cli-test-XXXXXX";
    ck_assert_ptr_nonnull(g_mkdtemp(name));
    path_ = name;
  }
  ~Folder() {
    std::error_code error;
    fs::remove_all(path_, error);
  }
  std::string write(const std::string& name, const std::string& text) {
    const fs::path path = path_ / name;
    std::ofstream(path) << text;
    return path.string();
  }
  [[nodiscard]] std::string path(const std::string& name) const {
    return (path_ / name).string();
  }

 private:
  fs::path path_;
};

constexpr char kOwn[] = R"(format = 1
title = "Writes zeros"
launch = "fakesrc name=source num-buffers=5 sizetype=fixed sizemax=10 filltype=zero ! filesink name=sink"
[[parameter]]
name = "count"
type = "uint"
min = 1
max = 100
help = "How many pieces"
sets = ["source.num-buffers"]
[[parameter]]
name = "out"
type = "file"
access = "write"
required = true
help = "Where to"
sets = ["sink.location"]
)";

// The last status line of --json.
nlohmann::json last_status(const Ran& ran) {
  std::istringstream lines(ran.out);
  nlohmann::json last;
  for (std::string line; std::getline(lines, line);) {
    const auto object = nlohmann::json::parse(line);
    if (object["event"] == "status") last = object;
  }
  return last;
}

}  // namespace

VC_TEST(encodes_to_nowhere_with_every_codec) {
  for (const char* codec : {"vp8", "vp9", "h264"}) {
    const Ran ran =
        run_cli({"stream", "--debug-offline-streaming-test",
                 "--debug-send-test-pattern", "--audio", "tone", "--codec",
                 codec, "--resolution", "320x180", "--bitrate-kbps", "200",
                 "--duration", "2.5", "--json"});
    ck_assert_msg(ran.code == 0, "%s: %d %s", codec, ran.code, ran.err.c_str());
    const nlohmann::json status = last_status(ran);
    ck_assert_msg(status.is_object(), "%s: no status in %s", codec,
                  ran.out.c_str());
    ck_assert_int_gt(status["frames"].get<int>(), 5);
    ck_assert_int_gt(status["bytes"].get<int>(), 1'000);
    ck_assert(ran.says("\"event\":\"leaving\""));
  }
}

VC_TEST(encodes_in_three_sizes) {
  for (const char* codec : {"vp8", "h264"}) {
    const Ran ran = run_cli({"stream", "--to", "offline", "--video", "pattern",
                             "--simulcast", "--codec", codec, "--resolution",
                             "640x360", "--fps", "10", "--bitrate-kbps", "300",
                             "--duration", "2.5", "--json"});
    ck_assert_msg(ran.code == 0, "%s: %d %s", codec, ran.code, ran.err.c_str());
    const nlohmann::json status = last_status(ran);
    ck_assert_msg(status.is_object(), "%s: no status", codec);
    // The small ones count as bytes and not as pictures.
    ck_assert_int_gt(status["frames"].get<int>(), 5);
    ck_assert_int_lt(status["frames"].get<int>(), 40);
  }
  const Ran text = run_cli({"stream", "--meeting-id", "m", "--user-id", "u",
                            "--video", "pattern", "--simulcast",
                            "--bitrate-kbps", "1000", "--print-pipeline"});
  for (const char* part :
       {"out.video_0", "out.video_1", "out.video_2", "vp8-low", "vp8-middle"})
    ck_assert_msg(text.says(part), "no %s in %s", part, text.out.c_str());
}

VC_TEST(sends_sound_alone) {
  const Ran ran = run_cli({"stream", "--to", "offline", "--video", "none",
                           "--audio", "tone", "--duration", "1.5", "--json"});
  ck_assert_int_eq(ran.code, 0);
  ck_assert_int_gt(last_status(ran)["bytes"].get<int>(), 100);
}

VC_TEST(sends_a_file_to_its_end) {
  Folder folder;
  const std::string film = folder.path("film.mkv");
  const std::string own = folder.write("film.toml", R"(format = 1
title = "A film of a second"
launch = "videotestsrc num-buffers=30 ! video/x-raw,width=160,height=120,framerate=30/1 ! vp8enc deadline=1 ! matroskamux name=mux ! filesink name=f audiotestsrc num-buffers=47 ! opusenc ! mux.audio_0"
[[parameter]]
name = "out"
type = "file"
access = "write"
required = true
help = "h"
sets = ["f.location"]
)");
  expect(run_cli({"run", own, "--out", film}), 0, "ended");
  const Ran ran = run_cli({"stream", "--to", "offline", "--video-file", film,
                           "--audio-file", film, "--resolution", "160x120"});
  expect(ran, 0, "the source has ended");
}

VC_TEST(runs_a_description_of_ones_own) {
  Folder folder;
  const std::string own = folder.write("own.toml", kOwn);
  const std::string out = folder.path("zeros");
  ck_assert_int_eq(run_cli({"run", own, "--count", "3", "--out", out}).code, 0);
  ck_assert_uint_eq(fs::file_size(out), 30);
  const Ran help = run_cli({"run", own, "--help"});
  expect(help, 0, "Writes zeros.");
  expect(help, 0, "--count uint, 1 to 100");
  expect(run_cli({"run", own}), 2, "--out is missing: Where to");
  expect(run_cli({"run", own, "--count", "0", "--out", out}), 2,
         "--count: 0 is out of range, 1 to 100");
}

VC_TEST(a_value_is_never_launch_text) {
  Folder folder;
  const std::string own = folder.write("own.toml", kOwn);
  const std::string evil = folder.path("x ! filesink location=stolen");
  ck_assert_int_eq(run_cli({"run", own, "--out", evil}).code, 0);
  ck_assert(fs::exists(evil));
}

VC_TEST(faults_of_a_description_have_their_code) {
  Folder folder;
  std::string text = kOwn;
  text.replace(text.find("title ="), 5, "titel");
  expect(run_cli({"run", folder.write("a.toml", text)}), 8,
         "a.toml:2: description: unknown key \"titel\"; did you mean "
         "\"title\"?");
  text = kOwn;
  text.replace(text.find("filesink"), 8, "filesnik");
  const std::string missing = folder.write("b.toml", text);
  expect(run_cli({"run", missing, "--out", folder.path("z")}), 7,
         "b.toml:3: no element \"filesnik\"; did you mean \"filesink\"?");
  expect(run_cli({"pipelines", "check", missing}), 8, "did you mean");
  expect(run_cli({"run", folder.path("none.toml")}), 8, "no such file");
}

VC_TEST(a_failing_pipeline_has_its_code) {
  Folder folder;
  const std::string own = folder.write("own.toml", R"(format = 1
title = "Fails"
launch = "fakesrc ! identity name=weak error-after=2 ! fakesink"
)");
  expect(run_cli({"run", own}), 7, "weak (identity)");
}

// Machines that test have no camera; where there is one, it is listed.
VC_TEST(a_machine_without_camera_is_told_so) {
  const Ran list = run_cli({"info", "--list-cameras"});
  ck_assert_int_eq(list.code, 0);
  if (!list.out.empty()) return;
  expect(list, 0, "no camera was found");
  expect(list, 0, "--video pattern");
  const Ran json = run_cli({"info", "--list-cameras", "--json"});
  ck_assert_int_eq(json.code, 0);
  ck_assert_str_eq(json.out.c_str(), "");
  expect(run_cli({"stream", "--to", "offline"}), 3, "no camera was found");
  expect(run_cli({"info", "--list-formats", "0"}), 3, "no camera was found");
  expect(run_cli({"info", "--list-resolutions", "0"}), 3, "no camera");
}

VC_TEST(no_server_is_told_with_the_remedy) {
  // Port 9 is the discard service, which nobody runs.
  const Ran ran =
      run_cli({"stream", "--url", "http://127.0.0.1:9", "--meeting-id", "m",
               "--user-id", "u", "--video", "pattern", "-r", "160x120"});
  expect(ran, 4, "Is the server running");
}

VC_TEST(ctrl_c_leaves_in_order) {
  char* words[] = {
      const_cast<char*>(VIDEOCALL_CLI), const_cast<char*>("stream"),
      const_cast<char*>("--to"),        const_cast<char*>("offline"),
      const_cast<char*>("--video"),     const_cast<char*>("pattern"),
      const_cast<char*>("-r"),          const_cast<char*>("160x120"),
      const_cast<char*>("--json"),      nullptr};
  GPid child = 0;
  int out = -1;
  ck_assert(g_spawn_async_with_pipes(
      nullptr, words, nullptr, G_SPAWN_DO_NOT_REAP_CHILD, nullptr, nullptr,
      &child, nullptr, &out, nullptr, nullptr));
  std::string text;
  char part[512];
  bool asked = false;
  for (ssize_t n = 0; (n = read(out, part, sizeof part)) > 0;) {
    text.append(part, size_t(n));
    if (!asked && text.find("\"event\":\"status\"") != std::string::npos) {
      asked = true;
      ck_assert_int_eq(kill(child, SIGINT), 0);
    }
  }
  int status = 0;
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  ck_assert(WIFEXITED(status));
  ck_assert_int_eq(WEXITSTATUS(status), 0);
  ck_assert(text.find("\"event\":\"leaving\"") != std::string::npos);
  close(out);
}

VC_SUITE_MAIN("cli/run")
