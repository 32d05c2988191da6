// SPDX-License-Identifier: MIT
// How other threads reach a loop: a bounded queue and an eventfd that is
// written only when the queue was empty.
#pragma once

#include <sys/eventfd.h>

#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include "libvideocall/base/unique_fd.h"

namespace videocall::quic {

template <typename T>
class Inbox {
 public:
  // |max_items| and |max_bytes| bound what waits. Commands that must not be
  // lost are put in with put_urgent and may go up to |urgent_items| more.
  Inbox(size_t max_items, size_t max_bytes, size_t urgent_items)
      : max_items_(max_items),
        max_bytes_(max_bytes),
        urgent_items_(urgent_items),
        event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  int fd() const { return event_.get(); }

  // Any thread. False: full, |item| was dropped.
  bool put(T item, size_t bytes) {
    return put_up_to(max_items_, max_bytes_, std::move(item), bytes);
  }
  bool put_urgent(T item) {
    return put_up_to(max_items_ + urgent_items_, SIZE_MAX, std::move(item), 0);
  }
  // Wakes the reader without a message. Any thread.
  void wake() const {
    const uint64_t one = 1;
    // Fails only when the counter is full, and then it is readable anyway.
    [[maybe_unused]] const auto n = write(event_.get(), &one, sizeof one);
  }

  // The reader: all that waits, in order; |out| is cleared first and its
  // capacity used again.
  void take(std::vector<T>& out) {
    out.clear();
    uint64_t count = 0;
    // Before the queue is emptied: a writer that comes later wakes again.
    [[maybe_unused]] const auto n = read(event_.get(), &count, sizeof count);
    const std::lock_guard lock(mutex_);
    out.swap(items_);
    bytes_ = 0;
  }

 private:
  bool put_up_to(size_t items, size_t bytes_bound, T item, size_t bytes) {
    bool was_empty = false;
    {
      const std::lock_guard lock(mutex_);
      if (items_.size() >= items || bytes > bytes_bound - bytes_) return false;
      was_empty = items_.empty();
      items_.push_back(std::move(item));
      bytes_ += bytes;
    }
    if (was_empty) wake();
    return true;
  }

  const size_t max_items_;
  const size_t max_bytes_;
  const size_t urgent_items_;
  UniqueFd event_;
  std::mutex mutex_;  // guards items_ and bytes_
  std::vector<T> items_;
  size_t bytes_ = 0;
};

}  // namespace videocall::quic
