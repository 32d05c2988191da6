// SPDX-License-Identifier: MIT
// One meeting on this node: the life of its sessions and what they say to one
// another (docs/wire-protocol.md, section 3). Pure: time and randomness are
// handed in, and what is to be done comes out. Not thread-safe; the hub's lock
// of the room is held in every call.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "libvideocall/cluster/limits.h"
#include "libvideocall/room/federation.h"
#include "libvideocall/room/member.h"
#include "libvideocall/room/output.h"
#include "libvideocall/room/policy.h"
#include "libvideocall/room/roster.h"
#include "libvideocall/room/stage.h"

namespace videocall::room {

// What rooms are given from outside. The functions are called from any thread,
// under a room's lock, and must not call back.
struct Config {
  std::string node_id;
  // Unpredictable 64 bits; session ids are made of them.
  std::function<uint64_t()> random;
  // A new resume secret; empty: sessions of this node cannot be resumed.
  std::function<std::string(std::string_view meeting, std::string_view user_id,
                            uint64_t session_id, uint64_t unix_ms)>
      issue_secret;
  Policy policy;
};

struct MemberInfo {
  uint64_t session_id = 0;
  std::string user_id;
  std::string display_name;
  Role role = Role::participant;
  uint64_t joined_at_ms = 0;
  std::string node;      // where its session is; empty: here
  uint64_t packets = 0;  // received of it
  uint64_t bytes = 0;
};

struct RoomStats {
  size_t members = 0;         // here
  size_t remote_members = 0;  // on other nodes
  uint64_t refused = 0;       // packets that broke the contract
  uint64_t dropped = 0;    // media that came too late or without its key frame
  uint64_t over_rate = 0;  // packets beyond what a session may send
  size_t limited_viewers = 0;  // get less than they would be shown
};

class Room {
 public:
  // |config| outlives the room.
  Room(std::string meeting, const Config& config);
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;

  // A session was admitted; it is not in the room before its CONNECTION.
  std::shared_ptr<Session> open(SessionHandle handle, Grant grant, Now now,
                                Output& out);
  // The transport's session has ended.
  void close(Session& session, CloseCode code, Now now, Output& out);
  // |packet| is parsed; it is stamped here if it goes on, so the caller gives
  // away the only reference.
  void packet(Session& session, PacketRef packet, Now now, Output& out);
  // What the transport says of a member's link.
  void link(Session& session, const LinkReport& report, Now now, Output& out);
  // How much video the node leaves out for everybody.
  void shed(Shed level, Now now, Output& out);
  // Somebody who is no viewer, a recorder say, wants every layer of all.
  void keep_all_layers(bool keep) { stage_.keep_all_layers(keep); }
  // Timeouts; about ten times a second.
  void tick(Now now, Output& out);

  // -- Other nodes (room_nodes.cpp)
  // ---------------------------------------------
  // The link to the broker went down or is there again.
  void set_link(bool up, Now now, Output& out);
  // |node| says |packet| in this room.
  void heard(const std::string& node, PacketRef packet, Now now, Output& out);
  // The media of a member that is elsewhere.
  void remote_media(const PacketRef& packet, Now now, Output& out);
  // What a node asks of this one alone.
  void asked(const cluster::KeyframeRequest& request, Now now, Output& out);
  void asked(const cluster::Remove& request, Now now, Output& out);
  void asked(const cluster::Resume& request, Now now, Output& out);
  // |node| is dead: its members leave. |restarted|: they have
  // limits::kNodeSilence to be announced again.
  // |node| is there, perhaps again: this one may have missed what it said.
  void node_came(const std::string& node, Now now, Output& out);
  void node_lost(const std::string& node, bool restarted, Now now, Output& out);

  // The host ended the meeting: everybody is closed.
  void end(Now now, Output& out);
  // A host removed the member; false if there is none.
  bool remove(uint64_t session_id, std::string_view reason, Now now,
              Output& out);

  std::vector<MemberInfo> list() const;
  // Whether |secret|, which verified, may resume |session_id| here: it is the
  // newest of that session, or the session is not known.
  bool accepts_secret(uint64_t session_id, std::string_view secret) const;
  // Nobody is here, on the way here, or could come back.
  bool empty() const { return local_ == 0 && pending_.empty(); }
  RoomStats stats() const;
  const std::string& meeting() const { return meeting_; }

