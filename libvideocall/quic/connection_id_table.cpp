// SPDX-License-Identifier: MIT
#include "libvideocall/quic/connection_id_table.h"

#include <algorithm>
#include <cstring>

namespace videocall::quic {
namespace {

constexpr size_t kInitialEntries = 64;

uint64_t mix(uint64_t a, uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

uint64_t load(const uint8_t* bytes, size_t size) {
  uint64_t value = 0;
  std::memcpy(&value, bytes, size);
  return value;
}

}  // namespace

ConnectionIdTable::ConnectionIdTable(uint64_t key)
    : key_(key), entries_(kInitialEntries) {}

uint64_t ConnectionIdTable::hash(const uint8_t* bytes, size_t size) const {
  uint64_t h = key_ ^ size;
  for (size_t at = 0; at < size; at += 8) {
    h = mix(h ^ load(bytes + at, std::min<size_t>(8, size - at)),
            0x9e3779b97f4a7c15u ^ key_);
  }
  return h;
}

// Where the id is, or the free entry where it belongs.
size_t ConnectionIdTable::position(const uint8_t* bytes, size_t size) const {
  const size_t mask = entries_.size() - 1;
  size_t at = hash(bytes, size) & mask;
  while (entries_[at].slot != kNone) {
    const ConnectionId& id = entries_[at].id;
    if (id.size == size && std::memcmp(id.bytes.data(), bytes, size) == 0)
      break;
    at = (at + 1) & mask;
  }
  return at;
}

void ConnectionIdTable::insert(const ConnectionId& id, uint32_t slot) {
  if ((used_ + 1) * 2 > entries_.size()) grow();
  Entry& entry = entries_[position(id.bytes.data(), id.size)];
  if (entry.slot == kNone) ++used_;
  entry.id = id;
  entry.slot = slot;
}

uint32_t ConnectionIdTable::find(const uint8_t* bytes, size_t size) const {
  if (size > ConnectionId{}.bytes.size()) return kNone;
  return entries_[position(bytes, size)].slot;
}

void ConnectionIdTable::erase(const ConnectionId& id) {
  const size_t mask = entries_.size() - 1;
  size_t hole = position(id.bytes.data(), id.size);
  if (entries_[hole].slot == kNone) return;
  --used_;
  // Moves later entries of the run back, so that no search stops early.
  for (size_t at = (hole + 1) & mask; entries_[at].slot != kNone;
       at = (at + 1) & mask) {
    const ConnectionId& moved = entries_[at].id;
    const size_t home = hash(moved.bytes.data(), moved.size) & mask;
    if (((at - home) & mask) < ((at - hole) & mask)) continue;
    entries_[hole] = entries_[at];
    hole = at;
  }
  entries_[hole].slot = kNone;
}

void ConnectionIdTable::grow() {
  std::vector<Entry> old(entries_.size() * 2);
  old.swap(entries_);
  for (const Entry& entry : old) {
    if (entry.slot != kNone)
      entries_[position(entry.id.bytes.data(), entry.id.size)] = entry;
  }
}

}  // namespace videocall::quic
