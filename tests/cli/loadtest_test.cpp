// SPDX-License-Identifier: MIT
// loadtest against a real daemon: small scenarios, and each bound broken once.
// What a machine under load does to latency and loss is not judged here.
#include <algorithm>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

// Before what defines a macro called fail.
#include "tests/server/certificate.h"
#include "tests/server/process.h"
#include "tests/server/temporary_folder.h"
//
#include "tests/cli/program.h"
#include "tests/support/suite.h"

using nlohmann::json;
using videocall::testing::Process;
using videocall::testing::TemporaryFolder;

namespace {

using Words = std::vector<std::string>;

class Server {
 public:
  explicit Server(const Words& limits = {"--join-rate=0"}) {
    Words flags = Process::quiet_flags(state_);
    flags.insert(flags.end(), limits.begin(), limits.end());
    process_ = std::make_unique<Process>(flags);
    url_ = process_->wait_until_ready();
  }
  // Runs a short test with |more| flags.
  Ran load(const Words& more) const {
    Words words = {"loadtest", "--url", url_, "--warm-up", "0.2"};
    const auto unless_given = [&](const char* flag, const char* value) {
      if (std::find(more.begin(), more.end(), flag) == more.end())
        words.insert(words.end(), {flag, value});
    };
    unless_given("--duration", "1.5");
    unless_given("--viewers", "2");
    words.insert(words.end(), more.begin(), more.end());
    return run_cli(words);
  }
  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] std::string pid() const {
    return std::to_string(process_->pid());
  }

 private:
  TemporaryFolder state_;
  std::unique_ptr<Process> process_;
  std::string url_;
};

json figures(const Ran& ran) {
  const json object = json::parse(ran.out, nullptr, false);
  ck_assert_msg(object.is_object(), "%d: no JSON in %s%s", ran.code,
                ran.out.c_str(), ran.err.c_str());
  return object;
}

}  // namespace

