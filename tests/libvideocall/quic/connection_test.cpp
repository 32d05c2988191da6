// SPDX-License-Identifier: MIT
#include "libvideocall/quic/connection.h"

#include "tests/libvideocall/quic/simulation.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::quic;
using namespace videocall::quic::testing;

VC_TEST(connects_and_accepts) {
  Simulation sim;
  sim.origin = "https://example.org";
  ck_assert(sim.establish());
  ck_assert_uint_eq(sim.server.requests.size(), 1);
  const ConnectRequest& request = sim.server.requests[0];
  ck_assert_str_eq(request.authority.c_str(), "localhost:4433");
  ck_assert_str_eq(request.path.c_str(), "/meet/test?token=secret&v=1");
  ck_assert_str_eq(request.origin.c_str(), "https://example.org");
  ck_assert_str_eq(request.remote_address.c_str(), "192.0.2.2");
}

VC_TEST(echoes_streams_and_datagrams) {
  Simulation sim;
  sim.server.peer.echo = true;
  ck_assert(sim.establish());
  Peer& client = sim.client.peer;
  const StreamId bidi = *client.session->open_bidi();
  const StreamId uni = *client.session->open_uni();
  client.send_text(bidi, "hello ", false);
  client.send_text(uni, "one way", true);
  client.send_datagram(raw_packet(bytes_of("datagram")));
  client.send_text(bidi, "there", true);
  ck_assert(sim.run_until([&] {
    return client.streams[bidi].fin && client.streams.size() == 2 &&
           client.datagrams.size() == 1 && client.streams.rbegin()->second.fin;
  }));
  ck_assert(client.text(bidi) == "hello there");
  for (const auto& [id, received] : client.streams) {
    if (id == bidi) continue;
    ck_assert(!received.bidirectional);
    ck_assert(client.text(id) == "one way");
  }
  ck_assert(std::string(client.datagrams[0].begin(),
                        client.datagrams[0].end()) == "datagram");
}

VC_TEST(answers_later_and_reports_what_came_early) {
  Simulation sim;
  Connection* waiting = nullptr;
  sim.server.decide = [&](Connection& connection, const ConnectRequest&) {
    waiting = &connection;
  };
  ck_assert(sim.connect());
  ck_assert(sim.run_until([&] { return waiting != nullptr; }));
  ck_assert_ptr_null(waiting->session());
  sim.run_for(3s);
  ck_assert(!sim.client.peer.established);
  sim.server.accept(*waiting);
  ck_assert(sim.run_until([&] { return sim.established(); }));
  ck_assert_ptr_nonnull(waiting->session());
}

VC_TEST(refuses_with_status_and_reason) {
  Simulation sim;
  sim.server.decide = [](Connection& connection, const ConnectRequest&) {
    connection.refuse(403, "not admitted");
  };
  ck_assert(sim.connect());
  const Peer& client = sim.client.peer;
  ck_assert(sim.run_until([&] { return client.refused_status >= 0; }));
  ck_assert_int_eq(client.refused_status, 403);
  ck_assert_str_eq(client.refused_reason.c_str(), "not admitted");
  ck_assert(!client.established);
  // Both connections end by themselves.
  ck_assert(sim.run_until(
      [&] {
        return sim.client.connection->finished() &&
               sim.server.connection->finished();
      },
      10s));
  ck_assert_int_eq(client.closed, 0);
}

VC_TEST(server_closes_with_code_and_reason) {
  Simulation sim;
  ck_assert(sim.establish());
  sim.server.peer.session->close(CloseCode::removed, "the host removed you");
  const Peer& client = sim.client.peer;
  ck_assert(sim.run_until([&] { return client.closed > 0; }));
  ck_assert(client.close_code == CloseCode::removed);
  ck_assert_str_eq(client.close_reason.c_str(), "the host removed you");
  ck_assert(client.closed_by_peer);
  ck_assert_int_eq(sim.server.peer.closed, 1);
  ck_assert(!sim.server.peer.closed_by_peer);
  const Time start = sim.now;
  ck_assert(sim.run_until([&] {
    return sim.client.connection->finished() &&
           sim.server.connection->finished();
  }));
  ck_assert(sim.now - start < limits::kCloseLinger);
  ck_assert_int_eq(client.closed, 1);
  ck_assert(!sim.server.peer.session->open_uni().ok());
}

