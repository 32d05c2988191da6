// SPDX-License-Identifier: MIT
#include "tests/badinput/pair.h"

#include <algorithm>
#include <atomic>

#include "tests/support/make_packet.h"
#include "tests/support/suite.h"

namespace videocall::badinput {

using namespace std::chrono_literals;

namespace {

constexpr auto kVideoInterval = 33ms;
constexpr auto kAudioInterval = 20ms;
constexpr uint64_t kGroupFrames = 30;
constexpr size_t kKeyframeBytes = 7'576;
constexpr size_t kFrameBytes = 1'894;
constexpr size_t kAudioBytes = 120;
// Loopback loses nothing, but on a busy machine a group of pictures may be cut.
constexpr double kLeastShare = 0.25;
constexpr size_t kLeastToJudge = 300;
constexpr auto kPatience = 10s;

uint8_t pattern(uint64_t sequence, MediaKind kind) {
  return static_cast<uint8_t>(sequence * 7 + static_cast<uint64_t>(kind));
}

PacketRef make_media(MediaKind kind, uint64_t sequence, uint64_t group,
                     bool keyframe, size_t size) {
  const std::vector<uint8_t> data(size, pattern(sequence, kind));
  PacketFields fields;
  fields.type = PacketType::media;
  fields.kind = kind;
  fields.data = data;
  fields.header.sequence = sequence;
  fields.header.group = group;
  fields.header.keyframe = keyframe;
  fields.header.codec = kind == MediaKind::video && keyframe ? "vp8" : "";
  fields.header.width = keyframe ? 640 : 0;
  fields.header.height = keyframe ? 360 : 0;
  return *Packet::build(fields);
}

bool is_intact(const PacketFields& fields) {
  const uint8_t wanted = pattern(fields.header.sequence, fields.kind);
  return std::all_of(fields.data.begin(), fields.data.end(),
                     [wanted](uint8_t byte) { return byte == wanted; });
}

}  // namespace

// A client of the library in a thread of its own.
class Pair::Member : public quic::ShardVisitor {
 public:
  Member(Arena& arena, const std::string& meeting, const std::string& user) {
    const auto joined = arena.join(meeting, user);
    const auto& transport = joined["transports"][0];
    quic::EndpointConfig config;
    config.mode = quic::EndpointConfig::Mode::caller;
    config.url = transport["url"].get<std::string>() +
                 "?token=" + joined["room_token"].get<std::string>() + "&v=1";
    for (const auto& hash : transport["certificate_hashes"])
      config.certificate_hashes.push_back(hash["value"]);
    auto opened = quic::Endpoint::open(config);
    ck_assert(opened.ok());
    endpoint_ = *opened;
  }
  ~Member() override { stop(); }

  void start() {
    thread_ = std::thread([this] {
      while (!stop_) {
        const Time due = work(Clock::now());
        const Duration wait = std::max(due - Clock::now(), Duration{});
        if (!endpoint_->run_once(0, *this, wait)) return;
      }
    });
  }
  void stop() {
    stop_ = true;
    endpoint_->wake(0);
    if (thread_.joinable()) thread_.join();
  }
  Report report() {
    const std::lock_guard lock(mutex_);
    return report_;
  }
  bool assigned() const { return assigned_; }

 protected:
  // What is to be done now; returns when to be called again.
  virtual Time work(Time now) = 0;
  virtual void on_media(const PacketFields&) {}

  template <typename F>
  void change(F&& f) {
    const std::lock_guard lock(mutex_);
    f(report_);
  }
  quic::Endpoint& endpoint() { return *endpoint_; }

 private:
  void on_session_request(const quic::SessionRequest&) override {}
  void on_session_opened(const quic::SessionOpened&, Time) override {}
  void on_packet(SessionHandle, PacketRef packet, Time) override {
    if (packet->fields().type == PacketType::session_assigned) assigned_ = true;
    if (packet->fields().type == PacketType::media) on_media(packet->fields());
  }
  void on_session_closed(SessionHandle, CloseCode code, std::string_view reason,
                         bool, Time) override {
    change([&](Report& report) {
      report.closed = std::string(to_string(code)) + ": " + std::string(reason);
    });
  }
  void on_draining(SessionHandle) override {
    change([](Report& report) { report.draining = true; });
  }
  void on_refused(int status, std::string_view reason) override {
    change([&](Report& report) {
      report.closed = std::to_string(status) + ": " + std::string(reason);
    });
  }
  void on_batch_end(Time) override {}

  std::shared_ptr<quic::Endpoint> endpoint_;
  std::atomic<bool> assigned_{false};
  std::atomic<bool> stop_{false};
  std::mutex mutex_;  // guards report_
  Report report_;
  std::thread thread_;
};

class Pair::Sender final : public Member {
 public:
  using Member::Member;
  ~Sender() override { stop(); }

