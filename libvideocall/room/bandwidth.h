// SPDX-License-Identifier: MIT
// How much one viewer can be sent, told from what its transport reports:
// numbers alone, so the same for every transport. Pure; time is in the reports.
//
// Nothing bounds a viewer until its link shows congestion: packets waited too
// long, pictures were left out, many were lost, or the round trip grew. Then it
// is given half of what the link delivered while it was full, so that what
// waits in the network drains, and where that was not enough a little less than
// what it delivered; after a pause more again: slowly, and never far beyond
// what it was seen to deliver. The step to the next layer is larger than that;
// it is tried (probed) when the link has shown in bursts that it carries more,
// else now and then, more and more rarely as long as it fails. A viewer that
// gets no picture at all shows nothing of its link; its first one is tried
// soon.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "libvideocall/base/time.h"
#include "libvideocall/wire/delivery.h"

namespace videocall::room {

class BandwidthEstimator {
 public:
  // Takes a report of the viewer's one session. True if allowed_bps() is
  // another, or congested() began.
  bool update(const LinkReport& report, Time now);
  // Now and then of a limited viewer: where nothing is sent nothing is
  // reported, and that is calm, too. True if allowed_bps() is another.
  bool wait(Time now);

  // The viewer came back over another session.
  void reset() { *this = {}; }

  // What the viewer gets, and what it would get with the next step up; equal:
  // there is none. |dark|: that step would be its only picture.
  void set_granted(double granted_bps, double next_bps, bool dark) {
    granted_bps_ = granted_bps;
    next_bps_ = next_bps;
    dark_ = dark;
  }

  // False: nothing is known that bounds it.
  bool limited() const { return limited_; }
  // Bits a second, all media and its overhead; if limited().
  double allowed_bps() const { return allowed_bps_; }
  // What the link was seen to carry, without a margin; at least allowed_bps().
  double carries_bps() const { return std::max(allowed_bps_, carries_bps_); }
  // The link is too full now: a step down is urgent.
  bool congested() const { return congested_; }
  bool probing() const { return probing_; }

 private:
  static constexpr size_t kWindow = 8;  // reports

  struct Interval {
    double seconds = 0;
    double bps = 0;
    double loss = 0;
    bool dropped = false;
  };

  bool measure(const LinkReport& report, Time now, Interval& interval);
  bool is_full(const LinkReport& report) const;
  Duration queueing(const LinkReport& report) const;
  bool is_dropping(const LinkReport& report, const Interval& interval);
  void decrease(Time now);
  void increase(double seconds, Time now);
  void probe(Time now);
  double recent_bps(size_t reports) const;
  double carried_bps() const;

  LinkReport last_;
  Time last_at_{};
  bool limited_ = false;
  bool congested_ = false;
  bool probing_ = false;
  unsigned slow_reports_ = 0;  // in a row with packets that waited here
  bool suspected_ = false;     // full, by one long round trip alone
  double allowed_bps_ = 0;
  double carries_bps_ = 0;  // when it was full the last time
  double before_probe_bps_ = 0;
  double granted_bps_ = 0;
  double next_bps_ = 0;
  bool dark_ = false;
  std::array<double, kWindow> delivered_bps_{};  // a ring
  std::array<bool, kWindow> full_{};  // whether packets waited all the time
  size_t at_ = 0;
  double known_bps_ = 0;     // what it carried when it was full; 0: unknown
  double evidence_bps_ = 0;  // delivery rate that was seen, decaying
  Duration min_rtt_{0};
  Time congested_at_{};
  Time probed_at_{};
  Duration probe_interval_{0};
};

}  // namespace videocall::room
