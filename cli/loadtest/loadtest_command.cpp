// SPDX-License-Identifier: MIT
#include "cli/loadtest/loadtest_command.h"

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <map>

#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/loadtest/report.h"
#include "cli/loadtest/scenario_file.h"
#include "cli/loadtest/stamp.h"
#include "cli/trouble.h"

namespace videocall::loadtest {
namespace {

using cli::ExitCode;

volatile bool stop_requested = false;

void on_signal(int number) {
  if (stop_requested) {
    signal(number, SIG_DFL);
    raise(number);
  }
  stop_requested = true;
}

constexpr const char* kWhatIsSent = "What is sent";

CLI::Range between(double low, double high) {
  return CLI::Range(low, high);
}

// What is wrong with the name of a room; empty: nothing.
std::string complaint_about_name(const std::string& text) {
  const bool ok = !text.empty() && text.size() < 240 &&
                  text.find_first_not_of(
                      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                      "0123456789_-") == std::string::npos;
  return ok ? std::string() : "not of A-Z a-z 0-9 _ -: " + text;
}

// One of |names|, of the enumeration T; what is none is told of them all.
template <typename T>
CLI::Validator one_of(std::map<std::string, T> names) {
  return CLI::Validator(
      [names = std::move(names)](std::string& value) -> std::string {
        if (const auto found = names.find(value); found != names.end()) {
          value = std::to_string(
              static_cast<std::underlying_type_t<T>>(found->second));
          return {};
        }
        std::string all;
        for (const auto& [name, meaning] : names)
          all += (all.empty() ? "" : ", ") + name;
        return "\"" + value + "\" is none of " + all;
      },
      "");
}

constexpr char kFooter[] =
    "Counts are for each room. The server limits joins by address: start it "
    "with --join-rate 0 for a test from one machine. What is sent is stamped "
    "with its time, so all clocks must be one: the load runs on one machine, "
    "the server anywhere.\n\n"
    "Examples:\n"
    "  One sender, 500 viewers, what it costs the server:\n"
    "    videocall-cli loadtest --viewers 500 --server-pid $(pidof "
    "videocalld)\n"
    "  A hundred small meetings that come within 20 s, with sound:\n"
    "    videocall-cli loadtest --rooms 100 --viewers 8 --audio --ramp 20\n"
    "  Does one slow viewer among 100 leave the others alone?\n"
    "    videocall-cli loadtest --viewers 100 --slow 1 --slow-kbps 200 "
    "--max-p99 50\n"
    "  500 join at once while 50 watch; does each see a picture in 50 ms?\n"
    "    videocall-cli loadtest --viewers 50 --storm 500 "
    "--max-first-key-frame 50\n"
    "  Three layers, one picture large, four small:\n"
    "    videocall-cli loadtest --publishers 5 --layers 3 --video-kbps 1500 "
    "--tiles 720,180,180,180,180 --audio\n"
    "  In a script: keep the figures, fail when they are bad:\n"
    "    videocall-cli loadtest --scenario evening.toml --json out.json "
    "--report out.html --max-loss 0.1 --max-p99 100\n\n"
    "A file for --scenario holds flags without their dashes, \"viewers = "
    "500\"; the command line goes before it. docs/loadtest.md explains each "
    "figure.\n\n";

}  // namespace

LoadtestCommand::LoadtestCommand(CLI::App& app)
    : app_(app.add_subcommand(
          "loadtest",
          "Many publishers and viewers against a server, and what it costs")) {
  add_who();
  add_when();
  add_video();
  add_sound();
  add_viewers();
  add_output();
  add_bounds();
  app_->footer(kFooter + std::string(cli::kExitCodeHelp));
}

void LoadtestCommand::add_who() {
  const char* group = "Who joins";
  Scenario& s = scenario_;
  app_->add_option("--url", s.url, "The server, as in a browser")
      ->capture_default_str()
      ->group(group);
  app_->add_option("--viewer-url", s.viewer_urls,
                   "Servers that are joined with it: the viewers join there, "
                   "in turn, and the publishers at --url")
      ->delimiter(',')
      ->type_name("URL,…")
      ->group(group);
  app_->add_option("--meeting-id", s.meeting,
                   "Name of the room; with --rooms NAME-0, NAME-1, …")
      ->capture_default_str()
      ->check(complaint_about_name)
      ->group(group);
  app_->add_option("--publishers", s.publishers, "Who sends")
      ->capture_default_str()
      ->check(between(0, 1'000))
      ->group(group);
  app_->add_option("--viewers", s.viewers, "Who watches")
      ->capture_default_str()
      ->check(between(0, 100'000))
      ->group(group);
  app_->add_option("--rooms", s.rooms, "Rooms like that")
      ->capture_default_str()
      ->check(between(1, 10'000))
      ->group(group);
  static const std::map<std::string, TransportKind> transports = {
      {"webtransport", TransportKind::webtransport},
      {"websocket", TransportKind::websocket}};
  app_->add_option("--transport", s.transport,
                   "Over WebTransport, or over WebSockets with a connection "
                   "each; default webtransport")
      ->type_name("webtransport|websocket")
      ->transform(one_of(transports))
      ->group(group);
  app_->add_flag("--insecure-skip-verify", s.insecure_skip_verify,
                 "Accept any certificate; for tests")
      ->group(group);
  app_->add_option("--scenario", scenario_file_,
                   "TOML file with any of these flags")
      ->type_name("FILE")
      ->check(CLI::ExistingFile)
      ->group(group);
}

void LoadtestCommand::add_when() {
  const char* group = "When";
  Scenario& s = scenario_;
  const auto add = [&](const char* flag, double& value, const char* help) {
    app_->add_option(flag, value, help)
        ->type_name("seconds")
        ->capture_default_str()
        ->check(between(0, 1e6).description(""))
        ->group(group);
  };
  add("--ramp", s.ramp,
      "The viewers join evenly over this time; 0: tokens are gathered, then "
      "all connect at once");
  add("--warm-up", s.warm_up, "From the last join to what is measured");
  add("--duration", s.duration, "What is measured");
  app_->add_option("--storm", s.storm,
                   "So many more viewers come all at once while it is measured")
      ->capture_default_str()
      ->check(between(0, 100'000))
      ->group(group);
  add("--storm-at", s.storm_at, "When, from the beginning of the measurement");
}

void LoadtestCommand::add_video() {
  const char* group = kWhatIsSent;
  Scenario& s = scenario_;
  static const std::map<std::string, VideoPattern> patterns = {
      {"none", VideoPattern::none},
      {"constant", VideoPattern::constant},
      {"mix", VideoPattern::mix}};
  app_->add_option("--video", s.video,
                   "Frames all of one size (constant), or key frames four "
                   "times as large (mix: 7576 and 1894 bytes at 500 kbit/s, "
                   "30 fps, groups of 30), or none; default mix")
      ->type_name("none|constant|mix")
      ->transform(one_of(patterns))
      ->group(group);
  app_->add_option("--video-kbps", s.video_kbps, "Of the highest layer")
      ->capture_default_str()
      ->check(between(1, 100'000))
      ->group(group);
  app_->add_option("--fps", s.fps, "Frames a second")
      ->capture_default_str()
      ->check(between(1, 240))
      ->group(group);
  app_->add_option("--group", s.group, "Frames a group of pictures")
      ->capture_default_str()
      ->check(between(1, 960))
      ->group(group);
  app_->add_option("--layers", s.layers, "Simulcast layers; 720, 360, 180")
      ->capture_default_str()
      ->check(between(1, kMaxLayers))
      ->group(group);
  app_->add_option("--layer-kbps", s.layer_kbps,
                   "Of each layer, lowest first; else a quarter each step")
      ->delimiter(',')
      ->check(between(1, 100'000))
      ->group(group);
  app_->add_option("--temporal-layers", s.temporal_layers, "In each layer")
      ->capture_default_str()
      ->check(between(1, 3))
      ->group(group);
}

void LoadtestCommand::add_sound() {
  const char* group = kWhatIsSent;
  Scenario& s = scenario_;
  app_->add_flag("--audio", s.audio,
                 "Every publisher sends sound too, 50 packets a second; who "
                 "is loud changes every 3 s")
      ->group(group);
  app_->add_option("--audio-bytes", s.audio_bytes, "Of each packet's media")
      ->capture_default_str()
      ->check(between(double(kMinSyntheticBytes), 900))
      ->group(group);
  app_->add_option("--media", s.media,
                   "Send the encoded frames of this file over and over "
                   "instead (VP8, VP9, AV1, H.264; Opus); a file a layer")
      ->type_name("FILE,…")
      ->delimiter(',')
      ->check(CLI::ExistingFile)
      ->group(group);
}

void LoadtestCommand::add_viewers() {
  const char* group = "Viewers that are not steady (among --viewers)";
  Scenario& s = scenario_;
  const auto add = [&](const char* flag, auto& value, double low, double high,
                       const char* unit, const char* help) {
    app_->add_option(flag, value, help)
        ->type_name(unit)
        ->capture_default_str()
        ->check(between(low, high).description(""))
        ->group(group);
  };
  add("--slow", s.slow, 0, 1e5, "viewers", "Behind a narrow link");
  add("--slow-kbps", s.slow_kbps, 1, 1e6, "kbit/s",
      "Its rate; it queues for up to 250 ms");
  add("--lossy", s.lossy, 0, 1e5, "viewers", "Behind a lossy link");
  add("--loss", s.loss_percent, 0, 90, "percent", "Datagrams lost to them");
  add("--delay", s.delay_ms, 0, 10'000, "ms", "Added on their way");
  app_->add_flag("--lossy-uplinks", s.lossy_uplinks,
                 "What publishers send is lost and delayed so, too")
      ->group(group);
  add("--churning", s.churning, 0, 1e5, "viewers", "Leave and come back");
  add("--stay", s.stay, 0.1, 1e6, "seconds", "How long they stay");
  add("--away", s.away, 0.1, 1e6, "seconds", "How long they are away");
  app_->add_option("--tiles", s.tiles,
                   "Heights of the pictures that every viewer shows, in "
                   "pixels; each viewer begins with another publisher. "
                   "Without it the server's default holds")
      ->type_name("PIXELS,…")
      ->delimiter(',')
      ->check(between(1, 10'000))
      ->group(group);
}

void LoadtestCommand::add_output() {
  const char* group = "Measuring";
  Scenario& s = scenario_;
  static const std::map<std::string, quic::CongestionControl> controls = {
      {"cubic", quic::CongestionControl::cubic},
      {"bbr", quic::CongestionControl::bbr}};
  app_->add_option("--server-pid", s.server_pids,
                   "Measure CPU and memory of this process; several are added "
                   "up")
      ->type_name("PID,…")
      ->delimiter(',')
      ->check(between(1, 1 << 30).description(""))
      ->group(group);
  app_->add_option("--processes", s.processes,
                   "The load's own processes, one core each")
      ->capture_default_str()
      ->check(between(1, 256))
      ->group(group);
  app_->add_option("--sockets", s.sockets,
                   "UDP sockets a process (WebTransport); a server spreads "
                   "them over its cores")
      ->capture_default_str()
      ->check(between(1, 1'024))
      ->group(group);
  app_->add_option("--congestion-control", s.congestion_control,
                   "Of what the load sends")
      ->type_name("cubic|bbr")
      ->transform(one_of(controls))
      ->group(group);
  app_->add_option("--json", json_file_,
                   "Write all figures to this file; - is standard output")
      ->type_name("FILE")
      ->group(group);
  app_->add_option("--report", report_file_,
                   "Write a page with curves of latency and loss")
      ->type_name("FILE.html")
      ->group(group);
  app_->add_flag("-q,--quiet", quiet_, "No table, only what is wrong")
      ->group(group);
}

void LoadtestCommand::add_bounds() {
  const char* group =
      "Bounds: when one is broken, the exit code is 10 (of steady viewers, "
      "where there are some)";
  const auto add = [&](const char* flag, auto& value, const char* unit,
                       const char* help) {
    app_->add_option(flag, value, help)
        ->type_name(unit)
        ->check(between(0, 1e9).description(""))
        ->group(group);
  };
  add("--max-p99", bounds_.p99_ms, "ms", "Latency of 99 % of the packets");
  add("--max-loss", bounds_.loss_percent, "percent", "Packets missing");
  add("--max-first-key-frame", bounds_.first_picture_ms, "ms",
      "Session up to first key frame, 95 % of the joins");
  add("--max-groups-cut", bounds_.groups_cut, "number",
      "Groups cut or left out, a viewer and minute");
  add("--max-core-s-per-gb", bounds_.core_s_per_gb, "seconds",
      "CPU of the server per delivered GB");
  add("--max-kb-per-session", bounds_.kb_per_session, "kB",
      "Memory of the server");
  add("--max-failed", bounds_.failed, "sessions",
      "Sessions that failed or were lost; default 0");
}

// -- Running ------------------------------------------------------------------

Director::Watcher LoadtestCommand::watcher(LiveTable& table) const {
  if (quiet_) return [](const Progress&, const Results&) {};
  if (cli::default_style() == cli::Style::terminal)
    return [&table](const Progress& progress, const Results& results) {
      std::vector<std::string> lines = progress_lines(progress);
      for (std::string& line : class_table(results))
        lines.push_back(std::move(line));
      table.draw(lines);
    };
  return [next = Time{}](const Progress& progress,
                         const Results& results) mutable {
    const Time now = Clock::now();
    if (now < next) return;
    next = now + 5s;
    std::fprintf(stderr, "%s\n", progress_line(progress, results).c_str());
  };
}

int LoadtestCommand::report_failure(const Director::Failure& failure) const {
  std::string text = failure.message;
  ExitCode code = cli::kRefused;
  if (failure.internal) {
    code = cli::kUsage;
  } else if (failure.http_status == -1 || cli::is_about_certificates(text)) {
    code = cli::kCertificate;
  } else if (failure.http_status == 0) {
    code = cli::kUnreachable;
  } else if (failure.http_status == 429) {
    text +=
        " All sessions come from one address: for a load test start the "
        "server with --join-rate 0";
  }
  std::fprintf(stderr, "videocall-cli: %s\n", text.c_str());
  return code;
}

int LoadtestCommand::report(const Results& results) const {
  std::FILE* out = json_file_ == "-" ? stderr : stdout;
  if (!quiet_)
    for (const std::string& line : final_table(results))
      std::fprintf(out, "%s\n", line.c_str());
  const std::vector<std::string> broken = bounds_.broken(results);
  const auto write = [](const std::string& file, const std::string& text) {
    if (file == "-") {
      std::fwrite(text.data(), 1, text.size(), stdout);
      return true;
    }
    std::ofstream stream(file);
    stream << text;
    if (stream.flush()) return true;
    std::fprintf(stderr, "videocall-cli: cannot write %s\n", file.c_str());
    return false;
  };
  bool written = true;
  if (!json_file_.empty()) {
    nlohmann::json json = results.to_json();
    json["broken"] = broken;
    written =
        write(json_file_, json.dump(json_file_ == "-" ? -1 : 2, ' ', false,
                                    nlohmann::json::error_handler_t::replace) +
                              "\n");
  }
  if (!report_file_.empty())
    written = write(report_file_, report_page(results, broken)) && written;
  for (const std::string& line : broken)
    std::fprintf(stderr, "videocall-cli: bound broken: %s\n", line.c_str());
  if (!broken.empty()) return cli::kBoundBroken;
  return written ? cli::kOk : cli::kInternal;
}

int LoadtestCommand::run() {
  const auto wrong = [](const std::string& text) {
    std::fprintf(stderr,
                 "videocall-cli: %s\n  (videocall-cli loadtest --help shows "
                 "every flag)\n",
                 text.c_str());
    return int(cli::kUsage);
  };
  if (!scenario_file_.empty())
    if (auto applied = apply_scenario_file(scenario_file_, *app_); !applied)
      return wrong(applied.error().message);
  if (auto checked = scenario_.check(); !checked)
    return wrong(checked.error().message);
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  LiveTable table;
  Director director(scenario_, watcher(table));
  auto results = director.run(stop_requested);
  table.clear();
  if (!results) return report_failure(director.failure());
  return report(*results);
}

}  // namespace videocall::loadtest
