// SPDX-License-Identifier: MIT
// What videocallsink's encoders do, by what viewers want (LAYER_HINT) and by
// what the way to the server takes. On the connection's thread.
#pragma once

#include <gst/gst.h>

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "libvideocall/client/uplink_budget.h"
#include "plugins/videocall/encodercontrol.h"
#include "plugins/videocall/publishedtrack.h"

namespace videocall::gst {

class UplinkAdapter {
 public:
  using Tracks = std::vector<std::shared_ptr<PublishedTrack>>;
  // Asks the encoder of a track for a key frame.
  using AskEncoder = std::function<void(PublishedTrack&)>;
  explicit UplinkAdapter(AskEncoder ask) : ask_(std::move(ask)) {}

  // A session begins: everything is wanted until it says otherwise, and
  // nothing is known of its way.
  void begin(const Tracks& tracks);
  // |layers|: bit i is layer i.
  void set_wanted(const Tracks& tracks, MediaKind kind, uint32_t layers);
  // About twice a second; |stats| are those of the connection.
  void pulse(const Tracks& tracks, const GstStructure* stats, Time now);
  // Sets all encoders back to what they were.
  void release() { encoders_.clear(); }

 private:
  EncoderControl& encoder_of(const PublishedTrack& track);
  void forget_gone(const Tracks& tracks);
  bool is_wanted(const Tracks& tracks, const PublishedTrack& track) const;
  double ceiling(const Tracks& tracks, MediaKind kind);
  void apply(const Tracks& tracks);
  void apply_kind(const Tracks& tracks, MediaKind kind, double budget_kbps);
  client::UplinkSigns signs_of(const GstStructure* stats, Time now);

  const AskEncoder ask_;
  client::UplinkBudget budget_;
  double budget_kbps_ = std::numeric_limits<double>::infinity();
  // By kind; nothing: not told.
  std::map<MediaKind, uint32_t> wanted_;
  // By the track's pad.
  std::map<GstPad*, std::unique_ptr<EncoderControl>> encoders_;
  // Of the last pulse.
  Time last_{};
  uint64_t groups_cut_ = 0;
  uint64_t bytes_ = 0;
  uint64_t sent_ = 0;
  uint64_t lost_ = 0;
};

}  // namespace videocall::gst
