// SPDX-License-Identifier: MIT
// One process of a load test: its share of the sessions in one loop. Does what
// the director orders, and counts on the board.
#pragma once

#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "cli/loadtest/board.h"
#include "cli/loadtest/joiner.h"
#include "cli/loadtest/publisher.h"
#include "cli/loadtest/scenario.h"
#include "cli/loadtest/viewer.h"
#include "libvideocall/quic/fleet.h"

namespace videocall::loadtest {

class Worker final : private quic::FleetVisitor {
 public:
  // |board| is borrowed. |number| of scenario.processes.
  Worker(const Scenario& scenario, Board& board, size_t number);
  ~Worker() override;

  // From the first join to the last leave. An error is one that no session
  // could do without.
  Result<void> run();

 private:
  // What is to happen at a time.
  struct Event {
    enum class Kind : uint8_t {
      video_frame,
      audio_frame,
      join,
      come,  // back, or in a storm: with a token where there is one
      go,    // leave
      heartbeat
    };
    Time at;
    Kind kind;
    uint32_t session;
    bool operator>(const Event& other) const { return at > other.at; }
  };
  // Sessions of this process: publishers first.
  struct Session {
    std::string meeting;
    std::string user;
    std::optional<Publisher> publisher;
    std::optional<Viewer> viewer;
    size_t record = 0;  // on the board
    uint64_t seed = 1;
    std::string url;  // a token that waits to be used
    std::vector<std::string> hashes;
    Time connect_began{};
    Time next_video{};
    Time next_audio{};
    Time next_heartbeat{};
    bool gathers = false;  // its token waits for the moment to connect
    bool assigned = false;
    bool leaving = false;
  };

  // FleetVisitor
  void on_open(size_t index, Time now) override;
  void on_packet(size_t index, const Packet& packet, Time now) override;
  void on_ended(size_t index, const quic::FleetEnd& end, Time now) override;

  Result<void> load_media();
  void make_sessions();
  void schedule(Time at, Event::Kind kind, size_t session);
  void begin_publishers(Time now);
  void follow_orders(Time now);
  void begin_viewers(Time now);
  void begin_measurement(Time begin);
  void connect_gathered(Time now);
  void fire(const Event& event, Time now);
  void send_frame(Session& session, size_t index, bool audio, Time now);
  void ask_for_token(size_t index);
  void take_tokens(Time now);
  void connect(size_t index, Time now);
  void leave(size_t index, Time now);
  void on_assigned(size_t index, const Packet& packet, Time now);
  void on_control(Session& session, const Packet& packet);
  void send_state(size_t index, Time now);
  void send_control(size_t index, PacketType type, const std::string& data,
                    Time now);
  void set_state(const Session& session, SessionState state);
  void fail(size_t index, int status, const std::string& why);
  [[nodiscard]] std::string why_refused(const quic::FleetEnd& end) const;
  void settle(Time now);
  [[nodiscard]] bool storms(const Session& session) const;
  [[nodiscard]] ViewerOutput output_of(const Session& session);
  WorkerRecord& record() { return board_.worker(number_); }

  const Scenario& scenario_;
  Board& board_;
  const size_t number_;
  std::unique_ptr<quic::Fleet> fleet_;
  std::unique_ptr<Joiner> joiner_;
  std::optional<MediaSource> media_;
  std::vector<Session> sessions_;
  size_t publishers_ = 0;  // of sessions_
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::vector<Joined> joined_;      // scratch
  std::vector<PacketRef> packets_;  // scratch
  bool viewers_begun_ = false;
  bool gathered_used_ = false;
  bool measurement_begun_ = false;
  bool settled_ = false;
};

}  // namespace videocall::loadtest
