// SPDX-License-Identifier: MIT
#include "libvideocall/room/hub.h"

#include <algorithm>
#include <cassert>
#include <mutex>
#include <utility>

#include "libvideocall/room/hub_slot.h"

namespace videocall::room {

Hub::Batch::Batch() = default;

Hub::Batch::~Batch() {
  assert(entries_.empty());
}

void Hub::Batch::touch(const std::shared_ptr<Slot>& slot) {
  // The last is the likeliest: packets of one session come in a row.
  for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
    if (entry->slot == slot) return;
  }
  entries_.push_back({slot, false});
}

Hub::Hub(Config config)
    : config_(std::move(config)), shedder_(config_.policy.max_bytes_out_per_s) {
  if (config_.random) self_.incarnation = config_.random();
}

Hub::~Hub() = default;

void Hub::open(SessionHandle handle, Grant grant, Now now, Batch& batch) {
  for (;;) {
    const std::shared_ptr<Slot> slot = find_or_make_slot(grant.meeting);
    if (!slot) {
      batch.direct_.closes.push_back(
          {handle, CloseCode::overload, "too many meetings"});
      return;
    }
    std::shared_ptr<Session> session;
    {
      const std::lock_guard lock(slot->mutex);
      if (slot->dead) continue;  // its last member left just now
      slot->room.set_link(linked_, now, slot->outbox);
      session = slot->room.open(handle, std::move(grant), now, slot->outbox);
    }
    batch.touch(slot);
    const std::unique_lock lock(directory_);
    sessions_.insert_or_assign(handle, Place{slot, std::move(session)});
    return;
  }
}

void Hub::close(SessionHandle handle, CloseCode code, Now now, Batch& batch) {
  Place place;
  {
    const std::unique_lock lock(directory_);
    const auto found = sessions_.find(handle);
    if (found == sessions_.end()) return;
    place = std::move(found->second);
    sessions_.erase(found);
  }
  batch.touch(place.slot);
  const std::lock_guard lock(place.slot->mutex);
  place.slot->room.close(*place.session, code, now, place.slot->outbox);
}

void Hub::packet(SessionHandle handle, PacketRef packet, Now now,
                 Batch& batch) {
  Place place;
  {
    const std::shared_lock lock(directory_);
    const auto found = sessions_.find(handle);
    if (found == sessions_.end()) return;
    place = found->second;
  }
  batch.touch(place.slot);
  const std::lock_guard lock(place.slot->mutex);
  place.slot->room.packet(*place.session, std::move(packet), now,
                          place.slot->outbox);
}

void Hub::link(std::span<const LinkReport> reports, Now now, Batch& batch) {
  for (const LinkReport& report : reports) {
    Place place;
    {
      const std::shared_lock lock(directory_);
      const auto found = sessions_.find(report.session);
      if (found == sessions_.end()) continue;
      place = found->second;
    }
    const std::lock_guard lock(place.slot->mutex);
    place.slot->room.link(*place.session, report, now, place.slot->outbox);
    if (!place.slot->outbox.empty()) batch.touch(place.slot);
  }
}

void Hub::tick(Now now, Batch& batch) {
  shedder_.update(forwarded_bytes_.load(std::memory_order_relaxed), now.mono);
  shed_ = shedder_.level();
  tick_nodes(now, batch);
  for (const std::shared_ptr<Slot>& slot : all_slots()) {
    bool empty = false;
    {
      const std::lock_guard lock(slot->mutex);
      slot->room.keep_all_layers(keep_all_layers_);
      slot->room.shed(shedder_.level(), now, slot->outbox);
      slot->room.tick(now, slot->outbox);
      if (!slot->outbox.empty()) batch.touch(slot);
      empty = slot->room.empty();
    }
    if (empty) remove_if_empty(slot);
  }
}

bool Hub::collect(Batch& batch, Output& out) {
  out.clear();
  out.take(batch.direct_);
  std::erase_if(batch.entries_, [&](Batch::Entry& entry) {
    Slot& slot = *entry.slot;
    const std::lock_guard lock(slot.mutex);
    if (!entry.mine && slot.carried) return true;  // that thread will see it
    entry.mine = slot.carried = !slot.outbox.empty();
    out.take(slot.outbox);
    return !entry.mine;
  });
  count(out);
  return !out.empty();
}

void Hub::count(const Output& out) {
  uint64_t packets = 0;
  uint64_t bytes = 0;
  for (const Delivery& delivery : out.deliveries) {
    packets += delivery.to->sessions.size();
    bytes += delivery.packet->size() * delivery.to->sessions.size();
  }
  const auto add = [](std::atomic<uint64_t>& to, uint64_t n) {
    to.fetch_add(n, std::memory_order_relaxed);
  };
  if (packets > 0) {
    add(forwarded_packets_, packets);
    add(forwarded_bytes_, bytes);
  }
  if (!out.reports.empty()) count_reports(out.reports);
  for (const Notice& notice : out.notices) {
    switch (notice.kind) {
      case Notice::Kind::token_spent:
        break;
      case Notice::Kind::joined:
        add(joined_, 1);
        break;
      case Notice::Kind::disconnected:
        add(disconnected_, 1);
        break;
      case Notice::Kind::resumed:
        add(resumed_, 1);
        break;
      case Notice::Kind::left:
        add(left_, 1);
        if (notice.reason == kLost) add(lost_, 1);
        break;
    }
  }
}

