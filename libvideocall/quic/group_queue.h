// SPDX-License-Identifier: MIT
// What waits to be sent of video and screens, one stream per group
// (docs/wire-protocol.md, section 2). A track is one (session, kind, layer);
// it has a current group and, while that of before is not out, a superseded
// one. Key frames go before delta frames, these before the rest of superseded
// groups; within a class the tracks take turns, a frame each.
//
// A track that falls behind loses its top temporal layer, then all but the
// base, then the group is cut: reset, and nothing more of it is taken. Frames
// of a group leave in order; a group starts with its key frame or never.
//
// Part of SendScheduler; one thread; sans-I/O.
#pragma once

#include <cstdint>
#include <vector>

#include "libvideocall/quic/packet_queue.h"
#include "libvideocall/quic/webtransport.h"

namespace videocall::quic {

class GroupQueue {
 public:
  struct Options {
    // Groups travel on bidirectional streams: a client's do, because those
    // close properly at the server (docs/decisions).
    bool bidirectional = false;
    // A key frame of one layer ends the groups of the sender's other layers
    // of that kind: a relay sends each viewer one layer at a time.
    bool one_layer_at_a_time = false;
    size_t max_bytes = 0;
  };

  // |pool| is borrowed.
  GroupQueue(PacketPool& pool, const Options& options);

  // |session| is borrowed; nullptr: there is none (any more).
  void attach(WebTransportSession* session) { session_ = session; }

  // Takes |packet| (media of kind video or screen) or drops it.
  void push(const PacketRef& packet, Time now);

  // As in SendSource. Opens the stream of a group that is due.
  SendItem next(Time now);
  void consumed(const SendItem& item, size_t size, bool fin, Time now);
  // False: not a stream of a group.
  bool set_blocked(StreamId stream, bool blocked);
  bool stopped(StreamId stream);
  void streams_available();

  // Ages what waits; to be called every kSendQueueTick while busy().
  void on_timer(Time now);
  bool busy() const { return bytes_ > 0; }
  bool has_tracks() const { return !tracks_.empty(); }
  // Lets go of everything; streams are left to the session.
  void clear();

  size_t bytes() const { return bytes_; }
  Time oldest() const;  // Time::max() if nothing waits
  uint64_t dropped() const { return dropped_; }
  uint64_t cut() const { return cut_; }

 private:
  static constexpr uint32_t kNone = PacketPool::kNone;
  // In order of urgency.
  enum class Place : uint8_t { key, delta, superseded, none };
  static constexpr size_t kLists = 3;

  struct Group {
    explicit Group(PacketPool& pool) : queue(pool) {}

    uint64_t number = 0;
    uint64_t last_sequence = 0;
    StreamId stream = -1;
    PacketQueue queue;
    size_t head_sent = 0;  // bytes of the front frame that are out
    Time started{};        // when the key frame was out
    uint32_t previous = kNone, following = kNone;  // in the list of |place|
    Place place = Place::none;
    uint8_t max_temporal = limits::kMaxTemporalLayer;
    uint8_t top_temporal = 0;  // highest that was queued
    bool in_use = false;
    bool empty = true;    // no frame was ever queued
    bool current = true;  // false: superseded
    bool key_sent = false;
    bool ending = false;   // FIN behind what is queued
    bool full = false;     // nothing more is taken
    bool over = false;     // cut, or its FIN is out
    bool blocked = false;  // by flow control
  };

  struct Track {
    uint64_t key = 0;
    Time last_packet{};
    uint32_t current = kNone;
    uint32_t superseded = kNone;
  };

  struct List {
    uint32_t head = kNone, tail = kNone;
  };

  Track* find(uint64_t key);
  Track* start_group(Track* track, const PacketFields& fields, Time now);
  void supersede(Track& track);
  void end_other_layers(uint64_t key);
  void end_for_another_layer(uint32_t index);
  void abandon(uint32_t index);
  Group* group_of(const Track& track, uint64_t number);
  bool accepts(const Group& group, const PacketFields& fields) const;
  void end_early(uint32_t index);
  bool make_room(size_t size, uint32_t target);
  uint32_t heaviest(bool superseded_only, uint32_t except) const;

  void expire(uint32_t index, Time now);
  void thin(Group& group, uint8_t max_temporal);
  void cut(uint32_t index);
  void drop_queue(Group& group);
  bool others_wait(uint32_t index) const;
  bool open_stream(Group& group);
  void retire_if_over(uint32_t index);

  uint32_t acquire_group();
  void release_group(uint32_t index);
  uint32_t index_of(StreamId stream) const;
  Place place_of(const Group& group) const;
  void relocate(uint32_t index, bool to_the_end = false);
  void unlink(uint32_t index);

  PacketPool& pool_;
  const Options options_;
  WebTransportSession* session_ = nullptr;  // borrowed
  std::vector<Track> tracks_;               // packed: searched for every packet
  size_t last_track_ = 0;                   // where the last search ended
  std::vector<Group> groups_;               // slots, used again
  List lists_[kLists];
  uint32_t offered_ = kNone;  // what next() returned last
  bool streams_blocked_ = false;
  size_t bytes_ = 0;
  uint64_t dropped_ = 0;
  uint64_t cut_ = 0;
};

}  // namespace videocall::quic
