// SPDX-License-Identifier: MIT
// One publisher and many viewers in one thread against a running videocalld:
// what reached the viewers and when, and what it cost the server. Prints one
// JSON object. benchmarks/bench-fanout starts and pins both.
#include <libsoup/soup.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "benchmarks/load/fleet.h"

namespace {

using nlohmann::json;
using namespace videocall;
using namespace videocall::load;

struct Scenario {
  std::string url = "http://127.0.0.1:8080";
  std::string meeting = "load";
  size_t viewers = 100;
  unsigned seconds = 10;
  unsigned warm_up_seconds = 2;
  unsigned fps = 30;
  size_t key_bytes = 7576;
  size_t delta_bytes = 1894;
  unsigned group = 30;
  int server_pid = 0;
  bool idle = false;
};

// -- The server process, as the operating system counts it --------------------

double cpu_seconds(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  std::istringstream rest(text.substr(text.rfind(')') + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) rest >> skipped;
  double user = 0;
  double system = 0;
  rest >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double resident_kb(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/statm");
  double total = 0;
  double resident = 0;
  file >> total >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1024;
}

// -- Joining ------------------------------------------------------------------

class Joiner {
 public:
  explicit Joiner(const Scenario& scenario)
      : session_(soup_session_new()),
        url_(scenario.url + "/api/v1/meetings/" + scenario.meeting + "/join") {}
  ~Joiner() { g_object_unref(session_); }
  Joiner(const Joiner&) = delete;
  Joiner& operator=(const Joiner&) = delete;

  // The WebTransport URL of a new session, token included.
  Result<std::string> join() {
    SoupMessage* message = soup_message_new("POST", url_.c_str());
    static const char kBody[] = R"({"display_name":"load"})";
    GBytes* body = g_bytes_new_static(kBody, sizeof kBody - 1);
    soup_message_set_request_body_from_bytes(message, "application/json", body);
    g_bytes_unref(body);
    GError* error = nullptr;
    GBytes* answer =
        soup_session_send_and_read(session_, message, nullptr, &error);
    g_object_unref(message);
    if (!answer) {
      Error failure{Errc::unavailable, error->message};
      g_error_free(error);
      return failure;
    }
    gsize size = 0;
    const auto* data =
        static_cast<const char*>(g_bytes_get_data(answer, &size));
    const json reply = json::parse(data, data + size, nullptr, false);
    g_bytes_unref(answer);
    if (reply.is_discarded() || !reply.value("success", false))
      return Error{Errc::permission, reply.dump()};
    const json& result = reply["result"];
    return result["transports"][0]["url"].get<std::string>() +
           "?token=" + result["room_token"].get<std::string>() + "&v=1";
  }

 private:
  SoupSession* session_;
  std::string url_;
};

// -- The run ------------------------------------------------------------------

uint64_t nanoseconds(Time time) {
  return static_cast<uint64_t>(time.time_since_epoch().count());
}

class Run final : public FleetVisitor {
 public:
  Run(const Scenario& scenario, std::shared_ptr<quic::TlsContext> tls)
      : scenario_(scenario), fleet_(*this, std::move(tls)) {
    viewers_.resize(scenario.viewers + 1);
  }

  Result<json> run() {
    if (auto ready = fleet_.init(); !ready) return ready.error();
    const double idle_kb = resident_kb(scenario_.server_pid);
    if (!scenario_.idle) {
      if (auto ok = open_sessions(0, 1); !ok) return ok.error();
      if (auto ok = publish_for(1s); !ok) return ok.error();
    }
    const size_t first = scenario_.idle ? 0 : 1;
    if (auto ok = open_sessions(first, viewers_.size()); !ok) return ok.error();
    if (auto ok = publish_for(std::chrono::seconds(scenario_.warm_up_seconds));
        !ok)
      return ok.error();
    json result;
    const auto sessions = static_cast<double>(viewers_.size());
    result["viewers"] = scenario_.viewers;
    result["kb_per_session"] =
        (resident_kb(scenario_.server_pid) - idle_kb) / sessions;
    if (scenario_.idle) return result;

    measuring_ = true;
    const double cpu_before = cpu_seconds(scenario_.server_pid);
    if (auto ok = publish_for(std::chrono::seconds(scenario_.seconds)); !ok)
      return ok.error();
    const double cpu = cpu_seconds(scenario_.server_pid) - cpu_before;
    measuring_ = false;
    const double gb = static_cast<double>(bytes_) / 1e9;
    result["delivered_gb"] = gb;
    result["cpu_s"] = cpu;
    result["core_s_per_gb"] = cpu / gb;
    result["packets_expected"] = frames_sent_ * scenario_.viewers;
    result["packets_received"] = latencies_.size();
    result["ended_sessions"] = ended_;
    add_percentiles(result, "delay_us", latencies_);
    add_percentiles(result, "first_key_frame_ms", first_pictures_);
    return result;
  }

  // FleetVisitor
  void on_open(size_t index, Time now) override {
    viewers_[index].opened = now;
    ++opened_;
  }
  void on_packet(size_t index, const Packet& packet, Time now) override {
    const PacketFields& fields = packet.fields();
    if (fields.type != PacketType::media) return;
    Viewer& viewer = viewers_[index];
    if (!viewer.seen && fields.header.keyframe) {
      viewer.seen = true;
      first_pictures_.push_back(
          std::chrono::duration<double, std::milli>(now - viewer.opened)
              .count());
    }
    if (!measuring_ || fields.data.size() < sizeof(uint64_t)) return;
    uint64_t sent = 0;
    std::memcpy(&sent, fields.data.data(), sizeof sent);
    latencies_.push_back(static_cast<double>(nanoseconds(now) - sent) / 1e3);
    bytes_ += packet.size();
  }
  void on_ended(size_t index, std::string_view reason) override {
    if (++ended_ == 1)
      std::fprintf(stderr, "session %zu ended: %.*s\n", index,
                   static_cast<int>(reason.size()), reason.data());
  }

 private:
  struct Viewer {
    Time opened{};
    bool seen = false;
  };

  static void add_percentiles(json& result, const std::string& name,
                              std::vector<double>& values) {
    if (values.empty()) return;
    std::sort(values.begin(), values.end());
    auto at = [&](double q) {
      return values[static_cast<size_t>(
          q * static_cast<double>(values.size() - 1))];
    };
    result[name] = {{"p50", at(0.5)},
                    {"p95", at(0.95)},
                    {"p99", at(0.99)},
                    {"max", values.back()}};
  }

  // Joins all first, then connects all at once: a storm of joins.
  Result<void> open_sessions(size_t from, size_t to) {
    Joiner joiner(scenario_);
    std::vector<std::string> urls;
    for (size_t i = from; i < to; ++i) {
      auto url = joiner.join();
      if (!url) return url.error();
      urls.push_back(std::move(*url));
      if (!scenario_.idle && from > 0)
        if (auto ok = publish_due(); !ok) return ok;
    }
    for (size_t i = from; i < to; ++i)
      if (auto ok = fleet_.connect(i, urls[i - from], Clock::now()); !ok)
        return ok;
    const Time deadline = Clock::now() + 30s;
    while (opened_ < to) {
      if (ended_ > 0) return Error{Errc::closed, "a session was refused"};
      if (Clock::now() > deadline)
        return Error{Errc::timeout, "sessions did not open within 30 s"};
      if (auto ok = from > 0 ? publish_due() : fleet_.turn(10ms); !ok)
        return ok;
    }
    return {};
  }

  Result<void> publish_for(Duration duration) {
    const Time end = Clock::now() + duration;
    while (Clock::now() < end)
      if (auto ok = publish_due(); !ok) return ok;
    return {};
  }

  // Sends the next frame when it is due, and turns the loop until then.
  Result<void> publish_due() {
    const Time now = Clock::now();
    if (next_frame_ == Time{}) next_frame_ = now;
    if (!scenario_.idle && now >= next_frame_) {
      fleet_.send(0, make_frame(now), now);
      next_frame_ += std::chrono::nanoseconds(1'000'000'000 / scenario_.fps);
      if (measuring_) ++frames_sent_;
    }
    const Duration wait = scenario_.idle
                              ? Duration(10ms)
                              : std::max<Duration>(next_frame_ - now, 0ns);
    return fleet_.turn(std::min<Duration>(wait, 10ms));
  }

  PacketRef make_frame(Time now) {
    PacketFields fields;
    fields.type = PacketType::media;
    fields.kind = MediaKind::video;
    MediaHeader& header = fields.header;
    header.keyframe = sequence_ % scenario_.group == 0;
    header.sequence = ++sequence_;
    header.group = 1 + (sequence_ - 1) / scenario_.group;
    header.capture_us = nanoseconds(now) / 1000;
    if (header.keyframe) {
      header.codec = "vp8";
      header.width = 640;
      header.height = 360;
    }
    data_.assign(header.keyframe ? scenario_.key_bytes : scenario_.delta_bytes,
                 0x5a);
    const uint64_t sent = nanoseconds(now);
    std::memcpy(data_.data(), &sent, sizeof sent);
    fields.data = data_;
    return *Packet::build(fields);
  }

  const Scenario& scenario_;
  Fleet fleet_;
  std::vector<Viewer> viewers_;
  std::vector<uint8_t> data_;
  Time next_frame_{};
  uint64_t sequence_ = 0;
  size_t opened_ = 0;
  size_t ended_ = 0;
  bool measuring_ = false;
  uint64_t frames_sent_ = 0;
  uint64_t bytes_ = 0;
  std::vector<double> latencies_;       // µs
  std::vector<double> first_pictures_;  // ms
};

int run(int argc, char** argv) {
  Scenario scenario;
  CLI::App app{"One publisher and many viewers against a running videocalld"};
  app.add_option("--url", scenario.url, "HTTP address of the server");
  app.add_option("--meeting", scenario.meeting, "meeting id");
  app.add_option("--viewers", scenario.viewers, "viewers");
  app.add_option("--seconds", scenario.seconds, "how long to measure");
  app.add_option("--warm-up", scenario.warm_up_seconds, "seconds before that");
  app.add_option("--fps", scenario.fps, "frames a second");
  app.add_option("--key-bytes", scenario.key_bytes, "size of a key frame");
  app.add_option("--delta-bytes", scenario.delta_bytes, "of a delta frame");
  app.add_option("--group", scenario.group, "frames a group");
  app.add_option("--server-pid", scenario.server_pid, "process to measure")
      ->required();
  app.add_flag("--idle", scenario.idle, "no media: memory a session only");
  CLI11_PARSE(app, argc, argv);

  quic::TlsClientConfig tls;
  tls.insecure_skip_verify = true;
  auto context = quic::TlsContext::create_client(tls);
  if (!context) {
    std::fprintf(stderr, "load: %s\n", context.error().message.c_str());
    return 1;
  }
  Run run(scenario, *context);
  auto result = run.run();
  if (!result) {
    std::fprintf(stderr, "load: %s\n", result.error().message.c_str());
    return 1;
  }
  std::printf("%s\n", result->dump().c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return run(argc, argv);
}
