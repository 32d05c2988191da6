// SPDX-License-Identifier: MIT
// How packets and events pass through a router: from the sink pad of a shard
// through the hub to its src pad and the taps.
#pragma once

#include <gst/gst.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "libvideocall/auth/resume_secret.h"
#include "libvideocall/room/output.h"
#include "plugins/router/gstvideocallrouter.h"
#include "plugins/router/routerengine.h"

// A pair of pads, and what the thread that streams through them works with.
struct RouterShard {
  guint index = 0;
  GstPad* sink = nullptr;  // borrowed: the element's
  GstPad* src = nullptr;   // borrowed: the element's
  bool eos = false;        // guarded by RouterPrivate::mutex
  // Kept so that a packet allocates nothing; under the sink's stream lock.
  struct Incoming {
    videocall::SessionHandle session;
    videocall::PacketRef packet;
    videocall::SubjectPtr subject;  // of another node; empty: of the session
  };
  std::vector<Incoming> incoming;
  videocall::room::Hub::Batch batch;
  videocall::room::Output output;
};

struct RouterPrivate {
  std::mutex mutex;  // guards all below; never held over a call into the hub,
                     // a push, a signal or a message
  std::string node_id;
  std::string resume_key;  // as set; empty: random
  guint stats_interval_ms = 0;
  videocall::room::Policy policy;
  videocall::cluster::Heartbeat node_info;
  videocall::auth::ResumeSecrets::Key random_key =
      videocall::auth::ResumeSecrets::random_key();
  videocall::Time stats_due{};
  std::vector<std::unique_ptr<RouterShard>> shards;
  std::vector<GstPad*> taps;  // borrowed: the element's
  GstPad* nodes = nullptr;    // borrowed: the sink pad that a natssrc feeds
  std::shared_ptr<RouterEngine> engine;  // while PAUSED or PLAYING
};

struct _GstVideocallRouter {
  GstElement parent;
  RouterPrivate* priv;
};

enum RouterSignal {
  kRouterTokenSpent,
  kRouterListMembers,
  kRouterEndMeeting,
  kRouterRemoveMember,
  kRouterVerifyResume,
  kRouterListNodes,
  kRouterSignals,
};
extern guint gst_videocall_router_signals[kRouterSignals];

// Pad functions. The element private of a sink pad is its RouterShard.
GstFlowReturn gst_videocall_router_chain(GstPad* pad, GstObject* parent,
                                         GstBuffer* buffer);
GstFlowReturn gst_videocall_router_chain_list(GstPad* pad, GstObject* parent,
                                              GstBufferList* list);
gboolean gst_videocall_router_sink_event(GstPad* pad, GstObject* parent,
                                         GstEvent* event);
gboolean gst_videocall_router_src_event(GstPad* pad, GstObject* parent,
                                        GstEvent* event);
gboolean gst_videocall_router_src_query(GstPad* pad, GstObject* parent,
                                        GstQuery* query);
gboolean gst_videocall_router_src_activate_mode(GstPad* pad, GstObject* parent,
                                                GstPadMode mode,
                                                gboolean active);
// What the timer's thread does.
void gst_videocall_router_tick(GstVideocallRouter* self);
// Ends the streams if every shard has ended.
void gst_videocall_router_check_eos(GstVideocallRouter* self);
