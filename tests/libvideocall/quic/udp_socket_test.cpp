// SPDX-License-Identifier: MIT
#include "libvideocall/quic/udp_socket.h"

#include <poll.h>

#include <set>

#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::quic;

namespace {

SocketAddress loopback() {
  return *SocketAddress::parse("127.0.0.1:0");
}

UdpSocket listener() {
  auto made = UdpSocket::bind(loopback(), UdpSocket::Port::exclusive);
  ck_assert_msg(made.ok(), "%s", made.error().message.c_str());
  return std::move(*made);
}

Path path_between(const UdpSocket& from, const SocketAddress& to) {
  return {from.local().storage, from.local().size, to.storage, to.size};
}

struct Arrived {
  std::vector<std::vector<uint8_t>> datagrams;
  Path path;
  unsigned ecn = 0;
};

// Reads until |count| datagrams have come.
Arrived receive(UdpSocket& socket, size_t count, bool coalesced) {
  UdpReceiver receiver(coalesced);
  Arrived arrived;
  while (arrived.datagrams.size() < count) {
    pollfd entry{socket.fd(), POLLIN, 0};
    if (poll(&entry, 1, 30'000) != 1) break;
    auto got = receiver.receive(socket, [&](const Datagram& datagram) {
      arrived.datagrams.emplace_back(datagram.bytes.begin(),
                                     datagram.bytes.end());
      arrived.path = datagram.path;
      arrived.ecn = datagram.ecn;
    });
    ck_assert(got.ok());
  }
  return arrived;
}

std::vector<uint8_t> pattern(size_t size) {
  std::vector<uint8_t> bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * 7);
  return bytes;
}

void check_train(UdpSocket& to, size_t total, size_t segment, bool coalesced) {
  auto from = UdpSocket::connect(to.local());
  ck_assert(from.ok());
  UdpSendQueue queue(*from);
  const auto bytes = pattern(total);
  queue.send(path_between(*from, to.local()), bytes, segment, 2);
  ck_assert(queue.flush());
  const size_t count = (total + segment - 1) / segment;
  const Arrived arrived = receive(to, count, coalesced);
  ck_assert_uint_eq(arrived.datagrams.size(), count);
  ck_assert_uint_eq(arrived.ecn, 2);
  std::vector<uint8_t> joined;
  for (const auto& datagram : arrived.datagrams) {
    ck_assert_uint_le(datagram.size(), segment);
    joined.insert(joined.end(), datagram.begin(), datagram.end());
  }
  ck_assert(joined == bytes);
  ck_assert_uint_eq(queue.lost(), 0);
}

}  // namespace

VC_TEST(addresses_are_parsed_and_printed) {
  for (const char* text : {"127.0.0.1:4433", "[::1]:4433", "[::]:0"}) {
    const auto address = SocketAddress::parse(text);
    ck_assert(address.ok());
    ck_assert_str_eq(address->to_string().c_str(), text);
  }
  for (const char* text :
       {"", "127.0.0.1", "localhost:1", "::1:1", "[::1]", "1.2.3.4:65536",
        "1.2.3.4:", "[127.0.0.1]:1", "1.2.3.4:1x"}) {
    ck_assert_msg(!SocketAddress::parse(text).ok(), "%s", text);
  }
  ck_assert(SocketAddress::parse("0.0.0.0:1")->is_wildcard());
  ck_assert(SocketAddress::parse("[::]:1")->is_wildcard());
  ck_assert(!loopback().is_wildcard());
}

VC_TEST(names_are_resolved) {
  const auto found = SocketAddress::resolve("127.0.0.1", 80);
  ck_assert(found.ok());
  ck_assert_str_eq(found->at(0).to_string().c_str(), "127.0.0.1:80");
  const auto missing = SocketAddress::resolve("does-not-exist.invalid", 80);
  ck_assert(!missing.ok());
  ck_assert(missing.error().code == Errc::not_found);
}

VC_TEST(trains_arrive_whole) {
  UdpSocket to = listener();
  check_train(to, 500, 1'200, false);
  check_train(to, 1'200 * 10, 1'200, false);
  check_train(to, 1'200 * 10 + 1, 1'200, false);
  check_train(to, 100 * 130, 100, false);     // more than one train
  check_train(to, 1'400 * 50, 1'400, false);  // more than one IP packet
}

VC_TEST(coalesced_arrivals_are_cut_again) {
  UdpSocket server = listener();
  auto client = UdpSocket::connect(server.local());
  ck_assert(client.ok());
  UdpSendQueue queue(server);
  const auto bytes = pattern(1'200 * 20 + 7);
  queue.send(path_between(server, client->local()), bytes, 1'200, 0);
  ck_assert(queue.flush());
  const Arrived arrived = receive(*client, 21, true);
  ck_assert_uint_eq(arrived.datagrams.size(), 21);
  ck_assert_uint_eq(arrived.datagrams.back().size(), 7);
}

VC_TEST(many_trains_go_in_one_batch) {
  UdpSocket to = listener();
  auto from = UdpSocket::connect(to.local());
  ck_assert(from.ok());
  UdpSendQueue queue(*from);
  for (int i = 0; i < 200; ++i)
    queue.send(path_between(*from, to.local()), pattern(100), 100, 0);
  ck_assert(queue.flush());
  ck_assert_uint_eq(receive(to, 200, false).datagrams.size(), 200);
}

VC_TEST(a_wildcard_socket_knows_the_address_that_was_asked) {
  auto any = *SocketAddress::parse("0.0.0.0:0");
  auto to = UdpSocket::bind(any, UdpSocket::Port::exclusive);
  ck_assert(to.ok());
  auto asked = *SocketAddress::parse("127.0.0.3:0");
  asked.set_port(to->local().port());
  auto from = UdpSocket::connect(asked);
  ck_assert(from.ok());
  UdpSendQueue queue(*from);
  queue.send(path_between(*from, asked), pattern(50), 50, 0);
  queue.flush();
  const Arrived arrived = receive(*to, 1, false);
  ck_assert(SocketAddress::from(arrived.path.local, arrived.path.local_size) ==
            asked);
  // And the answer comes from there: the client hears no other.
  UdpSendQueue back(*to);
  back.send(arrived.path, pattern(60), 60, 0);
  back.flush();
  ck_assert_uint_eq(receive(*from, 1, true).datagrams.at(0).size(), 60);
}

VC_TEST(a_closed_port_is_heard_of) {
  uint16_t port = 0;
  {
    const UdpSocket gone = listener();
    port = gone.local().port();
  }
  auto remote = loopback();
  remote.set_port(port);
  auto from = UdpSocket::connect(remote);
  ck_assert(from.ok());
  UdpSendQueue queue(*from);
  queue.send(path_between(*from, remote), pattern(50), 50, 0);
  queue.flush();
  pollfd entry{from->fd(), POLLIN, 0};
  ck_assert_int_eq(poll(&entry, 1, 30'000), 1);
  UdpReceiver receiver(true);
  auto got = receiver.receive(*from, [](const Datagram&) {});
  ck_assert(!got.ok());
  ck_assert(got.error().code == Errc::unavailable);
}

VC_TEST(only_our_own_sockets_share_a_port) {
  UdpSocket first = listener();
  ck_assert(!UdpSocket::bind(first.local(), UdpSocket::Port::shared).ok());
  ck_assert(first.allow_sharing().ok());
  ck_assert(UdpSocket::bind(first.local(), UdpSocket::Port::shared).ok());
  const auto stranger =
      UdpSocket::bind(first.local(), UdpSocket::Port::exclusive);
  ck_assert(!stranger.ok());
  ck_assert(stranger.error().code == Errc::address_in_use);
}

VC_TEST(shared_sockets_split_the_senders) {
  UdpSocket first = listener();
  ck_assert(first.allow_sharing().ok());
  auto second = UdpSocket::bind(first.local(), UdpSocket::Port::shared);
  ck_assert(second.ok());
  std::vector<UdpSocket> senders;
  for (int i = 0; i < 32; ++i) {
    senders.push_back(std::move(*UdpSocket::connect(first.local())));
    UdpSendQueue queue(senders.back());
    queue.send(path_between(senders.back(), first.local()), pattern(10), 10, 0);
    queue.flush();
  }
  UdpReceiver receiver(false);
  size_t counts[2] = {};
  UdpSocket* sockets[2] = {&first, &*second};
  for (int i = 0; i < 2; ++i) {
    auto got =
        receiver.receive(*sockets[i], [&](const Datagram&) { ++counts[i]; });
    ck_assert(got.ok());
  }
  ck_assert_uint_eq(counts[0] + counts[1], 32);
  ck_assert_uint_gt(counts[0], 0);
  ck_assert_uint_gt(counts[1], 0);
}

VC_SUITE_MAIN("quic/udp_socket")
