// SPDX-License-Identifier: MIT
#include "libvideocall/room/bandwidth.h"

#include <algorithm>

#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::room;

namespace {

// A link with a queue in front of it, fed as fast as the estimator allows.
class Link {
 public:
  // |wanted_bps| is what a viewer would be sent if nothing bounded it.
  Link(double capacity_bps, double wanted_bps)
      : capacity(capacity_bps), wanted(wanted_bps) {}

  // 200 ms and a report.
  void step() {
    const double seconds = 0.2;
    sent_bps = estimator.limited() ? std::min(wanted, estimator.allowed_bps())
                                   : wanted;
    estimator.set_granted(
        sent_bps, next > 0 ? next : std::min(wanted, 2 * sent_bps), false);
    queued += sent_bps * seconds;
    const double carried = std::min(queued, capacity * seconds);
    queued -= carried;
    // As the send queue does: nothing waits for longer than 300 ms.
    const double most = capacity * 0.3;
    if (queued > most) {
      queued = most;
      ++report.dropped_video;
    }
    report.bytes_sent += static_cast<uint64_t>(carried / 8);
    report.bytes_delivered = report.bytes_sent;
    report.packets_sent += static_cast<uint64_t>(carried / 8 / 1200) + 1;
    report.queued_bytes = static_cast<uint64_t>(queued / 8);
    report.queued_for = std::chrono::duration_cast<Duration>(
        std::chrono::duration<double>(queued / capacity));
    now += 200ms;
    estimator.update(report, now);
  }
  void run(Duration duration) {
    for (Duration done{}; done < duration; done += 200ms) step();
  }

  BandwidthEstimator estimator;
  LinkReport report;
  double capacity;
  double wanted;
  double next = 0;  // what the next layer would make of it
  double sent_bps = 0;
  double queued = 0;  // bits
  Time now = Time(1000s);
};

}  // namespace

VC_TEST(a_link_that_carries_all_is_not_bounded) {
  Link link(5e6, 2e6);
  link.run(60s);
  ck_assert(!link.estimator.limited());
  ck_assert_uint_eq(link.report.dropped_video, 0);
}

VC_TEST(a_full_link_is_found_out_within_a_second) {
  for (const double capacity : {100e3, 200e3, 1e6, 4e6}) {
    Link link(capacity, 4 * capacity);
    link.run(1s);
    ck_assert(link.estimator.limited());
    link.run(2s);
    ck_assert_double_le(link.estimator.allowed_bps(), capacity);
    ck_assert_double_ge(link.estimator.allowed_bps(), 0.5 * capacity);
  }
}

VC_TEST(over_time_most_of_a_link_is_used_and_little_is_lost) {
  Link link(800e3, 3e6);
  link.run(10s);
  const uint64_t dropped = link.report.dropped_video;
  const uint64_t sent = link.report.bytes_sent;
  link.run(60s);
  const double used =
      8.0 * static_cast<double>(link.report.bytes_sent - sent) / 60;
  ck_assert_double_ge(used, 0.7 * 800e3);
  // Reports with losses: of 300.
  ck_assert_uint_le(link.report.dropped_video - dropped, 15);
}

VC_TEST(a_link_that_recovers_is_used_again) {
  Link link(200e3, 2e6);
  link.run(20s);
  ck_assert_double_le(link.estimator.allowed_bps(), 250e3);
  link.capacity = 10e6;
  link.run(50s);
  ck_assert_double_ge(link.sent_bps, 2e6 - 1);
  link.run(70s);
  ck_assert(!link.estimator.limited());
}

