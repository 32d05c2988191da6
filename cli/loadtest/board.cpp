// SPDX-License-Identifier: MIT
#include "cli/loadtest/board.h"

#include <sys/mman.h>

#include <cmath>
#include <cstring>
#include <new>

namespace videocall::loadtest {
namespace {

constexpr double kMaxIntervals = 600;

}  // namespace

void Delivered::add(const Delivered& other) {
  packets_due.add(other.packets_due.get());
  packets.add(other.packets.get());
  media_bytes_due.add(other.media_bytes_due.get());
  media_bytes.add(other.media_bytes.get());
  bytes.add(other.bytes.get());
  groups_cut.add(other.groups_cut.get());
  groups_skipped.add(other.groups_skipped.get());
  thinned.add(other.thinned.get());
  torn.add(other.torn.get());
  orphans.add(other.orphans.get());
  duplicates.add(other.duplicates.get());
  in_time.add(other.in_time.get());
  frames_missing.add(other.frames_missing.get());
  switches.add(other.switches.get());
  pauses.add(other.pauses.get());
}

void WorkerRecord::fail(int status, std::string_view text) {
  if (failure_set.load()) return;
  const size_t size = std::min(text.size(), failure.size() - 1);
  std::memcpy(failure.data(), text.data(), size);
  failure[size] = '\0';
  http_status = status;
  failure_set = true;
}

template <typename T>
T* Board::place(size_t& offset, size_t count) {
  offset = (offset + alignof(T) - 1) / alignof(T) * alignof(T);
  T* first = nullptr;
  if (memory_) {
    first = reinterpret_cast<T*>(static_cast<std::byte*>(memory_) + offset);
    for (size_t i = 0; i < count; ++i) new (first + i) T();
  }
  offset += count * sizeof(T);
  return first;
}

Result<std::unique_ptr<Board>> Board::create(const Scenario& scenario) {
  std::unique_ptr<Board> board(new Board());
  board->interval_seconds_ =
      std::max(1.0, std::ceil(scenario.duration / kMaxIntervals));
  board->intervals_per_worker_ = static_cast<size_t>(
      std::ceil(scenario.duration / board->interval_seconds_));
  const auto lay_out = [&] {
    size_t offset = 0;
    board->orders_ = board->place<Orders>(offset, 1);
    board->publishers_ =
        board->place<PublisherRecord>(offset, scenario.all_publishers());
    board->viewers_ =
        board->place<ViewerRecord>(offset, scenario.all_viewers());
    board->workers_ = board->place<WorkerRecord>(offset, scenario.processes);
    board->intervals_ = board->place<IntervalRecord>(
        offset, scenario.processes * board->intervals_per_worker_);
    return offset;
  };
  board->size_ = lay_out();
  void* memory = mmap(nullptr, board->size_, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return Error{Errc::internal,
                 "no memory for " + std::to_string(board->size_ / 1'000'000) +
                     " MB of counters: " + std::strerror(errno)};
  board->memory_ = memory;
  lay_out();
  return board;
}

Board::~Board() {
  if (memory_) munmap(memory_, size_);
}

}  // namespace videocall::loadtest
