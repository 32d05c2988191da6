// SPDX-License-Identifier: MIT
// What each congestion control makes of a link that loses datagrams, on a fake
// clock: the same losses, whatever the machine does meanwhile.
#include "libvideocall/quic/congestion_control.h"

#include "libvideocall/quic/impaired_link.h"
#include "tests/libvideocall/quic/lossy_link.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::quic;
using namespace videocall::quic::testing;

namespace {

constexpr auto kLength = 30s;
// 300 kbit/s over a round trip of 100 ms.
constexpr LossyLinkConfig kCubic = {.congestion_control =
                                        CongestionControl::cubic};
constexpr LossyLinkConfig kBbr = {.congestion_control = CongestionControl::bbr};

LossyLinkConfig with_loss(LossyLinkConfig config, double loss) {
  config.loss = loss;
  return config;
}

double percent(size_t part, size_t whole) {
  return 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

// What each of two that want more than half of a bottleneck's 1.2 Mbit/s gets
// of it, in kbit/s. It queues for 250 ms.
std::array<double, 2> shares(CongestionControl first,
                             CongestionControl second) {
  constexpr auto kSettle = 5s;
  ImpairedLink bottleneck({.bits_per_second = 1'200'000, .queue = 250ms});
  std::array<std::unique_ptr<LossyLink>, 2> links;
  std::array<double, 2> kbits{};
  bool counts = false;
  for (size_t i = 0; i < 2; ++i) {
    LossyLinkConfig config;
    config.congestion_control = i == 0 ? first : second;
    config.frame_bytes = 4'000;  // 1 Mbit/s
    links[i] = std::make_unique<LossyLink>(config);
    ck_assert(links[i]->open());
    Simulation& sim = links[i]->simulation();
    sim.tamper = [&bottleneck, &counts, &sim, &sent = kbits[i],
                  delay = config.delay](bool to_server,
                                        std::vector<uint8_t>& datagram) {
      sim.network.delay = delay;
      if (to_server) return true;
      const Time out = bottleneck.carry(datagram.size(), sim.now);
      if (out == Time::max()) return false;
      sim.network.delay += out - sim.now;
      if (counts) sent += 8e-3 * static_cast<double>(datagram.size());
      return true;
    };
  }
  const Time begin = std::max(links[0]->simulation().now,  //
                              links[1]->simulation().now);
  for (Time at = begin; at < begin + kSettle + kLength; at += 1ms) {
    counts = at >= begin + kSettle;
    for (auto& link : links) link->step(at, true);
  }
  for (double& share : kbits)
    share /= std::chrono::duration<double>(kLength).count();
  return kbits;
}

}  // namespace

VC_TEST(both_bring_everything_in_time_where_nothing_is_lost) {
  for (const LossyLinkConfig& config : {kCubic, kBbr}) {
    LossyLink link(config);
    ck_assert(link.open());
    const LossyLinkResult result = link.stream(kLength);
    ck_assert_uint_eq(result.sent, 29 * 30);
    ck_assert_uint_eq(result.in_time, result.sent);
    ck_assert_uint_eq(link.stats().groups_cut, 0);
  }
}

VC_TEST(both_deliver_over_a_lossy_link) {
  LossyLink cubic(with_loss(kCubic, 0.05));
  LossyLink bbr(with_loss(kBbr, 0.05));
  ck_assert(cubic.open());
  ck_assert(bbr.open());
  const LossyLinkResult with_cubic = cubic.stream(kLength);
  const LossyLinkResult with_bbr = bbr.stream(kLength);
  ck_assert_uint_gt(cubic.stats().transport.packets_lost, 0);
  ck_assert_uint_gt(bbr.stats().transport.packets_lost, 0);
  ck_assert_double_ge(percent(with_cubic.came, with_cubic.sent), 90);
  ck_assert_uint_eq(with_bbr.came, with_bbr.sent);
  ck_assert_double_ge(percent(with_bbr.in_time, with_bbr.sent), 99);
}

VC_TEST(only_bbr_keeps_its_window_when_every_fifth_is_lost) {
  LossyLink cubic(with_loss(kCubic, 0.2));
  LossyLink bbr(with_loss(kBbr, 0.2));
  ck_assert(cubic.open());
  ck_assert(bbr.open());
  const LossyLinkResult with_cubic = cubic.stream(kLength);
  const LossyLinkResult with_bbr = bbr.stream(kLength);
  // RFC 9002, section 7.2: a connection begins with ten packets.
  const uint64_t initial = 10 * 1'200;
  ck_assert_uint_lt(cubic.stats().transport.congestion_window, initial);
  ck_assert_uint_gt(bbr.stats().transport.congestion_window, initial);
  ck_assert_double_le(percent(with_cubic.in_time, with_cubic.sent), 80);
  ck_assert_double_ge(percent(with_bbr.in_time, with_bbr.sent), 90);
}

VC_TEST(lost_acknowledgements_cost_little) {
  LossyLinkConfig config = with_loss(kBbr, 0.05);
  config.loss_back = 0.05;
  LossyLink link(config);
  ck_assert(link.open());
  const LossyLinkResult result = link.stream(kLength);
  ck_assert_double_ge(percent(result.in_time, result.sent), 99);
}

// Why bbr is not the default.
VC_TEST(of_a_full_link_bbr_takes_from_cubic) {
  const auto equal = shares(CongestionControl::cubic, CongestionControl::cubic);
  const auto mixed = shares(CongestionControl::cubic, CongestionControl::bbr);
  for (const auto& pair : {equal, mixed})
    ck_assert_double_ge(pair[0] + pair[1], 1'000);
  const auto [least, most] = std::minmax(equal[0], equal[1]);
  ck_assert_double_le(most, 2 * least);
  ck_assert_double_ge(mixed[1], 3 * mixed[0]);
}

VC_SUITE_MAIN("quic/congestion_control")
