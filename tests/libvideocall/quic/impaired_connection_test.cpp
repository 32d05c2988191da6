// SPDX-License-Identifier: MIT
#include "libvideocall/quic/impaired_connection.h"

#include "tests/libvideocall/quic/simulation.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::quic;
using namespace videocall::quic::testing;

namespace {

constexpr auto kDelay = 10ms;  // of the network, each way

// A simulation whose client has a bad network on top.
struct Impaired {
  Impaired(const Impairment& in, const Impairment& out) {
    sim.network.delay = kDelay;
    ck_assert(sim.connect());
    sim.client.connection = std::make_unique<ImpairedConnection>(
        std::move(sim.client.connection), in, out);
    ck_assert(sim.run_until([this] { return sim.established(); }));
  }

  // Until all of a message is there, from |from| to |to|.
  Duration pass(Peer& from, Peer& to, size_t size) {
    const Time start = sim.now;
    const StreamId stream = *from.session->open_uni();
    const PacketRef packet = pattern_packet(size, 1);
    from.send(stream, packet, true);
    ck_assert(sim.run_until([&] { return to.streams[stream].fin; }));
    const auto& came = to.streams[stream].bytes;
    ck_assert_uint_eq(came.size(), size);
    ck_assert(std::equal(came.begin(), came.end(), packet->bytes().begin()));
    return sim.now - start;
  }
  Duration up(size_t size) {
    return pass(sim.client.peer, sim.server.peer, size);
  }
  Duration down(size_t size) {
    return pass(sim.server.peer, sim.client.peer, size);
  }

  Simulation sim;
};

}  // namespace

VC_TEST(each_direction_has_a_delay_of_its_own) {
  Impaired link({.delay = 30ms}, {.delay = 70ms});
  ck_assert(link.down(1'000) == kDelay + 30ms);
  ck_assert(link.up(1'000) == kDelay + 70ms);
}

VC_TEST(one_direction_alone_is_left_as_it_is) {
  Impaired link({}, {.delay = 70ms});
  ck_assert(link.down(1'000) == kDelay);
  ck_assert(link.up(1'000) == kDelay + 70ms);
}

VC_TEST(what_is_lost_on_the_way_out_is_sent_again) {
  Impaired link({}, {.loss = 0.2, .seed = 3});
  link.up(100'000);
  ck_assert_uint_gt(link.sim.client.peer.session->stats().packets_lost, 0);
  ck_assert_uint_eq(link.sim.server.peer.session->stats().packets_lost, 0);
}

VC_SUITE_MAIN("quic/impaired_connection")
