// SPDX-License-Identifier: MIT
#include "libvideocall/room/allocation.h"

#include <algorithm>

namespace videocall::room {
namespace {

constexpr double kUpMargin = 1.15;
constexpr double kKeepMargin = 1.1;
constexpr uint32_t kDefaultHeight = 720;

// One rung of a want's ladder.
struct Step {
  Share share;
  double bps = 0;
  bool held = false;  // the viewer has it, or more, already
};

struct Ladder {
  const Want* want = nullptr;  // borrowed
  std::vector<Step> steps;     // upwards
  size_t taken = 0;            // steps[0, taken) are granted
  bool stuck = false;

  double bps() const { return taken == 0 ? 0 : steps[taken - 1].bps; }
  double pixels() const {
    const uint32_t height =
        want->height_px == kAnyHeight || want->height_px == 0 ? kDefaultHeight
                                                              : want->height_px;
    return static_cast<double>(height) * height;
  }
};

Ladder ladder_of(const Want& want) {
  Ladder ladder;
  ladder.want = &want;
  for (int layer = 0; layer <= want.layer; ++layer) {
    const auto index = static_cast<size_t>(layer);
    if (want.bps[index][0] <= 0) continue;
    const uint8_t top = want.top_temporal[index];
    for (uint8_t temporal = 0; temporal <= top; ++temporal) {
      // All that is above the seen ones comes along with the top.
      const uint8_t all = limits::kMaxTemporalLayer;
      const Share share{layer, temporal == top ? all : temporal};
      const bool held =
          layer < want.current_layer ||
          (layer == want.current_layer && temporal <= want.current_temporal);
      ladder.steps.push_back({share, want.bps[index][temporal], held});
    }
  }
  return ladder;
}

class Sharing {
 public:
  Sharing(std::vector<Ladder>& ladders, double allowed_bps, bool steady)
      : ladders_(ladders), allowed_(allowed_bps), steady_(steady) {}

  // The cost beyond what is granted already; false: it does not fit.
  bool take(Ladder& ladder) {
    const Step& step = ladder.steps[ladder.taken];
    const double sum = used_ - ladder.bps() + step.bps;
    // The first picture is worth having without a margin.
    double bound = ladder.taken == 0 ? allowed_ : allowed_ / kUpMargin;
    if (step.held) bound = steady_ ? allowed_ * kKeepMargin : allowed_;
    if (sum > bound) return false;
    used_ = sum;
    ++ladder.taken;
    return true;
  }

  // Of the first want its least, for all that the link carries.
  void take_first(Ladder& ladder, double carries_bps) {
    if (ladder.steps.front().bps > carries_bps) return;
    used_ = ladder.steps.front().bps;
    ladder.taken = 1;
  }

  // Raises those of |importance| as far as they go, each time the one that
  // has least for its size. One that cannot have its next step may have the
  // one after it, where that costs less.
  void raise(Importance importance) {
    for (;;) {
      Ladder* poorest = nullptr;
      for (Ladder& ladder : ladders_) {
        if (ladder.want->importance != importance || ladder.stuck ||
            ladder.taken == 0 || ladder.taken == ladder.steps.size())
          continue;
        if (!poorest ||
            ladder.bps() * poorest->pixels() < poorest->bps() * ladder.pixels())
          poorest = &ladder;
      }
      if (!poorest) return;
      if (!take(*poorest)) poorest->stuck = true;
    }
  }

  double used() const { return used_; }
  // With the cheapest of the steps that were not granted.
  double next() const {
    double cheapest = 0;
    for (const Ladder& ladder : ladders_) {
      if (ladder.taken == ladder.steps.size()) continue;
      const double more = ladder.steps[ladder.taken].bps - ladder.bps();
      if (cheapest == 0 || more < cheapest) cheapest = more;
    }
    return used_ + std::max(0.0, cheapest);
  }

 private:
  std::vector<Ladder>& ladders_;
  const double allowed_;
  const bool steady_;
  double used_ = 0;
};

}  // namespace

Allocation allocate(std::span<const Want> wants, double allowed_bps,
                    double carries_bps, bool steady) {
  std::vector<Ladder> ladders;
  ladders.reserve(wants.size());
  for (const Want& want : wants) ladders.push_back(ladder_of(want));
  std::vector<Ladder*> order;
  for (Ladder& ladder : ladders)
    if (!ladder.steps.empty()) order.push_back(&ladder);
  std::stable_sort(order.begin(), order.end(),
                   [](const Ladder* a, const Ladder* b) {
                     if (a->want->importance != b->want->importance)
                       return a->want->importance < b->want->importance;
                     return a->pixels() > b->pixels();
                   });
  Sharing sharing(ladders, allowed_bps, steady);
  if (!order.empty()) sharing.take_first(*order.front(), carries_bps);
  for (Ladder* ladder : order)
    if (ladder->taken == 0) sharing.take(*ladder);
  for (const Importance importance :
       {Importance::screen, Importance::speaker, Importance::rest})
    sharing.raise(importance);

  Allocation result;
  result.granted_bps = sharing.used();
  result.next_bps = sharing.next();
  for (const Ladder& ladder : ladders)
    result.shares.push_back(
        ladder.taken == 0 ? Share{} : ladder.steps[ladder.taken - 1].share);
  return result;
}

}  // namespace videocall::room
