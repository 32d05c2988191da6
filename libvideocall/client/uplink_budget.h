// SPDX-License-Identifier: MIT
// How much the way to the server takes, judged by what is seen of it from
// here, and what each simulcast layer gets of it. The same rules as the page's
// (web/src/media/uplink_budget.ts). Pure: time is handed in.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "libvideocall/base/export.h"
#include "libvideocall/base/time.h"

namespace videocall::client {

// What the connection showed lately.
struct UplinkSigns {
  Duration backlog{0};    // age of the oldest packet that waits to leave
  bool cut = false;       // a group had to be given up since the last call
  Duration rtt{0};        // smoothed; 0: not known
  double lost_share = 0;  // of the packets sent since the last call
  double sent_kbps = 0;   // lately; 0: not known
};

class VIDEOCALL_API UplinkBudget {
 public:
  // The kbit/s to send at; |ceiling_kbps| is all that there is to send. Call
  // it about twice a second.
  double update(const UplinkSigns& signs, double ceiling_kbps, Time now);
  // Another way to the server: nothing is known of it.
  void reset();

 private:
  double brake(const UplinkSigns& signs) const;
  void remember_rtt(Duration rtt, Time now);

  double kbps_ = std::numeric_limits<double>::infinity();
  Time changed_ = Time::min();
  // The shortest round trips of this and the last period.
  Duration least_rtt_{0};
  Duration least_before_{0};
  Time period_ = Time::min();
};

// What |budget_kbps| gives each layer, lowest first. |ceilings| is what they
// take at their best, |wanted| whether anybody looks at them. 0: not to be
// encoded. The lowest that is wanted is always sent; a higher one only if it
// gets kLeastShare of its ceiling.
inline constexpr double kLeastShare = 0.4;
VIDEOCALL_API std::vector<double> share_budget(
    const std::vector<double>& ceilings, const std::vector<bool>& wanted,
    double budget_kbps);

}  // namespace videocall::client
