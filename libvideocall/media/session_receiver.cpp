// SPDX-License-Identifier: MIT
#include "libvideocall/media/session_receiver.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace videocall {
namespace {

constexpr int64_t kRequestIntervalUs =
    std::chrono::microseconds(limits::kKeyframeRequestInterval).count();
// RFC 3550, 6.4.1.
constexpr double kJitterGain = 1.0 / 16;
// Beyond this a change of the transit time is a jump of a clock, not jitter.
constexpr double kMaxTransitChangeUs = 5e6;

}  // namespace

SessionReceiver::SessionReceiver(int64_t latency_us, ClockMap::Mode mode)
    : latency_us_(latency_us), mode_(mode), clock_(latency_us, mode) {
  restart();
}

void SessionReceiver::restart() {
  clock_ = ClockMap(latency_us_, mode_);
  audio_.emplace(clock_, latency_us_);
  for (auto& video : videos_) video.emplace(clock_, latency_us_);
  wishes_ = {};
  transit_us_ = {};
  hold_until_us_.reset();
}

void SessionReceiver::set_latency_us(int64_t latency_us) {
  latency_us_ = latency_us;
  clock_.set_latency_us(latency_us);
  audio_->set_latency_us(latency_us);
  for (auto& video : videos_) video->set_latency_us(latency_us);
}

SessionReceiver::Outcome SessionReceiver::push(const PacketRef& packet,
                                               int64_t now_us) {
  const PacketFields& fields = packet->fields();
  if (fields.type != PacketType::media) return Outcome::no_media;
  if (fields.media_headers != 1 || fields.kind == MediaKind::unspecified)
    return Outcome::malformed;
  if (fields.header.key_epoch > 0) return Outcome::encrypted;
  const auto media = parse_media_packet(fields.data);
  if (!media || media->payload.empty()) return Outcome::malformed;
  const bool audio = fields.kind == MediaKind::audio;
  if (audio && packet->size() > limits::kMaxAudioPacketBytes)
    return Outcome::malformed;
  if (audio && !fields.header.codec.empty() && fields.header.codec != "opus")
    return Outcome::unknown;

  if (fields.session_id != session_id_) {
    if (clock_.started()) restart();
    session_id_ = fields.session_id;
  }
  clock_.observe(fields.header.capture_us, now_us);
  if (!hold_until_us_) hold_until_us_ = now_us + latency_us_;
  measure(mutable_stats(fields.kind), fields.kind, fields.header, now_us);
  if (audio) {
    audio_->push(packet, *media);
  } else {
    if (fields.header.keyframe) wish(fields.kind).wanted = false;
    video(fields.kind).push(packet, *media, now_us);
  }
  return Outcome::accepted;
}

void SessionReceiver::measure(TrackStats& stats, MediaKind kind,
                              const MediaHeader& header, int64_t now_us) {
  const auto transit_us =
      static_cast<int64_t>(static_cast<uint64_t>(now_us) - header.capture_us);
  auto& last = transit_us_[static_cast<size_t>(kind)];
  if (last) {
    const double change =
        std::abs(static_cast<double>(transit_us) - static_cast<double>(*last));
    if (change <= kMaxTransitChangeUs)
      stats.jitter_us += (change - stats.jitter_us) * kJitterGain;
  }
  last = transit_us;
}

std::optional<ReceivedFrame> SessionReceiver::pop(MediaKind kind,
                                                  int64_t now_us) {
  const bool held = mode_ == ClockMap::Mode::live && !draining_ &&
                    hold_until_us_ && now_us < *hold_until_us_;
  if (held) return std::nullopt;
  if (kind == MediaKind::audio) return audio_->pop(now_us, draining_);
  return video(kind).pop(now_us, draining_);
}

std::optional<int64_t> SessionReceiver::next_pop_us(MediaKind kind) const {
  const auto next = kind == MediaKind::audio ? audio_->next_pop_us()
                                             : video(kind).next_pop_us();
  if (!next || draining_ || mode_ == ClockMap::Mode::linear || !hold_until_us_)
    return next;
  return std::max(*next, *hold_until_us_);
}

size_t SessionReceiver::ready(MediaKind kind) const {
  return kind == MediaKind::audio ? audio_->size() : video(kind).size();
}

void SessionReceiver::want_keyframe(MediaKind kind) {
  if (kind == MediaKind::video || kind == MediaKind::screen)
    wish(kind).wanted = true;
}

std::optional<SessionReceiver::KeyframeRequest>
SessionReceiver::take_keyframe_request(int64_t now_us) {
  for (const MediaKind kind : {MediaKind::video, MediaKind::screen}) {
    Wish& asked = wish(kind);
    VideoTrack& track = video(kind);
    if (!asked.wanted && !track.needs_keyframe()) continue;
    if (asked.last_us && now_us - *asked.last_us < kRequestIntervalUs) continue;
    asked.last_us = now_us;
    asked.wanted = false;
    ++track.mutable_stats().keyframe_requests;
    return KeyframeRequest{session_id_, kind, track.layer()};
  }
  return std::nullopt;
}

TrackStats& SessionReceiver::mutable_stats(MediaKind kind) {
  return kind == MediaKind::audio ? audio_->mutable_stats()
                                  : video(kind).mutable_stats();
}

const TrackStats& SessionReceiver::stats(MediaKind kind) const {
  return kind == MediaKind::audio ? audio_->stats() : video(kind).stats();
}

}  // namespace videocall
