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
  ck_assert_str_eq(client.text(bidi).c_str(), "hello there");
  for (const auto& [id, received] : client.streams) {
    if (id == bidi) continue;
    ck_assert(!received.bidirectional);
    ck_assert_str_eq(client.text(id).c_str(), "one way");
  }
  ck_assert_str_eq(
      std::string(client.datagrams[0].begin(), client.datagrams[0].end())
          .c_str(),
      "datagram");
}

VC_SUITE_MAIN("quic/connection")
