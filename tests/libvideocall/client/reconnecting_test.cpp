// SPDX-License-Identifier: MIT
// What a client session does when it loses its server.
#include "libvideocall/client/client_session.h"
#include "tests/libvideocall/client/client_rig.h"

using namespace videocall;
using namespace videocall::client;
using namespace videocall::client::test;

namespace {

// The next thing to do is due within |full|, spread by chance.
void assert_waits(const Rig& rig, Duration full) {
  ck_assert(rig.session.next_timer() >= rig.now + full / 2);
  ck_assert(rig.session.next_timer() <= rig.now + full);
}

// Lets every try fail: up to |end| they follow quickly, and soon no more.
void fail_until_slow(Rig& rig, Time end) {
  const auto is_quick = [&] {
    rig.run_timer();
    rig.session.on_join_failed({0, "", "refused", false}, rig.now);
    return rig.session.next_timer() <= rig.now + limits::kDrainRetryDelay;
  };
  int tries = 0;
  for (bool quick = true; quick; ++tries) {
    quick = is_quick();
    ck_assert(quick || rig.now >= end);
    ck_assert(rig.now < end + 2 * limits::kDrainRetryDelay);
  }
  ck_assert_int_ge(tries, limits::kDrainRetryTime / limits::kDrainRetryDelay);
}

}  // namespace

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
    assert_waits(rig, limits::kMoveRetryDelay);
  }
  // One that would have it wait is none to go to either.
  rig.run_timer();
  JoinAnswer waiting = Rig::answer();
  waiting.status = "waiting";
  rig.session.on_joined(waiting, rig.now);
  ck_assert(rig.state() == State::connected);
  assert_waits(rig, limits::kMoveRetryDelay);
  // It is closed: the next try is at once, and the next ones follow quickly.
  rig.session.on_disconnected(CloseCode::draining, "", rig.now);
  ck_assert(rig.state() == State::reconnecting);
  const Time closed = rig.now;
  fail_until_slow(rig, closed + limits::kDrainRetryTime);
}

VC_TEST(where_the_other_one_is_not_there_tries_follow_quickly) {
  Rig rig;
  rig.start_and_connect();
  rig.session.on_draining(rig.now);
  rig.run_timer();
  rig.session.on_joined(Rig::answer(), rig.now);
  const Time left = rig.now;
  rig.session.on_connect_refused(0, "", rig.now);
  fail_until_slow(rig, left + limits::kDrainRetryTime);
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

VC_SUITE_MAIN("client/reconnecting")
