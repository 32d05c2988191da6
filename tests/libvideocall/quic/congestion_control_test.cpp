// SPDX-License-Identifier: MIT
// What each congestion control makes of a link that loses datagrams, on a fake
// clock: the same losses, whatever the machine does meanwhile.
#include "libvideocall/quic/congestion_control.h"

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

VC_SUITE_MAIN("quic/congestion_control")
