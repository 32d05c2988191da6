// SPDX-License-Identifier: MIT
// The speakers that are heard, limits::kLoudestSpeakers unless configured
// (docs/wire-protocol.md, section 3.5). As long as no more than that send, all
// of them; beyond, a louder one takes the place of the quietest, at once and
// with a margin, so that a word's beginning is not lost and two equals do not
// alternate.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "libvideocall/base/time.h"
#include "libvideocall/wire/limits.h"

namespace videocall::room {

class Loudest;

// One who sends audio. Lives in the member; Loudest refers to it.
class Speaker {
 public:
  enum class Place {
    none,     // heard by nobody
    reserve,  // heard by the chosen only, since these do not hear themselves
    chosen,   // heard by everybody else
  };
  Place place() const { return place_; }

 private:
  friend class Loudest;
  Place place_ = Place::none;
  float level_ = 127;  // smoothed, RFC 6464: less is louder
  Time last_{};
};

class Loudest {
 public:
  explicit Loudest(size_t count = limits::kLoudestSpeakers) : count_(count) {}

  // |speaker| sent a packet of |level|; true if anybody's place changed.
  bool heard(Speaker& speaker, uint8_t level, Time now);
  // |speaker| is no more or sends no more; true if anybody's place changed.
  bool remove(Speaker& speaker);

 private:
  bool outdoes(const Speaker& speaker, const Speaker& other, Time now) const;
  void set_reserve(Speaker* speaker);

  size_t count_;
  std::vector<Speaker*> chosen_;  // borrowed
  Speaker* reserve_ = nullptr;    // borrowed
};

}  // namespace videocall::room
