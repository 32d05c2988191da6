// SPDX-License-Identifier: MIT
#include "libvideocall/client/health.h"

#include <string>
#include <utility>

#include "diagnostics.pb.h"
#include "libvideocall/wire/limits.h"

namespace videocall::client {

void HealthReporter::got(uint64_t session_id, MediaKind kind) {
  const auto found = peers_.find(session_id);
  if (found == peers_.end()) return;
  if (kind == MediaKind::video) ++found->second.video;
  if (kind == MediaKind::audio) ++found->second.audio;
}

void HealthReporter::reset() {
  peers_.clear();
}

// Whose picture and sound is to come from now on.
std::map<uint64_t, HealthReporter::Peer> HealthReporter::peers_of(
    const Roster& roster) {
  size_t cameras = 0;
  size_t voices = 0;
  roster.for_each([&](const Member& member) {
    cameras += member.video_enabled;
    voices += member.audio_enabled;
  });
  std::map<uint64_t, Peer> peers;
  roster.for_each([&](const Member& member) {
    if (peers.size() >= limits::kMaxHealthPeers) return;
    peers[member.session_id] = {
        .video_on = member.video_enabled && cameras <= limits::kDefaultCameras,
        .audio_on = member.audio_enabled && voices <= limits::kLoudestSpeakers};
  });
  return peers;
}

PacketRef HealthReporter::report(const Roster* roster, const Link& link) {
  proto::HealthPacket message;
  message.set_timestamp_ms(link.unix_ms);
  message.set_active_server_type(std::string(link.transport));
  message.set_active_server_rtt_ms(
      std::chrono::duration<double, std::milli>(link.rtt).count());
  std::map<uint64_t, Peer> next;
  if (roster) next = peers_of(*roster);
  for (const auto& [id, peer] : next) {
    const auto found = peers_.find(id);
    if (found == peers_.end()) continue;
    const Peer& before = found->second;
    proto::PeerStats stats;
    stats.set_video_enabled(peer.video_on && before.video_on);
    stats.set_audio_enabled(peer.audio_on && before.audio_on);
    stats.set_can_see(before.video > 0);
    stats.set_can_listen(before.audio > 0);
    (*message.mutable_peer_stats())[std::to_string(id)] = std::move(stats);
  }
  peers_ = std::move(next);
  const std::string data = message.SerializeAsString();
  auto packet = Packet::build(
      {.type = PacketType::health,
       .data = {reinterpret_cast<const uint8_t*>(data.data()), data.size()}});
  return packet ? std::move(*packet) : PacketRef();
}

}  // namespace videocall::client