 private:
  Time work(Time now) override {
    if (!assigned()) return now + 50ms;
    if (next_video_ == Time{}) next_video_ = next_audio_ = now;
    std::vector<PacketRef> packets;
    for (; next_video_ <= now; next_video_ += kVideoInterval) {
      const bool key = video_++ % kGroupFrames == 0;
      packets.push_back(make_media(MediaKind::video, video_,
                                   1 + (video_ - 1) / kGroupFrames, key,
                                   key ? kKeyframeBytes : kFrameBytes));
    }
    for (; next_audio_ <= now; next_audio_ += kAudioInterval)
      packets.push_back(
          make_media(MediaKind::audio, ++audio_, 1, false, kAudioBytes));
    endpoint().send(packets);
    change([&](Report& report) {
      report.video = report.newest_video = video_;
      report.audio = report.newest_audio = audio_;
    });
    return std::min(next_video_, next_audio_);
  }

  uint64_t video_ = 0;
  uint64_t audio_ = 0;
  Time next_video_{};
  Time next_audio_{};
};

class Pair::Viewer final : public Member {
 public:
  using Member::Member;
  ~Viewer() override { stop(); }

 private:
  Time work(Time now) override {
    if (now < next_heartbeat_) return next_heartbeat_;
    next_heartbeat_ = now + limits::kHeartbeatInterval;
    const std::vector<PacketRef> state = {
        testing::control(PacketType::member_state, 0)};
    endpoint().send(state);
    return next_heartbeat_;
  }

  void on_media(const PacketFields& fields) override {
    const bool intact = is_intact(fields);
    const MediaHeader& header = fields.header;
    change([&](Report& report) {
      if (!intact) ++report.damaged;
      uint64_t& newest = fields.kind == MediaKind::audio ? report.newest_audio
                                                         : report.newest_video;
      newest = std::max(newest, header.sequence);
      if (fields.kind == MediaKind::audio) {
        if (heard_.insert(header.sequence).second)
          ++report.audio;
        else
          ++report.repeated;
        return;
      }
      ++report.video;
      if (header.group == group_ && header.sequence <= last_) ++report.repeated;
      if (header.group == group_ && header.sequence > last_ + 1) ++report.holes;
      group_ = header.group;
      last_ = header.sequence;
    });
  }

  Time next_heartbeat_{};
  std::set<uint64_t> heard_;  // audio sequences
  uint64_t group_ = 0;
  uint64_t last_ = 0;
};

Pair::Pair(Arena& arena, const std::string& meeting) {
  viewer_ = std::make_unique<Viewer>(arena, meeting, "viewer");
  viewer_->start();
  sender_ = std::make_unique<Sender>(arena, meeting, "camera");
  sender_->start();
  arena.process().until([&] {
    const Report report = viewer_->report();
    ck_assert_msg(report.closed.empty(), "%s", report.closed.c_str());
    return report.video > 0 && report.audio > 0;
  });
  sent_ = sender_->report();
  received_ = viewer_->report();
}

Pair::~Pair() = default;

void Pair::check(const std::string& after) {
  const Report sent = sender_->report();
  // Media goes on: something as new as this arrives soon.
  const Time end = Clock::now() + kPatience;
  Report received = viewer_->report();
  while ((received.newest_video < sent.newest_video ||
          received.newest_audio < sent.newest_audio) &&
         Clock::now() < end) {
    std::this_thread::sleep_for(5ms);
    received = viewer_->report();
  }
  const std::string closed = sent.closed + received.closed;
  ck_assert_msg(closed.empty(), "after %s a good client was closed: %s",
                after.c_str(), closed.c_str());
  ck_assert_msg(
      received.damaged == 0 && received.repeated == 0 && received.holes == 0,
      "after %s: %zu damaged, %zu repeated, %zu holes in groups", after.c_str(),
      received.damaged, received.repeated, received.holes);
  if (sent.video - sent_.video < kLeastToJudge) return;
  const auto share = [](size_t got, size_t had, size_t of, size_t before) {
    return static_cast<double>(got - had) / static_cast<double>(of - before);
  };
  const double video =
      share(received.video, received_.video, sent.video, sent_.video);
  const double audio =
      share(received.audio, received_.audio, sent.audio, sent_.audio);
  ck_assert_msg(video >= kLeastShare && audio >= kLeastShare,
                "after %s only %.0f %% of video and %.0f %% of audio arrived",
                after.c_str(), 100 * video, 100 * audio);
  sent_ = sent;
  received_ = received;
}

void Pair::expect_drained() {
  for (Member* member : {static_cast<Member*>(sender_.get()),
                         static_cast<Member*>(viewer_.get())}) {
    const Time end = Clock::now() + kPatience;
    while (member->report().closed.empty() && Clock::now() < end)
      std::this_thread::sleep_for(5ms);
    const Report report = member->report();
    ck_assert(report.draining);
    ck_assert_msg(report.closed.starts_with("draining"), "%s",
                  report.closed.c_str());
  }
}

}  // namespace videocall::badinput
