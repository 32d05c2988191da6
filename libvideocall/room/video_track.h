// SPDX-License-Identifier: MIT
// One sender's camera or screen: its simulcast layers and which viewer gets
// which. A viewer gets at most one layer, and comes to a layer only with a key
// frame: a live one, or that of the cached group. Of a layer it gets the
// temporal layers up to one that may sink at any time and rises only with a
// key frame (docs/wire-protocol.md, sections 3.4 and 3.5).
//
//   video_track.cpp  packets of the sender    video_feeds.cpp  what viewers get
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "libvideocall/room/choice.h"
#include "libvideocall/room/group_cache.h"
#include "libvideocall/room/keyframe_gate.h"
#include "libvideocall/room/layer_demand.h"
#include "libvideocall/room/layer_rates.h"
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

  // |remote|: its sender is on another node, which sends what is asked for.
  VideoTrack(MediaKind kind, const Seats& seats, bool remote = false);

  // Looks at a packet before add(): whether it is to be added, and, in
  // |layers_changed|, whether layers() is another now, so that every viewer's
  // target must be chosen anew first.
  Verdict meet(const PacketFields& fields, Time now, bool& layers_changed);
  // Takes a stamped packet that meet() accepted and delivers it to those who
  // are to get it.
  void add(const PacketRef& packet, Time now, Output& out);
  // A packet of |layer| was lost on its way here: nothing more of its group is
  // good.
  void cut(uint8_t layer) { layers_[layer].broken = true; }
  // Once a second: forgets what is old. True if layers() changed.
  bool sweep(Time now);

  // What the viewer on |seat| is to get.
  void set_target(uint32_t seat, const Choice& choice, Time now, Output& out);
  // The viewer on |seat| is not connected any more.
  void drop(uint32_t seat);
  // The viewer on |seat| cannot go on without a new key frame.
  void want_keyframe(uint32_t seat, Time now, Output& out);
  // Another node, which gets |layer|, cannot go on without one.
  void want_keyframe_of(uint8_t layer) {
    if (layers_[layer].subject) layers_[layer].gate.want();
  }
  // A layer whose sender is to be asked for a key frame now.
  std::optional<uint8_t> next_request(Time now);
  // The layers to name in a LAYER_HINT now, bit i for layer i. |keep_all|:
  // somebody who is no viewer wants them all.
  std::optional<uint8_t> next_hint(bool keep_all, Time now);

  // Other nodes want |layer|: they get it on |subject|, from the cached group
  // on where there is one; called once for each of them. Empty: none does any
  // more.
  void publish(size_t layer, SubjectPtr subject, Time now, Output& out);
  // Of a sender on another node: it can send |layer|, or no longer.
  void offer(size_t layer, bool available, uint32_t height,
             uint32_t target_kbps);

  // The camera was turned off: nobody is shown its last picture any more.
  void pause();
  // The sender came back on a new session: what it was told it may not know.
  void sender_returned() { demand_.forget(); }

  const std::array<LayerState, kLayers>& layers() const { return states_; }
  // Something of it can be had.
  bool available() const;
  // Bits a second of |layer| up to |temporal|, measured.
  double bps(size_t layer, uint8_t temporal) const;
  uint8_t top_temporal(size_t layer) const {
    return layers_[layer].rates.top();
  }
  // What the viewer on |seat| gets now or is to get next.
  Choice granted(uint32_t seat) const;
  size_t cached_bytes() const;

 private:
  static constexpr size_t kTemporalLayers = LayerRates::kTemporalLayers;

  // How long frames came, and how many.
  struct Flow {
    void add(Duration step);

    Duration time{};
    unsigned frames = 0;
  };
  struct Layer {
    uint64_t group = 0;
    uint64_t sequence = 0;
    Time last{};
    Time started{};  // the last key frame
    Time asked{};    // for anew, after nobody had wanted it
    GroupCache cache;
    KeyframeGate gate;
    LayerRates rates;
    // Who gets a packet, by its temporal layer.
    std::array<RecipientsPtr, kTemporalLayers> to;
    SubjectPtr subject;    // while other nodes want it
    bool dirty = false;    // |to| is to be built anew
    bool awaited = false;  // a key frame will bring viewers or temporal layers
    bool broken = false;   // until the next key frame
    Flow missed;           // of other layers, since its last packet
    Flow back;             // its own, while it is stalled
    // Silent while others flow, or so until lately. Nobody is to get it, but
    // its sender must not think that nobody wants it.
    bool stalled = false;
  };
  struct Feed {
    int8_t current = kNoLayer;  // what the viewer gets
    int8_t target = kNoLayer;   // what it is to get
    uint8_t temporal = 0;       // the highest of |current| that it gets
    uint8_t ceiling = 0;        // the highest that it is to get
    bool leaving = false;       // gets no other group of |current|
    bool wants_more = false;
  };

  // video_track.cpp
  Verdict judge(const PacketFields& fields, Time now) const;
  void note_flow(uint8_t flowing, Time now);
  bool find_stalled();
  bool returns(uint8_t index, bool keyframe, Time now);
  void lose(size_t index);
  bool flows(size_t index, Time now) const;
  int lowest_layer(Time now) const;

  // video_feeds.cpp
  void set_wish(Feed& feed, const Choice& choice);
  void step(uint32_t seat, Feed& feed, const Choice& choice, Time now,
            Output& out);
  void start(uint32_t seat, Feed& feed, Time now, Output& out);
  bool can_serve(size_t index, uint8_t temporal, size_t max_bytes,
                 Time now) const;
  void serve(uint32_t seat, Feed& feed, size_t index, uint8_t temporal,
             Output& out);
  void lower(Feed& feed, uint8_t temporal);
  void leave_layer(Feed& feed);
  void promote(size_t index);
  void rebuild(size_t index);
  bool serve_below(uint32_t seat, Feed& feed, Time now, Output& out);
  uint8_t layers_in_use() const;

  // borrowed
  const Seats& seats_;
  // owned
  MediaKind kind_;
  bool remote_;
  std::array<Layer, kLayers> layers_;
  std::array<LayerState, kLayers> states_;
  std::vector<Feed> feeds_;  // by seat; shorter than seats_ at times
  LayerDemand demand_;
  // state
  Time flowed_{};  // when a layer that is not stalled last brought a packet
};

}  // namespace videocall::room