void Hub::count_reports(const std::vector<ClientReport>& reports) {
  const std::lock_guard lock(reports_mutex_);
  for (const ClientReport& report : reports) {
    reports_.add(1);
    reported_peers_.add(report.peers);
    reported_unseen_.add(report.unseen);
    reported_unheard_.add(report.unheard);
    if (report.rtt > Duration::zero()) client_rtt_.add(report.rtt);
  }
}

bool Hub::end_meeting(const std::string& meeting, Now now) {
  const std::shared_ptr<Slot> slot = find_slot(meeting);
  if (!slot) return false;
  const std::lock_guard lock(slot->mutex);
  slot->room.end(now, slot->outbox);
  return true;
}

bool Hub::remove_member(const std::string& meeting, uint64_t session_id,
                        std::string_view reason, Now now) {
  const std::shared_ptr<Slot> slot = find_slot(meeting);
  if (!slot) return false;
  const std::lock_guard lock(slot->mutex);
  return slot->room.remove(session_id, reason, now, slot->outbox);
}

std::vector<MemberInfo> Hub::list_members(const std::string& meeting) const {
  const std::shared_ptr<Slot> slot = find_slot(meeting);
  if (!slot) return {};
  const std::lock_guard lock(slot->mutex);
  return slot->room.list();
}

std::vector<std::string> Hub::list_meetings() const {
  std::vector<std::string> meetings;
  const std::shared_lock lock(directory_);
  meetings.reserve(rooms_.size());
  for (const auto& [meeting, slot] : rooms_) meetings.push_back(meeting);
  return meetings;
}

bool Hub::accepts_secret(const std::string& meeting, uint64_t session_id,
                         std::string_view secret) const {
  const std::shared_ptr<Slot> slot = find_slot(meeting);
  if (!slot) return true;
  const std::lock_guard lock(slot->mutex);
  return slot->room.accepts_secret(session_id, secret);
}

HubStats Hub::stats() const {
  HubStats stats;
  std::vector<std::shared_ptr<Slot>> slots;
  {
    // Together, so that a room that goes meanwhile is counted once.
    const std::shared_lock lock(directory_);
    stats.sessions = sessions_.size();
    stats.refused = gone_.refused;
    stats.dropped = gone_.dropped;
    stats.over_rate = gone_.over_rate;
    slots.reserve(rooms_.size());
    for (const auto& [meeting, slot] : rooms_) slots.push_back(slot);
  }
  for (const std::shared_ptr<Slot>& slot : slots) {
    const std::lock_guard lock(slot->mutex);
    const RoomStats room = slot->room.stats();
    ++stats.rooms;
    stats.members += room.members;
    stats.remote_members += room.remote_members;
    stats.refused += room.refused;
    stats.dropped += room.dropped;
    stats.over_rate += room.over_rate;
    stats.limited_viewers += room.limited_viewers;
  }
  const auto read = [](const std::atomic<uint64_t>& from) {
    return from.load(std::memory_order_relaxed);
  };
  stats.forwarded_packets = read(forwarded_packets_);
  stats.forwarded_bytes = read(forwarded_bytes_);
  stats.joined = read(joined_);
  stats.disconnected = read(disconnected_);
  stats.resumed = read(resumed_);
  stats.left = read(left_);
  stats.lost = read(lost_);
  stats.reports = reports_.get();
  stats.reported_peers = reported_peers_.get();
  stats.reported_unseen = reported_unseen_.get();
  stats.reported_unheard = reported_unheard_.get();
  stats.client_rtt = client_rtt_.snapshot();
  stats.shed = shed_;
  stats.linked = linked_;
  const std::lock_guard lock(nodes_mutex_);
  stats.nodes = nodes_.nodes().size();
  return stats;
}

std::shared_ptr<Hub::Slot> Hub::find_slot(const std::string& meeting) const {
  const std::shared_lock lock(directory_);
  const auto found = rooms_.find(meeting);
  return found == rooms_.end() ? nullptr : found->second;
}

std::shared_ptr<Hub::Slot> Hub::find_or_make_slot(const std::string& meeting) {
  if (auto slot = find_slot(meeting)) return slot;
  const std::unique_lock lock(directory_);
  const auto found = rooms_.find(meeting);
  if (found != rooms_.end()) return found->second;
  if (rooms_.size() >= limits::kMaxRooms) return nullptr;
  return rooms_.emplace(meeting, std::make_shared<Slot>(meeting, config_))
      .first->second;
}

std::vector<std::shared_ptr<Hub::Slot>> Hub::all_slots() const {
  std::vector<std::shared_ptr<Slot>> slots;
  const std::shared_lock lock(directory_);
  slots.reserve(rooms_.size());
  for (const auto& [meeting, slot] : rooms_) slots.push_back(slot);
  return slots;
}

void Hub::remove_if_empty(const std::shared_ptr<Slot>& slot) {
  const std::unique_lock directory(directory_);
  const std::lock_guard lock(slot->mutex);
  if (!slot->room.empty()) return;
  slot->dead = true;
  const RoomStats counted = slot->room.stats();
  gone_.refused += counted.refused;
  gone_.dropped += counted.dropped;
  gone_.over_rate += counted.over_rate;
  rooms_.erase(slot->room.meeting());
}

}  // namespace videocall::room
