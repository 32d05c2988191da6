// SPDX-License-Identifier: MIT
// The media of a room: who sends, who gets what of it. Recipients are built
// only when a choice or the membership changes; a packet costs one look at the
// list that its sender, kind and layer have. Not thread-safe: its room's.
//
//   stage.cpp  members and packets    stage_choice.cpp  who gets which layer
#pragma once

#include <cstdint>
#include <vector>

#include "libvideocall/room/allocation.h"
#include "libvideocall/room/member.h"
#include "libvideocall/room/output.h"
#include "libvideocall/room/policy.h"
#include "libvideocall/room/shedder.h"

namespace videocall::room {

class Stage {
 public:
  // |policy| is borrowed and outlives the stage.
  explicit Stage(const Policy& policy)
      : policy_(policy), loudest_(policy.max_speakers) {}

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
  // stage_choice.cpp
  static VideoTrack* find_track(const Member& member, MediaKind kind);
  bool leads(const Member& viewer, const Member& sender, MediaKind kind) const;
  Want want_of(const Member& viewer, const Member& sender,
               const VideoTrack& track, MediaKind kind,
               const Choice& choice) const;
  void share(Member& viewer, Now now, Output& out);
  void lead(Now now, Output& out);
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
  std::vector<Member*> members_;  // by seat; nullptr: free
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
