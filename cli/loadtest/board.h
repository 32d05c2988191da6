// SPDX-License-Identifier: MIT
// Where the processes of a load test write what they count, and read what they
// are to do: memory that all share. Each field has one writer: the process
// whose session it is, or the director.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "cli/loadtest/histogram.h"
#include "cli/loadtest/scenario.h"
#include "libvideocall/base/result.h"

namespace videocall::loadtest {

enum class SessionState : uint8_t { waiting, joining, open, left, failed };

inline constexpr size_t kVideo = 0;
inline constexpr size_t kAudio = 1;
inline constexpr size_t kKinds = 2;
inline constexpr uint64_t kInTimeUs = 300'000;
inline constexpr uint64_t kRepeatedFrames = 2;

// What one viewer got of one kind of media, of what was sent while measured.
struct Delivered {
  Counter packets_due;
  Counter packets;  // received
  Counter in_time;  // of these: within kInTimeUs of being sent
  // Audio that did not come, nor would have been in what did if each packet
  // repeated the kRepeatedFrames before it.
  Counter frames_missing;
  Counter media_bytes_due;
  Counter media_bytes;
  Counter bytes;  // received, of whole packets
  // Gaps by kind.
  Counter groups_cut;      // the end is missing
  Counter groups_skipped;  // all is missing
  Counter thinned;         // frames of upper temporal layers left out
  Counter torn;            // base frames missing within a group: never allowed
  Counter orphans;         // without their key frame: never allowed
  Counter duplicates;
  Counter switches;  // of layer
  Counter pauses;    // the relay chose otherwise for a while

  void add(const Delivered& other);
};

struct ViewerRecord {
  std::atomic<SessionState> state{SessionState::waiting};
  Counter joins;
  Counter first_picture_us;  // session up to first key frame, of the last join
  std::array<Delivered, kKinds> delivered;
  CoarseHistogram latency_us;
};

// One kind and layer of a publisher; audio is one layer.
struct SentTrack {
  Counter packets;  // sequence of the last
  Counter bytes;    // of data
  // Both as they were when the measurement began and ended.
  Counter packets_at_begin;
  Counter bytes_at_begin;
  Counter packets_at_end;
  Counter bytes_at_end;
};

struct PublisherRecord {
  std::atomic<SessionState> state{SessionState::waiting};
  Counter session_id;
  Counter keyframe_requests;
  Counter dropped;  // packets that the own uplink had no room for
  std::array<SentTrack, kMaxLayers> video;
  SentTrack audio;

  SentTrack& track(size_t kind, size_t layer) {
    return kind == kAudio ? audio : video[layer];
  }
};

// Of one process and one class of viewers.
struct ClassRecord {
  std::array<FineHistogram, kKinds> latency_us;
  FineHistogram join_us;           // HTTP: request to token
  FineHistogram connect_us;        // QUIC, TLS, CONNECT
  FineHistogram first_picture_us;  // session up to first key frame
};

// Of one process, for the curves: what was sent in this interval.
struct IntervalRecord {
  FineHistogram latency_us;
  Counter packets;
  Counter bytes;
  std::atomic<int64_t> missing{0};
};

struct WorkerRecord {
  Counter failed_sessions;
  Counter lost_sessions;  // were open and ended by themselves
  Counter tokens_ready;   // viewers that wait for the signal to connect
  std::atomic<bool> finished{false};
  std::atomic<int> http_status{0};  // of the first failure
  // The first failure, for people. Complete once failure_set is true.
  std::array<char, 512> failure{};
  std::atomic<bool> failure_set{false};
  std::array<ClassRecord, kViewerClasses> classes;

  void fail(int status, std::string_view text);
};

// What the director says; times are nanoseconds of the steady clock, 0: not
// yet.
struct Orders {
  std::atomic<uint64_t> viewers_join_ns{0};     // begin to join
  std::atomic<uint64_t> viewers_connect_ns{0};  // the gathered tokens are used
  std::atomic<uint64_t> measure_begin_ns{0};
  std::atomic<uint64_t> measure_end_ns{0};
  std::atomic<bool> settle{false};  // the last has come: write the sums
  std::atomic<bool> leave{false};
};

class Board {
 public:
  // Memory that fork() shares.
  static Result<std::unique_ptr<Board>> create(const Scenario& scenario);
  ~Board();
  Board(const Board&) = delete;
  Board& operator=(const Board&) = delete;

  Orders& orders() { return *orders_; }
  // |index| counts rooms × publishers, or rooms × viewers_per_room().
  PublisherRecord& publisher(size_t index) { return publishers_[index]; }
  ViewerRecord& viewer(size_t index) { return viewers_[index]; }
  WorkerRecord& worker(size_t index) { return workers_[index]; }
  IntervalRecord& interval(size_t worker, size_t index) {
    return intervals_[worker * intervals_per_worker_ + index];
  }
  [[nodiscard]] size_t intervals() const { return intervals_per_worker_; }
  // Seconds that an interval lasts.
  [[nodiscard]] double interval_seconds() const { return interval_seconds_; }

 private:
  Board() = default;
  template <typename T>
  T* place(size_t& offset, size_t count);

  void* memory_ = nullptr;
  size_t size_ = 0;
  Orders* orders_ = nullptr;
  PublisherRecord* publishers_ = nullptr;
  ViewerRecord* viewers_ = nullptr;
  WorkerRecord* workers_ = nullptr;
  IntervalRecord* intervals_ = nullptr;
  size_t intervals_per_worker_ = 0;
  double interval_seconds_ = 1;
};

}  // namespace videocall::loadtest
