// SPDX-License-Identifier: MIT
// One session that watches: counts what comes, and says what it shows.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "cli/loadtest/board.h"
#include "cli/loadtest/track_meter.h"
#include "libvideocall/base/time.h"
#include "libvideocall/wire/packet.h"

namespace videocall::loadtest {

// Where the viewers of one process and class count together.
struct ViewerOutput {
  ClassRecord& together;
  Board& board;
  size_t worker;
};

class Viewer {
 public:
  // |record| is borrowed. |number| is the viewer's within its room.
  Viewer(const Scenario& scenario, ViewerRecord& record, size_t room,
         size_t number);

  // The session is up; another attendance begins.
  void open(Time now);
  void take(const Packet& packet, Time now, const ViewerOutput& out);
  void leave();
  // After the last packet that counts.
  void finish(const ViewerOutput& out);

  // data of a VIEWPORT of the scenario's tiles, once all publishers that it
  // shows have a session; empty: not yet, or none is wanted.
  [[nodiscard]] std::string viewport(Board& board) const;

  [[nodiscard]] ViewerClass viewer_class() const { return class_; }
  [[nodiscard]] size_t room() const { return room_; }

 private:
  struct Tracks {
    std::array<TrackMeter, kKinds> meters;
  };

  void note_picture(Time now, ClassRecord& together);

  const Scenario& scenario_;
  ViewerRecord& record_;
  const size_t room_;
  const size_t number_;
  const ViewerClass class_;
  std::vector<Tracks> tracks_;  // by publisher of the room
  uint64_t opened_ns_ = 0;
  bool here_ = false;
  bool had_picture_ = false;
};

}  // namespace videocall::loadtest
