// SPDX-License-Identifier: MIT
// Who is in a room, and over which session. A member outlives its session for
// limits::kResumeWindow, and takes a new one when the person resumes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libvideocall/room/bandwidth.h"
#include "libvideocall/room/choice.h"
#include "libvideocall/room/dominant.h"
#include "libvideocall/room/loudest.h"
#include "libvideocall/room/messages.h"
#include "libvideocall/room/rate_limit.h"
#include "libvideocall/room/video_track.h"

namespace videocall::room {

// What admission says of a session, before its first packet.
struct Grant {
  uint64_t session_id = 0;  // 0: the room chooses
  std::string meeting;
  std::string user_id;
  std::string display_name;
  Role role = Role::participant;
  std::string token_id;  // empty: not checked
  bool resumes = false;  // session_id comes from a verified resume secret
};

struct Member;

// One transport session, from its CONNECT on.
struct Session {
  SessionHandle handle;
  Grant grant;
  Time opened;
  RecipientsPtr self;        // this session alone
  Member* member = nullptr;  // borrowed; set by CONNECTION
  // The room has done with it; what still comes from it is ignored.
  bool closed = false;
  uint64_t refused_by_transport = 0;  // of those, as reported last
  // The transport's and the room's together.
  EventWindow refusals{limits::kMaxRefusals, limits::kRefusalWindow};
  RateLimit packets_in;
  RateLimit bytes_in;
  Time over_rate{};           // the last second in which it was beyond them
  unsigned seconds_over = 0;  // running
};

struct Member {
  uint64_t id = 0;
  std::string user_id;
  std::string display_name;
  Role role = Role::participant;
  uint64_t joined_ms = 0;
  uint64_t order = 0;  // of joining

  // The node that its session is on; empty: this one.
  std::string node;
  // When its session began there; of two nodes that claim it the later has it.
  uint64_t attached_ms = 0;
  uint64_t listed = 0;  // by the roster of that node, its number

  std::shared_ptr<Session> session;  // empty: lost, or on another node
  Time lost_since;
  Time last_packet;
  std::string resume_secret;  // the newest
  // It has not been told that the list of members was all of them.
  bool listing = false;

  MemberState state;
  // Whether the others have been told of it; in large rooms only of those who
  // publish.
  bool announced = false;
  uint64_t packets = 0;  // received of it, over all its sessions
  uint64_t bytes = 0;
  PacketRef joined_packet;  // PARTICIPANT_JOINED, made when it is needed

  // -- Kept by the stage
  // -------------------------------------------------------
  uint32_t seat = 0;
  std::unique_ptr<VideoTrack> camera;
  std::unique_ptr<VideoTrack> screen;
  Speaker speaker;
  Voice voice;
  bool sends_audio = false;
  size_t audio_bytes = 0;  // of what is heard of it, since the last sweep
  double audio_bps = 0;
  bool audio_offered = false;  // to other nodes
  SubjectPtr audio_subject;    // while other nodes want its sound
  std::optional<Time> spoke;   // last
  RecipientsPtr others;        // all who are connected but this one
  uint64_t others_epoch = 0;
  RecipientsPtr reserve_to;  // the loudest, while this one is next to them
  uint64_t reserve_epoch = 0;
  std::optional<std::vector<Tile>> viewport;
  std::vector<LayerCap> caps;
  BandwidthEstimator link;

  RateLimit control_rate;
  RateLimit chat_rate;
  RateLimit reaction_rate;
  RateLimit viewport_rate;
  RateLimit preference_rate;
  RateLimit rtt_rate;
  RateLimit report_rate;
  RateLimit unknown_rate;

  bool is_remote() const { return !node.empty(); }
  bool publishes() const {
    return role != Role::observer &&
           (camera || screen || sends_audio || state.video || state.audio ||
            state.screen);
  }
};

}  // namespace videocall::room
