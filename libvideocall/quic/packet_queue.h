// SPDX-License-Identifier: MIT
// Queues of packets that share one pool of nodes: after a warm-up, queueing a
// packet for a viewer allocates nothing.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "libvideocall/base/time.h"
#include "libvideocall/wire/packet.h"

namespace videocall::quic {

// The nodes of all queues of one session. One thread.
class PacketPool {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  struct Node {
    PacketRef packet;
    Time queued{};
    uint32_t next = kNone;
  };

  uint32_t acquire(PacketRef packet, Time queued) {
    ++used_;
    if (free_ == kNone) {
      nodes_.push_back({std::move(packet), queued, kNone});
      return static_cast<uint32_t>(nodes_.size() - 1);
    }
    const uint32_t index = free_;
    Node& node = nodes_[index];
    free_ = node.next;
    node = {std::move(packet), queued, kNone};
    return index;
  }

  PacketRef release(uint32_t index) {
    PacketRef packet = std::move(nodes_[index].packet);
    nodes_[index].next = free_;
    free_ = index;
    if (--used_ == 0 && nodes_.size() > kKeptNodes) trim();
    return packet;
  }

  Node& operator[](uint32_t index) { return nodes_[index]; }
  const Node& operator[](uint32_t index) const { return nodes_[index]; }
  size_t used() const { return used_; }

 private:
  // What a session without backlog keeps; a burst's memory goes back.
  static constexpr size_t kKeptNodes = 64;

  void trim() {
    nodes_.clear();
    nodes_.shrink_to_fit();
    free_ = kNone;
  }

  std::vector<Node> nodes_;
  uint32_t free_ = kNone;
  size_t used_ = 0;
};

// First in, first out; knows its bytes (frames: length prefix and packet).
class PacketQueue {
 public:
  explicit PacketQueue(PacketPool& pool) : pool_(&pool) {}
  PacketQueue(PacketQueue&& other) noexcept
      : pool_(other.pool_),
        head_(std::exchange(other.head_, PacketPool::kNone)),
        tail_(std::exchange(other.tail_, PacketPool::kNone)),
        count_(std::exchange(other.count_, 0)),
        bytes_(std::exchange(other.bytes_, 0)) {}
  PacketQueue(const PacketQueue&) = delete;
  PacketQueue& operator=(const PacketQueue&) = delete;
  PacketQueue& operator=(PacketQueue&&) = delete;
  ~PacketQueue() { clear(); }

  bool empty() const { return count_ == 0; }
  size_t count() const { return count_; }
  size_t bytes() const { return bytes_; }

  const PacketRef& front() const { return (*pool_)[head_].packet; }
  Time front_queued() const { return (*pool_)[head_].queued; }
  // The packet behind the front one; nullptr if there is none.
  const PacketPool::Node* second() const {
    const uint32_t next = (*pool_)[head_].next;
    return next == PacketPool::kNone ? nullptr : &(*pool_)[next];
  }

  void push_back(PacketRef packet, Time queued) {
    bytes_ += packet->framed().size();
    const uint32_t index = pool_->acquire(std::move(packet), queued);
    if (count_++ == 0)
      head_ = index;
    else
      (*pool_)[tail_].next = index;
    tail_ = index;
  }

  void push_front(PacketRef packet, Time queued) {
    bytes_ += packet->framed().size();
    const uint32_t index = pool_->acquire(std::move(packet), queued);
    (*pool_)[index].next = head_;
    if (count_++ == 0) tail_ = index;
    head_ = index;
  }

  PacketRef pop_front() {
    assert(!empty());
    const uint32_t index = head_;
    head_ = (*pool_)[index].next;
    if (--count_ == 0) tail_ = PacketPool::kNone;
    PacketRef packet = pool_->release(index);
    bytes_ -= packet->framed().size();
    return packet;
  }

  // Drops every packet behind the first |keep| for which |unwanted| is true;
  // returns how many.
  template <typename Predicate>
  size_t remove_if(size_t keep, Predicate&& unwanted) {
    size_t removed = 0;
    uint32_t previous = PacketPool::kNone;
    for (uint32_t index = head_; index != PacketPool::kNone;) {
      const uint32_t next = (*pool_)[index].next;
      if (keep > 0 || !unwanted(*(*pool_)[index].packet)) {
        if (keep > 0) --keep;
        previous = index;
      } else {
        unlink(previous, index, next);
        ++removed;
      }
      index = next;
    }
    return removed;
  }

  void clear() {
    while (!empty()) pop_front();
  }

 private:
  void unlink(uint32_t previous, uint32_t index, uint32_t next) {
    if (previous == PacketPool::kNone)
      head_ = next;
    else
      (*pool_)[previous].next = next;
    if (next == PacketPool::kNone) tail_ = previous;
    --count_;
    bytes_ -= pool_->release(index)->framed().size();
  }

  PacketPool* pool_;  // borrowed
  uint32_t head_ = PacketPool::kNone;
  uint32_t tail_ = PacketPool::kNone;
  size_t count_ = 0;
  size_t bytes_ = 0;
};

}  // namespace videocall::quic
