// SPDX-License-Identifier: MIT
// Which connection of a shard a connection id belongs to: a flat hash table
// with open addressing, since every datagram looks one up. One thread.
#pragma once

#include <cstdint>
#include <vector>

#include "libvideocall/quic/connection.h"

namespace videocall::quic {

class ConnectionIdTable {
 public:
  static constexpr uint32_t kNone = 0xffffffff;

  // |key| is secret and random, so that nobody can choose ids that collide.
  explicit ConnectionIdTable(uint64_t key);

  // |slot| is anything but kNone. An id that is there gets the new slot.
  void insert(const ConnectionId& id, uint32_t slot);
  // The slot of the id, kNone if unknown.
  uint32_t find(const uint8_t* bytes, size_t size) const;
  void erase(const ConnectionId& id);
  size_t size() const { return used_; }

 private:
  struct Entry {
    ConnectionId id;
    uint32_t slot = kNone;
  };

  uint64_t hash(const uint8_t* bytes, size_t size) const;
  size_t position(const uint8_t* bytes, size_t size) const;
  void grow();

  uint64_t key_;
  std::vector<Entry> entries_;  // a power of two, at most half full
  size_t used_ = 0;
};

}  // namespace videocall::quic