// What a viewer gets grows in steps; between them the estimate has nothing to
// grow on.
VC_TEST(the_step_to_the_next_layer_is_tried_and_more_rarely_if_it_fails) {
  Link link(200e3, 150e3);
  link.wanted = 800e3;  // the link fills up
  link.run(5s);
  link.wanted = 150e3;  // the layer that fits
  size_t probes = 0;
  bool probing = false;
  Duration last{};
  std::vector<Duration> at;
  for (Duration t{}; t < 400s; t += 200ms) {
    link.estimator.set_granted(150e3, 500e3, false);
    const bool granted =
        link.estimator.limited() && link.estimator.allowed_bps() >= 500e3;
    link.wanted = granted ? 500e3 : 150e3;
    link.report.dropped_video += 0;
    // As in step(), but what is granted stays what the layers say.
    const double seconds = 0.2;
    link.queued += link.wanted * seconds;
    const double carried = std::min(link.queued, link.capacity * seconds);
    link.queued = std::min(link.queued - carried, link.capacity * 0.3);
    link.report.bytes_sent += static_cast<uint64_t>(carried / 8);
    link.report.bytes_delivered = link.report.bytes_sent;
    link.report.queued_bytes = static_cast<uint64_t>(link.queued / 8);
    link.report.queued_for = std::chrono::duration_cast<Duration>(
        std::chrono::duration<double>(link.queued / link.capacity));
    link.now += 200ms;
    link.estimator.update(link.report, link.now);
    if (link.estimator.probing() && !probing) {
      ++probes;
      at.push_back(t);
    }
    probing = link.estimator.probing();
    last = t;
  }
  ck_assert_uint_ge(probes, 3);
  ck_assert_uint_le(probes, 8);
  for (size_t i = 2; i < at.size(); ++i)
    ck_assert(at[i] - at[i - 1] >= at[i - 1] - at[i - 2] ||
              at[i] - at[i - 1] >= 110s);
}

VC_TEST(a_burst_that_shows_capacity_brings_the_next_step_soon) {
  Link link(200e3, 800e3);
  link.run(5s);
  link.capacity = 10e6;
  link.report.delivery_rate = 5e6 / 8;
  link.next = 1.5e6;
  link.wanted = 1.5e6;
  Duration took{};
  while (link.sent_bps < 1.5e6 && took < 60s) {
    link.step();
    took += 200ms;
  }
  ck_assert(took < 8s);
}

VC_TEST(what_was_shown_before_the_link_was_full_shows_nothing) {
  Link link(200e3, 800e3);
  link.report.delivery_rate = 5e6 / 8;  // and nothing newer was measured
  link.run(3s);
  link.next = 1.5e6;
  link.wanted = 1.5e6;
  for (int i = 0; i < 50; ++i) {
    link.step();
    ck_assert_double_lt(link.sent_bps, 1.5e6);
  }
}

VC_TEST(losses_without_a_queue_count_only_when_heavy) {
  Link link(10e6, 1e6);
  for (int i = 0; i < 100; ++i) {
    link.report.packets_lost += 1;  // of about 21
    link.step();
  }
  ck_assert(!link.estimator.limited());
  for (int i = 0; i < 5; ++i) {
    link.report.packets_lost += 8;
    link.step();
  }
  ck_assert(link.estimator.limited());
}

// Nothing is sent, so nothing is reported.
VC_TEST(in_the_dark_the_first_picture_is_tried_soon_then_ever_more_rarely) {
  Link link(200e3, 2e6);
  link.run(2s);
  ck_assert(link.estimator.limited());
  ck_assert(!link.estimator.wait(link.now + 900ms));
  std::vector<Time> at;
  for (const Time end = link.now + 120s; link.now < end;) {
    link.estimator.set_granted(0, 1.5e6, true);
    link.now += 1s;
    if (!link.estimator.wait(link.now)) continue;
    if (link.estimator.allowed_bps() < 1.5e6) continue;
    at.push_back(link.now);
    // It fails at once.
    ++link.report.dropped_video;
    link.now += 1s;
    ck_assert(link.estimator.update(link.report, link.now));
    ck_assert(link.estimator.congested());
    ck_assert_double_lt(link.estimator.allowed_bps(), 1.5e6);
  }
  ck_assert_uint_ge(at.size(), 10);
  ck_assert_uint_le(at.size(), 25);
  ck_assert(at[1] - at[0] <= 4s);
  ck_assert(at.back() - at[at.size() - 2] >= 7s);
}

