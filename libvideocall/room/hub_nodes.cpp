// SPDX-License-Identifier: MIT
// The node among its peers: heartbeats, and what comes from other nodes.
#include <utility>

#include "libvideocall/room/hub_slot.h"

#include "libvideocall/cluster/limits.h"

namespace videocall::room {

using cluster::Directory;
using cluster::Heartbeat;

void Hub::set_link(bool up, Now now, Batch& batch) {
  if (linked_.exchange(up) == up) return;
  if (up) {
    batch.direct_.subscribe(std::string(cluster::kNodesSubject), true);
    batch.direct_.subscribe(cluster::node_subject(config_.node_id), true);
    const std::lock_guard lock(nodes_mutex_);
    beat_ = {};  // at the next tick
  }
  for (const std::shared_ptr<Slot>& slot : all_slots()) {
    const std::lock_guard lock(slot->mutex);
    slot->room.set_link(up, now, slot->outbox);
    batch.touch(slot);
  }
}

void Hub::heard(std::string_view text, PacketRef packet, Now now,
                Batch& batch) {
  using Kind = cluster::Subject::Kind;
  const cluster::Subject subject = cluster::parse_subject(text);
  if (subject.kind == Kind::nodes) return heard_on_nodes(*packet, now, batch);
  if (subject.kind == Kind::node) return heard_on_node(*packet, now, batch);
  if (subject.kind == Kind::other) return;
  const std::shared_ptr<Slot> slot = find_slot(std::string(subject.meeting));
  if (!slot) return;
  batch.touch(slot);
  const std::lock_guard lock(slot->mutex);
  if (slot->dead) return;
  if (subject.kind == Kind::control) {
    slot->room.heard(std::string(subject.node), std::move(packet), now,
                     slot->outbox);
    return;
  }
  const PacketFields& fields = packet->fields();
  if (fields.type == PacketType::media &&
      cluster::TrackLayer{fields.session_id, fields.kind, fields.layer} ==
          subject.track)
    slot->room.remote_media(packet, now, slot->outbox);
}

void Hub::heard_on_nodes(const Packet& packet, Now now, Batch& batch) {
  if (packet.fields().type != PacketType::node) return;
  auto message = cluster::read_node_message(packet.fields().data);
  if (!message) return;
  const auto* heartbeat = std::get_if<Heartbeat>(&*message);
  if (!heartbeat || heartbeat->node_id == config_.node_id) return;
  Directory::News news;
  {
    const std::lock_guard lock(nodes_mutex_);
    news = nodes_.heard(*heartbeat, now.mono);
  }
  if (news == Directory::News::restarted)
    lose_node(heartbeat->node_id, true, now, batch);
  if (news != Directory::News::came) return;
  for (const std::shared_ptr<Slot>& slot : all_slots()) {
    const std::lock_guard lock(slot->mutex);
    slot->room.node_came(heartbeat->node_id, now, slot->outbox);
    batch.touch(slot);
  }
}

void Hub::heard_on_node(const Packet& packet, Now now, Batch& batch) {
  if (packet.fields().type != PacketType::node) return;
  auto message = cluster::read_node_message(packet.fields().data);
  if (!message) return;
  const auto hand_over = [&](const auto& request) {
    const std::shared_ptr<Slot> slot = find_slot(request.meeting);
    if (!slot) return;
    batch.touch(slot);
    const std::lock_guard lock(slot->mutex);
    if (!slot->dead) slot->room.asked(request, now, slot->outbox);
  };
  if (const auto* keyframe = std::get_if<cluster::KeyframeRequest>(&*message))
    hand_over(*keyframe);
  else if (const auto* remove = std::get_if<cluster::Remove>(&*message))
    hand_over(*remove);
  else if (const auto* resume = std::get_if<cluster::Resume>(&*message))
    hand_over(*resume);
}

void Hub::lose_node(const std::string& node, bool restarted, Now now,
                    Batch& batch) {
  for (const std::shared_ptr<Slot>& slot : all_slots()) {
    const std::lock_guard lock(slot->mutex);
    slot->room.node_lost(node, restarted, now, slot->outbox);
    batch.touch(slot);
  }
}

void Hub::tick_nodes(Now now, Batch& batch) {
  std::vector<std::string> dead;
  bool due = false;
  {
    const std::lock_guard lock(nodes_mutex_);
    dead = nodes_.sweep(now.mono);
    due = linked_ && now.mono - beat_ >= limits::kNodeHeartbeatInterval;
    if (due) beat_ = now.mono;
  }
  for (const std::string& node : dead) lose_node(node, false, now, batch);
  if (!due) return;
  static const SubjectPtr subject =
      std::make_shared<const std::string>(cluster::kNodesSubject);
  batch.direct_.deliver(cluster::write_node_message(self()), nullptr, subject);
}

void Hub::describe(Heartbeat self) {
  const std::lock_guard lock(nodes_mutex_);
  self.incarnation = self_.incarnation;
  // Nobody is to be sent to where nobody is taken: at the next tick.
  if (self.draining != self_.draining) beat_ = {};
  self_ = std::move(self);
}

Heartbeat Hub::self() const {
  size_t sessions = 0;
  {
    const std::shared_lock lock(directory_);
    sessions = sessions_.size();
  }
  const std::lock_guard lock(nodes_mutex_);
  Heartbeat self = self_;
  self.node_id = config_.node_id;
  self.sessions = static_cast<uint32_t>(sessions);
  return self;
}

std::vector<Heartbeat> Hub::nodes() const {
  std::vector<Heartbeat> all = {self()};
  const std::lock_guard lock(nodes_mutex_);
  for (Heartbeat& node : nodes_.nodes()) all.push_back(std::move(node));
  return all;
}

}  // namespace videocall::room
