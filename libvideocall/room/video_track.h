// SPDX-License-Identifier: MIT
// One sender's camera or screen: its simulcast layers and which viewer gets
// which. A viewer gets at most one layer, and comes to a layer only with a key
// frame: a live one, or that of the cached group
// (docs/wire-protocol.md, sections 3.4 and 3.5).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "libvideocall/room/choice.h"
#include "libvideocall/room/group_cache.h"
#include "libvideocall/room/keyframe_gate.h"
#include "libvideocall/room/output.h"

namespace videocall::room {

// A place for one member of the room. |self| is empty while nobody is
// connected there.
struct Seat {
  SessionHandle handle;
  RecipientsPtr self;
};
using Seats = std::vector<Seat>;

class VideoTrack {
 public:
  enum class Verdict {
    accepted,
    late,         // of a group or place in it that has passed
    undecodable,  // its key frame never came
  };

  VideoTrack(MediaKind kind, const Seats& seats);

  // Looks at a packet before add(): whether it is to be added, and, in
  // |layers_changed|, whether layers() is another now, so that every viewer's
  // target must be chosen anew first.
  Verdict meet(const PacketFields& fields, Time now, bool& layers_changed);
  // Takes a stamped packet that meet() accepted and delivers it to those who
  // are to get it.
  void add(const PacketRef& packet, Time now, Output& out);
  // Once a second: forgets what is old. True if layers() changed.
  bool sweep(Time now);

  // What the viewer on |seat| is to get: a layer, or kNoLayer.
  void set_target(uint32_t seat, int layer, Time now, Output& out);
  // The viewer on |seat| is not connected any more.
  void drop(uint32_t seat);
  // The viewer on |seat| cannot go on without a new key frame.
  void want_keyframe(uint32_t seat, Time now, Output& out);
  // A layer whose sender is to be asked for a key frame now.
  std::optional<uint8_t> next_request(Time now);

  // The camera was turned off: nobody is shown its last picture any more.
  void pause();

  const std::array<LayerState, kLayers>& layers() const { return states_; }
  bool live() const;
  size_t cached_bytes() const;

 private:
  struct Layer {
    uint64_t group = 0;
    uint64_t sequence = 0;
    Time last{};
    GroupCache cache;
    KeyframeGate gate;
    RecipientsPtr all;     // who gets this layer
    RecipientsPtr upper;   // and of those, who gets all temporal layers
    bool dirty = false;    // |all| and |upper| are to be built anew
    bool awaited = false;  // a key frame will bring viewers or temporal layers
  };
  struct Feed {
    int8_t current = kNoLayer;  // what the viewer gets
    int8_t target = kNoLayer;   // what it is to get
    bool trimmed = false;       // temporal layer 0 only, until the next group
  };

  Verdict judge(const PacketFields& fields, Time now) const;
  void promote(size_t index);
  void rebuild(size_t index);
  void start(uint32_t seat, Feed& feed, Time now, Output& out);
  void serve(uint32_t seat, Feed& feed, size_t index, Output& out);
  void leave_layer(Feed& feed);
  int lowest_layer() const;

  // borrowed
  const Seats& seats_;
  // owned
  MediaKind kind_;
  std::array<Layer, kLayers> layers_;
  std::array<LayerState, kLayers> states_;
  std::vector<Feed> feeds_;  // by seat; shorter than seats_ at times
};

}  // namespace videocall::room
