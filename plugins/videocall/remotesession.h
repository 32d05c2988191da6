// SPDX-License-Identifier: MIT
// A remote session within videocallsrc: its depayloader, and a ghost pad of the
// bin for each of its tracks.
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "plugins/common/gstptr.h"
#include "plugins/videocall/gstvideocallconnection.h"

namespace videocall::gst {

class RemoteSession : public std::enable_shared_from_this<RemoteSession> {
 public:
  struct Description {
    std::string meeting;
    client::Member member;
    guint latency_ms = 0;
  };

  // Adds a videocalldepay to |bin| (borrowed). |connection| is asked for key
  // frames. nullptr without videocalldepay.
  static std::shared_ptr<RemoteSession> create(
      GstBin* bin, const Description& description,
      std::shared_ptr<Connection> connection);
  ~RemoteSession();

  // Streaming thread of the transport.
  void push(const PacketRef& packet);
  // Ends the tracks, after what is still to be played.
  void end();
  // Takes the pads and the depayloader out of the bin: before it returns, which
  // may wait for what is downstream, or on a thread of GStreamer's.
  void remove();
  void remove_later();
  bool removed() const { return removed_; }

  void set_member(const client::Member& member);
  void set_latency(guint latency_ms);
  void post_stats();

 private:
  RemoteSession(GstBin* bin, const Description& description,
                std::shared_ptr<Connection> connection);
  bool build(guint latency_ms);
  void on_pad_added(GstPad* pad);
  void on_pad_removed(GstPad* pad);
  bool holds_back();
  void add_ghost(GstPad* pad);
  void add_held_back();
  GstEvent* tags();

  static gboolean feed_event(GstPad* pad, GstObject*, GstEvent* event);
  static gboolean feed_query(GstPad* pad, GstObject* parent, GstQuery* query);

  GstBin* const bin_;  // borrowed
  const std::string meeting_;
  const uint64_t id_;
  const std::shared_ptr<Connection> connection_;
  const Time created_;
  ObjectPtr<GstElement> depay_;
  ObjectPtr<GstPad> feed_;

  std::mutex lock_;  // guards what follows
  client::Member member_;
  bool has_picture_ = false;     // a pad of a camera or screen was added
  ObjectPtr<GstPad> held_back_;  // the track whose pad waits for that

  std::mutex remove_lock_;  // held while the session is taken out
  std::atomic<bool> removed_{false};
};

}  // namespace videocall::gst
