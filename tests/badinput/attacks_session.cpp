// SPDX-License-Identifier: MIT
// Within a session: packets and frames that the contract refuses.
#include <random>

#include "libvideocall/quic/capsules.h"
#include "tests/badinput/attacks.h"
#include "tests/support/make_packet.h"
#include "tests/support/suite.h"

namespace videocall::badinput {
namespace {

using namespace std::chrono_literals;
using namespace videocall::quic;
using testing::control;
using testing::media;

constexpr uint32_t kProtocolError = 3;

void expect_close(WireClient& client, uint32_t wanted, const char* what) {
  ck_assert_msg(
      client.until([&] { return client.close_code() || client.over; }),
      "%s: the server was content", what);
  ck_assert_msg(client.close_code().has_value(),
                "%s: closed without a capsule, QUIC error %#lx", what,
                static_cast<unsigned long>(client.reason.code));
  ck_assert_msg(client.close_code() == wanted, "%s: closed with %u (%s)", what,
                *client.close_code(), client.close_reason().c_str());
}

// Whether the session is still served: control is answered.
void expect_content(WireClient& client, const char* what) {
  const size_t before = client.datagrams;
  ck_assert_msg(client.until([&] {
    client.session_datagram([] {
      const PacketRef probe = control(PacketType::rtt, 8);
      return Buffer(probe->bytes().begin(), probe->bytes().end());
    }());
    client.run_for(60ms);
    return client.datagrams > before || client.over || client.close_code();
  }) && !client.over &&
                    !client.close_code(),
                "%s: closed: %s", what, client.close_reason().c_str());
}

Buffer random_bytes(std::mt19937& random, size_t size) {
  Buffer bytes(size);
  for (auto& byte : bytes) byte = static_cast<uint8_t>(random());
  return bytes;
}

Buffer bytes_of(const PacketRef& packet) {
  return {packet->bytes().begin(), packet->bytes().end()};
}

// A stream that ends within a frame is one refusal, fifty are too many.
void truncated_frames(Arena& arena) {
  auto client = arena.member("truncated");
  const Buffer whole = framed(media({.keyframe = true}));
  const auto cut = [&](size_t size) {
    client->session_stream(size % 2 == 0, {whole.begin(), whole.begin() + size},
                           true);
  };
  for (size_t i = 1; i < limits::kMaxRefusals; ++i) cut(i * 13 % 1'000 + 1);
  expect_content(*client, "49 truncated frames");
  cut(700);
  expect_close(*client, kProtocolError, "50 truncated frames");
}

void oversized_frames(Arena& arena) {
  for (const uint32_t length :
       {uint32_t{limits::kMaxPacketBytes + 1}, uint32_t{0x7fffffff},
        uint32_t{0xffffffff}, uint32_t{0}}) {
    auto client = arena.member("oversized");
    // By the prefix alone.
    client->session_stream(false, frame_prefix(length));
    expect_close(*client, kProtocolError, "a frame too large");
  }
  auto client = arena.member("oversized");
  client->control_frame(frame_prefix(limits::kMaxPacketBytes + 1));
  expect_close(*client, kProtocolError, "a frame too large on control");
}

// The greatest packet that is allowed passes.
void greatest_frame(Arena& arena) {
  auto client = arena.member("greatest");
  PacketRef packet =
      media({.keyframe = true, .size = limits::kMaxPacketBytes - 100});
  ck_assert_uint_le(packet->size(), limits::kMaxPacketBytes);
  client->session_stream(false, framed(packet), true);
  expect_content(*client, "the greatest frame");
}

void random_frames(Arena& arena) {
  std::mt19937 random(7);
  for (const bool bidirectional : {false, true}) {
    auto client = arena.member("random");
    // Each of a type that does not exist in protobuf: none of them parses.
    for (size_t i = 0; i < limits::kMaxRefusals; ++i) {
      Buffer bytes = random_bytes(random, 1 + random() % 300);
      bytes[0] = static_cast<uint8_t>(bytes[0] | 0x07);
      client->session_stream(
          bidirectional,
          frame_prefix(static_cast<uint32_t>(bytes.size())) + bytes, true);
    }
    expect_close(*client, kProtocolError, "random frames");
  }
}

// Whatever it is: served or closed with a code of ours, never a crash.
void random_streams(Arena& arena) {
  std::mt19937 random(17);
  for (int round = 0; round < 8; ++round) {
    auto client = arena.guest("random");
    if (round % 2 == 0) ck_assert(client->enter());
    for (int i = 0; i < 30 && !client->over; ++i) {
      const Buffer bytes = random_bytes(random, 1 + random() % 500);
      switch (random() % 5) {
        case 0:
          client->session_stream(random() % 2 == 0, bytes, random() % 2 == 0);
          break;
        case 1:
          if (const auto stream = client->open(random() % 2 == 0))
            client->send(*stream, bytes);
          break;
        case 2:
          client->session_datagram(bytes);
          break;
        case 3:
          client->capsule(bytes);
          break;
        default:
          if (round % 2 == 0) client->control_frame(bytes);
      }
      client->turn(1ms);
    }
    client->run_for(20ms);
    if (const auto code = client->close_code())
      ck_assert_uint_eq(*code, kProtocolError);
    else if (client->over)
      ck_assert(client->reason.application);
  }
}

void bad_datagrams(Arena& arena) {
  {
    auto client = arena.member("datagrams");
    Buffer bytes = bytes_of(control(PacketType::rtt, 8));
    // An unknown field makes up the size: judged by that alone.
    const size_t fill = limits::kMaxDatagramBytes + 1 - bytes.size() - 4;
    bytes = bytes + Buffer{0xfa, 0x3f} + varints({fill});
    bytes.resize(limits::kMaxDatagramBytes + 1);
    client->session_datagram(bytes);
    expect_close(*client, kProtocolError, "a datagram too large");
  }
  auto client = arena.member("datagrams");
  std::mt19937 random(3);
  ck_assert(client->until([&] {
    Buffer bytes = random_bytes(random, 1 + random() % 900);
    bytes[0] = 0xff;
    client->session_datagram(bytes);
    client->turn(1ms);
    return client->close_code() || client->over;
  }));
  expect_close(*client, kProtocolError, "random datagrams");
}

// What only servers send, or another protocol.
void types_that_clients_must_not_send(Arena& arena) {
  auto client = arena.member("types");
  const PacketType types[] = {PacketType::session_assigned, PacketType::meeting,
                              PacketType::layer_hint,       PacketType::node,
                              PacketType::rsa_pub_key,      PacketType::aes_key,
                              PacketType::congestion};
  size_t sent = 0;
  const auto send = [&] {
    client->control_frame(framed(control(types[sent++ % std::size(types)])));
  };
  while (sent < limits::kMaxRefusals - 1) send();
  expect_content(*client, "49 packets of servers");
  send();
  expect_close(*client, kProtocolError, "50 packets of servers");
}

void media_without_sense(Arena& arena) {
  auto client = arena.member("media");
  for (size_t i = 0; i < limits::kMaxRefusals; ++i)
    client->session_stream(
        false, framed(media({.kind = MediaKind::unspecified})), true);
  expect_close(*client, kProtocolError, "media of no kind");
}

void before_connection(Arena& arena) {
  auto client = arena.guest("early");
  // Not even the control stream may begin with something else.
  for (size_t i = 0; i < limits::kMaxRefusals / 2; ++i) {
    client->session_stream(false, framed(media({.keyframe = true})), true);
    client->session_stream(true, framed(control(PacketType::chat)), true);
  }
  expect_close(*client, kProtocolError, "packets before CONNECTION");
}

void second_connection(Arena& arena) {
  auto client = arena.member("twice");
  for (size_t i = 0; i < limits::kMaxRefusals; ++i)
    client->session_stream(true, framed(control(PacketType::connection, 0)),
                           false);
  expect_close(*client, kProtocolError, "many CONNECTIONs");
}

void connection_of_another_meeting(Arena& arena) {
  auto client = arena.guest("here");
  client->enter("elsewhere");
  expect_close(*client, kProtocolError, "CONNECTION with another meeting");
  ck_assert(client->close_reason().find("meeting") != std::string::npos);
  // Its own is right.
  ck_assert(arena.guest("here")->enter("here"));
}

void too_much_of_everything(Arena& arena) {
  for (const PacketType type :
       {PacketType::chat, PacketType::reaction, PacketType::viewport,
        PacketType::member_state, static_cast<PacketType>(99)}) {
    auto client = arena.member("flood");
    const Buffer packet = framed(control(type, 0));
    ck_assert(client->until([&] {
      for (int i = 0; i < 20; ++i) client->control_frame(packet);
      client->turn(1ms);
      return client->close_code() || client->over;
    }));
    expect_close(*client, kProtocolError, "too many packets");
  }
}

void unfinished_frames(Arena& arena) {
  auto client = arena.member("unfinished");
  for (int i = 0; i < 6; ++i)
    client->session_stream(false, frame_prefix(limits::kMaxPacketBytes) +
                                      Buffer(limits::kMaxPacketBytes - 1, 'x'));
  expect_close(*client, kProtocolError, "unfinished frames");
}

void bad_capsules(Arena& arena) {
  for (const Buffer& capsule :
       {varints({h3::kCapsuleClose, 3}) + Buffer(3, 0),
        varints({h3::kCapsuleClose, limits::kMaxCapsuleBytes + 1}) +
            Buffer(limits::kMaxCapsuleBytes + 1, 0)}) {
    auto client = arena.member("capsules");
    client->capsule(capsule);
    ck_assert(client->until([&] { return client->over; }));
    ck_assert(client->reason.application);
    ck_assert_uint_eq(client->reason.code, h3::kMessageError);
  }
}

// Leaves in every way but the polite one.
void rude_ends(Arena& arena) {
  for (const uint32_t code : {0u, 3u, 4u, 7u, 99u, 0xffffffffu}) {
    auto client = arena.member("rude");
    Buffer capsule;
    h3::append_close_capsule(capsule, code, std::string(900, 'r'));
    client->send(client->connect_stream, h3_frame(h3::kFrameData, capsule),
                 true);
    ck_assert(client->until([&] { return client->over; }));
  }
  auto client = arena.member("rude");
  client->reset(client->connect_stream);
  ck_assert(client->until([&] { return client->over; }));
}

}  // namespace

std::span<const Attack> session_attacks() {
  static constexpr Attack kAttacks[] = {
      {"truncated frames", truncated_frames},
      {"oversized frames", oversized_frames},
      {"the greatest frame", greatest_frame},
      {"random frames", random_frames},
      {"random streams", random_streams},
      {"bad datagrams", bad_datagrams},
      {"types of servers", types_that_clients_must_not_send},
      {"media without sense", media_without_sense},
      {"packets before CONNECTION", before_connection},
      {"a second CONNECTION", second_connection},
      {"CONNECTION of another meeting", connection_of_another_meeting},
      {"too much of everything", too_much_of_everything},
      {"unfinished frames", unfinished_frames},
      {"bad capsules", bad_capsules},
      {"rude ends", rude_ends},
  };
  return kAttacks;
}

}  // namespace videocall::badinput
