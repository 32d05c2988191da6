// SPDX-License-Identifier: MIT
#include "libvideocall/quic/peer.h"

#include "libvideocall/quic/shard.h"

namespace videocall::quic {

SessionHandle Peer::handle() const {
  return {shard.endpoint(), static_cast<uint16_t>(shard.index()), slot,
          generation};
}

void Peer::on_open() {}

void Peer::on_refused(int, std::string_view) {}

void Peer::on_packet(PacketRef packet, Time now) {
  if (open && shard.has_visitor())
    shard.visitor().on_packet(handle(), std::move(packet), now);
  shard.note_report();
}

void Peer::on_draining() {
  if (open && shard.has_visitor()) shard.visitor().on_draining(handle());
  shard.note_report();
}

void Peer::on_closed(CloseCode code, std::string_view reason, bool by_peer) {
  if (!open) return;
  open = false;
  shard.counters_.sessions.fetch_sub(1, std::memory_order_relaxed);
  shard.count_closed(*this, code);
  shard.on_session_ended(*this);
  shard.touch(*this);
  if (!shard.has_visitor()) return;
  shard.visitor().on_session_closed(handle(), code, reason, by_peer,
                                    Clock::now());
  shard.note_report();
}

}  // namespace videocall::quic
