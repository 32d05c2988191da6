// SPDX-License-Identifier: MIT
// A fleet against a server that the test plays by hand, over real sockets.
#include "libvideocall/websocket/fleet.h"

#include <functional>
#include <string>
#include <vector>

#include "tests/libvideocall/websocket/raw_server.h"
#include "tests/server/temporary_folder.h"
#include "tests/support/make_packet.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::websocket;
using videocall::testing::control;
using videocall::testing::TemporaryFolder;
using videocall::websocket::testing::RawServer;

namespace {

struct Visitor final : quic::FleetVisitor {
  void on_open(size_t, Time) override { ++opened; }
  void on_packet(size_t, const Packet& packet, Time) override {
    ++packets;
    bytes += packet.size();
  }
  void on_ended(size_t, const quic::FleetEnd& end, Time) override {
    ++ended;
    last = end;
    reason = end.reason;
  }
  int opened = 0;
  int packets = 0;
  size_t bytes = 0;
  int ended = 0;
  quic::FleetEnd last;
  std::string reason;
};

std::string text_of(const PacketRef& packet) {
  const Bytes bytes = packet->bytes();
  return {bytes.begin(), bytes.end()};
}

struct Rig {
  explicit Rig(bool secure = false, bool insecure_skip_verify = true)
      : server(secure) {
    start_fleet(insecure_skip_verify, "");
  }
  // Trusts |ca_file| and nobody else.
  explicit Rig(const std::function<std::string(const RawServer&)>& ca_file)
      : server(true) {
    start_fleet(false, ca_file(server));
  }
  void start_fleet(bool insecure_skip_verify, const std::string& ca_file) {
    auto made = create_fleet({.client_name = "test",
                              .insecure_skip_verify = insecure_skip_verify,
                              .ca_file = ca_file},
                             visitor);
    ck_assert(made.ok());
    fleet = std::move(*made);
  }
  void connect(uint64_t bits_per_second = 0,
               const std::string& host = "127.0.0.1") {
    quic::FleetTarget target;
    target.url = server.url(host);
    target.impairment.bits_per_second = bits_per_second;
    ck_assert(fleet->connect(0, target, Clock::now()).ok());
  }
  void until(const std::function<bool()>& done) {
    const Time give_up = Clock::now() + 20s;
    while (!done()) {
      ck_assert_msg(Clock::now() < give_up, "never; server got %zu bytes, %s",
                    server.in.size(), visitor.reason.c_str());
      ck_assert(fleet->turn(1ms).ok());
      server.step();
    }
  }
  // Up to a session that is there.
  void open(uint64_t bits_per_second = 0) {
    connect(bits_per_second);
    until([&] { return server.asked(); });
    server.accept_upgrade();
    until([&] { return !server.frames().empty(); });
    ck_assert_int_eq(visitor.opened, 1);
    server.send_frame(2, text_of(control(PacketType::session_assigned)));
    until([&] { return visitor.packets == 1; });
  }

  Visitor visitor;
  RawServer server;
  std::unique_ptr<quic::Fleet> fleet;
};

}  // namespace

