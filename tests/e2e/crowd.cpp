// SPDX-License-Identifier: MIT
// People in meetings who are to notice as little as possible of what happens
// to their server: each a client session of its own over a connection of its
// own. In every meeting one talks and the others listen.
//
//   crowd URL[,URL…] ROOMS PEOPLE
//
// Of several servers each is asked by as many, in every meeting. It says
// "ready" when all are in and hear something. For each line on its standard
// input it prints one JSON object about the time since the last:
//   gaps_ms  the longest silence of each listener
//   states   how many are connected, and how many are anything else
//   lost     how many have another session id than at first, or were refused
//   left     members whom anybody saw leave
//   resumed  how often somebody connected again
// It leaves when its input ends.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "cli/loadtest/joiner.h"
#include "libvideocall/client/client_session.h"
#include "libvideocall/quic/fleet.h"
#include "libvideocall/websocket/fleet.h"

using namespace videocall;

namespace {

constexpr auto kAudioInterval = 20ms;
constexpr size_t kAudioBytes = 80;
constexpr auto kPatience = 60s;

struct Person final : client::ClientSessionOwner {
  Person(const std::string& url, size_t i, size_t per_room)
      : index(i),
        talks(i % per_room == 0),
        server(url),
        meeting("crowd-" + std::to_string(i / per_room)),
        user("person-" + std::to_string(i)),
        session(*this, {"the server", i + 1, false}) {}

  void start_join() override { joiner->join(index, server, meeting, user); }
  void start_connect(
      const std::vector<client::ConnectTarget>& targets) override {
    quic::FleetTarget target{
        .url = targets.front().url,
        .certificate_hashes = targets.front().certificate_hashes};
    if (auto tried = fleet->connect(index, target, Clock::now()); !tried)
      failed = tried.error().message;
  }
  void abandon(CloseCode code) override { fleet->close(index, code); }
  void send(PacketRef packet) override {
    fleet->send(index, packet, Clock::now());
  }
  void on_state(const client::StateChange& change) override {
    if (change.state == client::State::refused ||
        change.state == client::State::ended)
      over = true;
    if (change.state != client::State::connected) return;
    if (first_id == 0)
      first_id = session.session_id();
    else
      ++resumed;
    if (session.session_id() != first_id) renamed = true;
  }
  void on_keyframe_wanted(MediaKind, unsigned) override {}
  void on_member_joined(const client::Member&) override {}
  void on_member_changed(const client::Member&) override {}
  void on_member_left(const client::Member&, const std::string&) override {
    ++left;
  }

  void heard(Time now) {
    if (last_heard != Time{}) gap = std::max(gap, now - last_heard);
    last_heard = now;
  }
  void talk(Time now) {
    if (!talks || session.state() != client::State::connected) return;
    if (now < next_word) return;
    next_word = std::max(next_word + kAudioInterval, now);
    static const std::vector<uint8_t> sound(kAudioBytes, 0x55);
    PacketFields fields;
    fields.type = PacketType::media;
    fields.kind = MediaKind::audio;
    fields.header.sequence = ++sequence;
    fields.header.group = 1;
    fields.header.audio_level = 20;
    fields.header.capture_us =
        static_cast<uint64_t>(now.time_since_epoch().count()) / 1'000;
    fields.data = sound;
    if (auto packet = Packet::build(fields)) send(std::move(*packet));
  }

  const size_t index;
  const bool talks;
  const std::string server;  // URL
  const std::string meeting;
  const std::string user;
  client::ClientSession session;
  loadtest::Joiner* joiner = nullptr;  // borrowed
  quic::Fleet* fleet = nullptr;        // borrowed
  std::string failed;                  // a connect that failed at once
  uint64_t first_id = 0;
  uint64_t sequence = 0;
  Time next_word{};
  Time last_heard{};
  Duration gap{0};
  bool over = false;
  bool renamed = false;
  unsigned resumed = 0;
  unsigned left = 0;
};

class Crowd final : public quic::FleetVisitor {
 public:
  Crowd(const std::vector<std::string>& servers, size_t rooms, size_t per_room,
        std::string transport)
      : transport_(std::move(transport)),
        joiner_(transport_, true, [this] { fleet_->wake(); }) {
    const quic::FleetConfig config{
        .client_name = "crowd", .insecure_skip_verify = true, .sockets = 4};
    auto fleet = transport_ == "websocket"
                     ? websocket::create_fleet(config, *this)
                     : quic::Fleet::create(config, *this);
    if (!fleet) std::exit(1);
    fleet_ = std::move(*fleet);
    for (size_t i = 0; i < rooms * per_room; ++i) {
      people_.push_back(
          std::make_unique<Person>(servers[i % servers.size()], i, per_room));
      people_.back()->joiner = &joiner_;
      people_.back()->fleet = fleet_.get();
    }
  }

