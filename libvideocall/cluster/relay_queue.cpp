// SPDX-License-Identifier: MIT
#include "libvideocall/cluster/relay_queue.h"

#include <utility>

namespace videocall::cluster {
namespace {

bool is_media(const Packet& packet) {
  return packet.fields().type == PacketType::media;
}

bool is_video(const Packet& packet) {
  return is_media(packet) && packet.fields().kind != MediaKind::audio;
}

}  // namespace

bool RelayQueue::push(Entry entry) {
  const size_t slack = is_media(*entry.packet) ? 1 : 2;
  if (entries_.size() >= bounds_.packets * slack ||
      bytes_ + entry.packet->size() > bounds_.bytes * slack) {
    ++dropped_.full;
    break_group(entry);
    return false;
  }
  bytes_ += entry.packet->size();
  entries_.push_back(std::move(entry));
  return true;
}

std::optional<RelayQueue::Entry> RelayQueue::pop(Time now) {
  while (!entries_.empty()) {
    Entry entry = std::move(entries_.front());
    entries_.pop_front();
    bytes_ -= entry.packet->size();
    if (is_media(*entry.packet) && now - entry.queued > bounds_.media_age) {
      ++dropped_.late;
      break_group(entry);
      continue;
    }
    if (!heals(entry)) {
      ++dropped_.cut;
      continue;
    }
    return entry;
  }
  return std::nullopt;
}

void RelayQueue::lose(const Entry& entry) {
  ++dropped_.unlinked;
  break_group(entry);
}

void RelayQueue::break_group(const Entry& entry) {
  if (is_video(*entry.packet) && entry.subject) cut_.insert(*entry.subject);
}

// Whether |entry| can be used: nothing is missing of its group, or it begins
// another.
bool RelayQueue::heals(const Entry& entry) {
  if (cut_.empty() || !is_video(*entry.packet) || !entry.subject) return true;
  const auto found = cut_.find(*entry.subject);
  if (found == cut_.end()) return true;
  if (!entry.packet->fields().header.keyframe) return false;
  cut_.erase(found);
  return true;
}

}  // namespace videocall::cluster
