// SPDX-License-Identifier: MIT
// The life of a client session (docs/wire-protocol.md, section 3): join,
// connect, the roster, heartbeats, coming back after a loss and resuming. A
// state machine: time and what happened in, wishes to its owner out. It does
// no I/O and reads no clock; one thread. It outlives any number of
// connections, so that a pipeline need not stop when one is lost.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "libvideocall/base/export.h"
#include "libvideocall/base/time.h"
#include "libvideocall/client/backoff.h"
#include "libvideocall/client/join.h"
#include "libvideocall/client/roster.h"
#include "libvideocall/wire/close_code.h"
#include "libvideocall/wire/packet.h"

namespace videocall::client {

enum class State {
  idle,          // not started
  joining,       // asking the HTTP API
  connecting,    // until SESSION_ASSIGNED
  connected,     // in the meeting
  reconnecting,  // was connected; waiting, joining or connecting again
  refused,       // the end: could not get in
  ended,         // the end: left, removed, meeting over, protocol error
};
VIDEOCALL_API const char* to_string(State state);

struct StateChange {
  State state = State::idle;
  unsigned attempt = 0;  // of joining or reconnecting, from 1; 0 otherwise
  std::string reason;    // for people; may be empty
  std::string code;      // of the API or the close code's name; may be empty
};

// What MEMBER_STATE says of us.
struct OwnState {
  bool video_enabled = false;
  bool audio_enabled = false;
  bool screen_enabled = false;
  bool speaking = false;
  bool hand_raised = false;
  std::string display_name;  // empty: the token's
  bool operator==(const OwnState&) const = default;
};

// One way to the server.
struct ConnectTarget {
  std::string kind;                             // as Transport::kind
  std::string url;                              // with the token: never log it
  std::vector<std::string> certificate_hashes;  // as Transport's
};

// What a session asks of its owner. Nothing here may call back into the
// session before it has returned.
class ClientSessionOwner : public RosterObserver {
 public:
  // Ask the HTTP API; answer with on_joined or on_join_failed. A connection
  // that is up stays up meanwhile: its server may be draining.
  virtual void start_join() = 0;
  // Open one of |targets|, the best first, and send CONNECTION; answer with
  // packets, on_connect_refused or on_disconnected.
  virtual void start_connect(const std::vector<ConnectTarget>& targets) = 0;
  // Give up whatever start_join or start_connect has under way or up, telling
  // the server |code|; no answer is expected.
  virtual void abandon(CloseCode code) = 0;
  virtual void send(PacketRef packet) = 0;
  virtual void on_state(const StateChange& change) = 0;
  // A viewer needs a key frame of our |kind| and |layer|.
  virtual void on_keyframe_wanted(MediaKind kind, unsigned layer) = 0;
  // Which layers of our |kind| anybody looks at: bit i is layer i.
  virtual void on_layers_wanted(MediaKind, uint32_t) {}
};

struct ClientConfig {
  std::string location;  // for messages
  uint64_t seed = 0;     // of the delays between attempts
  // False: an empty VIEWPORT, for those who only send. There is no way back to
  // the server's default within a session.
  bool wants_video = true;
  std::string transport;  // the one kind that may be used; empty: any
};

class VIDEOCALL_API ClientSession {
 public:
  // |owner| is borrowed.
  ClientSession(ClientSessionOwner& owner, ClientConfig config);

  void start(Time now);
  // Leaves for good. Nothing is asked of the owner after it but on_state.
  void stop();

  // -- What happened ---------------------------------------------------------
  void on_joined(const JoinAnswer& answer, Time now);
  void on_join_failed(const JoinFailure& failure, Time now);
  void on_connect_refused(int status, const std::string& reason, Time now);
  void on_disconnected(CloseCode code, const std::string& reason, Time now);
  // The server is about to go: looks for another one while the session goes
  // on, and moves there, resuming; or waits for this one to come back.
  void on_draining(Time now);
  // Packets of the server but media; SESSION_ASSIGNED first.
  void on_packet(const Packet& packet, Time now);

  // -- What the owner wants
  // ----------------------------------------------------
  void set_own_state(const OwnState& state, Time now);
  // Asks for a key frame of somebody's track.
  void request_keyframe(uint64_t session_id, MediaKind kind, unsigned layer);

  Time next_timer() const { return std::min(timer_, move_at_); }  // max: none
  void on_timer(Time now);

  State state() const { return state_; }
  uint64_t session_id() const { return session_id_; }  // 0: none yet
  const Roster& roster() const { return roster_; }
  // As the join answered; empty before.
  const std::string& user_id() const { return user_id_; }

 private:
  // What is under way; state_ is what the world sees of it.
  enum class Phase { idle, waiting, joining, connecting, connected, over };

  void join(Time now);
  void retry(const std::string& reason, const std::string& code, Time now,
             bool at_once = false);
  void look_around(Time now);
  bool leave_draining(const JoinAnswer& answer, Time now);
  void finish(State state, const std::string& reason, const std::string& code);
  void set_state(State state, unsigned attempt, const std::string& reason,
                 const std::string& code);
  void on_assigned(const Packet& packet, Time now);
  void on_keyframe_request(Bytes data);
  void on_layer_hint(Bytes data);
  void send_own_state(Time now);
  void send(PacketType type, const std::string& data);
  std::vector<ConnectTarget> targets_of(const JoinAnswer& answer) const;
  std::string connect_url(const Transport& transport,
                          const std::string& token) const;

  ClientSessionOwner& owner_;  // borrowed
  ClientConfig config_;
  Roster roster_;
  Backoff backoff_;
  State state_ = State::idle;
  Phase phase_ = Phase::idle;
  Time timer_ = Time::max();
  Time move_at_ = Time::max();     // while draining: the next look around
  Time drain_over_ = Time::min();  // until then tries follow one another fast
  OwnState own_state_;
  std::string user_id_;
  std::string resume_secret_;
  uint64_t session_id_ = 0;
  Duration heartbeat_ = limits::kHeartbeatInterval;
  Time connected_at_{};
  unsigned attempt_ = 0;         // since the last connection
  unsigned token_refusals_ = 0;  // 401s in a row
  bool was_connected_ = false;
  bool draining_ = false;
  bool looking_ = false;  // a join is under way while connected
};

}  // namespace videocall::client