  void start() {
    for (const auto& person : people_) person->session.start(Clock::now());
  }
  bool ready() const {
    return std::all_of(people_.begin(), people_.end(), [](const auto& person) {
      return person->session.state() == client::State::connected &&
             (person->talks || person->last_heard != Time{});
    });
  }
  void turn() {
    take_answers();
    const Time now = Clock::now();
    for (const auto& person : people_) {
      if (!person->failed.empty())
        person->session.on_connect_refused(0, std::exchange(person->failed, {}),
                                           now);
      person->talk(now);
      if (now >= person->session.next_timer()) person->session.on_timer(now);
    }
    (void)fleet_->turn(2ms);
  }
  void report() {
    const Time now = Clock::now();
    std::string gaps;
    size_t connected = 0;
    size_t lost = 0;
    unsigned left = 0;
    unsigned resumed = 0;
    for (const auto& person : people_) {
      if (!person->talks) {
        // A silence that still lasts counts too, and goes on.
        const double ms = std::chrono::duration<double, std::milli>(
                              std::max(person->gap, now - person->last_heard))
                              .count();
        gaps += (gaps.empty() ? "" : ",") + std::to_string(ms);
      }
      person->gap = Duration{0};
      connected += person->session.state() == client::State::connected;
      lost += person->renamed || person->over;
      left += std::exchange(person->left, 0);
      resumed += std::exchange(person->resumed, 0);
    }
    std::printf(
        "{\"gaps_ms\":[%s],\"connected\":%zu,\"others\":%zu,\"lost\":%zu,"
        "\"left\":%u,\"resumed\":%u}\n",
        gaps.c_str(), connected, people_.size() - connected, lost, left,
        resumed);
    std::fflush(stdout);
  }
  void leave() {
    for (const auto& person : people_) person->session.stop();
    for (int i = 0; i < 50; ++i) (void)fleet_->turn(2ms);
  }

 private:
  void on_open(size_t, Time) override {}
  void on_packet(size_t index, const Packet& packet, Time now) override {
    Person& person = *people_[index];
    if (packet.fields().type == PacketType::media)
      person.heard(now);
    else
      person.session.on_packet(packet, now);
  }
  void on_draining(size_t index, Time now) override {
    people_[index]->session.on_draining(now);
  }
  void on_ended(size_t index, const quic::FleetEnd& end, Time now) override {
    client::ClientSession& session = people_[index]->session;
    if (end.was_open)
      session.on_disconnected(end.code, std::string(end.reason), now);
    else
      session.on_connect_refused(end.status, std::string(end.reason), now);
  }
  void take_answers() {
    joiner_.take(answers_);
    const Time now = Clock::now();
    for (const loadtest::Joined& joined : answers_) {
      client::ClientSession& session = people_[joined.session]->session;
      if (joined.url.empty()) {
        session.on_join_failed(
            {joined.status, "", joined.error, joined.bad_certificate}, now);
        continue;
      }
      const size_t token = joined.url.find("?token=");
      const size_t end = joined.url.rfind("&v=");
      client::JoinAnswer answer;
      answer.user_id = people_[joined.session]->user;
      answer.status = "admitted";
      answer.e2ee = "off";
      answer.token = joined.url.substr(token + 7, end - token - 7);
      answer.transports = {
          {transport_, joined.url.substr(0, token), joined.certificate_hashes}};
      session.on_joined(answer, now);
    }
  }

  const std::string transport_;
  std::unique_ptr<quic::Fleet> fleet_;
  std::vector<std::unique_ptr<Person>> people_;
  std::vector<loadtest::Joined> answers_;
  loadtest::Joiner joiner_;  // last: its thread uses the fleet
};

// A line is there; false at the end of the input.
bool input_is_there() {
  pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  return ::poll(&input, 1, 0) > 0;
}

size_t number(const char* text) {
  size_t value = 0;
  const std::string_view digits = text;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> parts;
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    parts.emplace_back(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return parts;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5 || *argv[1] == '\0' || number(argv[2]) == 0 ||
      number(argv[3]) < 2) {
    std::fputs("Usage: crowd URL[,URL…] ROOMS PEOPLE TRANSPORT\n", stderr);
    return 2;
  }
  Crowd crowd(split(argv[1]), number(argv[2]), number(argv[3]), argv[4]);
  crowd.start();
  const Time deadline = Clock::now() + kPatience;
  while (!crowd.ready()) {
    crowd.turn();
    if (Clock::now() < deadline) continue;
    std::fputs("crowd: not everybody got in\n", stderr);
    return 1;
  }
  std::puts("ready");
  std::fflush(stdout);
  for (;;) {
    crowd.turn();
    if (!input_is_there()) continue;
    char line[64];
    const ssize_t size = read(STDIN_FILENO, line, sizeof line);
    if (size <= 0) break;
    crowd.report();
  }
  crowd.leave();
  return 0;
}