VC_TEST(delivers_and_measures) {
  const Server server;
  TemporaryFolder folder;
  const std::string page = folder.file("report.html");
  const std::string twice = server.pid() + "," + server.pid();
  const Ran ran = server.load({"--viewers", "3", "--audio", "--server-pid",
                               twice, "--json", "-", "--report", page});
  ck_assert_msg(ran.code == 0, "%d %s", ran.code, ran.err.c_str());
  const json all = figures(ran);
  const json& total = all["total"];
  // 30 frames and 50 packets of sound a second for each of three.
  ck_assert_int_gt(total["packets_expected"].get<int>(), 200);
  ck_assert_int_gt(total["packets_received"].get<int>(), 100);
  ck_assert_int_gt(total["video"]["packets_received"].get<int>(), 30);
  ck_assert_int_gt(total["audio"]["packets_received"].get<int>(), 50);
  ck_assert_int_eq(total["gaps"]["frames_torn"].get<int>(), 0);
  ck_assert_int_eq(total["gaps"]["frames_without_key_frame"].get<int>(), 0);
  ck_assert_double_gt(total["latency_ms"]["p50"].get<double>(), 0);
  ck_assert_double_ge(total["latency_ms"]["max"].get<double>(),
                      total["latency_ms"]["p99"].get<double>());
  ck_assert_int_eq(total["first_key_frame_ms"]["count"].get<int>(), 3);
  ck_assert_int_eq(all["failed_sessions"].get<int>(), 0);
  ck_assert_double_gt(all["server"]["resident_kb"].get<double>(), 1'000);
  ck_assert(all["server"]["core_s_per_gb"].is_number());
  const json& each = all["server"]["process_cpu_s"];
  ck_assert_int_eq(int(each.size()), 2);
  ck_assert_double_gt(each[0].get<double>(), 0);
  ck_assert_double_eq_tol(all["server"]["cpu_s"].get<double>(),
                          each[0].get<double>() + each[1].get<double>(), 1e-9);
  ck_assert_int_eq(int(all["viewers"].size()), 3);
  for (const json& viewer : all["viewers"]) {
    ck_assert_str_eq(viewer["class"].get<std::string>().c_str(), "steady");
    ck_assert_int_gt(viewer["packets_received"].get<int>(), 30);
  }
  const std::string html = videocall::testing::read_file(page);
  for (const char* text : {"<svg", "Latency, ms", "<path", "</html>"})
    ck_assert_msg(html.find(text) != std::string::npos, "no %s", text);
  ck_assert(html.find("http") == std::string::npos);  // needs nothing else
}

VC_TEST(delivers_over_websockets_too) {
  TemporaryFolder folder;
  const auto pair = make_certificate(folder, "server");
  for (const bool secure : {false, true}) {
    Words flags = {"--join-rate=0"};
    if (secure)
      flags.insert(flags.end(), {"--tls-certificate=" + pair.certificate,
                                 "--tls-key=" + pair.key});
    const Server server(flags);
    Words load = {"--transport", "websocket", "--viewers",  "4",      "--audio",
                  "--slow",      "1",         "--churning", "1",      "--stay",
                  "0.5",         "--away",    "0.2",        "--json", "-"};
    // The certificate is nobody's.
    if (secure) {
      expect(server.load(load), 6, "ertificate");
      load.push_back("--insecure-skip-verify");
    }
    const Ran ran = server.load(load);
    ck_assert_msg(ran.code == 0, "%d %s", ran.code, ran.err.c_str());
    const json all = figures(ran);
    ck_assert_str_eq(all["scenario"]["transport"].get<std::string>().c_str(),
                     "websocket");
    const json& steady = all["classes"]["steady"];
    ck_assert_int_gt(steady["video"]["packets_received"].get<int>(), 30);
    ck_assert_int_gt(steady["audio"]["packets_received"].get<int>(), 50);
    ck_assert_int_eq(all["total"]["gaps"]["frames_torn"].get<int>(), 0);
    ck_assert_int_eq(all["failed_sessions"].get<int>(), 0);
    ck_assert_int_eq(all["lost_sessions"].get<int>(), 0);
    for (const json& viewer : all["viewers"])
      if (viewer["class"] == "churning")
        ck_assert_int_gt(viewer["joins"].get<int>(), 1);
  }
  expect(run_cli({"loadtest", "--transport", "websocket", "--lossy", "1"}), 2,
         "--lossy needs --transport webtransport");
}

// The servers know nothing of each other, so who sees the publisher is at its
// server. One UDP socket for each must do.
VC_TEST(viewers_join_at_the_servers_that_they_are_told) {
  const Server first;
  const Server second;
  for (const char* transport : {"webtransport", "websocket"}) {
    const Ran ran = first.load(
        {"--viewer-url", first.url() + "," + second.url(), "--viewers", "4",
         "--sockets", "1", "--transport", transport, "--json", "-"});
    ck_assert_msg(ran.code == 0, "%s: %d %s", transport, ran.code,
                  ran.err.c_str());
    const json all = figures(ran);
    ck_assert_int_eq(all["failed_sessions"].get<int>(), 0);
    ck_assert_int_eq(all["lost_sessions"].get<int>(), 0);
    int at_the_first = 0;
    int at_the_second = 0;
    for (const json& viewer : all["viewers"]) {
      ck_assert_int_eq(viewer["joins"].get<int>(), 1);
      ++(viewer["packets_received"].get<int>() > 0 ? at_the_first
                                                   : at_the_second);
    }
    ck_assert_int_eq(at_the_first, 2);
    ck_assert_int_eq(at_the_second, 2);
  }
}

VC_TEST(all_kinds_of_viewers_in_rooms_and_processes) {
  const Server server;
  const Ran ran = server.load(
      {"--viewers",   "4",  "--slow",     "1",   "--lossy",    "1",
       "--churning",  "1",  "--stay",     "0.5", "--away",     "0.2",
       "--storm",     "3",  "--storm-at", "0.5", "--rooms",    "2",
       "--processes", "2",  "--ramp",     "0.3", "--duration", "2.5",
       "--loss",      "20", "--json",     "-"});
  ck_assert_msg(ran.code == 0, "%d %s", ran.code, ran.err.c_str());
  const json all = figures(ran);
  for (const char* name : {"steady", "slow", "lossy", "churning"})
    ck_assert_int_eq(all["classes"][name]["viewers"].get<int>(), 2);
  ck_assert_int_eq(all["classes"]["storm"]["viewers"].get<int>(), 6);
  ck_assert_int_eq(all["total"]["viewers"].get<int>(), 14);
  ck_assert_int_gt(all["classes"]["storm"]["packets_received"].get<int>(), 30);
  for (const json& viewer : all["viewers"]) {
    if (viewer["class"] != "churning") continue;
    ck_assert_int_gt(viewer["joins"].get<int>(), 1);
  }
}

VC_TEST(layers_are_chosen_by_tiles) {
  const Server server;
  const Ran ran = server.load({"--publishers", "2", "--layers", "3",
                               "--temporal-layers", "3", "--tiles", "720,180",
                               "--video-kbps", "1000", "--json", "-"});
  ck_assert_msg(ran.code == 0, "%d %s", ran.code, ran.err.c_str());
  const json all = figures(ran);
  ck_assert_int_gt(all["total"]["packets_received"].get<int>(), 60);
  ck_assert_int_eq(all["total"]["gaps"]["frames_torn"].get<int>(), 0);
}

VC_TEST(each_bound_can_be_broken) {
  const Server server;
  const auto broken = [&](Words flags, const char* text) {
    flags.push_back("--quiet");
    const Ran ran = server.load(flags);
    ck_assert_msg(ran.code == 10 && ran.says(text), "wanted \"%s\", got %d %s",
                  text, ran.code, ran.err.c_str());
  };
  broken({"--max-p99", "0.001"}, "above --max-p99 0.001");
  broken({"--lossy", "2", "--loss", "60", "--audio", "--max-loss", "0.01"},
         "above --max-loss 0.01");
  broken({"--max-first-key-frame", "0.001"}, "above --max-first-key-frame");
  // --max-groups-cut is not among them: the relay sends a narrow link less
  // before a group has to be cut.
  broken({"--video-kbps", "20000", "--server-pid", server.pid(),
          "--max-core-s-per-gb", "0"},
         "above --max-core-s-per-gb 0");
  broken({"--viewers", "30", "--server-pid", server.pid(),
          "--max-kb-per-session", "1"},
         "above --max-kb-per-session 1");
  broken({"--max-core-s-per-gb", "5"}, "cannot be judged: give --server-pid");
}

VC_TEST(sessions_that_do_not_come_in_are_counted) {
  const Server server({"--join-rate=1", "--join-burst=4"});
  const Ran ran = server.load({"--viewers", "8", "--json", "-"});
  ck_assert_msg(ran.code == 10, "%d %s", ran.code, ran.err.c_str());
  ck_assert(ran.says("above --max-failed 0"));
  ck_assert_int_gt(figures(ran)["failed_sessions"].get<int>(), 0);
  // Without its publishers there is no test.
  expect(server.load({"--publishers", "8"}), 5, "--join-rate 0");
}

VC_TEST(a_scenario_file_holds_flags) {
  const Server server;
  TemporaryFolder folder;
  const auto write = [&](const char* text) {
    const std::string path = folder.file("scenario.toml");
    std::ofstream(path) << text;
    return path;
  };
  const Ran ran =
      server.load({"--json", "-", "--scenario",
                   write("publishers = 2\nviewers = 7\naudio = true\n"
                         "layer-kbps = [100, 400]\nlayers = 2\n")});
  ck_assert_msg(ran.code == 0, "%d %s", ran.code, ran.err.c_str());
  const json all = figures(ran);
  ck_assert_int_eq(all["scenario"]["publishers"].get<int>(), 2);
  // The command line said 2 viewers, and goes before the file.
  ck_assert_int_eq(all["scenario"]["viewers"].get<int>(), 2);
  ck_assert_int_gt(all["total"]["audio"]["packets_received"].get<int>(), 0);
  expect(server.load({"--scenario", write("\nviewrs = 7\n")}), 2,
         "scenario.toml:2: unknown key \"viewrs\"; did you mean \"viewers\"?");
  expect(server.load({"--scenario", write("fps = 100000\n")}), 2,
         "scenario.toml:1: ");
  expect(server.load({"--scenario", write("fps = \n")}), 2,
         "scenario.toml:1: ");
}

VC_TEST(real_media_is_sent_over_and_over) {
  const Server server;
  TemporaryFolder folder;
  const std::string film = folder.file("film.mkv");
  const std::string own = folder.file("film.toml");
  std::ofstream(own) << R"(format = 1
title = "A film of a second"
launch = "videotestsrc num-buffers=30 ! video/x-raw,width=160,height=120,framerate=30/1 ! vp8enc deadline=1 keyframe-max-dist=10 ! matroskamux name=mux ! filesink name=f audiotestsrc num-buffers=47 ! opusenc ! mux.audio_0"
[[parameter]]
name = "out"
type = "file"
access = "write"
required = true
help = "h"
sets = ["f.location"]
)";
  expect(run_cli({"run", own, "--out", film}), 0, "ended");
  const Ran ran =
      server.load({"--media", film, "--duration", "2.5", "--json", "-"});
  ck_assert_msg(ran.code == 0, "%d %s", ran.code, ran.err.c_str());
  const json total = figures(ran)["total"];
  ck_assert_int_gt(total["video"]["packets_received"].get<int>(), 60);
  ck_assert_int_gt(total["audio"]["packets_received"].get<int>(), 100);
  ck_assert_int_eq(total["gaps"]["frames_torn"].get<int>(), 0);
  expect(server.load({"--media", own}), 2, own.c_str());
}

VC_TEST(mistakes_are_told_before_anything_runs) {
  const Ran help = run_cli({"loadtest", "--help"});
  ck_assert_int_eq(help.code, 0);
  for (const char* text : {"--viewers", "--max-p99", "--storm", "--media",
                           "--report", "Examples:", "--join-rate 0"})
    ck_assert_msg(help.says(text), "no %s", text);
  expect(run_cli({"loadtest", "--viewers", "3", "--slow", "4"}), 2,
         "together they are more");
  expect(run_cli({"loadtest", "--viewrs", "3"}), 2, "did you mean --viewers?");
  expect(run_cli({"loadtest", "--group", "300"}), 2, "at most 4 s");
  // Port 9 is the discard service, which nobody runs.
  expect(run_cli({"loadtest", "--url", "http://127.0.0.1:9"}), 4,
         "Cannot reach http://127.0.0.1:9");
  expect(run_cli({"loadtest", "--url", "http://127.0.0.1:9", "--server-pid",
                  "999999999"}),
         2, "there is no process 999999999");
}

VC_SUITE_MAIN("cli/loadtest")
