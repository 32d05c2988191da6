// SPDX-License-Identifier: MIT
#include "libvideocall/room/dominant.h"

namespace videocall::room {
namespace {

constexpr uint8_t kSpeechLevel = 50;  // -50 dBov
// Of 20 ms packets: about a third of a second.
constexpr float kSmoothing = 1.0f / 16;
// Between two syllables.
constexpr auto kPause = 300ms;
constexpr auto kAttack = 200ms;  // shorter is a cough or a click
// After its last loud packet a voice counts as speaking, and leads, for this.
constexpr auto kHangover = 1'200ms;
// To take the lead of somebody who speaks: for so long, and so much louder.
constexpr auto kTakeOver = 600ms;
constexpr float kTakeOverDb = 6;

}  // namespace

bool Dominant::heard(Voice& voice, uint8_t level, Time now) {
  voice.level_ += (static_cast<float>(level) - voice.level_) * kSmoothing;
  if (level > kSpeechLevel) {
    if (now - voice.loud_ > kHangover) voice.speaking_ = false;
    return false;
  }
  if (now - voice.loud_ > kPause) voice.began_ = now;
  voice.loud_ = now;
  if (now - voice.began_ < kAttack) return false;
  voice.speaking_ = true;
  if (leader_ == &voice) return false;
  const bool vacant = !leader_ || now - leader_->loud_ > kHangover;
  const bool stronger = now - voice.began_ >= kTakeOver && leader_ &&
                        voice.level_ + kTakeOverDb < leader_->level_;
  if (!vacant && !stronger) return false;
  leader_ = &voice;
  return true;
}

bool Dominant::remove(Voice& voice) {
  voice = {};
  if (leader_ != &voice) return false;
  leader_ = nullptr;
  return true;
}

}  // namespace videocall::room
