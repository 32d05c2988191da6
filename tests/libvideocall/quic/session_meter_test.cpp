// SPDX-License-Identifier: MIT
// When the room is told of the links, and of which.
#include "libvideocall/quic/session_meter.h"

#include "libvideocall/wire/limits.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::quic;

namespace {

constexpr Time kStart{1h};
constexpr SessionHandle kSession{1, 0, 7, 1};

struct Room final : ShardVisitor {
  void on_session_request(const SessionRequest&) override {}
  void on_session_opened(const SessionOpened&, Time) override {}
  void on_packet(SessionHandle, PacketRef, Time) override {}
  void on_session_closed(SessionHandle, CloseCode, std::string_view, bool,
                         Time) override {}
  void on_draining(SessionHandle) override {}
  void on_link_reports(std::span<const LinkReport> reports, Time) override {
    told.assign(reports.begin(), reports.end());
  }
  void on_refused(int, std::string_view) override {}
  void on_batch_end(Time) override {}

  std::vector<LinkReport> told;
};

// One session, and a room that is told of it.
struct Bench {
  // A turn of the loop: whether it reported.
  bool turn(Time now) {
    if (!meter.begin_reports(now)) return false;
    room.told.clear();
    meter.look(reading, stats, kSession);
    meter.tell(room, now);
    return true;
  }

  SessionMeter meter;
  SessionMeter::Reading reading;
  ChannelStats stats;
  Room room;
};

}  // namespace

VC_TEST(nothing_is_reported_where_nobody_asks) {
  Bench bench;
  ck_assert(!bench.turn(kStart));
  bench.meter.start_reports();
  ck_assert(bench.turn(kStart));
}

VC_TEST(links_are_looked_at_once_in_an_interval) {
  Bench bench;
  bench.meter.start_reports();
  bench.stats.transport.bytes_sent = 100;
  ck_assert(bench.turn(kStart));
  ck_assert_uint_eq(bench.room.told.size(), 1);
  ck_assert(bench.room.told[0].session == kSession);
  ck_assert_uint_eq(bench.room.told[0].bytes_sent, 100);
  const Time next = kStart + limits::kLinkReportInterval;
  ck_assert(bench.meter.next_reports() == next);
  ck_assert(!bench.turn(next - 1ns));
  ck_assert(bench.turn(next));
}

VC_TEST(a_link_over_which_nothing_goes_is_not_told_and_costs_no_turn) {
  Bench bench;
  bench.meter.start_reports();
  bench.stats.transport.bytes_sent = 100;
  Time now = kStart;
  const auto told = [&] {
    ck_assert(bench.turn(now += limits::kLinkReportInterval));
    return bench.room.told.size();
  };
  ck_assert_uint_eq(told(), 1);
  ck_assert_uint_eq(told(), 0);
  ck_assert(bench.meter.next_reports() == Time::max());
  // What waits is told although none of it gets out.
  bench.stats.queued_bytes = 1;
  ck_assert_uint_eq(told(), 1);
  ck_assert_uint_eq(told(), 1);
  bench.stats.queued_bytes = 0;
  ck_assert_uint_eq(told(), 0);
  bench.stats.refused = 1;
  ck_assert_uint_eq(told(), 1);
}

// A round trip is begun in one turn, and its end may wait for the next to end.
VC_TEST(the_two_longest_turns_in_a_row_are_told_once) {
  Bench bench;
  bench.meter.start_reports();
  bench.stats.transport.bytes_sent = 100;
  for (const Duration took : {30ms, 5ms, 20ms, 25ms, 4ms})
    bench.meter.note_turn(took);
  ck_assert(bench.turn(kStart));
  ck_assert(bench.room.told[0].own_delay == 45ms);
  bench.meter.note_turn(3ms);
  bench.stats.transport.bytes_sent = 200;
  ck_assert(bench.turn(kStart + limits::kLinkReportInterval));
  ck_assert(bench.room.told[0].own_delay == 7ms);
}

VC_SUITE_MAIN("quic/session_meter")
