// SPDX-License-Identifier: MIT
// Which layers of one video anybody wants, and what its sender was told of it
// by LAYER_HINT (docs/wire-protocol.md, section 6). A layer that is wanted
// again is asked for at once; one that nobody wants any more only after
// limits::kLayerHintHold, so that a viewer who turns a page and comes back
// finds it there.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "libvideocall/base/time.h"
#include "libvideocall/room/choice.h"

namespace videocall::room {

class LayerDemand {
 public:
  static constexpr uint8_t kAll = (1u << kLayers) - 1;

  // A viewer's wish changed from |before| to |after|; kNoLayer: none.
  void change(int before, int after) {
    if (before != kNoLayer) --wishes_[static_cast<size_t>(before)];
    if (after != kNoLayer) ++wishes_[static_cast<size_t>(after)];
  }
  // How many viewers would be shown a higher layer than there is.
  void change_more(bool before, bool after) {
    more_ += static_cast<size_t>(after) - static_cast<size_t>(before);
  }

  // What the sender is to be told now, if that is another than it was told
  // last: bit i for layer i. |higher| are the layers above those that there
  // are, |forced| those that are wanted in any case. |in_use|, called before a
  // layer is given up, returns those that somebody still gets.
  template <typename InUse>
  std::optional<uint8_t> due(uint8_t higher, uint8_t forced, Time now,
                             InUse&& in_use) {
    uint8_t wanted = more_ > 0 ? static_cast<uint8_t>(higher | forced) : forced;
    for (size_t i = 0; i < kLayers; ++i)
      if (wishes_[i] > 0) wanted |= bit(i);
    uint8_t mask = wanted;
    for (size_t i = 0; i < kLayers; ++i) {
      if ((wanted & bit(i)) != 0 || wanted_last_[i] == Time{})
        wanted_last_[i] = now;
      if ((told_ & bit(i)) != 0 &&
          now - wanted_last_[i] < limits::kLayerHintHold)
        mask |= bit(i);
    }
    if ((told_ & ~mask) != 0)
      mask = static_cast<uint8_t>(mask | (told_ & in_use()));
    if (mask == told_ && !untold_) return std::nullopt;
    told_ = mask;
    untold_ = false;
    return mask;
  }

  // The sender is to send what it can, and to be told so: its camera was
  // turned off, a layer that was asked for did not come.
  void reset() {
    untold_ = untold_ || told_ != kAll;
    told_ = kAll;
    wanted_last_ = {};
  }
  // A sender that came back on a new session takes all for wanted.
  void forget() {
    told_ = kAll;
    untold_ = false;
    wanted_last_ = {};
  }

  // A sender on another node sends nothing before it is asked to.
  void start_silent() {
    told_ = 0;
    untold_ = false;
    wanted_last_ = {};
  }

  bool untold() const { return untold_; }
  bool told(size_t layer) const { return (told_ & bit(layer)) != 0; }

  static constexpr uint8_t bit(size_t layer) {
    return static_cast<uint8_t>(1u << layer);
  }

 private:
  std::array<size_t, kLayers> wishes_{};  // viewers, by layer
  size_t more_ = 0;
  std::array<Time, kLayers> wanted_last_{};
  uint8_t told_ = kAll;
  bool untold_ = false;  // |told_| was not said yet
};

}  // namespace videocall::room
