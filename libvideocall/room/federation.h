// SPDX-License-Identifier: MIT
// A room's part on the other nodes: what they are told and asked, what they
// want (docs/wire-protocol.md, section 4). The room keeps the members that are
// elsewhere beside its own; this keeps who wants what. Not thread-safe: its
// room's.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "libvideocall/cluster/limits.h"
#include "libvideocall/cluster/node_messages.h"
#include "libvideocall/room/outside.h"
#include "libvideocall/room/roster.h"

namespace videocall::room {

class Federation final : public Outside {
 public:
  using TrackLayer = cluster::TrackLayer;

  // All are borrowed and outlive this.
  Federation(const std::string& meeting, const std::string& node_id,
             const Members& members);

  // Whether other nodes can hear of the room.
  bool active() const { return linked_ && entered_; }
  bool entered() const { return entered_; }

  // The first member here has come: subscribes to what is said in the room and
  // asks who is there.
  void enter(Output& out);
  // The last has gone: says so and hears no more.
  void exit(Output& out);
  // The link to the broker went down or is there again; then everything is
  // said and asked anew.
  void set_link(bool up, Now now, Output& out);

  // Where this node speaks to the others, which goes to |out| next: what waits
  // to be said goes before. Empty while nobody could hear.
  SubjectPtr control(Output& out);
  // Says |packet| to all nodes in the room, after what waits to be said.
  void say(PacketRef packet, Output& out);
  // At once, or with others within limits::kNewsInterval.
  void say_joined(const Member& member, Now now, Output& out);
  void say_left(const Member& member, Now now, Output& out);
  // To one node.
  void tell(std::string_view node, const cluster::NodeMessage& message,
            Output& out) const;

  // |node| spoke in the room.
  void heard(const std::string& node, Now now);
  // A node asks who is here: answers, at most once per
  // limits::kRosterRequestInterval.
  void asked_for_roster(Now now, Output& out);
  // What is known of |node|'s members cannot be all: asks it.
  void ask_roster(const std::string& node, Now now, Output& out);
  // Of the members here, or of those that are known of |node|.
  cluster::RoomDigest digest_of(std::string_view node) const;

  // The roster that |node| is saying; a member in it gets its number.
  uint64_t roster_of(const std::string& node) { return peers_[node].roster; }
  void roster_ended(const std::string& node) { ++peers_[node].roster; }

  // What of one layer of a member here |node| wants; true if that is news.
  bool set_asked(const TrackLayer& track, const std::string& node, bool wanted);
  // Where |track| is published, if any node wants it.
  SubjectPtr subject_of(const TrackLayer& track) const;
  std::vector<TrackLayer> asked_by(const std::string& node) const;
  // |node| is not in the room any more.
  void forget_node(const std::string& node) { peers_.erase(node); }
  // Whoever wanted |member|'s media does no more, and nor do we.
  void forget_member(const Member& member, Output& out);

  void want_layers(const Member& sender, MediaKind kind, uint8_t layers,
                   Output& out) override;
  void want_keyframe(const Member& sender, MediaKind kind, uint8_t layer,
                     Output& out) override;
  void offer(const Member& sender, MediaKind kind, Output& out) override;

  void tick(Now now, Output& out);
  std::vector<std::string> nodes() const;

 private:
  struct Peer {
    uint64_t roster = 1;
    Time asked{};  // for its roster
  };

  void say_all(Now now, Output& out);
  void say_wanted(Output& out);
  void say_offers(Output& out);
  void ask_all(Output& out);
  PacketRef joined_packet(const Member& member) const;
  void say_news(PacketRef meeting, Now now, Output& out);
  void say_waiting(Output& out);
  void add_offers(const Member& member, MediaKind kind,
                  cluster::LayerOffer& offer) const;
  void say_node(const cluster::NodeMessage& message, Output& out);

  // borrowed
  const std::string& meeting_;
  const std::string& node_id_;
  const Members& members_;
  // owned
  SubjectPtr control_;  // where this node speaks
  std::map<std::string, Peer> peers_;
  std::vector<PacketRef> waiting_;  // MEETING packets, to be said together
  Time news_said_{};
  std::set<TrackLayer> wanted_;  // of others, and subscribed to
  struct Asked {
    SubjectPtr subject;
    std::set<std::string> nodes;
  };
  std::map<TrackLayer, Asked> asked_;  // of ours
  // state
  bool linked_ = false;
  bool entered_ = false;
  bool roster_due_ = false;
  Time said_{};       // the roster
  Time refreshed_{};  // what others should know
};

}  // namespace videocall::room
