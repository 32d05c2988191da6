// SPDX-License-Identifier: MIT
#include "libvideocall/client/client_session.h"
#include "tests/libvideocall/client/client_rig.h"

using namespace videocall;
using namespace videocall::client;
using namespace videocall::client::test;

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

VC_SUITE_MAIN("client/client_session")
