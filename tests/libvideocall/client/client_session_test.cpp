// SPDX-License-Identifier: MIT
#include "libvideocall/client/client_session.h"

#include "choice.pb.h"
#include "meeting.pb.h"
#include "session.pb.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::client;

namespace {

constexpr Time kStart{1h};

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

PacketRef packet(PacketType type, const std::string& data, uint64_t id = 0) {
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

}  // namespace

VC_TEST(joins_connects_and_says_who_it_is) {
  Rig rig;
  OwnState own;
  own.video_enabled = true;
  own.display_name = "Camera";
  rig.session.set_own_state(own, rig.now);
  rig.session.start(rig.now);
  ck_assert_int_eq(rig.owner.joins, 1);
  ck_assert(rig.state() == State::joining);
  rig.session.on_joined(Rig::answer(), rig.now);
  ck_assert(rig.state() == State::connecting);
  ck_assert_str_eq(rig.owner.last_url.c_str(),
                   "https://here:4433/meet/demo?token=T0K&v=1");
  ck_assert_str_eq(rig.owner.last_hashes.at(0).c_str(), "H");
  ck_assert(rig.owner.sent.empty());
  rig.assign();
  ck_assert(rig.state() == State::connected);
  ck_assert_uint_eq(rig.session.session_id(), 77);
  // MEMBER_STATE at once, and no VIEWPORT: the server's default is right.
  ck_assert_uint_eq(rig.owner.sent.size(), 1);
  const Bytes data = rig.owner.sent[0]->fields().data;
  proto::MemberState state;
  ck_assert(state.ParseFromArray(data.data(), static_cast<int>(data.size())));
  ck_assert(state.video_enabled() && !state.audio_enabled());
  ck_assert(state.display_name() == "Camera");
}

VC_TEST(heartbeats_and_changes) {
  Rig rig;
  rig.start_and_connect();
  ck_assert(rig.session.next_timer() == rig.now + 5s);
  rig.run_timer();
  ck_assert_uint_eq(rig.owner.sent.size(), 2);
  OwnState own;
  rig.session.set_own_state(own, rig.now);  // nothing new
  ck_assert_uint_eq(rig.owner.sent.size(), 2);
  own.audio_enabled = true;
  rig.session.set_own_state(own, rig.now);
  ck_assert_uint_eq(rig.owner.sent.size(), 3);
  // A heartbeat that the server names, within reason.
  Rig other;
  other.session.start(other.now);
  other.session.on_joined(Rig::answer(), other.now);
  other.assign("s", 3'000);
  ck_assert(other.session.next_timer() <= other.now + 15s);
}

VC_TEST(who_only_sends_wants_no_video) {
  Rig rig(false);
  rig.start_and_connect();
  ck_assert_uint_eq(rig.owner.sent.size(), 2);
  ck_assert(rig.owner.sent[1]->fields().type == PacketType::viewport);
  ck_assert(rig.owner.sent[1]->fields().data.empty());
}

VC_TEST(resumes_after_a_loss) {
  for (CloseCode code :
       {CloseCode::overload, CloseCode::idle, static_cast<CloseCode>(99)}) {
    Rig rig;
    rig.start_and_connect();
    rig.session.on_disconnected(code, "gone", rig.now);
    ck_assert(rig.state() == State::reconnecting);
    ck_assert_int_eq(rig.owner.joins, 1);
    ck_assert(rig.session.next_timer() > rig.now);
    ck_assert(rig.session.next_timer() <= rig.now + 250ms);
    rig.run_timer();
    ck_assert_int_eq(rig.owner.joins, 2);
    ck_assert(rig.state() == State::reconnecting);
    rig.session.on_joined(Rig::answer(), rig.now);
    ck_assert_str_eq(
        rig.owner.last_url.c_str(),
        "https://here:4433/meet/demo?token=T0K&v=1&resume=c2VjcmV0");
    ck_assert(rig.state() == State::reconnecting);
    rig.owner.sent.clear();
    rig.assign();
    ck_assert(rig.state() == State::connected);
    ck_assert(rig.owner.sent[0]->fields().type == PacketType::member_state);
  }
}

VC_TEST(some_codes_end_it_for_good) {
  for (CloseCode code :
       {CloseCode::left, CloseCode::meeting_ended, CloseCode::removed,
        CloseCode::protocol_error, CloseCode::superseded}) {
    Rig rig;
    rig.start_and_connect();
    rig.session.on_disconnected(code, "why", rig.now);
    ck_assert(rig.state() == State::ended);
    ck_assert_str_eq(rig.owner.states.back().reason.c_str(), "why");
    ck_assert(rig.owner.states.back().code == videocall::to_string(code));
    ck_assert(rig.session.next_timer() == Time::max());
    rig.session.stop();
    ck_assert_int_eq(rig.owner.abandoned, 0);
  }
}

VC_TEST(draining_comes_back_at_once_but_not_in_a_loop) {
  Rig rig;
  rig.start_and_connect();
  rig.session.on_draining(rig.now);
  rig.session.on_disconnected(CloseCode::draining, "", rig.now);
  ck_assert(rig.session.next_timer() == rig.now);
  rig.run_timer();
  rig.connect();
  rig.session.on_disconnected(CloseCode::draining, "", rig.now);
  ck_assert(rig.session.next_timer() > rig.now);
  rig.run_timer();
  rig.connect();
  // After a while it is a first time again.
  rig.now += limits::kStableConnection;
  rig.session.on_disconnected(CloseCode::draining, "", rig.now);
  ck_assert(rig.session.next_timer() == rig.now);
}

VC_TEST(keeps_trying_once_it_was_in_with_longer_pauses) {
  Rig rig;
  rig.start_and_connect();
  rig.session.on_disconnected(CloseCode::idle, "", rig.now);
  Duration longest{0};
  for (int i = 0; i < 50; ++i) {
    const Time before = rig.now;
    rig.run_timer();
    longest = std::max(longest, rig.now - before);
    rig.session.on_join_failed({0, "", "Connection refused", false}, rig.now);
    ck_assert(rig.state() == State::reconnecting);
  }
  ck_assert(longest > limits::kMaxReconnectDelay / 2);
  ck_assert(longest <= limits::kMaxReconnectDelay);
  ck_assert_uint_eq(rig.owner.states.back().attempt, 51);
  rig.run_timer();
  rig.connect();
  ck_assert(rig.state() == State::connected);
}

VC_TEST(gives_up_soon_when_it_never_was_in) {
  Rig rig;
  rig.session.start(rig.now);
  for (unsigned i = 1; i < limits::kMaxFirstAttempts; ++i) {
    rig.session.on_join_failed({0, "", "Connection refused", false}, rig.now);
    ck_assert(rig.state() == State::joining);
    rig.run_timer();
  }
  rig.session.on_join_failed({0, "", "Connection refused", false}, rig.now);
  ck_assert(rig.state() == State::refused);
  const StateChange& last = rig.owner.states.back();
  ck_assert(last.reason.find("http://here:8080") != std::string::npos);
  ck_assert(last.reason.find("Connection refused") != std::string::npos);
  ck_assert_str_eq(last.code.c_str(), "unreachable");
  ck_assert(rig.now - kStart < 3s);
}

VC_TEST(fatal_answers_are_refusals_at_once) {
  for (int status : {400, 401, 403, 404, 409, 410, 422}) {
    Rig rig;
    rig.session.start(rig.now);
    rig.session.on_join_failed({status, "CODE", "the reason", false}, rig.now);
    ck_assert(rig.state() == State::refused);
    ck_assert_str_eq(rig.owner.states.back().code.c_str(), "CODE");
    ck_assert(rig.owner.states.back().reason.find("the reason") !=
              std::string::npos);
  }
  for (int status : {408, 429, 500, 502, 503, 504}) {
    Rig rig;
    rig.session.start(rig.now);
    rig.session.on_join_failed({status, "", "", false}, rig.now);
    ck_assert(rig.state() == State::joining);
  }
  Rig rig;
  rig.session.start(rig.now);
  rig.session.on_join_failed({0, "", "self-signed", true}, rig.now);
  ck_assert(rig.state() == State::refused);
  ck_assert(rig.owner.states.back().reason.find("insecure-skip-verify") !=
            std::string::npos);
  ck_assert(rig.owner.states.back().code == "certificate");
}

VC_TEST(what_it_cannot_do_is_a_refusal) {
  {
    Rig rig;
    rig.session.start(rig.now);
    JoinAnswer answer = Rig::answer();
    answer.e2ee = "required";
    rig.session.on_joined(answer, rig.now);
    ck_assert(rig.state() == State::refused);
  }
  {
    Rig rig;
    rig.session.start(rig.now);
    JoinAnswer answer = Rig::answer();
    answer.transports = {{"pigeon", "pigeon://here/meet/demo", {}}};
    rig.session.on_joined(answer, rig.now);
    ck_assert(rig.state() == State::refused);
  }
  Rig rig;
  rig.session.start(rig.now);
  JoinAnswer answer = Rig::answer();
  answer.status = "rejected";
  rig.session.on_joined(answer, rig.now);
  ck_assert(rig.state() == State::refused);
}

VC_TEST(waits_to_be_let_in) {
  Rig rig;
  rig.session.start(rig.now);
  JoinAnswer waiting = Rig::answer();
  waiting.status = "waiting";
  for (int i = 0; i < 10; ++i) {
    rig.session.on_joined(waiting, rig.now);
    ck_assert(rig.state() == State::joining);
    rig.run_timer();
  }
  rig.connect();
  ck_assert(rig.state() == State::connected);
}

VC_TEST(refused_connects) {
  {
    Rig rig;
    rig.session.start(rig.now);
    rig.session.on_joined(Rig::answer(), rig.now);
    rig.session.on_connect_refused(403, "not admitted", rig.now);
    ck_assert(rig.state() == State::refused);
  }
  {
    Rig rig;  // a spent token is worth another join
    rig.session.start(rig.now);
    rig.session.on_joined(Rig::answer(), rig.now);
    rig.session.on_connect_refused(401, "", rig.now);
    ck_assert(rig.state() == State::joining);
    rig.run_timer();
    rig.connect();
    ck_assert(rig.state() == State::connected);
  }
  Rig rig;  // a resume secret that is not taken is given up
  rig.start_and_connect();
  rig.session.on_disconnected(CloseCode::idle, "", rig.now);
  for (unsigned i = 1; i <= limits::kMaxTokenRefusals; ++i) {
    rig.run_timer();
    rig.session.on_joined(Rig::answer(), rig.now);
    const bool resumes =
        rig.owner.last_url.find("&resume=") != std::string::npos;
    ck_assert(resumes == (i <= 2));
    rig.session.on_connect_refused(401, "", rig.now);
  }
  ck_assert(rig.state() == State::refused);
}

VC_TEST(server_that_never_assigns_is_given_up) {
  Rig rig;
  rig.session.start(rig.now);
  rig.session.on_joined(Rig::answer(), rig.now);
  ck_assert(rig.session.next_timer() == rig.now + limits::kConnectTimeout);
  rig.run_timer();
  ck_assert_int_eq(rig.owner.abandoned, 1);
  ck_assert(rig.state() == State::joining);
}

VC_TEST(stop_leaves_from_anywhere) {
  Rig rig;
  rig.session.start(rig.now);
  rig.session.stop();
  ck_assert(rig.state() == State::ended);
  ck_assert_int_eq(rig.owner.abandoned, 1);
  rig.session.on_joined(Rig::answer(), rig.now);  // too late
  ck_assert_int_eq(rig.owner.connects, 0);

  Rig other;
  other.start_and_connect();
  other.session.stop();
  ck_assert_int_eq(other.owner.abandoned, 1);
  other.session.on_disconnected(CloseCode::idle, "", other.now);
  ck_assert(other.state() == State::ended);
  other.session.stop();
  ck_assert_int_eq(other.owner.abandoned, 1);
}

VC_TEST(key_frame_requests_both_ways) {
  Rig rig;
  rig.start_and_connect();
  proto::KeyframeRequest request;
  request.set_session_id(77);
  request.set_media_kind(proto::MEDIA_KIND_SCREEN);
  request.set_layer(1);
  rig.session.on_packet(
      *packet(PacketType::keyframe_request, request.SerializeAsString()),
      rig.now);
  ck_assert_uint_eq(rig.owner.wanted.size(), 1);
  ck_assert(rig.owner.wanted[0] == std::make_pair(MediaKind::screen, 1u));
  request.set_session_id(5);  // somebody else's
  rig.session.on_packet(
      *packet(PacketType::keyframe_request, request.SerializeAsString()),
      rig.now);
  ck_assert_uint_eq(rig.owner.wanted.size(), 1);

  rig.owner.sent.clear();
  rig.session.request_keyframe(9, MediaKind::video, 2);
  const Bytes data = rig.owner.sent.at(0)->fields().data;
  ck_assert(request.ParseFromArray(data.data(), static_cast<int>(data.size())));
  ck_assert_uint_eq(request.session_id(), 9);
  ck_assert_uint_eq(request.layer(), 2);
}

VC_TEST(layer_hints_say_what_is_looked_at) {
  Rig rig;
  rig.start_and_connect();
  const auto hint = [&](proto::MediaKind kind, std::vector<uint32_t> layers) {
    proto::LayerHint message;
    auto& entry = *message.add_entries();
    entry.set_media_kind(kind);
    for (const uint32_t layer : layers) entry.add_requested_layers(layer);
    rig.session.on_packet(
        *packet(PacketType::layer_hint, message.SerializeAsString()), rig.now);
    return rig.owner.layer_hints.empty() ? ~0u
                                         : rig.owner.layer_hints.back().second;
  };
  ck_assert_uint_eq(hint(proto::MEDIA_KIND_VIDEO, {0, 2}), 5);
  ck_assert_uint_eq(hint(proto::MEDIA_KIND_VIDEO, {}), 0);
  ck_assert_uint_eq(hint(proto::MEDIA_KIND_SCREEN, {1, 7, 4'000'000'000}), 2);
  ck_assert_uint_eq(rig.owner.layer_hints.size(), 3);
  ck_assert(rig.owner.layer_hints[2].first == MediaKind::screen);
  // Nobody chooses sound.
  hint(proto::MEDIA_KIND_AUDIO, {});
  rig.session.on_packet(*packet(PacketType::layer_hint, "\xff\xff"), rig.now);
  ck_assert_uint_eq(rig.owner.layer_hints.size(), 3);
}

VC_TEST(offers_webtransport_first_whatever_the_server_prefers) {
  Rig rig;
  rig.session.start(rig.now);
  rig.session.on_joined(Rig::answer(), rig.now);
  ck_assert_int_eq(rig.owner.targets.size(), 2);
  ck_assert_str_eq(rig.owner.targets[0].kind.c_str(), "webtransport");
  ck_assert_str_eq(rig.owner.targets[1].kind.c_str(), "websocket");
  ck_assert_str_eq(rig.owner.targets[1].url.c_str(),
                   "ws://here/meet/demo?token=T0K&v=1");
  ck_assert(rig.owner.targets[1].certificate_hashes.empty());
}

VC_TEST(takes_the_one_transport_that_was_asked_for) {
  Rig rig(true, "websocket");
  rig.session.start(rig.now);
  rig.session.on_joined(Rig::answer(), rig.now);
  ck_assert_int_eq(rig.owner.targets.size(), 1);
  ck_assert_str_eq(rig.owner.targets[0].kind.c_str(), "websocket");
}

VC_TEST(is_refused_if_the_server_lacks_the_transport) {
  Rig rig(true, "websocket");
  rig.session.start(rig.now);
  JoinAnswer answer = Rig::answer();
  answer.transports.erase(answer.transports.begin());
  rig.session.on_joined(answer, rig.now);
  ck_assert(rig.state() == State::refused);
  ck_assert_str_eq(rig.owner.states.back().code.c_str(), "no-transport");
  ck_assert_int_eq(rig.owner.connects, 0);
}

VC_TEST(roster_survives_a_resume_and_goes_with_the_end) {
  Rig rig;
  rig.start_and_connect();
  proto::MeetingPacket event;
  event.set_event_type(proto::MeetingPacket::PARTICIPANT_JOINED);
  event.set_session_id(5);
  event.set_target_user_id("anna");
  rig.session.on_packet(*packet(PacketType::meeting, event.SerializeAsString()),
                        rig.now);
  ck_assert_int_eq(rig.owner.members, 1);
  rig.session.on_disconnected(CloseCode::idle, "", rig.now);
  rig.run_timer();
  rig.connect();
  ck_assert_int_eq(rig.owner.members, 1);
  rig.session.stop();
  ck_assert_int_eq(rig.owner.members, 0);
}

VC_TEST(a_draining_server_is_left_for_another_one) {
  Rig rig;
  rig.start_and_connect();
  rig.session.on_draining(rig.now);
  ck_assert(rig.session.next_timer() > rig.now);
  ck_assert(rig.session.next_timer() <= rig.now + limits::kMoveDelay);
  rig.run_timer();
  ck_assert_int_eq(rig.owner.joins, 2);
  ck_assert_msg(rig.state() == State::connected, "the call goes on");
  ck_assert_int_eq(rig.owner.abandoned, 0);
  rig.session.on_joined(Rig::answer(), rig.now);
  ck_assert_int_eq(rig.owner.abandoned, 1);
  ck_assert(rig.owner.abandoned_with == CloseCode::draining);
  ck_assert_int_eq(rig.owner.connects, 2);
  ck_assert_msg(rig.owner.last_url.ends_with("&resume=c2VjcmV0"), "%s",
                rig.owner.last_url.c_str());
  ck_assert(rig.state() == State::reconnecting);
  rig.assign();
  ck_assert(rig.state() == State::connected);
}

VC_TEST(while_nobody_else_takes_it_the_call_goes_on) {
  Rig rig;
  rig.start_and_connect();
  rig.session.on_draining(rig.now);
  rig.session.on_draining(rig.now);  // said twice
  for (int i = 0; i < 3; ++i) {
    rig.run_timer();
    ck_assert_int_eq(rig.owner.joins, 2 + i);
    rig.session.on_join_failed({503, "DRAINING", "", false}, rig.now);
    ck_assert(rig.state() == State::connected);
    ck_assert(rig.session.next_timer() >= rig.now + 100ms);
  }
  // It is closed: the next try is at once, and the next ones follow quickly.
  rig.session.on_disconnected(CloseCode::draining, "", rig.now);
  ck_assert(rig.state() == State::reconnecting);
  const Time closed = rig.now;
  while (rig.now < closed + 2s) {
    rig.run_timer();
    rig.session.on_join_failed({0, "", "refused", false}, rig.now);
    ck_assert(rig.session.next_timer() <= rig.now + limits::kDrainRetryDelay);
  }
  // Not for ever.
  for (int i = 0; i < 30 && rig.now < closed + 20s; ++i) {
    rig.run_timer();
    rig.session.on_join_failed({0, "", "refused", false}, rig.now);
  }
  ck_assert(rig.session.next_timer() > rig.now + limits::kDrainRetryDelay);
}

VC_TEST(a_join_under_way_when_it_is_closed_is_the_next_attempt) {
  Rig rig;
  rig.start_and_connect();
  rig.session.on_draining(rig.now);
  rig.run_timer();
  ck_assert_int_eq(rig.owner.joins, 2);
  rig.session.on_disconnected(CloseCode::draining, "", rig.now);
  ck_assert(rig.state() == State::reconnecting);
  ck_assert_int_eq(rig.owner.joins, 2);
  rig.session.on_joined(Rig::answer(), rig.now);
  ck_assert_int_eq(rig.owner.connects, 2);
  rig.assign();
  ck_assert(rig.state() == State::connected);
}

VC_TEST(who_leaves_while_looking_around_has_left) {
  Rig rig;
  rig.start_and_connect();
  rig.session.on_draining(rig.now);
  rig.run_timer();
  rig.session.stop();
  rig.session.on_joined(Rig::answer(), rig.now);
  ck_assert(rig.state() == State::ended);
  ck_assert_int_eq(rig.owner.connects, 1);
  ck_assert(rig.session.next_timer() == Time::max());
}

VC_SUITE_MAIN("client/client_session")
