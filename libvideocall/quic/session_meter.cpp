// SPDX-License-Identifier: MIT
#include "libvideocall/quic/session_meter.h"

#include <algorithm>
#include <utility>

#include "libvideocall/wire/limits.h"

namespace videocall::quic {
namespace {

// A channel that is over has no link to ask, and says 0.
void add_growth(Counter& counter, uint64_t before, uint64_t now) {
  if (now > before) counter.add(now - before);
}

}  // namespace

void SessionMeter::count_closed(CloseCode code) {
  auto index = static_cast<size_t>(code);
  if (index >= kCloseCodes) index = static_cast<size_t>(CloseCode::idle);
  closed_[index].add(1);
}

void SessionMeter::count(Reading& reading, const ChannelStats& stats) {
  const ChannelStats before = std::exchange(reading.stats, stats);
  add_growth(network_bytes_in_, before.transport.bytes_received,
             stats.transport.bytes_received);
  add_growth(network_bytes_out_, before.transport.bytes_sent,
             stats.transport.bytes_sent);
  packets_in_.add(stats.packets_in - before.packets_in);
  packets_out_.add(stats.packets_out - before.packets_out);
  packet_bytes_in_.add(stats.bytes_in - before.bytes_in);
  packet_bytes_out_.add(stats.bytes_out - before.bytes_out);
  packets_refused_.add(stats.refused - before.refused);
  dropped_audio_.add(stats.dropped_audio - before.dropped_audio);
  dropped_video_.add(stats.dropped_video - before.dropped_video);
  groups_cut_.add(stats.groups_cut - before.groups_cut);
}

// -- Reports ------------------------------------------------------------------

void SessionMeter::note_turn(Duration took) {
  two_turns_ = std::max(two_turns_, last_turn_ + took);
  last_turn_ = took;
}

bool SessionMeter::begin_reports(Time now) {
  if (!reports_wanted_ || now < report_at_) return false;
  report_at_ = now + limits::kLinkReportInterval;
  own_delay_ = std::exchange(two_turns_, Duration::zero());
  reports_.clear();
  queued_ = 0;
  return true;
}

void SessionMeter::look(Reading& reading, const ChannelStats& stats,
                        const SessionHandle& session) {
  const bool refused = stats.refused != reading.stats.refused;
  count(reading, stats);
  queued_ += stats.queued_bytes;
  const uint64_t sent = stats.transport.bytes_sent;
  if (std::exchange(reading.reported_bytes, sent) == sent &&
      stats.queued_bytes == 0 && !refused)
    return;
  queue_delay_.add(stats.queued_for);
  if (stats.transport.smoothed_rtt > Duration::zero())
    rtt_.add(stats.transport.smoothed_rtt);
  reports_.push_back(stats.report(session));
  reports_.back().own_delay = own_delay_;
}

void SessionMeter::tell(ShardVisitor& visitor, Time now) {
  queued_bytes_.set(queued_);
  if (!reports_.empty()) visitor.on_link_reports(reports_, now);
}

Time SessionMeter::next_reports() const {
  return reports_.empty() ? Time::max() : report_at_;
}

// -- Any thread ---------------------------------------------------------------

void SessionMeter::add_to(EndpointStats& sum) const {
  sum.opened += opened_.get();
  for (size_t i = 0; i < kCloseCodes; ++i) sum.closed[i] += closed_[i].get();
  sum.queued_bytes += queued_bytes_.get();
  sum.packets_in += packets_in_.get();
  sum.packets_out += packets_out_.get();
  sum.packet_bytes_in += packet_bytes_in_.get();
  sum.packet_bytes_out += packet_bytes_out_.get();
  sum.packets_refused += packets_refused_.get();
  sum.dropped_audio += dropped_audio_.get();
  sum.dropped_video += dropped_video_.get();
  sum.groups_cut += groups_cut_.get();
  sum.queue_delay += queue_delay_.snapshot();
  sum.rtt += rtt_.snapshot();
}

}  // namespace videocall::quic
