// SPDX-License-Identifier: MIT
// A WebSocket whose peer reads when the test says so.
#include "plugins/websocket/websocketlink.h"

#include <sys/socket.h>

#include <functional>
#include <vector>

#include "libvideocall/base/unique_fd.h"
#include "libvideocall/websocket/frames.h"
#include "tests/support/loopback.h"
#include "tests/support/make_packet.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::websocket;

namespace {

constexpr int kPeerBuffer = 4'096;

// Always has another packet.
struct Endless : quic::SendSource {
  quic::SendItem next(Time) override {
    quic::SendItem item;
    item.kind = quic::SendItem::Kind::stream;
    item.packet = packet;
    item.bytes = packet->bytes();
    return item;
  }
  void consumed(const quic::SendItem&, size_t size, bool) override {
    taken += size;
  }
  void datagram_refused(const quic::SendItem&) override {}
  void stream_blocked(quic::StreamId) override {}
  void stream_unblocked(quic::StreamId) override {}
  void stream_stopped(quic::StreamId) override {}
  void streams_available() override {}

  PacketRef packet = videocall::testing::control(PacketType::meeting, 20'000);
  size_t taken = 0;
};

// Packets 1 to |last|, each with its number in |data|.
struct Numbered final : Endless {
  quic::SendItem next(Time now) override {
    if (next_number > last) return {};
    const bool large = large_every > 0 && next_number % large_every == 0;
    std::vector<uint8_t> data(large ? 20'000 : 60, 0xc0);
    data[0] = static_cast<uint8_t>(next_number >> 8);
    data[1] = static_cast<uint8_t>(next_number);
    PacketFields fields;
    fields.type = PacketType::meeting;
    fields.data = data;
    packet = std::move(*Packet::build(fields));
    return Endless::next(now);
  }
  void consumed(const quic::SendItem&, size_t, bool) override { ++next_number; }

  size_t next_number = 1;
  size_t last = 0;
  size_t large_every = 0;
};

// What the peer reads: such packets, one after the other, and pongs of two
// bytes.
struct Reader final : FrameVisitor {
  void on_message(Bytes message) override {
    auto packet = Packet::from_bytes(message);
    ck_assert(packet.ok());
    const Bytes data = (*packet)->fields().data;
    ++numbers;
    ck_assert_uint_eq(size_t{data[0]} << 8 | data[1], numbers);
    rest -= message.size() + (message.size() < 126 ? 2 : 4);
  }
  void on_ping(Bytes) override { ck_abort(); }
  void on_close(uint16_t, std::string_view) override { ck_abort(); }
  [[nodiscard]] size_t pongs() const { return rest / 4; }
  void take(int fd, size_t size = 64 * 1024) {
    std::vector<uint8_t> bytes(size);
    const ssize_t got = recv(fd, bytes.data(), size, MSG_DONTWAIT);
    if (got <= 0) return;
    rest += static_cast<size_t>(got);
    ck_assert(
        frames.feed({bytes.data(), static_cast<size_t>(got)}, *this).ok());
  }

  FrameReader frames{limits::kMaxStampedPacketBytes};
  size_t numbers = 0;
  size_t rest = 0;  // bytes that are of no message
};

struct Visitor final : LinkVisitor {
  void on_message(Bytes, Time) override {}
  void on_violation(const Error& error, Time) override {
    ++violations;
    code = error.code;
  }
  void on_link_closed(CloseCode, std::string_view, bool) override {}
  void wants_visit() override { wanted = true; }
  uint64_t turn() const override { return turns; }

