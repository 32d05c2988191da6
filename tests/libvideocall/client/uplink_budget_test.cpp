// SPDX-License-Identifier: MIT
#include "libvideocall/client/uplink_budget.h"

#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::client;

namespace {

const Time kStart{100s};

void expect_kbps(double actual, double expected) {
  ck_assert_double_ge(actual, expected - 0.5);
  ck_assert_double_le(actual, expected + 0.5);
}

void expect_shares(const std::vector<double>& actual,
                   const std::vector<double>& expected) {
  ck_assert_uint_eq(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i)
    expect_kbps(actual[i], expected[i]);
}

}  // namespace

VC_TEST(a_good_way_takes_all_there_is) {
  UplinkBudget budget;
  for (int i = 0; i < 20; ++i)
    expect_kbps(budget.update({.rtt = 20ms}, 1'000, kStart + i * 500ms), 1'000);
  expect_kbps(budget.update({.rtt = 20ms}, 2'000, kStart + 11s), 2'000);
}

VC_TEST(a_backlog_lowers_what_was_sent_and_lets_it_settle) {
  UplinkBudget budget;
  expect_kbps(
      budget.update({.backlog = 200ms, .sent_kbps = 800}, 1'000, kStart), 600);
  // Not again before the change shows.
  expect_kbps(
      budget.update({.backlog = 200ms, .sent_kbps = 800}, 1'000, kStart + 1s),
      600);
  expect_kbps(
      budget.update({.backlog = 200ms, .sent_kbps = 800}, 1'000, kStart + 2s),
      450);
}

VC_TEST(a_cut_group_weighs_most) {
  UplinkBudget budget;
  expect_kbps(budget.update({.backlog = 200ms, .cut = true}, 1'000, kStart),
              600);
}

VC_TEST(a_queue_somewhere_shows_in_the_round_trip) {
  UplinkBudget budget;
  expect_kbps(budget.update({.rtt = 40ms}, 1'000, kStart), 1'000);
  expect_kbps(budget.update({.rtt = 200ms}, 1'000, kStart + 1s), 1'000);
  expect_kbps(budget.update({.rtt = 260ms}, 1'000, kStart + 2s), 850);
}

VC_TEST(loss_counts_when_there_is_much_of_it) {
  UplinkBudget budget;
  expect_kbps(budget.update({.lost_share = 0.1}, 1'000, kStart), 1'000);
  expect_kbps(budget.update({.lost_share = 0.3}, 1'000, kStart), 850);
}

VC_TEST(it_rises_again_slowly_to_the_ceiling) {
  UplinkBudget budget;
  (void)budget.update({.cut = true}, 1'000, kStart);
  expect_kbps(budget.update({}, 1'000, kStart + 2s), 600);
  expect_kbps(budget.update({}, 1'000, kStart + 4s), 660);
  // What waits a little holds it where it is.
  expect_kbps(budget.update({.backlog = 60ms}, 1'000, kStart + 8s), 660);
  Time now = kStart + 12s;
  double last = 0;
  for (int i = 0; i < 10; ++i) last = budget.update({}, 1'000, now += 4s);
  expect_kbps(last, 1'000);
  expect_kbps(budget.update({}, 5'000, now + 4s), 5'000);
}

VC_TEST(it_never_falls_below_a_picture) {
  UplinkBudget budget;
  Time now = kStart;
  double last = 0;
  for (int i = 0; i < 50; ++i)
    last = budget.update({.cut = true, .sent_kbps = 5}, 1'000, now += 2s);
  expect_kbps(last, 60);
}

VC_TEST(another_connection_begins_anew) {
  UplinkBudget budget;
  (void)budget.update({.cut = true}, 1'000, kStart);
  budget.reset();
  expect_kbps(budget.update({}, 1'000, kStart + 1s), 1'000);
}

VC_TEST(layers_get_what_they_take_while_there_is_enough) {
  const std::vector<double> best = {150, 500, 1'500};
  expect_shares(share_budget(best, {true, true, true}, 5'000), best);
  expect_shares(share_budget(best, {true, false, true}, 5'000),
                {150, 0, 1'500});
  expect_shares(share_budget(best, {false, false, false}, 5'000), {0, 0, 0});
}

VC_TEST(the_highest_goes_first_when_there_is_too_little) {
  const std::vector<double> best = {150, 500, 1'500};
  const std::vector<bool> all(3, true);
  // All have their least (60 + 200 + 600), the rest goes from below.
  expect_shares(share_budget(best, all, 1'000), {150, 250, 600});
  expect_shares(share_budget(best, all, 500), {150, 350, 0});
  expect_shares(share_budget(best, all, 100), {100, 0, 0});
  // The lowest wanted is sent, however little there is.
  expect_shares(share_budget(best, all, 5), {20, 0, 0});
  expect_shares(share_budget(best, {false, false, true}, 300), {0, 0, 300});
}

VC_SUITE_MAIN("client/uplink_budget")
