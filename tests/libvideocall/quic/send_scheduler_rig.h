// SPDX-License-Identifier: MIT
// The send scheduler on a session in memory.
#pragma once

#include "libvideocall/quic/send_scheduler.h"
#include "tests/support/fake_session.h"
#include "tests/support/make_packet.h"
#include "tests/support/suite.h"

namespace videocall::quic::testing {

using videocall::testing::control;
using videocall::testing::FakeSession;
using videocall::testing::media;
using videocall::testing::MediaSpec;

inline constexpr Time kStart{1h};

// The scheduler of a server on a fake session, past SESSION_ASSIGNED.
struct Rig {
  explicit Rig(bool server = true) : session(server), scheduler(server) {
    session.source = &scheduler;
    scheduler.attach(session);
    if (server) {
      scheduler.set_control_stream(0);
      push(control(PacketType::session_assigned));
      session.pump(now);
    } else {
      scheduler.release_hold();
    }
    session.log.clear();
  }
  void push(const PacketRef& packet) {
    ck_assert(scheduler.push(packet, now).ok());
  }
  // The next |count| frames of a group, starting with its key frame.
  void push_group(MediaSpec spec, int count, int temporal_layers = 1) {
    static constexpr uint8_t kL1T3[] = {0, 2, 1, 2};
    static constexpr uint8_t kL1T2[] = {0, 1, 0, 1};
    for (int i = 0; i < count; ++i) {
      spec.keyframe = i == 0;
      spec.temporal_id = temporal_layers == 3   ? kL1T3[i % 4]
                         : temporal_layers == 2 ? kL1T2[i % 4]
                                                : uint8_t{0};
      push(media(spec));
      ++spec.sequence;
    }
  }
  const PacketFields& sent(size_t i) { return session.log[i].packet->fields(); }

  Time now = kStart;
  FakeSession session;
  SendScheduler scheduler;
};

inline PacketRef audio(uint64_t sequence, size_t size = 160) {
  return media({.kind = MediaKind::audio, .sequence = sequence, .size = size});
}

}  // namespace videocall::quic::testing
