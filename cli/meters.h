// SPDX-License-Identifier: MIT
// The numbers of the status line: what passes the elements called "meter-*"
// of a pipeline, and what the videocall bins in it say of their session.
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "pipelines/gst_ptr.h"

namespace videocall::cli {

// One reading, over the time since the one before.
struct Reading {
  double seconds = 0;  // since the pipeline began to play
  double video_fps = 0;
  double bitrate_kbps = 0;
  uint64_t frames = 0;
  uint64_t bytes = 0;
  // Negative: not known.
  double rtt_ms = -1;
  double loss_percent = -1;
  int64_t others = -1;
  // Of a session that receives, where nothing is metered: what came in.
  bool receiving = false;

  [[nodiscard]] nlohmann::json fields() const;
  // "00:12  812 kbit/s  30.0 fps  RTT 8 ms  loss 0.0 %  3 viewers"
  [[nodiscard]] std::string text(const std::string& others_word) const;
};

class Meters {
 public:
  // Counts from now on. |pipeline| is borrowed.
  explicit Meters(GstElement* pipeline);
  ~Meters();
  Meters(const Meters&) = delete;
  Meters& operator=(const Meters&) = delete;

  // |others|: participants beside ourselves, negative where nobody told.
  [[nodiscard]] Reading read(int64_t others);

 private:
  // Shared with a pad probe that may outlive the meters by one buffer.
  struct Count {
    std::atomic<uint64_t> frames{0};
    std::atomic<uint64_t> bytes{0};
  };
  struct Meter {
    pipelines::PadPtr pad;
    gulong probe = 0;
    bool video = false;
    std::shared_ptr<Count> count;
  };

  void add(GstElement* element, const std::string& name);
  void read_sessions(Reading& reading) const;

  std::vector<Meter> meters_;
  std::vector<pipelines::ElementPtr> sessions_;
  std::chrono::steady_clock::time_point begin_;
  std::chrono::steady_clock::time_point last_;
  uint64_t last_frames_ = 0;
  uint64_t last_bytes_ = 0;
};

}  // namespace videocall::cli