  int violations = 0;
  Errc code = Errc::internal;
  bool wanted = true;
  uint64_t turns = 0;
};

// A server's link over loopback, and its peer's socket.
struct Rig {
  Rig() {
    UniqueFd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const uint16_t port = videocall::testing::bind_to_loopback(listener.get());
    ck_assert_int_eq(listen(listener.get(), 1), 0);
    peer.reset(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    setsockopt(peer.get(), SOL_SOCKET, SO_RCVBUF, &kPeerBuffer,
               sizeof kPeerBuffer);
    videocall::testing::connect_to_loopback(peer.get(), port);
    GSocket* ours =
        g_socket_new_from_fd(accept(listener.get(), nullptr, nullptr), nullptr);
    ck_assert_ptr_nonnull(ours);
    stream = G_IO_STREAM(g_socket_connection_factory_create_connection(ours));
    g_object_unref(ours);
    link = std::make_unique<Link>(stream, Link::Side::server, visitor);
  }
  ~Rig() {
    link.reset();
    g_object_unref(stream);
  }
  // Turns the loop until |done|.
  void until(const std::function<bool()>& done) {
    const Time give_up = Clock::now() + 20s;
    while (!done()) {
      ck_assert(Clock::now() < give_up);
      turn();
    }
  }
  void turn() {
    ++visitor.turns;
    g_main_context_iteration(nullptr, FALSE);
    if (std::exchange(visitor.wanted, false)) link->visit(*sends, Clock::now());
  }
  // Sends until neither the socket nor the link takes more.
  void fill() {
    size_t before = 0;
    Time since = Clock::now();
    until([&] {
      if (std::exchange(before, source.taken) != source.taken)
        since = Clock::now();
      return source.taken > 0 && Clock::now() - since > 200ms;
    });
  }
  size_t read(size_t size) const {
    std::vector<uint8_t> bytes(size);
    const ssize_t got = recv(peer.get(), bytes.data(), size, MSG_DONTWAIT);
    return got > 0 ? static_cast<size_t>(got) : 0;
  }

  Visitor visitor;
  Endless source;
  quic::SendSource* sends = &source;  // borrowed
  UniqueFd peer;
  GIOStream* stream = nullptr;  // owned
  std::unique_ptr<Link> link;
};

}  // namespace

VC_TEST(what_is_not_read_waits_where_it_can_be_dropped) {
  Rig rig;
  rig.fill();
  // The rest stays with the scheduler: all but what the kernel holds of both
  // ends, and one packet.
  ck_assert_uint_le(rig.source.taken, 8 * kPeerBuffer +
                                          limits::kMaxUnsentSocketBytes +
                                          2 * rig.source.packet->size());
  // And goes on when it is read.
  const size_t before = rig.source.taken;
  rig.until([&] {
    rig.read(64 * 1024);
    return rig.source.taken > before + 500'000;
  });
  ck_assert_int_eq(rig.visitor.violations, 0);
}

// Thousands of them when many arrive at once.
VC_TEST(small_packets_share_writes) {
  Rig rig;
  Numbered source;
  source.last = 200;
  rig.sends = &source;
  rig.turn();
  ck_assert_uint_eq(source.next_number, 201);
  // 200 of some 70 bytes.
  ck_assert_uint_le(rig.link->stats().packets_sent, 3);
  Reader reader;
  rig.until([&] {
    reader.take(rig.peer.get());
    return reader.numbers == 200;
  });
}

// Whatever the sizes, and with libsoup's answers to pings in between.
VC_TEST(packets_keep_their_order_while_the_socket_is_full) {
  Rig rig;
  Numbered source;
  source.last = 600;
  source.large_every = 30;
  rig.sends = &source;
  Reader reader;
  // A ping of a client, masked with zeros.
  const uint8_t ping[] = {0x89, 0x82, 0, 0, 0, 0, 'h', 'i'};
  constexpr size_t kPings = 10;  // more would be too many
  size_t turns = 0;
  size_t pings = 0;
  rig.until([&] {
    if (++turns % 8 == 0) {
      if (turns % 64 == 0 && pings < kPings) {
        ck_assert_int_eq(send(rig.peer.get(), ping, sizeof ping, 0),
                         sizeof ping);
        ++pings;
      }
      reader.take(rig.peer.get(), 3'000);
    }
    return reader.numbers == source.last && reader.pongs() == kPings;
  });
  ck_assert_int_eq(rig.visitor.violations, 0);
}

VC_TEST(who_reads_nothing_for_a_while_is_given_up) {
  Rig rig;
  rig.fill();
  const Time due = rig.link->next_timer();
  ck_assert(due > Clock::now());
  ck_assert(due <= Clock::now() + limits::kWebSocketStallTimeout);
  rig.link->on_timer(due - 1ms);
  rig.turn();
  ck_assert_int_eq(rig.visitor.violations, 0);
  rig.link->on_timer(due);
  ck_assert(rig.visitor.wanted);
  rig.turn();
  ck_assert_int_eq(rig.visitor.violations, 1);
  ck_assert(rig.visitor.code == Errc::timeout);
}

VC_TEST(who_reads_a_little_is_not) {
  Rig rig;
  rig.fill();
  const Time due = rig.link->next_timer();
  const size_t before = rig.source.taken;
  // Until the socket takes something more.
  rig.until([&] {
    rig.read(1'024);
    return rig.link->next_timer() > due || rig.source.taken > before;
  });
  rig.link->on_timer(due);
  rig.turn();
  ck_assert_int_eq(rig.visitor.violations, 0);
}

VC_TEST(reads_so_much_in_one_turn) {
  Rig rig;
  std::vector<uint8_t> message;
  append_frame(message, Opcode::binary, std::vector<uint8_t>(1'000), 7);
  size_t sent = 0;
  const auto feed = [&] {
    ssize_t size = 0;
    do {
      const size_t at = sent % message.size();
      size = send(rig.peer.get(), message.data() + at, message.size() - at,
                  MSG_DONTWAIT | MSG_NOSIGNAL);
      if (size > 0) sent += static_cast<size_t>(size);
    } while (size > 0);
    g_main_context_iteration(nullptr, FALSE);
    return rig.link->stats().bytes_received;
  };
  for (uint64_t turn = 1; turn <= 3; ++turn) {
    rig.visitor.turns = turn;
    const uint64_t most = turn * limits::kMaxWebSocketBytesPerTurn;
    const Time give_up = Clock::now() + 20s;
    while (feed() < most) ck_assert(Clock::now() < give_up);
    for (int i = 0; i < 100; ++i) ck_assert_uint_eq(feed(), most);
  }
}

VC_SUITE_MAIN("websocket link")
