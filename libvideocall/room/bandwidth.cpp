// SPDX-License-Identifier: MIT
#include "libvideocall/room/bandwidth.h"

#include <algorithm>
#include <utility>

namespace videocall::room {
namespace {

// Shorter intervals measure bursts.
constexpr auto kMinInterval = 80ms;
// Nothing is sent if no report came for so long.
constexpr auto kSilence = 1s;
// Packets that wait this long in two reports running, or once the longer, are
// congestion; a key frame's burst alone is none.
constexpr auto kSlow = 150ms;
constexpr auto kVerySlow = 400ms;
// Standing queues in the network, where packets wait here too.
constexpr auto kQueueingDelay = 150ms;
// What waits for so long keeps the link busy.
constexpr auto kWaits = 30ms;
constexpr double kHeavyLoss = 0.2;
// Of what a full link delivers: the rest drains what waits.
constexpr double kBackOff = 0.85;
// At first: what is in the network drains sooner, and a small picture now is
// better than a large one later.
constexpr double kDrain = 0.5;
constexpr double kMinAllowedBps = 30e3;
constexpr auto kHold = 2s;        // after congestion
constexpr auto kCalm = 10s;       // then growth is quicker
constexpr double kGrowth = 0.08;  // a second
constexpr double kCalmGrowth = 0.25;
constexpr double kHeadroom = 1.5;  // beyond what was delivered
constexpr double kFull = 0.95;     // of what it carried when it was full
constexpr double kTrust = 0.8;     // of the delivery rate that it showed
constexpr double kProbeMargin = 1.25;
constexpr auto kProbeLength = 3s;
constexpr auto kNextProbe = 3s;  // after one that held
constexpr auto kFirstProbe = 15s;
constexpr auto kMaxProbe = 120s;
// Of a viewer in the dark, who has little to lose.
constexpr auto kDarkProbe = 1s;
constexpr int kDarkEagerness = 16;      // times as often as others
constexpr double kEvidenceDecay = 0.1;  // a second
constexpr auto kForget = 60s;           // calm and content: the bound is lifted

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

// How much a counter grew; it may have begun anew.
uint64_t growth(uint64_t now, uint64_t before) {
  return now >= before ? now - before : 0;
}

}  // namespace

bool BandwidthEstimator::update(const LinkReport& report, Time now) {
  Interval interval;
  if (!measure(report, now, interval)) return false;
  const double allowed = allowed_bps_;
  const bool was_limited = limited_;
  const bool was_congested = congested_;
  const bool drops = is_dropping(report, interval);
  congested_ = drops || queueing(report) >= kQueueingDelay;
  if (std::exchange(suspected_, congested_ && !drops && !limited_) &&
      queueing(report) < kWaits) {
    limited_ = false;  // one round trip was long, and no more
  } else if (congested_) {
    decrease(now);
  } else if (limited_) {
    increase(interval.seconds, now);
  }
  return limited_ != was_limited || allowed_bps_ != allowed ||
         (congested_ && !was_congested);
}

bool BandwidthEstimator::wait(Time now) {
  if (!limited_ || now - last_at_ < kSilence) return false;
  const double allowed = allowed_bps_;
  congested_ = false;
  increase(seconds(kSilence), now);
  return !limited_ || allowed_bps_ != allowed;
}

bool BandwidthEstimator::measure(const LinkReport& report, Time now,
                                 Interval& interval) {
  if (last_at_ == Time{}) {
    last_ = report;
    last_at_ = now;
    return false;
  }
  if (now - last_at_ < kMinInterval) return false;
  interval.seconds = seconds(now - last_at_);
  interval.bps = 8.0 *
                 static_cast<double>(
                     growth(report.bytes_delivered, last_.bytes_delivered)) /
                 interval.seconds;
  const auto sent =
      static_cast<double>(growth(report.packets_sent, last_.packets_sent));
  const auto lost =
      static_cast<double>(growth(report.packets_lost, last_.packets_lost));
  if (sent >= 10) interval.loss = std::min(1.0, lost / sent);
  interval.dropped = report.dropped_video > last_.dropped_video;
  const bool full = is_full(report) && is_full(last_);
  // The same to the last digit is the measurement of before: it says nothing of
  // a link that has become full since.
  const double shown = report.delivery_rate == last_.delivery_rate
                           ? 0
                           : 8 * report.delivery_rate;
  last_ = report;
  last_at_ = now;
  at_ = (at_ + 1) % kWindow;
  delivered_bps_[at_] = interval.bps;
  full_[at_] = full;
  evidence_bps_ = std::max(
      shown,
      evidence_bps_ * (1 - std::min(1.0, kEvidenceDecay * interval.seconds)));
  if (report.rtt > Duration(0) &&
      (min_rtt_ == Duration(0) || report.rtt < min_rtt_))
    min_rtt_ = report.rtt;
  return true;
}

// Packets wait, here or in the network, so what is delivered is what the link
// carries.
bool BandwidthEstimator::is_full(const LinkReport& report) const {
  return report.queued_for >= kWaits || queueing(report) >= kWaits;
}

// How much longer the way takes than it did when nothing waited. What the node
// itself took is not the link's.
Duration BandwidthEstimator::queueing(const LinkReport& report) const {
  const Duration rtt = report.rtt - report.own_delay;
  if (min_rtt_ == Duration(0) || rtt < 2 * min_rtt_) return Duration(0);
  return rtt - min_rtt_;
}

bool BandwidthEstimator::is_dropping(const LinkReport& report,
                                     const Interval& interval) {
  slow_reports_ = report.queued_for >= kSlow ? slow_reports_ + 1 : 0;
  return interval.dropped || report.queued_for >= kVerySlow ||
         slow_reports_ >= 2 || interval.loss > kHeavyLoss;
}

void BandwidthEstimator::decrease(Time now) {
  const double carried = std::max(kMinAllowedBps, kBackOff * carried_bps());
  const bool first = congested_at_ == Time{} || now - congested_at_ > kHold;
  if (first || probing_) known_bps_ = carried_bps();
  if (probing_) {
    probing_ = false;
    probe_interval_ = std::min<Duration>(
        kMaxProbe, std::max<Duration>(kFirstProbe, 2 * probe_interval_));
    allowed_bps_ = std::min(carried, before_probe_bps_);
  } else if (!limited_) {
    allowed_bps_ = std::max(kMinAllowedBps, kDrain * carried_bps());
    probe_interval_ = kFirstProbe;
  } else if (first || full_[at_]) {
    // What waits from before drains at the rate of the link.
    allowed_bps_ = std::min(allowed_bps_, carried);
  } else {
    // That it drains says nothing new. But where it does not, the estimate was
    // too high.
    allowed_bps_ =
        std::max(kMinAllowedBps,
                 std::min(allowed_bps_, std::max(carried, 0.9 * allowed_bps_)));
  }
  limited_ = true;
  carries_bps_ = carried_bps();
  congested_at_ = now;
  probed_at_ = now;
  evidence_bps_ = std::min(evidence_bps_, carried_bps() / kBackOff);
}

void BandwidthEstimator::increase(double seconds, Time now) {
  const Duration calm = now - congested_at_;
  if (calm < (dark_ ? kDarkProbe : kHold)) return;
  if (probing_) {
    if (now - probed_at_ < kProbeLength) return;
    probing_ = false;  // it held
    probe_interval_ = kNextProbe;
    known_bps_ = allowed_bps_;
    return;
  }
  const double growth = calm < kCalm ? kGrowth : kCalmGrowth;
  // Up to what it carried when it was full it may grow by itself; beyond that
  // it is tried.
  const double ceiling =
      std::max(std::min(kHeadroom * std::max(recent_bps(kWindow), granted_bps_),
                        kFull * known_bps_),
               kTrust * evidence_bps_);
  if (allowed_bps_ < ceiling)
    allowed_bps_ =
        std::min(ceiling, allowed_bps_ * (1 + growth * std::min(1.0, seconds)));
  if (next_bps_ > granted_bps_) {
    probe(now);
  } else if (calm > kForget) {
    limited_ = false;
  }
}

void BandwidthEstimator::probe(Time now) {
  const double needed = kProbeMargin * next_bps_;
  if (allowed_bps_ >= needed) return;  // it gets it without
  Duration interval = probe_interval_;
  if (dark_)
    interval = std::max<Duration>(kDarkProbe, interval / kDarkEagerness);
  else if (evidence_bps_ >= needed)
    interval = std::max<Duration>(kNextProbe, interval / 8);
  if (now - probed_at_ < interval) return;
  before_probe_bps_ = allowed_bps_;
  allowed_bps_ = needed;
  probing_ = true;
  probed_at_ = now;
}

// What a link that is full carries: what it sent lately while packets waited
// all the time. If it filled up just now, what it sent since is partly what it
// sent before.
double BandwidthEstimator::carried_bps() const {
  double best = 0;
  for (size_t i = 0; i < 2; ++i) {
    const size_t at = (at_ + kWindow - i) % kWindow;
    if (full_[at]) best = std::max(best, delivered_bps_[at]);
  }
  return best > 0 ? best : std::max(delivered_bps_[at_], recent_bps(3) / 2);
}

// The best of the last |reports|.
double BandwidthEstimator::recent_bps(size_t reports) const {
  double best = 0;
  for (size_t i = 0; i < reports; ++i)
    best = std::max(best, delivered_bps_[(at_ + kWindow - i) % kWindow]);
  return best;
}

}  // namespace videocall::room