VC_TEST(client_closes_with_code_and_reason) {
  Simulation sim;
  ck_assert(sim.establish());
  sim.client.peer.session->close(CloseCode::left, "bye");
  const Peer& server = sim.server.peer;
  ck_assert(sim.run_until([&] { return server.closed > 0; }));
  ck_assert(server.close_code == CloseCode::left);
  ck_assert_str_eq(server.close_reason.c_str(), "bye");
  ck_assert(server.closed_by_peer);
  ck_assert(sim.run_until([&] {
    return sim.client.connection->finished() &&
           sim.server.connection->finished();
  }));
}

VC_TEST(a_peer_that_vanishes_while_closing_is_reaped) {
  Simulation sim;
  ck_assert(sim.establish());
  sim.network.loss = 1;
  sim.server.peer.session->close(CloseCode::overload, "");
  const Time start = sim.now;
  ck_assert(
      sim.run_until([&] { return sim.server.connection->finished(); }, 10s));
  ck_assert(sim.now - start >= limits::kCloseLinger);
  ck_assert(sim.now - start < 5s);
}

VC_TEST(both_close_at_once) {
  Simulation sim;
  ck_assert(sim.establish());
  sim.client.peer.session->close(CloseCode::left, "");
  sim.server.peer.session->close(CloseCode::draining, "");
  ck_assert(sim.run_until([&] {
    return sim.client.connection->finished() &&
           sim.server.connection->finished();
  }));
  ck_assert_int_eq(sim.client.peer.closed, 1);
  ck_assert_int_eq(sim.server.peer.closed, 1);
}

VC_TEST(drains) {
  Simulation sim;
  ck_assert(sim.establish());
  sim.server.peer.session->drain();
  sim.server.peer.session->drain();
  ck_assert(sim.run_until([&] { return sim.client.peer.draining; }));
  sim.client.peer.session->drain();
  ck_assert(sim.run_until([&] { return sim.server.peer.draining; }));
  ck_assert_int_eq(sim.client.peer.closed, 0);
}

VC_TEST(an_abort_without_capsule_counts_as_left) {
  Simulation sim;
  ck_assert(sim.establish());
  sim.client.connection->abort(0, sim.now);
  ck_assert(sim.run_until([&] { return sim.server.peer.closed > 0; }));
  ck_assert(sim.server.peer.close_code == CloseCode::left);
  ck_assert(sim.server.peer.closed_by_peer);
  ck_assert_int_eq(sim.client.peer.closed, 1);
  ck_assert(!sim.client.peer.closed_by_peer);
}

VC_TEST(silence_ends_a_session_as_lost) {
  Simulation sim;
  ck_assert(sim.establish());
  sim.network.loss = 1;
  ck_assert(sim.run_until(
      [&] { return sim.server.peer.closed > 0 && sim.client.peer.closed > 0; },
      40s));
  ck_assert(sim.server.peer.close_code == CloseCode::idle);
  ck_assert(sim.server.peer.closed_by_peer);
  ck_assert(is_resumable(sim.client.peer.close_code));
  ck_assert(sim.server.connection->finished());
}

VC_TEST(nobody_answers) {
  Simulation sim;
  sim.network.loss = 1;
  ck_assert(sim.connect());
  const Time start = sim.now;
  ck_assert(sim.run_until([&] { return sim.client.peer.refused_status == 0; }));
  ck_assert(sim.now - start <= limits::kHandshakeTimeout + 1s);
  ck_assert(sim.run_until([&] { return sim.client.connection->finished(); }));
}

VC_TEST(a_connection_that_ends_while_it_waits_for_admission) {
  Simulation sim;
  Connection* waiting = nullptr;
  sim.server.decide = [&](Connection& connection, const ConnectRequest&) {
    waiting = &connection;
  };
  ck_assert(sim.connect());
  ck_assert(sim.run_until([&] { return waiting != nullptr; }));
  sim.client.connection->abort(0, sim.now);
  sim.run_for(100ms);
  // The answer comes too late, and is answered by the end, once.
  sim.server.accept(*waiting);
  ck_assert(!sim.server.connection->finished());
  ck_assert(sim.run_until([&] { return sim.server.peer.closed == 1; }));
  ck_assert(sim.run_until([&] { return sim.server.connection->finished(); }));
  ck_assert_int_eq(sim.server.peer.closed, 1);
}

