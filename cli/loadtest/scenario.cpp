// SPDX-License-Identifier: MIT
#include "cli/loadtest/scenario.h"

#include <algorithm>
#include <cmath>

#include "libvideocall/wire/limits.h"

namespace videocall::loadtest {

const char* to_string(ViewerClass viewer_class) {
  switch (viewer_class) {
    case ViewerClass::steady:
      return "steady";
    case ViewerClass::slow:
      return "slow";
    case ViewerClass::lossy:
      return "lossy";
    case ViewerClass::churning:
      return "churning";
    case ViewerClass::storm:
      return "storm";
  }
  return "";
}

const char* to_string(TransportKind kind) {
  return kind == TransportKind::websocket ? "websocket" : "webtransport";
}

ViewerClass Scenario::class_of(size_t viewer) const {
  if (viewer >= viewers) return ViewerClass::storm;
  if (viewer < slow) return ViewerClass::slow;
  if (viewer < slow + lossy) return ViewerClass::lossy;
  if (viewer < slow + lossy + churning) return ViewerClass::churning;
  return ViewerClass::steady;
}

std::string Scenario::room_name(size_t room) const {
  return rooms == 1 ? meeting : meeting + "-" + std::to_string(room);
}

quic::Impairment Scenario::impairment_of(ViewerClass viewer_class,
                                         uint64_t seed) const {
  quic::Impairment impairment;
  impairment.seed = seed;
  if (viewer_class == ViewerClass::slow)
    impairment.bits_per_second = static_cast<uint64_t>(slow_kbps * 1'000);
  if (viewer_class == ViewerClass::lossy) {
    impairment.loss = loss_percent / 100;
    impairment.delay = std::chrono::duration_cast<Duration>(
        std::chrono::duration<double, std::milli>(delay_ms));
  }
  return impairment;
}

double Scenario::kbps_of(size_t layer) const {
  if (layer < layer_kbps.size()) return layer_kbps[layer];
  // Half the width and height: a quarter.
  return video_kbps / std::pow(4.0, static_cast<double>(layers - 1 - layer));
}

unsigned Scenario::height_of(size_t layer) const {
  return 720u >> (layers - 1 - layer);
}

bool Scenario::everything_is_due(bool audio_track) const {
  if (audio_track) return publishers <= limits::kLoudestSpeakers;
  return layers == 1 && temporal_layers == 1 && tiles.empty() &&
         publishers <= limits::kDefaultCameras;
}

Result<void> Scenario::check() const {
  const auto wrong = [](const std::string& text) {
    return Error{Errc::invalid_argument, text};
  };
  if (slow + lossy + churning > viewers)
    return wrong("--slow, --lossy and --churning are among the " +
                 std::to_string(viewers) +
                 " viewers of --viewers; together they are more");
  if (lossy > 0 && transport == TransportKind::websocket)
    return wrong(
        "--lossy needs --transport webtransport: what is lost of a "
        "WebSocket TCP sends again");
  if (lossy_uplinks && transport == TransportKind::websocket)
    return wrong("--lossy-uplinks needs --transport webtransport, as --lossy");
  if (!layer_kbps.empty() && layer_kbps.size() != layers)
    return wrong("--layer-kbps has " + std::to_string(layer_kbps.size()) +
                 " numbers, --layers says " + std::to_string(layers));
  if (!media.empty() && media.size() != layers)
    return wrong("--media names " + std::to_string(media.size()) +
                 " files, --layers says " + std::to_string(layers));
  if (fps > 0 && double(group) / fps > 4.0)
    return wrong("--group: a group of pictures lasts at most 4 s, " +
                 std::to_string(4 * fps) + " frames at this --fps");
  if (tiles.size() > publishers)
    return wrong("--tiles shows more pictures than there are --publishers");
  if (storm > 0 && storm_at >= duration)
    return wrong("--storm-at is after the end of --duration");
  for (size_t layer = 0; layer < layers; ++layer)
    if (frame_sizes(video, kbps_of(layer), fps, group).key >
        limits::kMaxPacketBytes - 200)
      return wrong(
          "--video-kbps: a key frame would be larger than a packet "
          "may be");
  if (rooms * (publishers + viewers_per_room()) == 0)
    return wrong("nobody joins: give --publishers or --viewers");
  return {};
}

FrameSizes frame_sizes(VideoPattern pattern, double kbps, unsigned fps,
                       unsigned group) {
  if (pattern == VideoPattern::none) return {};
  const double group_bytes = kbps * 1'000 / 8 * group / fps;
  const auto rounded = [](double bytes) {
    return static_cast<size_t>(std::llround(bytes));
  };
  if (pattern == VideoPattern::constant)
    return {rounded(group_bytes / group), rounded(group_bytes / group)};
  const size_t delta = rounded(group_bytes / (group + 3));
  return {4 * delta, delta};
}

unsigned temporal_id(size_t temporal_layers, uint64_t index) {
  if (temporal_layers == 2) return static_cast<unsigned>(index % 2);
  if (temporal_layers < 3) return 0;
  constexpr unsigned kPattern[] = {0, 2, 1, 2};
  return kPattern[index % 4];
}

}  // namespace videocall::loadtest
