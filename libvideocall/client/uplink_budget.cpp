// SPDX-License-Identifier: MIT
#include "libvideocall/client/uplink_budget.h"

#include <algorithm>

namespace videocall::client {
namespace {

constexpr double kLeastKbps = 60;
constexpr Duration kBacklog = 120ms;
// A round trip this much over twice the shortest means a queue somewhere.
constexpr Duration kQueue = 150ms;
constexpr double kLostShare = 0.2;
constexpr double kAfterCut = 0.6;
constexpr double kAfterBacklog = 0.75;
constexpr double kAfterHint = 0.85;
constexpr double kRise = 1.1;
// What was changed is to show its effect before it is changed again.
constexpr Duration kSettle = 1500ms;
constexpr Duration kRiseAfter = 3s;
// A route may change, so the shortest round trip is forgotten in the end.
constexpr Duration kRttPeriod = 30s;

}  // namespace

void UplinkBudget::remember_rtt(Duration rtt, Time now) {
  if (rtt <= Duration::zero()) return;
  if (period_ == Time::min() || now - period_ > kRttPeriod) {
    least_before_ = least_rtt_;
    least_rtt_ = rtt;
    period_ = now;
  }
  least_rtt_ = std::min(least_rtt_, rtt);
}

double UplinkBudget::brake(const UplinkSigns& signs) const {
  if (signs.cut) return kAfterCut;
  if (signs.backlog > kBacklog) return kAfterBacklog;
  const Duration least = least_before_ > Duration::zero()
                             ? std::min(least_rtt_, least_before_)
                             : least_rtt_;
  const bool queues =
      least > Duration::zero() && signs.rtt > 2 * least + kQueue;
  return queues || signs.lost_share > kLostShare ? kAfterHint : 1;
}

double UplinkBudget::update(const UplinkSigns& signs, double ceiling_kbps,
                            Time now) {
  remember_rtt(signs.rtt, now);
  const double factor = brake(signs);
  const bool never = changed_ == Time::min();
  if (factor < 1 && (never || now - changed_ > kSettle)) {
    // Encoders often send less than they may: that is what was too much.
    const double sent = signs.sent_kbps > 0 ? signs.sent_kbps : ceiling_kbps;
    const double used =
        std::min({kbps_, ceiling_kbps, std::max(sent, kLeastKbps)});
    kbps_ = std::max(kLeastKbps, used * factor);
    changed_ = now;
  } else if (factor == 1 && kbps_ < ceiling_kbps &&
             now - changed_ > kRiseAfter) {
    // Packets that wait a little are no reason to slow down, nor to hurry.
    if (signs.backlog < kBacklog / 4) kbps_ *= kRise;
    changed_ = now;
  }
  // What is above the ceiling was never tried.
  if (kbps_ >= ceiling_kbps) kbps_ = std::numeric_limits<double>::infinity();
  return std::min(kbps_, ceiling_kbps);
}

void UplinkBudget::reset() {
  *this = UplinkBudget();
}

std::vector<double> share_budget(const std::vector<double>& ceilings,
                                 const std::vector<bool>& wanted,
                                 double budget_kbps) {
  std::vector<double> shares(ceilings.size(), 0);
  double left = budget_kbps;
  bool first = true;
  // From below: all their least.
  for (size_t i = 0; i < ceilings.size(); ++i) {
    if (!wanted[i]) continue;
    const double least = kLeastShare * ceilings[i];
    if (!first && left < least) break;
    // The lowest is sent, however little there is for it.
    shares[i] = first ? std::min(ceilings[i],
                                 std::max(least / 3, std::min(least, left)))
                      : least;
    left = std::max(0.0, left - shares[i]);
    first = false;
  }
  // Then the rest.
  for (size_t i = 0; i < ceilings.size(); ++i) {
    if (shares[i] <= 0) continue;
    const double more = std::min(left, ceilings[i] - shares[i]);
    shares[i] += more;
    left -= more;
  }
  return shares;
}

}  // namespace videocall::client
