// SPDX-License-Identifier: MIT
// Connections over networks that misbehave, and what a shard does about
// packets of no connection.
#include <set>

#include "libvideocall/quic/connection.h"
#include "tests/libvideocall/quic/simulation.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::quic;
using namespace videocall::quic::testing;

namespace {

bool same(const std::vector<uint8_t>& received, const PacketRef& packet) {
  const Bytes sent = packet->bytes();
  return received.size() == sent.size() &&
         std::equal(sent.begin(), sent.end(), received.begin());
}

// Streams of many sizes both ways; all must arrive whole.
void exchange(Simulation& sim, size_t count) {
  std::map<StreamId, PacketRef> to_server, to_client;
  const auto send_all = [count](Peer& peer,
                                std::map<StreamId, PacketRef>& sent) {
    for (uint32_t i = 0; i < count; ++i) {
      const size_t size = 1 + (i * 7'919) % 40'000;
      auto stream =
          i % 4 == 0 ? peer.session->open_bidi() : peer.session->open_uni();
      ck_assert(stream.ok());
      sent[*stream] = pattern_packet(size, i);
      peer.send(*stream, sent[*stream], true);
    }
  };
  send_all(sim.client.peer, to_server);
  send_all(sim.server.peer, to_client);
  const auto arrived = [](const Peer& peer,
                          const std::map<StreamId, PacketRef>& sent) {
    for (const auto& [id, packet] : sent) {
      const auto found = peer.streams.find(id);
      if (found == peer.streams.end() || !found->second.fin) return false;
    }
    return true;
  };
  ck_assert(sim.run_until(
      [&] {
        return arrived(sim.server.peer, to_server) &&
               arrived(sim.client.peer, to_client);
      },
      120s));
  for (const auto& [id, packet] : to_server)
    ck_assert(same(sim.server.peer.streams[id].bytes, packet));
  for (const auto& [id, packet] : to_client)
    ck_assert(same(sim.client.peer.streams[id].bytes, packet));
}

}  // namespace

VC_TEST(delivers_everything_whatever_the_network_does) {
  for (uint32_t seed = 1; seed <= 12; ++seed) {
    NetworkConfig network;
    network.seed = seed;
    network.loss = 0.1;
    network.duplicate = 0.05;
    network.jitter = seed % 2 == 0 ? Duration(30ms) : Duration(0);
    Simulation sim(network);
    ck_assert_msg(sim.establish(), "seed %u", seed);
    exchange(sim, 40);
    ck_assert_uint_gt(sim.server.peer.session->stats().packets_lost, 0);
    sim.client.peer.session->close(CloseCode::left, "done");
    ck_assert(sim.run_until([&] { return sim.server.peer.closed == 1; }));
    // The capsule may be lost for good only if all its repeats were.
    ck_assert(sim.server.peer.close_code == CloseCode::left);
  }
}

VC_TEST(delivers_over_a_long_way) {
  NetworkConfig network;
  network.delay = 150ms;
  network.loss = 0.02;
  Simulation sim(network);
  ck_assert(sim.establish());
  exchange(sim, 60);
}

VC_TEST(recovers_a_lost_tail_without_waiting_for_more_data) {
  Simulation sim;
  ck_assert(sim.establish());
  sim.run_for(5s);
  Peer& server = sim.server.peer;
  Peer& client = sim.client.peer;
  // The second of five packets is lost; nothing is sent after them.
  int packet = 0;
  sim.tamper = [&](bool to_server, std::vector<uint8_t>&) {
    return to_server || ++packet != 2;
  };
  const Time start = sim.now;
  const StreamId stream = *server.session->open_uni();
  server.send(stream, pattern_packet(6'500, 1), true);
  ck_assert(sim.run_until([&] { return client.streams[stream].fin; }));
  ck_assert_int_ge(packet, 6);
  // One way, the acknowledgement's way, and the way of the repeat.
  ck_assert(sim.now - start < 3 * sim.network.delay + 10ms);
}

VC_TEST(a_packet_of_the_greatest_size_passes_unreleased) {
  Simulation sim;
  ck_assert(sim.establish());
  Peer& client = sim.client.peer;
  Peer& server = sim.server.peer;
  server.release = false;
  // Leaves the windows as far unreplenished as they may be.
  const StreamId stream = *client.session->open_bidi();
  size_t came = 0;
  server.on_data = [&](StreamId id, Bytes bytes, bool) {
    came += bytes.size();
    if (came <= 120'000) server.session->release_credit(id, bytes.size());
  };
  client.send(stream, pattern_packet(120'000, 1), false);
  ck_assert(sim.run_until([&] { return came == 120'000; }));
  client.send(stream, pattern_packet(limits::kMaxPacketBytes, 2), true);
  ck_assert(sim.run_until([&] { return server.streams[stream].fin; }));
  ck_assert_uint_eq(came, 120'000 + limits::kMaxPacketBytes);
}

VC_TEST(a_client_is_held_to_what_was_released) {
  Simulation sim;
  ck_assert(sim.establish());
  Peer& client = sim.client.peer;
  Peer& server = sim.server.peer;
  server.release = false;
  const StreamId stream = *client.session->open_bidi();
  for (uint32_t i = 0; i < 8; ++i)
    client.send(stream, pattern_packet(500'000, i), false);
  sim.run_for(20s);
  const size_t held = server.streams[stream].bytes.size();
  ck_assert_uint_ge(held, limits::kMaxPacketBytes);
  ck_assert_uint_le(held, 1'310'720);
  ck_assert_uint_gt(client.blocked, 0);
  // Datagrams pass a blocked stream.
  client.send_datagram(raw_packet(bytes_of("still here")));
  ck_assert(sim.run_until([&] { return server.datagrams.size() == 1; }));
  // And all goes on once credit comes.
  server.release = true;
  server.session->release_credit(stream, held);
  ck_assert(sim.run_until(
      [&] { return server.streams[stream].bytes.size() == 8 * 500'000; }));
  ck_assert_uint_gt(client.unblocked, 0);
}

VC_TEST(thousands_of_streams_pass_without_stalling) {
  Simulation sim;
  sim.network.delay = 1ms;
  ck_assert(sim.establish());
  Peer& client = sim.client.peer;
  Peer& server = sim.server.peer;
  size_t finished = 0;
  server.on_data = [&](StreamId id, Bytes, bool fin) {
    if (!fin) return;
    ++finished;
    if (server.streams[id].bidirectional) server.session->finish(id);
    server.streams.erase(id);
  };
  size_t opened = 0;
  constexpr size_t kStreams = 6'000;
  const PacketRef packet = pattern_packet(3'000, 5);
  ck_assert(sim.run_until(
      [&] {
        // Every third is bidirectional.
        while (opened < kStreams) {
          auto stream = opened % 3 == 0 ? client.session->open_bidi()
                                        : client.session->open_uni();
          if (!stream) {
            ck_assert(stream.error().code == Errc::would_block);
            break;
          }
          client.send(*stream, packet, true);
          ++opened;
        }
        return finished == kStreams;
      },
      600s));
  ck_assert_uint_gt(client.credit_events, 0);
  ck_assert_int_eq(server.closed, 0);
}

VC_TEST(a_connection_has_only_so_many_streams) {
  Simulation sim;
  sim.network.delay = 1ms;
  // A hundredth of what there may be, for want of time.
  constexpr size_t kMost = limits::kMaxLifetimeUniStreams / 100;
  sim.server_config.max_lifetime_uni_streams /= 100;
  ck_assert(sim.establish());
  Peer& client = sim.client.peer;
  size_t opened = 0;
  size_t opened_until_drain = 0;
  ck_assert(sim.run_until([&] {
    while (client.closed == 0) {
      auto stream = client.session->open_uni();
      if (!stream) break;
      client.send_text(*stream, "x", true);
      ++opened;
    }
    if (opened_until_drain == 0 && client.draining) opened_until_drain = opened;
    return client.closed > 0;
  }));
  ck_assert(client.close_code == CloseCode::draining);
  ck_assert(client.closed_by_peer);
  ck_assert_uint_ge(opened_until_drain, kMost / 10 * 9 - 10);
  ck_assert_uint_ge(opened, kMost - 10);
  ck_assert_uint_lt(opened, kMost + limits::kMaxOpenPeerStreams);
  ck_assert(sim.run_until([&] { return sim.server.connection->finished(); }));
}

VC_TEST(streams_that_are_cut_give_their_credit_back) {
  Simulation sim;
  sim.network.delay = 1ms;
  ck_assert(sim.establish());
  Peer& client = sim.client.peer;
  size_t opened = 0;
  std::vector<StreamId> live;
  ck_assert(sim.run_until(
      [&] {
        for (StreamId stream : std::exchange(live, {}))
          client.session->reset(stream);
        while (opened < 1'500) {
          auto stream = client.session->open_uni();
          if (!stream) break;
          client.send(*stream, pattern_packet(2'000, 1), false);
          live.push_back(*stream);
          ++opened;
        }
        return opened == 1'500;
      },
      600s));
  // Streams that the server stops, some of which have just ended.
  Peer& server = sim.server.peer;
  server.on_data = [&](StreamId id, Bytes, bool) {
    server.session->stop_sending(id);
  };
  opened = 0;
  ck_assert(sim.run_until(
      [&] {
        while (opened < 1'500) {
          auto stream = client.session->open_uni();
          if (!stream) break;
          client.send(*stream, pattern_packet(2'000, 1), true);
          ++opened;
        }
        return opened == 1'500;
      },
      600s));
  ck_assert_int_eq(server.closed, 0);
}

VC_TEST(survives_a_new_address_of_the_client) {
  Simulation sim;
  sim.server.peer.echo = true;
  ck_assert(sim.establish());
  sim.run_for(1s);
  Peer& client = sim.client.peer;
  for (uint16_t port = 50'001; port < 50'011; ++port) {
    sim.nat_address = ipv4("198.51.100.7", port);
    const size_t before = client.datagrams.size();
    client.send_datagram(raw_packet(bytes_of("ping")));
    ck_assert(sim.run_until([&] { return client.datagrams.size() > before; }));
    sim.run_for(2s);
  }
  ck_assert_uint_ge(sim.server.new_paths.size(), 10);
  const auto& last =
      reinterpret_cast<const sockaddr_in&>(sim.server.new_paths.back().remote);
  ck_assert_uint_eq(ntohs(last.sin_port), 50'010);
  ck_assert_int_eq(sim.server.peer.closed, 0);
}

VC_TEST(retry_proves_the_address) {
  Simulation sim;
  sim.use_retry = true;
  ck_assert(sim.establish());
  ck_assert_uint_eq(sim.retries, 1);
}

VC_TEST(a_retry_token_is_good_for_one_address_and_time) {
  const Secret secret{1, 2, 3};
  const Path path = make_path(ipv4("192.0.2.1", 443), ipv4("192.0.2.9", 999));
  Side owner{1};
  InitialHeader initial;
  initial.version = 1;
  initial.destination = owner.make_connection_id();
  initial.source = owner.make_connection_id();
  const ConnectionId id = owner.make_connection_id();
  uint8_t retry[1500];
  const size_t size =
      write_retry(retry, secret, initial, path, id, Time(1000s));
  ck_assert_uint_gt(size, 0);
  // | first byte, version | sizes and ids | token | integrity tag |
  const size_t header = 1 + 4 + 1 + 16 + 1 + 16;
  InitialHeader again = initial;
  again.destination = id;
  again.token = {retry + header, size - header - 16};
  ck_assert(is_retry_token(again.token));
  const auto verify = [&](const Secret& with, const Path& from, Time when) {
    return verify_retry_token(with, again, from, 10s, when);
  };
  const auto original = verify(secret, path, Time(1005s));
  ck_assert(original.has_value());
  ck_assert(*original == initial.destination);
  ck_assert(!verify(secret, path, Time(1011s)));
  ck_assert(!verify(Secret{4}, path, Time(1005s)));
  const Path other = make_path(path.local, ipv4("192.0.2.10", 999));
  ck_assert(!verify(secret, other, Time(1005s)));
  again.destination = initial.destination;
  ck_assert(!verify(secret, path, Time(1005s)));
  again.token = {};
  ck_assert(!verify(secret, path, Time(1005s)));
  ck_assert(!is_retry_token(again.token));
}

VC_TEST(a_forgotten_connection_is_reset) {
  Simulation sim;
  ck_assert(sim.establish());
  sim.run_for(1s);
  // The server restarts with the same secret.
  sim.server.connection.reset();
  sim.client.peer.send_datagram(pattern_packet(500, 1));
  ck_assert(sim.run_until([&] { return sim.client.peer.closed == 1; }, 2s));
  ck_assert_uint_ge(sim.resets, 1);
  ck_assert(is_resumable(sim.client.peer.close_code));
  ck_assert(sim.run_until([&] { return sim.client.connection->finished(); }));
}

VC_TEST(a_reset_is_smaller_than_what_it_answers) {
  const Secret secret{};
  const ConnectionId id = Side{1}.make_connection_id();
  uint8_t out[1500];
  ck_assert_uint_eq(write_stateless_reset(out, secret, id, 21), 0);
  for (size_t size = 22; size < 1'400; ++size) {
    const size_t answer = write_stateless_reset(out, secret, id, size);
    ck_assert_uint_ge(answer, 21);
    ck_assert_uint_lt(answer, size);
    ck_assert_uint_eq(out[0] & 0xc0, 0x40);
  }
}

VC_TEST(other_versions_are_told_ours) {
  std::vector<uint8_t> datagram(1'200, 0);
  // A version of tomorrow with ids longer than ours may be.
  datagram[0] = 0xc0;
  datagram[1] = 0x0b;
  datagram[5] = 30;
  datagram[5 + 31] = 25;
  uint8_t out[1500];
  const size_t size = write_version_negotiation(out, datagram);
  ck_assert_uint_gt(size, 1 + 4 + 1 + 25 + 1 + 30);
  const uint8_t v1[] = {0, 0, 0, 1};
  ck_assert(std::search(out, out + size, v1, v1 + 4) != out + size);
  const auto header = parse_header(datagram, 16);
  ck_assert(header && header->long_header && !header->supported);
  ck_assert(!parse_initial(datagram));
}

VC_TEST(a_refusal_without_a_connection_reaches_the_client) {
  Simulation sim;
  sim.tamper = [&](bool to_server, std::vector<uint8_t>& bytes) {
    if (!to_server) return true;
    const auto initial = parse_initial(bytes);
    if (!initial) return true;
    std::vector<uint8_t> answer(1'500);
    answer.resize(write_refusal(answer, *initial, kConnectionRefused));
    ck_assert_uint_gt(answer.size(), 0);
    sim.client.connection->receive(
        make_path(sim.client_address, sim.server_address), answer, 0, sim.now);
    return false;
  };
  ck_assert(sim.connect());
  ck_assert(sim.run_until([&] { return sim.client.peer.refused_status == 0; }));
}

VC_TEST(garbage_is_nothing) {
  std::mt19937 random(3);
  Simulation sim;
  ck_assert(sim.establish());
  uint8_t out[1500];
  for (int i = 0; i < 20'000; ++i) {
    std::vector<uint8_t> bytes(random() % 1'400);
    for (auto& byte : bytes) byte = static_cast<uint8_t>(random());
    (void)parse_header(bytes, 16);
    (void)parse_initial(bytes);
    (void)write_version_negotiation(out, bytes);
    if (bytes.empty()) continue;
    // Some of it looks as if it belonged to the connection.
    if (i % 3 == 0 && bytes.size() > 20) {
      bytes[0] = static_cast<uint8_t>((bytes[0] & 0x3f) | 0x40);
      std::copy_n(sim.server.ids.back().bytes.begin(), 16, bytes.begin() + 1);
    }
    sim.server.connection->receive(
        make_path(sim.server_address, sim.client_address), bytes, 0, sim.now);
  }
  sim.client.peer.send_datagram(raw_packet(bytes_of("alive")));
  ck_assert(
      sim.run_until([&] { return sim.server.peer.datagrams.size() == 1; }));
}

VC_TEST(connection_ids_are_named_and_retired) {
  Simulation sim;
  ck_assert(sim.establish());
  sim.run_for(1s);
  // The client's first choice, ours, and spares for its moves.
  ck_assert_uint_ge(sim.server.ids.size(), 3);
  std::set<std::vector<uint8_t>> distinct;
  for (const ConnectionId& id : sim.server.ids)
    distinct.insert({id.bytes.begin(), id.bytes.begin() + id.size});
  ck_assert_uint_eq(distinct.size(), sim.server.ids.size());
}

VC_SUITE_MAIN("quic/network")
