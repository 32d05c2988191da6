// SPDX-License-Identifier: MIT
// Much of everything: streams, media that nobody reads, handshakes.
#include <sys/socket.h>

#include <algorithm>
#include <thread>

#include "tests/badinput/attacks.h"
#include "tests/support/make_packet.h"
#include "tests/support/suite.h"

namespace videocall::badinput {
namespace {

using namespace std::chrono_literals;
using namespace videocall::quic;
using testing::control;
using testing::media;

constexpr size_t kStreams = 10'000;
constexpr uint32_t kOverload = 4;
// A type that is forwarded to all, on control.
constexpr auto kLaterVersion = static_cast<PacketType>(99);
constexpr size_t kMegabyte = 1'000'000;

void expect_served(WireClient& client, const char* what) {
  const size_t before = client.datagrams;
  const PacketRef probe = control(PacketType::rtt, 8);
  const Buffer bytes(probe->bytes().begin(), probe->bytes().end());
  ck_assert_msg(client.until([&] {
    client.session_datagram(bytes);
    client.run_for(60ms);
    return client.datagrams > before || client.over || client.close_code();
  }) && !client.over &&
                    !client.close_code(),
                "%s: closed: %s %s", what, client.close_reason().c_str(),
                client.reason.text.c_str());
}

// Ten thousand streams are many, not wrong: packets, nothing, and resets.
void ten_thousand_streams(Arena& arena) {
  for (const bool bidirectional : {false, true}) {
    auto client = arena.member("streams");
    const Buffer packet = framed(media({.kind = MediaKind::audio, .size = 40}));
    const Buffer opening =
        varints({bidirectional ? uint64_t{0x41} : uint64_t{0x54},
                 static_cast<uint64_t>(client->connect_stream)});
    size_t opened = 0;
    ck_assert_msg(
        client->until(
            [&] {
              while (opened < kStreams / 2) {
                const auto stream = client->open(bidirectional);
                if (!stream) break;
                const size_t what = opened++ % 3;
                client->send(*stream, what == 0 ? opening + packet : opening,
                             what != 2);
                if (what == 2) client->reset(*stream);
              }
              client->turn(1ms);
              return client->over || (opened == kStreams / 2 && client->idle());
            },
            30s),
        "stuck at stream %zu", opened);
    expect_served(*client, "ten thousand streams");
  }
}

// No more than so many are open at once.
void streams_that_never_end(Arena& arena) {
  auto client = arena.member("open");
  size_t open = 0;
  for (const bool bidirectional : {false, true}) {
    while (const auto stream = client->open(bidirectional)) {
      client->send(*stream,
                   varints({bidirectional ? 0x41u : 0x54u,
                            static_cast<uint64_t>(client->connect_stream)}) +
                       frame_prefix(1'000));
      ++open;
    }
  }
  client->run_for(100ms);
  ck_assert_uint_le(open, 2 * limits::kMaxOpenPeerStreams);
  ck_assert(!client->open(false) && !client->open(true));
  expect_served(*client, "streams that never end");
}

struct SlowRoom {
  SlowRoom(Arena& arena, const char* meeting)
      : reader(arena.member(meeting)), sender(arena.member(meeting)) {}

  // Groups of one key frame until |bytes| were sent.
  void blast(size_t bytes) {
    while (bytes > 0) {
      const size_t size = std::min<size_t>(bytes, 250'000);
      bytes -= size;
      ++group;
      sender->session_stream(false,
                             framed(media({.group = group,
                                           .sequence = group,
                                           .keyframe = true,
                                           .size = size})),
                             true);
      ck_assert(sender->until([&] {
        reader->turn(0ms);
        return sender->idle();
      }));
    }
  }
  std::unique_ptr<WireClient> reader;
  std::unique_ptr<WireClient> sender;
  uint64_t group = 0;
};

// Takes no more of the control stream: when its queue is full, the session ends
// with overload.
void slow_reader(Arena& arena) {
  const auto reader = arena.member("slow");
  reader->hold = true;
  const size_t before = arena.resident_bytes();
  // Each says as much as one may in a second.
  std::vector<std::unique_ptr<WireClient>> talkers;
  for (int i = 0; i < 5; ++i) talkers.push_back(arena.member("slow"));
  const Buffer packet =
      framed(control(kLaterVersion, limits::kMaxControlDataBytes - 100));
  for (const auto& talker : talkers)
    for (size_t i = 1; i < limits::kMaxUnknownTypePacketsPerSecond; ++i)
      talker->control_frame(packet);
  const auto turn = [&] {
    for (const auto& talker : talkers) talker->turn(0ms);
    reader->turn(1ms);
  };
  const Time end = Clock::now() + 20s;
  while (!reader->close_code() && !reader->over && Clock::now() < end) turn();
  ck_assert_msg(reader->close_code() == kOverload, "closed with %d",
                static_cast<int>(reader->close_code().value_or(99)));
  const size_t after = arena.resident_bytes();
  ck_assert_msg(after < before + 32 * kMegabyte, "grew by %zu bytes",
                after - before);
  expect_served(*arena.member("slow"), "a slow reader");
}

// Does not even acknowledge.
void deaf_reader(Arena& arena) {
  SlowRoom room(arena, "deaf");
  room.reader->deaf = true;
  const size_t before = arena.resident_bytes();
  room.blast(16 * kMegabyte);
  const size_t after = arena.resident_bytes();
  ck_assert_msg(after < before + 32 * kMegabyte, "grew by %zu bytes",
                after - before);
  expect_served(*room.sender, "a deaf reader");
  // It hears again and is served again.
  room.reader->deaf = false;
  expect_served(*room.reader, "a deaf reader");
}

bool heard_retry(int fd) {
  std::array<uint8_t, 2'048> bytes;
  bool retry = false;
  for (;;) {
    const ssize_t size = recv(fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (size <= 0) return retry;
    retry |= (bytes[0] & 0xf0) == 0xf0;
  }
}

// Begins handshakes from each socket until it is asked for a Retry.
void flood(std::span<const UniqueFd> sockets) {
  constexpr size_t kMaxInitials = 4'000;
  std::vector<bool> retried(sockets.size());
  size_t sent = 0;
  while (!std::ranges::all_of(retried, [](bool r) { return r; })) {
    ck_assert_msg(sent < kMaxInitials, "no Retry after %zu handshakes", sent);
    for (const UniqueFd& socket : sockets) {
      const Buffer initial = first_initial();
      ::send(socket.get(), initial.data(), initial.size(), MSG_DONTWAIT);
      ++sent;
    }
    std::this_thread::sleep_for(2ms);
    for (size_t i = 0; i < sockets.size(); ++i)
      retried[i] = retried[i] || heard_retry(sockets[i].get());
  }
}

// Above so many unfinished handshakes newcomers must prove their address.
void flood_of_handshakes(Arena& arena) {
  constexpr size_t kSockets = 16;  // so that every shard gets some
  constexpr int kTries = 30;
  std::vector<UniqueFd> sockets;
  for (size_t i = 0; i < kSockets; ++i)
    sockets.push_back(connect_udp(arena.media_port()));
  // A good client does that by itself. Where it need not, handshakes of a flood
  // before were given up just then.
  int proven = 0;
  for (int tries = 0; proven < 3; ++tries) {
    ck_assert_msg(tries < kTries, "%d of %d had to prove it", proven, tries);
    flood(sockets);
    if (arena.member("flooded")->was_retried) ++proven;
  }
}

}  // namespace

std::span<const Attack> load_attacks() {
  static constexpr Attack kAttacks[] = {
      {"ten thousand streams", ten_thousand_streams},
      {"streams that never end", streams_that_never_end},
      {"a slow reader", slow_reader},
      {"a deaf reader", deaf_reader},
      {"a flood of handshakes", flood_of_handshakes},
  };
  return kAttacks;
}

}  // namespace videocall::badinput
