// SPDX-License-Identifier: MIT
// The media of a room: who sends, who gets what of it. Recipients are built
// only when a choice or the membership changes; a packet costs one look at the
// list that its sender, kind and layer have. Not thread-safe: its room's.
//
//   stage.cpp  members and packets    stage_choice.cpp  who gets which layer
//   stage_nodes.cpp  what goes to other nodes and comes from them
#pragma once

#include <cstdint>
#include <vector>

#include "libvideocall/cluster/node_messages.h"
#include "libvideocall/room/allocation.h"
#include "libvideocall/room/member.h"
#include "libvideocall/room/output.h"
#include "libvideocall/room/outside.h"
#include "libvideocall/room/policy.h"
#include "libvideocall/room/shedder.h"

namespace videocall::room {

class Stage {
 public:
  // |policy| and |outside| are borrowed and outlive the stage.
  Stage(const Policy& policy, Outside& outside)
      : policy_(policy), outside_(outside), loudest_(policy.max_speakers) {}

  // Gives |member| a seat, until remove().
  void add(Member& member);
  void remove(Member& member, Now now, Output& out);

  // |member|'s session is connected: it gets the first pictures and from now
  // on what is chosen for it.
  void enter(Member& member, Now now, Output& out);
  // Its session has gone; as a sender it stays.
  void leave(Member& member);

  // A stamped media packet of |sender|.
  void media(Member& sender, const PacketRef& packet, Now now, Output& out);
  // One that the room did not take, so that what follows of its group is bad.
  void lost(Member& sender, MediaKind kind, uint8_t layer);
  // Other nodes want a layer of |sender|'s, a member here, on |subject|; called
  // once for each. Empty: none does any more.
  void publish(Member& sender, MediaKind kind, uint8_t layer,
               SubjectPtr subject, Now now, Output& out);
  // The node that |sender| is on can send a layer, or no longer.
  void offered(Member& sender, const cluster::LayerOffer::Entry& entry, Now now,
               Output& out);
  // A node lacks a key frame of |sender|, a member here.
  void keyframe_wanted(Member& sender, MediaKind kind, uint8_t layer, Now now,
                       Output& out);
  // |sender| comes from another node now, or went to one: its tracks begin
  // anew.
  void moved(Member& sender, Now now, Output& out);
  // |viewer| cannot decode |sender|'s |kind|.
  void keyframe_request(Member& viewer, Member& sender, MediaKind kind, Now now,
                        Output& out);
  // |viewer|'s viewport or caps have changed.
  void choose(Member& viewer, Now now, Output& out);
  // What its transport says of |viewer|'s link.
  void link(Member& viewer, const LinkReport& report, Now now, Output& out);
  // How much video the node leaves out for everybody.
  void shed(Shed level, Now now, Output& out);
  // |member|.state was |before| and is another now.
  void state_changed(Member& member, const MemberState& before, Now now,
                     Output& out);
  void tick(Now now, Output& out);

  // Everybody who is connected, and everybody but |member|.
  const RecipientsPtr& everyone();
  const RecipientsPtr& others(Member& member);

  // Somebody who is no viewer, a recorder say, wants every layer of all.
  void keep_all_layers(bool keep) { keep_all_layers_ = keep; }

  // Packets that came too late or without their key frame.
  uint64_t dropped() const { return dropped_; }
  // How many connected viewers' links are known to bound what they get.
  size_t limited_viewers() const;

 private:
  void measure_audio(Duration passed);
  void audio(Member& sender, const PacketRef& packet, Now now, Output& out);
  void video(Member& sender, const PacketRef& packet, Now now, Output& out);
  VideoTrack& track(Member& sender, MediaKind kind);
  void drop_tracks(Member& sender);
  // stage_choice.cpp
  void announce(Member& sender, MediaKind kind, Output& out);
  static VideoTrack* find_track(const Member& member, MediaKind kind);
  bool leads(const Member& viewer, const Member& sender, MediaKind kind) const;
  Want want_of(const Member& viewer, const Member& sender,
               const VideoTrack& track, MediaKind kind,
               const Choice& choice) const;
  void share(Member& viewer, Now now, Output& out);
  void lead(Now now, Output& out);
  void try_silent_links(Now now, Output& out);
  Choice desired(const Member& viewer, const Member& sender,
                 const VideoTrack& track, MediaKind kind) const;
  void retarget(Member& viewer, Member& sender, Now now, Output& out);
  void retarget_viewers(Member& sender, Now now, Output& out);
  void rank(Now now, Output& out);
  void ask(Member& sender, Now now, Output& out);
  void hint(Member& sender, Now now, Output& out);
  RecipientsPtr connected_but(const Member* left_out) const;
  const RecipientsPtr& reserve_recipients(Member& sender);

  // borrowed
  const Policy& policy_;
  Outside& outside_;
  std::vector<Member*> members_;  // by seat; nullptr: free
  std::vector<Member*> senders_;  // those with a camera or a screen
  // owned
  Seats seats_;
  std::vector<uint32_t> free_seats_;
  Loudest loudest_;
  Dominant dominant_;
  std::vector<uint64_t> ranked_;  // cameras of the default choice
  RecipientsPtr everyone_;
  // state
  uint64_t epoch_ = 1;  // +1 whenever somebody enters or leaves
  uint64_t everyone_epoch_ = 0;
  uint64_t places_epoch_ = 1;  // +1 whenever the loudest change, or epoch_
  bool rank_due_ = false;
  bool lead_due_ = false;
  bool keep_all_layers_ = false;
  Shed shed_ = Shed::none;
  double audio_bps_ = 0;  // of all that is heard
  Time now_{};            // of the last tick or choice
  Time swept_{};
  uint64_t dropped_ = 0;
};

}  // namespace videocall::room
