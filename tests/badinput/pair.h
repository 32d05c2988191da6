// SPDX-License-Identifier: MIT
// Two well-behaved clients in one meeting, camera and microphone to a viewer,
// who must not notice what others do to the server meanwhile.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "libvideocall/quic/endpoint.h"
#include "tests/badinput/arena.h"

namespace videocall::badinput {

class Pair {
 public:
  // Joins both; media flows when it returns.
  explicit Pair(Arena& arena, const std::string& meeting = "well-behaved");
  ~Pair();
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  // Fails the test if they were closed, if anything was damaged or came twice,
  // or if more was lost than an overloaded machine may lose. |after| says what
  // came before.
  void check(const std::string& after);
  // Both were asked to go and then closed with `draining`.
  void expect_drained();

 private:
  struct Report {
    size_t video = 0;
    size_t audio = 0;
    uint64_t newest_video = 0;  // sequences
    uint64_t newest_audio = 0;
    size_t damaged = 0;
    size_t repeated = 0;
    size_t holes = 0;  // within a group that went on
    bool draining = false;
    std::string closed;
  };
  class Member;
  class Sender;
  class Viewer;

  std::unique_ptr<Sender> sender_;
  std::unique_ptr<Viewer> viewer_;
  Report sent_;
  Report received_;  // at the last check
};

}  // namespace videocall::badinput
