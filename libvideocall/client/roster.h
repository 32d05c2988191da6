// SPDX-License-Identifier: MIT
// Who is in the meeting, as MEETING and MEMBER_STATE packets tell
// (docs/wire-protocol.md, sections 3.3 and 3.7). Pure; one thread.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "libvideocall/base/export.h"
#include "libvideocall/wire/packet.h"

namespace videocall::client {

struct Member {
  uint64_t session_id = 0;
  std::string user_id;
  std::string display_name;
  uint32_t role = 0;  // proto MemberRole
  bool video_enabled = false;
  bool audio_enabled = false;
  bool screen_enabled = false;
  bool speaking = false;
  bool hand_raised = false;
};

class RosterObserver {
 public:
  virtual ~RosterObserver() = default;
  virtual void on_member_joined(const Member& member) = 0;
  virtual void on_member_changed(const Member& member) = 0;
  // |reason| is empty or the server's word for it.
  virtual void on_member_left(const Member& member,
                              const std::string& reason) = 0;
};

class VIDEOCALL_API Roster {
 public:
  // |observer| is borrowed.
  explicit Roster(RosterObserver& observer) : observer_(observer) {}

  // A session begins: the server lists everybody anew. Until the list ends
  // nobody leaves, so that a resume changes nothing for those who stayed.
  void begin_listing(uint64_t own_session_id);
  // Takes MEETING and MEMBER_STATE packets; others are ignored.
  void on_packet(const Packet& packet);
  // The session is over for good.
  void clear();

  const Member* find(uint64_t session_id) const;
  template <typename Call>
  void for_each(Call&& call) const {
    for (const auto& [id, entry] : members_) call(entry.member);
  }
  size_t size() const { return members_.size(); }
  // As the server counts: where it does not list everybody, more than size().
  int64_t participant_count() const { return participant_count_; }

 private:
  struct Entry {
    Member member;
    bool listed = false;  // since begin_listing
  };

  void on_meeting(Bytes data);
  void on_state(uint64_t session_id, Bytes data);
  void join(Member member);
  void leave(uint64_t session_id, const std::string& reason);
  void end_listing();

  RosterObserver& observer_;
  std::unordered_map<uint64_t, Entry> members_;
  uint64_t own_session_id_ = 0;
  bool listing_ = false;
  int64_t participant_count_ = 0;
};

}  // namespace videocall::client
