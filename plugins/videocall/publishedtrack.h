// SPDX-License-Identifier: MIT
// One request pad of videocallsink and what is behind it: a parser where the
// stream needs one, videocallpay, and a pad that takes its packets.
//
//   ghost pad ─► [parser] ─► videocallpay ─► packets ─► TrackOwner::on_packet
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <memory>
#include <string>

#include "libvideocall/wire/packet.h"
#include "plugins/common/gstptr.h"
#include "plugins/videocall/pacer.h"

namespace videocall::gst {

// Called on the track's streaming thread.
class TrackOwner {
 public:
  virtual ~TrackOwner() = default;
  virtual GstFlowReturn on_packet(PacketRef packet) = 0;
  // Its stream has ended, or has begun anew.
  virtual void on_eos_changed() = 0;
};

class PublishedTrack {
 public:
  // Makes the elements in |bin| and the pad |name| of |templ| (the caller adds
  // it to the bin). |bin| and |owner| are borrowed. nullptr without
  // videocallpay.
  static std::unique_ptr<PublishedTrack> create(GstBin* bin, TrackOwner& owner,
                                                GstPadTemplate* templ,
                                                const std::string& name,
                                                MediaKind kind, unsigned layer);
  // Takes the elements out of the bin.
  ~PublishedTrack();
  PublishedTrack(const PublishedTrack&) = delete;
  PublishedTrack& operator=(const PublishedTrack&) = delete;

  GstPad* pad() const { return ghost_; }  // borrowed
  MediaKind kind() const { return kind_; }
  unsigned layer() const { return layer_; }
  Pacer& pacer() { return pacer_; }
  bool eos() const { return eos_; }
  std::string name() const { return name_; }

  // Of videocallpay, to ask its encoder for a key frame.
  ObjectPtr<GstPad> packet_pad() const;

 private:
  PublishedTrack(GstBin* bin, TrackOwner& owner, std::string name,
                 MediaKind kind, unsigned layer)
      : bin_(bin),
        owner_(owner),
        name_(std::move(name)),
        kind_(kind),
        layer_(layer) {}
  bool build(GstPadTemplate* templ);
  bool choose_target(const GstCaps* caps);
  GstElement* add_parser(const GstCaps* caps);
  void remove(GstElement*& element);
  GstFlowReturn chain(GstBuffer* buffer);
  void on_event(GstEvent* event);

  static gboolean ghost_event(GstPad* pad, GstObject* parent, GstEvent* event);
  static gboolean ghost_query(GstPad* pad, GstObject* parent, GstQuery* query);
  static GstFlowReturn packets_chain(GstPad* pad, GstObject*,
                                     GstBuffer* buffer);
  static gboolean packets_event(GstPad* pad, GstObject*, GstEvent* event);

  GstBin* const bin_;
  TrackOwner& owner_;
  const std::string name_;
  const MediaKind kind_;
  const unsigned layer_;
  GstPad* ghost_ = nullptr;       // owned until the bin takes it
  GstElement* pay_ = nullptr;     // owned by the bin
  GstElement* parser_ = nullptr;  // owned by the bin
  ObjectPtr<GstPad> packets_;
  Pacer pacer_;
  std::atomic<bool> eos_{false};
  GstSegment segment_;  // streaming thread
};

}  // namespace videocall::gst
