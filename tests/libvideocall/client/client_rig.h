// SPDX-License-Identifier: MIT
// A client session between an owner that writes down what it is asked for and
// a server that the test plays.
#pragma once

#include "choice.pb.h"
#include "libvideocall/client/client_session.h"
#include "meeting.pb.h"
#include "session.pb.h"
#include "tests/support/suite.h"

namespace videocall::client::test {

inline constexpr Time kStart{1h};

struct Owner final : ClientSessionOwner {
  void start_join() override { ++joins; }
  void start_connect(const std::vector<ConnectTarget>& all) override {
    ++connects;
    targets = all;
    last_url = all.front().url;
    last_hashes = all.front().certificate_hashes;
  }
  void abandon(CloseCode code) override {
    ++abandoned;
    abandoned_with = code;
  }
  void send(PacketRef packet) override { sent.push_back(std::move(packet)); }
  void on_state(const StateChange& change) override {
    states.push_back(change);
  }
  void on_keyframe_wanted(MediaKind kind, unsigned layer) override {
    wanted.emplace_back(kind, layer);
  }
  void on_layers_wanted(MediaKind kind, uint32_t layers) override {
    layer_hints.emplace_back(kind, layers);
  }
  void on_member_joined(const Member&) override { ++members; }
  void on_member_changed(const Member&) override {}
  void on_member_left(const Member&, const std::string&) override { --members; }

  int joins = 0, connects = 0, abandoned = 0, members = 0;
  std::vector<ConnectTarget> targets;
  CloseCode abandoned_with = CloseCode::left;
  std::string last_url;
  std::vector<std::string> last_hashes;
  std::vector<PacketRef> sent;
  std::vector<StateChange> states;
  std::vector<std::pair<MediaKind, unsigned>> wanted;
  std::vector<std::pair<MediaKind, uint32_t>> layer_hints;
};

inline PacketRef packet(PacketType type, const std::string& data,
                        uint64_t id = 0) {
  PacketFields fields;
  fields.type = type;
  fields.session_id = id;
  fields.data = {reinterpret_cast<const uint8_t*>(data.data()), data.size()};
  return std::move(*Packet::build(fields));
}

struct Rig {
  explicit Rig(bool wants_video = true, const char* transport = "")
      : session(owner, {"http://here:8080", 42, wants_video, transport}) {}

  static JoinAnswer answer() {
    JoinAnswer answer;
    answer.user_id = "cam";
    answer.status = "admitted";
    answer.token = "T0K";
    answer.e2ee = "off";
    answer.transports = {
        {"websocket", "ws://here/meet/demo", {}},
        {"webtransport", "https://here:4433/meet/demo", {"H"}}};
    return answer;
  }
  void assign(const std::string& secret = "secret", unsigned heartbeat_s = 5) {
    proto::SessionAssigned assigned;
    assigned.set_resume_secret(secret);
    assigned.set_heartbeat_s(heartbeat_s);
    session.on_packet(
        *packet(PacketType::session_assigned, assigned.SerializeAsString(), 77),
        now);
  }
  void connect() {
    session.on_joined(answer(), now);
    assign();
  }
  void start_and_connect() {
    session.start(now);
    connect();
  }
  void run_timer() {
    ck_assert(session.next_timer() != Time::max());
    now = std::max(now, session.next_timer());
    session.on_timer(now);
  }
  State state() const { return session.state(); }

  Time now = kStart;
  Owner owner;
  ClientSession session;
};

}  // namespace videocall::client::test