VC_TEST(opens_sends_and_leaves) {
  for (const bool secure : {false, true}) {
    Rig rig(secure);
    rig.open();
    ck_assert(rig.server.in.find("GET /meet/m?token=t HTTP/1.1\r\n") == 0);
    // CONNECTION is the first.
    const auto first = Packet::from_bytes(rig.server.frames()[0].bytes());
    ck_assert(first.ok());
    ck_assert((*first)->fields().type == PacketType::connection);
    const PacketRef state = control(PacketType::member_state, 300);
    rig.fleet->send(0, state, Clock::now());
    const auto arrived = [&](int opcode, const std::string& payload) {
      for (const auto& frame : rig.server.frames())
        if (frame.opcode == opcode && frame.payload == payload) return true;
      return false;
    };
    rig.until([&] { return arrived(2, text_of(state)); });
    // Larger than any buffer on the way.
    const PacketRef large = control(PacketType::meeting, 900'000);
    rig.server.send_frame(2, text_of(large));
    rig.until([&] { return rig.visitor.packets == 2; });
    ck_assert_uint_gt(rig.visitor.bytes, 900'000);
    rig.server.send_frame(9, "hello?");
    rig.until([&] { return arrived(10, "hello?"); });
    rig.fleet->close(0, CloseCode::left);
    rig.until([&] { return rig.visitor.ended == 1; });
    ck_assert(rig.visitor.last.was_open && !rig.visitor.last.by_peer);
    rig.until([&] { return arrived(8, std::string("\x0f\xa0", 2)); });
    rig.server.send_frame(8, std::string("\x0f\xa0", 2));
    rig.until([&] { return rig.server.ended; });
    ck_assert_int_eq(rig.visitor.ended, 1);
  }
}

VC_TEST(tells_why_it_was_refused) {
  Rig rig;
  rig.connect();
  rig.until([&] { return rig.server.asked(); });
  rig.server.send(
      "HTTP/1.1 401 Unauthorized\r\nContent-Length: 12\r\n\r\ntoken spent\n");
  rig.until([&] { return rig.visitor.ended == 1; });
  ck_assert(!rig.visitor.last.was_open);
  ck_assert_int_eq(rig.visitor.last.status, 401);
  ck_assert_str_eq(rig.visitor.reason.c_str(), "token spent");
}

VC_TEST(tells_that_nobody_is_there) {
  Rig rig;
  rig.server.stop_listening();
  rig.connect();
  rig.until([&] { return rig.visitor.ended == 1; });
  ck_assert(!rig.visitor.last.was_open);
  ck_assert_int_eq(rig.visitor.last.status, 0);
  ck_assert(!rig.visitor.reason.empty());
}

VC_TEST(trusts_no_certificate_of_nobody) {
  Rig rig(true, false);
  rig.connect();
  rig.until([&] { return rig.visitor.ended == 1; });
  ck_assert_int_eq(rig.visitor.opened, 0);
  ck_assert_int_eq(rig.visitor.last.status, 0);
  ck_assert_msg(rig.visitor.reason.find("certificate") != std::string::npos,
                "%s", rig.visitor.reason.c_str());
  ck_assert(!rig.server.asked());  // so it has no token
}

VC_TEST(trusts_a_certificate_of_its_authority_and_of_the_right_name) {
  const TemporaryFolder folder;
  const auto own = [&](const RawServer& server) {
    return folder.write("own.pem", server.certificate());
  };
  const auto strangers = [&](const RawServer&) {
    return folder.write("stranger.pem", RawServer(true).certificate());
  };
  Rig good(own);
  good.connect(0, "localhost");
  good.until([&] { return good.server.asked(); });
  good.server.accept_upgrade();
  good.until([&] { return good.visitor.opened == 1; });

  Rig other_name(own);
  other_name.connect();
  Rig other_authority(strangers);
  other_authority.connect(0, "localhost");
  for (Rig* rig : {&other_name, &other_authority}) {
    rig->until([&] { return rig->visitor.ended == 1; });
    ck_assert_int_eq(rig->visitor.opened, 0);
    ck_assert(!rig->server.asked());  // so it has no token
  }
  ck_assert_msg(other_name.visitor.reason.find("name") != std::string::npos,
                "%s", other_name.visitor.reason.c_str());
  ck_assert_msg(
      other_authority.visitor.reason.find("not trusted") != std::string::npos,
      "%s", other_authority.visitor.reason.c_str());
}

VC_TEST(a_file_of_authorities_that_is_none_is_said_so) {
  const std::string nowhere = "/nowhere/ca.pem";
  Rig rig([&](const RawServer&) { return nowhere; });
  quic::FleetTarget target;
  target.url = rig.server.url();
  const auto tried = rig.fleet->connect(0, target, Clock::now());
  ck_assert(!tried.ok());
  ck_assert_msg(tried.error().message.find(nowhere) != std::string::npos, "%s",
                tried.error().message.c_str());
}

VC_TEST(tells_how_it_ended) {
  struct Case {
    std::string payload;  // of the close frame; "cut": there is none
    CloseCode code;
    bool by_peer;
  };
  for (const Case& one : {Case{{"\x0f\xa5", 2}, CloseCode::draining, true},
                          Case{{"\x03\xe8", 2}, CloseCode::left, true},
                          Case{"", CloseCode::idle, false},
                          Case{"cut", CloseCode::idle, false}}) {
    Rig rig;
    rig.open();
    if (one.payload == "cut")
      rig.server.hang_up();
    else
      rig.server.send_frame(8, one.payload);
    rig.until([&] { return rig.visitor.ended == 1; });
    ck_assert(rig.visitor.last.was_open);
    ck_assert(rig.visitor.last.code == one.code);
    ck_assert_int_eq(rig.visitor.last.by_peer, one.by_peer);
  }
}

VC_TEST(leaves_a_server_that_breaks_the_contract) {
  for (const int opcode : {1, 3, 11}) {
    Rig rig;
    rig.open();
    rig.server.send_frame(opcode, "what?");
    rig.until([&] { return rig.visitor.ended == 1; });
    ck_assert(rig.visitor.last.code == CloseCode::protocol_error);
    rig.until([&] {
      const auto frames = rig.server.frames();
      return frames.back().opcode == 8 &&
             frames.back().payload.starts_with("\x0f\xa3");
    });
  }
}

VC_TEST(reads_no_faster_than_its_narrow_link) {
  Rig rig;
  rig.open(800'000);
  const Time begin = Clock::now();
  for (int i = 0; i < 40; ++i)
    rig.server.send_frame(2, text_of(control(PacketType::meeting, 1'000)));
  rig.until([&] { return rig.visitor.packets == 41; });
  // 40 kB are 400 ms; the first piece comes at once.
  ck_assert(Clock::now() - begin > 300ms);
}

VC_TEST(an_index_serves_one_session_after_the_other) {
  Rig rig;
  rig.open();
  quic::FleetTarget target;
  RawServer other(false);
  target.url = other.url();
  // The first has not ended, and is not heard of any more.
  ck_assert(rig.fleet->connect(0, target, Clock::now()).ok());
  rig.until([&] {
    other.step();
    return other.asked() && rig.server.ended;
  });
  ck_assert_int_eq(rig.visitor.ended, 0);
  other.accept_upgrade();
  rig.until([&] {
    other.step();
    return rig.visitor.opened == 2;
  });
  ck_assert_int_eq(rig.visitor.ended, 0);
}

VC_SUITE_MAIN("websocket fleet")
