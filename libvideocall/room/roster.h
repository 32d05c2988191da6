// SPDX-License-Identifier: MIT
// Tells members of members (docs/wire-protocol.md, section 3.3). Up to
// limits::kRosterListsEverybodyUpTo everybody is announced; in larger rooms
// those who publish, and how many there are, at most once a second.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libvideocall/room/member.h"
#include "libvideocall/room/output.h"
#include "libvideocall/room/stage.h"

namespace videocall::room {

using Members = std::vector<std::unique_ptr<Member>>;  // in order of joining

class Roster {
 public:
  // |meeting|, |members| and |stage| outlive the roster.
  Roster(const std::string& meeting, const Members& members, Stage& stage)
      : meeting_(meeting), members_(members), stage_(stage) {}

  // Lists who is there, to |newcomer|.
  void list(const Member& newcomer, Output& out);
  // That was all, and how many they are.
  void end_list(const Member& newcomer, Output& out);
  // |member| has joined: tells the others, if they are to know.
  void joined(Member& member, Output& out);
  // |member| began to publish: in a large room the others hear of it now.
  void publishes(Member& member, Output& out);
  // |member|, no longer among members, has left.
  void left(Member& member, Output& out);
  // |member|'s state or name is not what it was.
  void changed(Member& member) { member.joined_packet = {}; }
  void tick(Now now, Output& out);

  void set_start(uint64_t unix_ms) { start_ms_ = unix_ms; }
  bool large() const {
    return members_.size() > limits::kRosterListsEverybodyUpTo;
  }

 private:
  const PacketRef& joined_packet(Member& member);
  PacketRef write_joined(const Member& member, size_t count) const;
  PacketRef count_packet() const;

  // borrowed
  const std::string& meeting_;
  const Members& members_;
  Stage& stage_;
  // state
  uint64_t start_ms_ = 0;
  size_t told_count_ = 0;  // in a large room
  Time told_at_{};
};

}  // namespace videocall::room
