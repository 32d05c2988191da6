// SPDX-License-Identifier: MIT
#include "plugins/videocall/uplinkadapter.h"

#include <algorithm>

namespace videocall::gst {
namespace {

uint64_t count_of(const GstStructure* stats, const char* field) {
  guint64 value = 0;
  return gst_structure_get_uint64(stats, field, &value) ? value : 0;
}

Duration duration_of(const GstStructure* stats, const char* field) {
  return Duration(static_cast<int64_t>(count_of(stats, field)));
}

constexpr MediaKind kVideoKinds[] = {MediaKind::video, MediaKind::screen};

}  // namespace

EncoderControl& UplinkAdapter::encoder_of(const PublishedTrack& track) {
  auto& encoder = encoders_[track.pad()];
  if (!encoder) encoder = std::make_unique<EncoderControl>(track.pad());
  return *encoder;
}

void UplinkAdapter::forget_gone(const Tracks& tracks) {
  std::erase_if(encoders_, [&](const auto& entry) {
    return std::none_of(tracks.begin(), tracks.end(), [&](const auto& track) {
      return track->pad() == entry.first;
    });
  });
}

void UplinkAdapter::begin(const Tracks& tracks) {
  wanted_.clear();
  budget_.reset();
  budget_kbps_ = std::numeric_limits<double>::infinity();
  last_ = Time{};
  apply(tracks);
}

void UplinkAdapter::set_wanted(const Tracks& tracks, MediaKind kind,
                               uint32_t layers) {
  wanted_[kind] = layers;
  apply(tracks);
}

bool UplinkAdapter::is_wanted(const Tracks& tracks,
                              const PublishedTrack& track) const {
  const auto found = wanted_.find(track.kind());
  if (found == wanted_.end()) return true;
  const uint32_t layers = found->second;
  if ((layers >> track.layer() & 1) != 0) return true;
  if (layers == 0) return false;
  // Only higher ones are wanted than there are: the highest is nearest.
  return std::none_of(tracks.begin(), tracks.end(), [&](const auto& other) {
    return other->kind() == track.kind() &&
           ((layers >> other->layer() & 1) != 0 ||
            other->layer() > track.layer());
  });
}

client::UplinkSigns UplinkAdapter::signs_of(const GstStructure* stats,
                                            Time now) {
  client::UplinkSigns signs;
  const uint64_t cut = count_of(stats, "groups-cut");
  const uint64_t bytes = count_of(stats, "bytes-sent");
  const uint64_t sent = count_of(stats, "udp-packets-sent");
  const uint64_t lost = count_of(stats, "udp-packets-lost");
  // A new connection counts from zero.
  const bool follows = last_ != Time{} && bytes >= bytes_ && sent >= sent_;
  signs.backlog = duration_of(stats, "queued-for");
  signs.rtt = duration_of(stats, "rtt");
  if (follows) {
    signs.cut = cut > groups_cut_;
    const double seconds = std::chrono::duration<double>(now - last_).count();
    if (seconds > 0)
      signs.sent_kbps = 8.0 * double(bytes - bytes_) / 1'000 / seconds;
    if (sent > sent_ && lost > lost_)
      signs.lost_share = double(lost - lost_) / double(sent - sent_);
  }
  last_ = now;
  groups_cut_ = cut;
  bytes_ = bytes;
  sent_ = sent;
  lost_ = lost;
  return signs;
}

double UplinkAdapter::ceiling(const Tracks& tracks, MediaKind kind) {
  double sum = 0;
  for (const auto& track : tracks)
    if (track->kind() == kind && is_wanted(tracks, *track))
      sum += encoder_of(*track).ceiling_kbps();
  return sum;
}

void UplinkAdapter::pulse(const Tracks& tracks, const GstStructure* stats,
                          Time now) {
  const double all =
      ceiling(tracks, MediaKind::video) + ceiling(tracks, MediaKind::screen);
  const client::UplinkSigns signs = signs_of(stats, now);
  if (all > 0) budget_kbps_ = budget_.update(signs, all, now);
  apply(tracks);
}

void UplinkAdapter::apply(const Tracks& tracks) {
  forget_gone(tracks);
  double all = 0;
  for (const MediaKind kind : kVideoKinds) all += ceiling(tracks, kind);
  for (const MediaKind kind : kVideoKinds) {
    const double own = ceiling(tracks, kind);
    apply_kind(tracks, kind,
               all > 0 ? std::min(budget_kbps_, all) * own / all : 0);
  }
}

void UplinkAdapter::apply_kind(const Tracks& tracks, MediaKind kind,
                               double budget_kbps) {
  Tracks layers;
  std::copy_if(tracks.begin(), tracks.end(), std::back_inserter(layers),
               [&](const auto& track) { return track->kind() == kind; });
  std::sort(layers.begin(), layers.end(), [](const auto& a, const auto& b) {
    return a->layer() < b->layer();
  });
  std::vector<double> ceilings;
  std::vector<bool> wanted;
  for (const auto& track : layers) {
    ceilings.push_back(encoder_of(*track).ceiling_kbps());
    wanted.push_back(ceilings.back() > 0 && is_wanted(tracks, *track));
  }
  const auto shares = client::share_budget(ceilings, wanted, budget_kbps);
  for (size_t i = 0; i < layers.size(); ++i) {
    EncoderControl& encoder = encoder_of(*layers[i]);
    // Who does not say what it takes is in nobody's budget.
    const bool runs =
        ceilings[i] > 0 ? shares[i] > 0 : is_wanted(tracks, *layers[i]);
    if (shares[i] > 0) encoder.set_kbps(shares[i]);
    if (encoder.set_running(runs)) ask_(*layers[i]);
  }
}

}  // namespace videocall::gst