VC_TEST(streams_are_reset_and_stopped) {
  Simulation sim;
  ck_assert(sim.establish());
  Peer& server = sim.server.peer;
  Peer& client = sim.client.peer;
  const StreamId cut = *server.session->open_uni();
  const StreamId unwanted = *server.session->open_uni();
  server.send_text(cut, "begin", false);
  server.send_text(unwanted, "begin", false);
  ck_assert(sim.run_until([&] {
    return client.text(cut) == "begin" && client.text(unwanted) == "begin";
  }));
  server.session->reset(cut);
  client.session->stop_sending(unwanted);
  ck_assert(sim.run_until(
      [&] { return client.streams[cut].reset && !server.stopped.empty(); }));
  ck_assert_int_eq(server.stopped[0], unwanted);
  // What was offered on them afterwards is given back to the source.
  server.send_text(cut, "more", false);
  server.send_text(unwanted, "more", false);
  sim.run_for(1s);
  ck_assert(server.queue.empty());
  ck_assert(client.text(cut) == "begin");
}

VC_TEST(finishes_its_side_of_a_peers_stream) {
  Simulation sim;
  ck_assert(sim.establish());
  Peer& client = sim.client.peer;
  const StreamId stream = *client.session->open_bidi();
  client.send_text(stream, "upload", true);
  ck_assert(sim.run_until([&] { return sim.server.peer.streams.size() == 1; }));
  sim.server.peer.session->finish(stream);
  ck_assert(sim.run_until([&] { return client.streams[stream].fin; }));
}

VC_TEST(large_datagrams_are_refused_not_stuck) {
  Simulation sim;
  ck_assert(sim.establish());
  sim.run_for(5s);  // path MTU discovery
  Peer& client = sim.client.peer;
  const size_t fits = client.session->stats().max_datagram_bytes;
  ck_assert_uint_ge(fits, 1'380);
  ck_assert_uint_le(fits, 1'452);
  client.send_datagram(pattern_packet(fits + 1, 1));
  client.send_datagram(pattern_packet(fits, 2));
  client.send_datagram(pattern_packet(0, 3));
  ck_assert(
      sim.run_until([&] { return sim.server.peer.datagrams.size() == 2; }));
  ck_assert_uint_eq(client.datagrams_refused, 1);
  ck_assert_uint_eq(sim.server.peer.datagrams[0].size(), fits);
  ck_assert_uint_eq(sim.server.peer.datagrams[1].size(), 0);
}

VC_TEST(the_path_may_be_narrow) {
  Simulation sim;
  sim.network.max_datagram = 1'280;
  ck_assert(sim.establish());
  sim.run_for(5s);
  const size_t fits = sim.client.peer.session->stats().max_datagram_bytes;
  ck_assert_uint_ge(fits, limits::kMaxDatagramBytes);
  ck_assert_uint_lt(fits, 1'280);
}

VC_TEST(small_items_share_a_packet) {
  Simulation sim;
  ck_assert(sim.establish());
  sim.run_for(5s);
  const uint64_t before = sim.datagrams_to_server;
  for (uint32_t i = 0; i < 8; ++i)
    sim.client.peer.send_datagram(pattern_packet(100, i));
  sim.flush();
  ck_assert_uint_eq(sim.datagrams_to_server - before, 1);
  ck_assert(
      sim.run_until([&] { return sim.server.peer.datagrams.size() == 8; }));
}

VC_TEST(a_visit_keeps_to_its_budget) {
  Simulation sim;
  ck_assert(sim.establish());
  sim.run_for(5s);
  Peer& server = sim.server.peer;
  server.send(*server.session->open_uni(), pattern_packet(12'000, 1), true);
  struct Counter : PacketSink {
    void send(const Path&, Bytes bytes, size_t, unsigned) override {
      total += bytes.size();
    }
    size_t total = 0;
  } counter;
  ck_assert(sim.server.connection->wants_write(sim.now));
  sim.server.connection->write(counter, 4'000, sim.now);
  ck_assert_uint_ge(counter.total, 4'000);
  ck_assert_uint_lt(counter.total, 4'000 + 1'500);
  ck_assert(sim.server.connection->wants_write(sim.now));
}

VC_TEST(an_idle_connection_is_quiet) {
  Simulation sim;
  ck_assert(sim.establish());
  sim.run_for(8s);
  const uint64_t before = sim.datagrams_to_server + sim.datagrams_to_client;
  sim.run_for(10s);
  ck_assert_uint_eq(sim.datagrams_to_server + sim.datagrams_to_client, before);
  ck_assert(!sim.server.connection->wants_write(sim.now));
}

VC_SUITE_MAIN("quic/connection")
