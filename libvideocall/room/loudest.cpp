// SPDX-License-Identifier: MIT
#include "libvideocall/room/loudest.h"

#include <algorithm>

namespace videocall::room {
namespace {

constexpr float kMarginDb = 6;
// Opus in silence (DTX) still sends every 400 ms.
constexpr auto kSilentAfter = 1s;
// Of 20 ms packets: a quieter level counts after about a third of a second.
constexpr float kRelease = 1.0f / 16;

}  // namespace

bool Loudest::heard(Speaker& speaker, uint8_t level, Time now) {
  const float heard = level;
  speaker.level_ = heard < speaker.level_
                       ? heard
                       : speaker.level_ + (heard - speaker.level_) * kRelease;
  speaker.last_ = now;
  if (speaker.place_ == Speaker::Place::chosen) return false;

  if (chosen_.size() < count_) {
    if (reserve_ == &speaker) reserve_ = nullptr;
    speaker.place_ = Speaker::Place::chosen;
    chosen_.push_back(&speaker);
    return true;
  }
  auto quietest = std::max_element(
      chosen_.begin(), chosen_.end(), [&](const Speaker* a, const Speaker* b) {
        const bool silent_a = now - a->last_ > kSilentAfter;
        const bool silent_b = now - b->last_ > kSilentAfter;
        return silent_a != silent_b ? silent_b : a->level_ < b->level_;
      });
  if (outdoes(speaker, **quietest, now)) {
    Speaker* out = *quietest;
    *quietest = &speaker;
    if (reserve_ == &speaker) reserve_ = nullptr;
    speaker.place_ = Speaker::Place::chosen;
    set_reserve(out);
    return true;
  }
  if (speaker.place_ == Speaker::Place::none &&
      (!reserve_ || outdoes(speaker, *reserve_, now))) {
    set_reserve(&speaker);
    return true;
  }
  return false;
}

bool Loudest::remove(Speaker& speaker) {
  const bool changed = speaker.place_ != Speaker::Place::none;
  std::erase(chosen_, &speaker);
  if (reserve_ == &speaker) reserve_ = nullptr;
  speaker.place_ = Speaker::Place::none;
  speaker.level_ = 127;
  return changed;
}

bool Loudest::outdoes(const Speaker& speaker, const Speaker& other,
                      Time now) const {
  return now - other.last_ > kSilentAfter ||
         speaker.level_ + kMarginDb < other.level_;
}

void Loudest::set_reserve(Speaker* speaker) {
  if (reserve_) reserve_->place_ = Speaker::Place::none;
  reserve_ = speaker;
  speaker->place_ = Speaker::Place::reserve;
}

}  // namespace videocall::room