 private:
  // -- Life of a session (room.cpp)
  // --------------------------------------------
  void connect(Session& session, const Packet& packet, Now now, Output& out);
  bool spend_token(const Session& session, Now now, Output& out);
  Member* find_resumed(const Session& session);
  Member& add_member(const Grant& grant, Now now);
  uint64_t choose_id(const Grant& grant);
  void attach(Member& member, std::shared_ptr<Session> session, Now now);
  void assign(Member& member, Now now, Output& out);
  void detach(Member& member, Now now);
  void leave(Member& member, std::string_view reason, Now now, Output& out);
  std::shared_ptr<Session> take_pending(const Session& session);
  void shut(Session& session, CloseCode code, std::string_view reason,
            Output& out);
  void shut_member(Member& member, CloseCode code, std::string_view reason,
                   Now now, Output& out);
  void tick_pending(Now now, Output& out);
  void tick_members(Now now, Output& out);
  void end_lists(Now now, Output& out);
  void notify(Notice::Kind kind, const Member& member, std::string_view reason,
              Output& out) const;

  // -- What members say (room_messages.cpp)
  // ------------------------------------- An error is a refusal.
  bool within_rate(Session& session, const Packet& packet, Now now,
                   Output& out);
  Result<void> handle(Session& session, PacketRef packet, Now now, Output& out);
  Result<void> handle_media(Member& member, const PacketRef& packet, Now now,
                            Output& out);
  Result<void> handle_control(Member& member, PacketRef packet, Now now,
                              Output& out);
  Result<void> handle_state(Member& member, PacketRef packet, Now now,
                            Output& out);
  Result<void> handle_chat(Member& member, const Packet& packet, Now now,
                           Output& out);
  Result<void> handle_report(Member& member, const Packet& packet, Now now,
                             Output& out);
  Result<void> handle_reaction(Member& member, PacketRef packet, Now now,
                               Output& out);
  Result<void> handle_keyframe_request(Member& member, const Packet& packet,
                                       Now now, Output& out);
  Result<void> handle_viewport(Member& member, const Packet& packet, Now now,
                               Output& out);
  Result<void> handle_preference(Member& member, const Packet& packet, Now now,
                                 Output& out);
  // -- room_nodes.cpp
  void remote_meeting(const std::string& node, Bytes data, Now now,
                      Output& out);
  void remote_joined(const std::string& node, const MeetingSaid& said, Now now,
                     Output& out);
  void add_remote(const std::string& node, const MeetingSaid& said,
                  Output& out);
  void update_remote(Member& member, const MeetingSaid& said, Now now,
                     Output& out);
  void remote_roster_ended(const std::string& node, uint64_t count, Now now,
                           Output& out);
  void remote_node(const std::string& node, const Packet& packet, Now now,
                   Output& out);
  void remote_request(const std::string& node,
                      const cluster::LayerRequest& request, Now now,
                      Output& out);
  void remote_offer(const std::string& node, const cluster::LayerOffer& offer,
                    Now now, Output& out);
  void remote_message(const std::string& node, PacketRef packet, Now now,
                      Output& out);
  void set_asked(const cluster::TrackLayer& track, const std::string& node,
                 bool wanted, Now now, Output& out);
  void take_over(Member& member, Now now, Output& out);
  void give_away(Member& member, const std::string& node, uint64_t attached_ms,
                 Now now, Output& out);
  void leave_nodes(Now now, Output& out);
  void end_here(Now now, Output& out);

  void forward(Member& member, PacketRef packet, Output& out);
  void refuse(Session& session, Now now, Output& out);
  void note_refusal(Session& session, Now now, Output& out);
  Member* find(uint64_t session_id);

  // borrowed
  const Config& config_;
  // owned
  std::string meeting_;
  Members members_;
  std::unordered_map<uint64_t, Member*> by_id_;
  std::vector<std::shared_ptr<Session>> pending_;  // before CONNECTION
  std::unordered_set<std::string> spent_tokens_;
  std::deque<std::pair<Time, std::string>> spent_order_;
  Federation federation_;
  Stage stage_;
  Roster roster_;
  // state
  size_t local_ = 0;  // of members_, those that are here
  uint64_t next_order_ = 0;
  uint64_t refused_ = 0;
  uint64_t over_rate_ = 0;
  Time opened_{};  // when the first of those who are here came
  Time swept_{};
};

}  // namespace videocall::room
