// SPDX-License-Identifier: MIT
// What a load test does: who joins, what is sent, who suffers, for how long.
// Counts are for each room unless they say otherwise.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libvideocall/base/result.h"
#include "libvideocall/base/time.h"
#include "libvideocall/quic/congestion_control.h"
#include "libvideocall/quic/impaired_link.h"

namespace videocall::loadtest {

enum class ViewerClass : uint8_t { steady, slow, lossy, churning, storm };
inline constexpr size_t kViewerClasses = 5;
const char* to_string(ViewerClass viewer_class);

enum class TransportKind { webtransport, websocket };
// As the join answer calls it.
const char* to_string(TransportKind kind);

enum class VideoPattern { none, constant, mix };

inline constexpr size_t kMaxLayers = 3;
inline constexpr unsigned kAudioPerSecond = 50;

struct Scenario {
  std::string url = "http://localhost:8080";
  // Servers that are joined with it, where viewers join in turn; empty: url.
  std::vector<std::string> viewer_urls;
  std::string meeting = "loadtest";  // rooms: this name, or NAME-0, NAME-1, …
  bool insecure_skip_verify = false;
  TransportKind transport = TransportKind::webtransport;

  // Who.
  size_t rooms = 1;
  size_t publishers = 1;
  size_t viewers = 10;  // all but storm; slow, lossy, churning are among them
  size_t slow = 0;
  size_t lossy = 0;
  size_t churning = 0;
  size_t storm = 0;  // come in addition, all at once

  // When; seconds.
  double ramp = 0;       // over which the viewers join; 0: all at once
  double warm_up = 2;    // from the last join to the first packet measured
  double duration = 10;  // measured
  double storm_at = 1;   // after the beginning of the measurement
  double stay = 5;       // of a churning viewer
  double away = 1;

  // What.
  VideoPattern video = VideoPattern::mix;
  double video_kbps = 500;
  std::vector<double> layer_kbps;  // lowest first; empty: from video_kbps
  size_t layers = 1;
  size_t temporal_layers = 1;
  unsigned fps = 30;
  unsigned group = 30;  // frames
  bool audio = false;
  size_t audio_bytes = 160;
  std::vector<std::string> media;  // files, a layer each, lowest first

  // How viewers see it.
  std::vector<unsigned> tiles;  // heights; empty: no VIEWPORT is sent
  double slow_kbps = 200;
  double loss_percent = 5;
  double delay_ms = 0;         // added for lossy viewers
  bool lossy_uplinks = false;  // both for what publishers send, too

  // The load itself.
  size_t processes = 1;
  size_t sockets = 16;  // of each process
  quic::CongestionControl congestion_control = quic::kDefaultCongestionControl;
  std::vector<int> server_pids;  // empty: not known

  [[nodiscard]] size_t viewers_per_room() const { return viewers + storm; }
  [[nodiscard]] size_t all_publishers() const { return rooms * publishers; }
  [[nodiscard]] size_t all_viewers() const {
    return rooms * viewers_per_room();
  }
  [[nodiscard]] ViewerClass class_of(size_t viewer_in_room) const;
  [[nodiscard]] std::string room_name(size_t room) const;
  // What comes from the server to such a viewer, or goes from a publisher
  // there; |seed| tells them apart.
  [[nodiscard]] quic::Impairment impairment_of(ViewerClass viewer_class,
                                               uint64_t seed) const;
  // Bitrate of a layer.
  [[nodiscard]] double kbps_of(size_t layer) const;
  [[nodiscard]] unsigned height_of(size_t layer) const;
  // Whether a viewer is due every packet, because the relay has no choice.
  [[nodiscard]] bool everything_is_due(bool audio_track) const;

  // Whether the values go together; the message names the flag.
  [[nodiscard]] Result<void> check() const;
};

// Sizes of a group's frames in bytes: all the same, or a key frame four times
// as large as the others (7 576 and 1 894 at 500 kbit/s, 30 fps, 30 frames).
struct FrameSizes {
  size_t key = 0;
  size_t delta = 0;
};
FrameSizes frame_sizes(VideoPattern pattern, double kbps, unsigned fps,
                       unsigned group);

// Temporal layer of the frame |index| of a group: 0 0 0 …, 0 1 0 1 …, or
// 0 2 1 2 ….
unsigned temporal_id(size_t temporal_layers, uint64_t index);

}  // namespace videocall::loadtest
