// SPDX-License-Identifier: MIT
// All rooms of the node. Thread-safe: every shard's streaming thread, a timer
// and the program's own threads call it at once.
//
// Locks, taken in this order, none held when a call returns:
//   1. the directory's shared lock guards which rooms and sessions there are;
//   2. each room's mutex guards that room and its outbox.
//
// What a call results in is put into its room's outbox. One thread at a time
// carries a room's outbox out: that which first called collect(); what others
// add meanwhile is that thread's to carry out too. So whatever a room says
// leaves in the order in which the room said it, whichever threads were in it,
// and no lock is held while it is being sent: no viewer gets a live packet
// before the cached group, or hears of a leave before the join.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "libvideocall/base/counter.h"
#include "libvideocall/base/export.h"
#include "libvideocall/cluster/directory.h"
#include "libvideocall/room/room.h"
#include "libvideocall/room/shedder.h"

namespace videocall::room {

// Levels of now, and counts since the hub was made, of rooms that are gone too.
struct HubStats {
  size_t rooms = 0;
  size_t sessions = 0;        // also those before their CONNECTION
  size_t members = 0;         // also those who may resume
  size_t remote_members = 0;  // on other nodes
  size_t nodes = 0;           // others that are alive
  bool linked = false;        // to the broker
  uint64_t refused = 0;
  uint64_t dropped = 0;
  uint64_t over_rate = 0;
  size_t limited_viewers = 0;
  uint64_t forwarded_packets = 0;  // packets times recipients
  uint64_t forwarded_bytes = 0;
  uint64_t joined = 0;
  uint64_t disconnected = 0;
  uint64_t resumed = 0;
  uint64_t left = 0;  // also those who were lost
  uint64_t lost = 0;  // did not resume
  // What clients report: how often, and of what they send and receive.
  uint64_t reports = 0;
  uint64_t reported_peers = 0;
  uint64_t reported_unseen = 0;
  uint64_t reported_unheard = 0;
  DurationHistogram::Snapshot client_rtt;
  Shed shed = Shed::none;
};

class VIDEOCALL_API Hub {
 private:
  struct Slot;

 public:
  // The rooms that one thread touched in one turn; on that thread's stack or
  // kept by it. collect() must have returned false before it is destroyed.
  class VIDEOCALL_API Batch {
   public:
    Batch();
    ~Batch();
    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;

   private:
    friend class Hub;
    struct Entry {
      std::shared_ptr<Slot> slot;
      bool mine = false;  // this thread carries the room's outbox out
    };
    void touch(const std::shared_ptr<Slot>& slot);

    std::vector<Entry> entries_;
    Output direct_;  // about sessions that found no room
  };

  explicit Hub(Config config);
  ~Hub();

  // -- From the transports, in the order of each session's events -------------
  void open(SessionHandle handle, Grant grant, Now now, Batch& batch);
  void close(SessionHandle handle, CloseCode code, Now now, Batch& batch);
  // |packet| is parsed and its only reference is given away. Of a session that
  // is not known, or that the room has done with, it is ignored.
  void packet(SessionHandle handle, PacketRef packet, Now now, Batch& batch);

  // What transports say of their sessions' links.
  void link(std::span<const LinkReport> reports, Now now, Batch& batch);

  // -- From a timer, ten times a second
  // ---------------------------------------- Also finds what end_meeting() and
  // remove_member() left to be sent.
  void tick(Now now, Batch& batch);

  // -- Other nodes, joined by a broker; from any thread
  // ----------------------- Without a link the node is alone.
  void set_link(bool up, Now now, Batch& batch);
  // |packet|, parsed, came on |subject|; what is not meant for this node, or
  // does not keep to the contract, is ignored.
  void heard(std::string_view subject, PacketRef packet, Now now, Batch& batch);
  // What the heartbeats say of this node beside its id and its sessions.
  void describe(cluster::Heartbeat self);
  // This node, first, and the others that are alive.
  std::vector<cluster::Heartbeat> nodes() const;

  // Moves what is to be carried out into |out|, emptied before. Call it until
  // it returns false and carry out |out| each time.
  bool collect(Batch& batch, Output& out);

  // -- From any thread; the results leave with the next tick
  // -------------------
  bool end_meeting(const std::string& meeting, Now now);
  bool remove_member(const std::string& meeting, uint64_t session_id,
                     std::string_view reason, Now now);
  std::vector<MemberInfo> list_members(const std::string& meeting) const;
  std::vector<std::string> list_meetings() const;
  // As Room::accepts_secret; true if the meeting is not known here.
  bool accepts_secret(const std::string& meeting, uint64_t session_id,
                      std::string_view secret) const;
  // Somebody who is no viewer, a recorder say, wants every layer of all; takes
  // effect with the next tick.
  void keep_all_layers(bool keep) { keep_all_layers_ = keep; }
  HubStats stats() const;

 private:
  struct Place {
    std::shared_ptr<Slot> slot;
    std::shared_ptr<Session> session;
  };

  // hub_nodes.cpp
  void heard_on_nodes(const Packet& packet, Now now, Batch& batch);
  void heard_on_node(const Packet& packet, Now now, Batch& batch);
  void lose_node(const std::string& node, bool restarted, Now now,
                 Batch& batch);
  void tick_nodes(Now now, Batch& batch);
  cluster::Heartbeat self() const;

  std::shared_ptr<Slot> find_slot(const std::string& meeting) const;
  std::shared_ptr<Slot> find_or_make_slot(const std::string& meeting);
  std::vector<std::shared_ptr<Slot>> all_slots() const;
  void count(const Output& out);
  void count_reports(const std::vector<ClientReport>& reports);
  void remove_if_empty(const std::shared_ptr<Slot>& slot);

  const Config config_;
  std::atomic<bool> keep_all_layers_{false};
  std::atomic<uint64_t> forwarded_packets_{0};
  std::atomic<uint64_t> forwarded_bytes_{0};
  std::atomic<uint64_t> joined_{0};
  std::atomic<uint64_t> disconnected_{0};
  std::atomic<uint64_t> resumed_{0};
  std::atomic<uint64_t> left_{0};
  std::atomic<uint64_t> lost_{0};
  mutable std::mutex reports_mutex_;  // guards the five below; taken last
  Counter reports_;
  Counter reported_peers_;
  Counter reported_unseen_;
  Counter reported_unheard_;
  DurationHistogram client_rtt_;
  std::atomic<Shed> shed_{Shed::none};
  Shedder shedder_;  // tick()'s thread
  std::atomic<bool> linked_{false};
  mutable std::mutex nodes_mutex_;  // guards the three below; no other lock is
                                    // taken while it is held
  cluster::Directory nodes_;
  cluster::Heartbeat self_;
  Time beat_{};
  mutable std::shared_mutex directory_;
  std::unordered_map<std::string, std::shared_ptr<Slot>> rooms_;
  RoomStats gone_;  // counts of rooms that are no more
  std::unordered_map<SessionHandle, Place, SessionHandleHash> sessions_;
};

}  // namespace videocall::room