// The queue before a bottleneck lets 250 of 1 500 kbit/s pass.
VC_TEST(what_was_sent_and_not_delivered_counts_for_nothing) {
  BandwidthEstimator estimator;
  LinkReport report{.rtt = 40ms};
  Time now(1000s);
  const auto step = [&](Duration rtt, uint64_t delivered_bps) {
    now += 200ms;
    report.rtt = rtt;
    report.bytes_sent += 1'500'000 / 8 / 5;
    report.bytes_delivered += delivered_bps / 8 / 5;
    return estimator.update(report, now);
  };
  for (int i = 0; i < 20; ++i) step(40ms, 1'500'000);
  ck_assert(!estimator.limited());
  // One round trip that is long is enough.
  ck_assert(step(250ms, 600'000));
  ck_assert(estimator.congested());
  ck_assert(step(290ms, 250'000));
  ck_assert_double_le(estimator.allowed_bps(), 250e3);
  ck_assert_double_ge(estimator.allowed_bps(), 100e3);
  ck_assert_double_ge(estimator.carries_bps(), 249e3);
  ck_assert_double_le(estimator.carries_bps(), 251e3);
}

// A machine that is busy for a moment, a radio link that pauses.
VC_TEST(one_long_round_trip_is_forgiven_when_the_next_is_short) {
  Link link(10e6, 1e6);
  link.report.rtt = 30ms;
  link.run(2s);
  link.report.rtt = 300ms;
  link.step();
  ck_assert(link.estimator.congested());
  link.report.rtt = 35ms;
  link.step();
  ck_assert(!link.estimator.limited());
  // Two are believed, and so is one by which pictures were lost.
  link.report.rtt = 300ms;
  link.step();
  link.step();
  link.report.rtt = 35ms;
  link.step();
  ck_assert(link.estimator.limited());
  Link other(10e6, 1e6);
  other.report.rtt = 30ms;
  other.run(2s);
  other.report.rtt = 300ms;
  ++other.report.dropped_video;
  other.step();
  other.report.rtt = 35ms;
  other.step();
  ck_assert(other.estimator.limited());
}

VC_TEST(a_round_trip_that_grows_a_little_is_no_congestion) {
  Link link(10e6, 1e6);
  link.report.rtt = 30ms;
  link.run(2s);
  link.report.rtt = 150ms;
  link.run(10s);
  ck_assert(!link.estimator.limited());
}

VC_TEST(a_node_that_is_busy_is_no_full_link) {
  Link link(10e6, 1e6);
  link.report.rtt = 30ms;
  link.run(2s);
  link.report.rtt = 400ms;
  link.report.own_delay = 350ms;
  link.run(10s);
  ck_assert(!link.estimator.limited());
  link.report.own_delay = 100ms;
  link.run(1s);
  ck_assert(link.estimator.limited());
}

VC_TEST(reports_in_a_rush_and_counters_that_begin_anew_do_no_harm) {
  BandwidthEstimator estimator;
  LinkReport report;
  Time now(1000s);
  ck_assert(!estimator.update(report, now));
  report.bytes_sent = 1'000'000;
  report.queued_for = 10s;
  ck_assert(!estimator.update(report, now));
  ck_assert(!estimator.limited());
  now += 200ms;
  ck_assert(estimator.update(report, now));
  ck_assert(estimator.limited());
  report.bytes_sent = 0;  // a new session
  now += 200ms;
  estimator.update(report, now);
  ck_assert_double_ge(estimator.allowed_bps(), 10e3);
  ck_assert_double_le(estimator.allowed_bps(), 100e6);
}

VC_SUITE_MAIN("room/bandwidth")
