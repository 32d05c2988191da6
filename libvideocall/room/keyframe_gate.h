// SPDX-License-Identifier: MIT
// Merges the key frame requests for one (session, kind, layer): however many
// viewers wait, the sender is asked at most once per
// limits::kKeyframeRequestInterval.
#pragma once

#include <optional>

#include "libvideocall/base/time.h"
#include "libvideocall/wire/limits.h"

namespace videocall::room {

class KeyframeGate {
 public:
  // Somebody needs a key frame.
  void want() { wanted_ = true; }
  // A key frame came: nobody waits any more.
  void satisfied() { wanted_ = false; }

  // Whether the sender is to be asked now; counts it as asked then. Otherwise
  // the wish is kept and a later call says yes.
  bool due(Time now) {
    if (!wanted_) return false;
    if (asked_ && now - *asked_ < limits::kKeyframeRequestInterval)
      return false;
    asked_ = now;
    wanted_ = false;
    return true;
  }

 private:
  bool wanted_ = false;
  std::optional<Time> asked_;
};

}  // namespace videocall::room
