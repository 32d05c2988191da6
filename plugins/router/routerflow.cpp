// SPDX-License-Identifier: MIT
#include "plugins/router/routerflow.h"

#include <algorithm>
#include <utility>

#include "plugins/common/gstvideocallpacketmeta.h"
#include "plugins/router/routermessages.h"

GST_DEBUG_CATEGORY_EXTERN(gst_videocall_router_debug);
#define GST_CAT_DEFAULT gst_videocall_router_debug

using namespace videocall;
using room::Hub;
using room::Notice;
using room::Output;

namespace {

std::shared_ptr<RouterEngine> get_engine(GstVideocallRouter* self) {
  const std::lock_guard lock(self->priv->mutex);
  return self->priv->engine;
}

RouterShard* get_shard(GstPad* sink) {
  return static_cast<RouterShard*>(gst_pad_get_element_private(sink));
}

// References to the pads of |pads|, to be given back.
std::vector<GstPad*> ref_pads(std::vector<GstPad*> pads) {
  for (GstPad* pad : pads) gst_object_ref(pad);
  return pads;
}

void push_deliveries(GstPad* src, std::vector<Delivery>& deliveries,
                     GstFlowReturn& flow) {
  if (deliveries.empty()) return;
  GstBufferList* list =
      gst_buffer_list_new_sized(static_cast<guint>(deliveries.size()));
  for (Delivery& delivery : deliveries) {
    GstBuffer* buffer =
        gst_videocall_packet_buffer_new(std::move(delivery.packet));
    gst_videocall_buffer_get_packet_meta(buffer)->recipients =
        std::move(delivery.to);
    gst_buffer_list_add(list, buffer);
  }
  const GstFlowReturn pushed = gst_pad_push_list(src, list);
  if (pushed != GST_FLOW_NOT_LINKED && flow == GST_FLOW_OK) flow = pushed;
}

// A tap may be unlinked, slow or broken: that is its own trouble.
void push_taps(GstVideocallRouter* self, const std::vector<PacketRef>& media) {
  if (media.empty()) return;
  std::vector<GstPad*> taps;
  {
    const std::lock_guard lock(self->priv->mutex);
    if (self->priv->taps.empty()) return;
    taps = ref_pads(self->priv->taps);
  }
  for (GstPad* tap : taps) {
    if (gst_pad_is_linked(tap)) {
      GstBufferList* list =
          gst_buffer_list_new_sized(static_cast<guint>(media.size()));
      for (const PacketRef& packet : media)
        gst_buffer_list_add(list, gst_videocall_packet_buffer_new(packet));
      gst_pad_push_list(tap, list);
    }
    gst_object_unref(tap);
  }
}

// What goes to other nodes, through the same tee: a natssink takes it.
void push_publications(GstPad* src,
                       std::vector<room::Publication>& publications) {
  if (publications.empty()) return;
  GstBufferList* list =
      gst_buffer_list_new_sized(static_cast<guint>(publications.size()));
  for (room::Publication& publication : publications) {
    GstBuffer* buffer =
        gst_videocall_packet_buffer_new(std::move(publication.packet));
    gst_videocall_buffer_get_packet_meta(buffer)->subject =
        std::move(publication.subject);
    gst_buffer_list_add(list, buffer);
  }
  gst_pad_push_list(src, list);
}

// Tells the natssrc what to listen to.
void push_subscriptions(GstVideocallRouter* self,
                        const std::vector<room::Subscription>& subscriptions) {
  if (subscriptions.empty()) return;
  GstPad* nodes = nullptr;
  {
    const std::lock_guard lock(self->priv->mutex);
    if (!self->priv->nodes) return;
    nodes = GST_PAD(gst_object_ref(self->priv->nodes));
  }
  for (const room::Subscription& subscription : subscriptions)
    gst_pad_push_event(nodes, gst_videocall_nats_subscribe_event(subscription));
  gst_object_unref(nodes);
}

// Carries out what the hub wants done, through |src|. No lock of the hub's or
// the element's is held here.
GstFlowReturn carry_out(GstVideocallRouter* self, Hub& hub, Hub::Batch& batch,
                        GstPad* src, Output& output) {
  GstFlowReturn flow = GST_FLOW_OK;
  while (hub.collect(batch, output)) {
    push_subscriptions(self, output.subscriptions);
    for (const Notice& notice : output.notices) {
      if (notice.kind == Notice::Kind::token_spent)
        g_signal_emit(self, gst_videocall_router_signals[kRouterTokenSpent], 0,
                      notice.token_id.c_str());
    }
    push_publications(src, output.publications);
    push_deliveries(src, output.deliveries, flow);
    for (const CloseCommand& command : output.closes) {
      GST_DEBUG_OBJECT(self, "closing session %u.%u.%u.%u: %s (%s)",
                       command.session.endpoint, command.session.shard,
                       command.session.slot, command.session.generation,
                       to_string(command.code).data(), command.reason.c_str());
      gst_pad_push_event(src, gst_videocall_close_session_event(command));
    }
    push_taps(self, output.media);
    for (const Notice& notice : output.notices) {
      if (notice.kind != Notice::Kind::token_spent)
        gst_element_post_message(
            GST_ELEMENT(self),
            gst_videocall_peer_message(GST_ELEMENT(self), notice));
    }
  }
  return flow;
}

// Takes the packet out of |buffer|, which stays the caller's.
void take_packet(RouterShard& shard, GstBuffer* buffer) {
  auto* meta = gst_videocall_buffer_get_packet_meta(buffer);
  if (!meta || !meta->packet) {
    GST_LOG_OBJECT(shard.sink, "dropping a buffer that is of no session");
    return;
  }
  shard.incoming.push_back({meta->session, meta->packet, meta->subject});
}

// Hands what take_packet() collected to the hub, after its buffers were given
// back.
GstFlowReturn route(GstVideocallRouter* self, RouterShard& shard) {
  const std::shared_ptr<RouterEngine> engine = get_engine(self);
  if (!engine) {
    shard.incoming.clear();
    return GST_FLOW_FLUSHING;
  }
  const room::Now now = RouterEngine::now();
  for (auto& [session, packet, subject] : shard.incoming) {
    if (subject) {
      engine->hub.heard(*subject, std::move(packet), now, shard.batch);
      continue;
    }
    if (!packet->is_sole_owner()) {
      // Somebody else holds the buffer too, a tee before the router, say; the
      // stamp must not change what they see.
      auto copy = Packet::from_bytes(packet->bytes());
      if (!copy) continue;
      packet = std::move(copy.value());
    }
    engine->hub.packet(session, std::move(packet), now, shard.batch);
  }
  shard.incoming.clear();
  return carry_out(self, engine->hub, shard.batch, shard.src, shard.output);
}

void session_event(GstVideocallRouter* self, RouterShard& shard,
                   const GstStructure* fields) {
  const std::shared_ptr<RouterEngine> engine = get_engine(self);
  const auto session = gst_videocall_structure_get_session(fields);
  if (!engine || !session) return;
  if (gst_structure_has_name(fields, GST_VIDEOCALL_EVENT_SESSION_OPENED)) {
    auto grant = gst_videocall_structure_get_grant(fields);
    if (!grant) {
      GST_WARNING_OBJECT(self, "session opened with a bad grant");
      gst_pad_push_event(shard.src,
                         gst_videocall_close_session_event(
                             {*session, CloseCode::overload, "bad grant"}));
      return;
    }
    engine->hub.open(*session, std::move(*grant), RouterEngine::now(),
                     shard.batch);
  } else {
    guint code = 0;
    gst_structure_get_uint(fields, "code", &code);
    engine->hub.close(*session, static_cast<CloseCode>(code),
                      RouterEngine::now(), shard.batch);
  }
  carry_out(self, engine->hub, shard.batch, shard.src, shard.output);
}

// A natssrc has its connection, or lost it.
void link_event(GstVideocallRouter* self, RouterShard& shard,
                const GstStructure* fields) {
  const std::shared_ptr<RouterEngine> engine = get_engine(self);
  gboolean connected = FALSE;
  if (!engine || !gst_structure_get_boolean(fields, "connected", &connected))
    return;
  {
    const std::lock_guard lock(self->priv->mutex);
    self->priv->nodes = shard.sink;
  }
  engine->hub.set_link(connected, RouterEngine::now(), shard.batch);
  carry_out(self, engine->hub, shard.batch, shard.src, shard.output);
}

void feedback_event(GstVideocallRouter* self, RouterShard& shard,
                    const GstStructure* fields) {
  const std::shared_ptr<RouterEngine> engine = get_engine(self);
  if (!engine) return;
  engine->hub.link(gst_videocall_structure_get_reports(fields),
                   RouterEngine::now(), shard.batch);
  carry_out(self, engine->hub, shard.batch, shard.src, shard.output);
}

// What hangs on a tap is no viewer and wants all there is.
bool has_linked_tap(GstVideocallRouter* self) {
  const std::lock_guard lock(self->priv->mutex);
  return std::any_of(self->priv->taps.begin(), self->priv->taps.end(),
                     [](GstPad* tap) { return gst_pad_is_linked(tap); });
}

bool stats_are_due(RouterPrivate& priv, Time now) {
  const std::lock_guard lock(priv.mutex);
  if (priv.stats_interval_ms == 0 || now < priv.stats_due) return false;
  priv.stats_due = now + std::chrono::milliseconds(priv.stats_interval_ms);
  return true;
}

void post_stats(GstVideocallRouter* self, const Hub& hub) {
  for (const std::string& meeting : hub.list_meetings()) {
    const auto members = hub.list_members(meeting);
    if (members.empty()) continue;
    gst_element_post_message(
        GST_ELEMENT(self),
        gst_videocall_stats_message(GST_ELEMENT(self), meeting, members));
  }
}

bool is_session_event(GstEvent* event) {
  return gst_event_has_name(event, GST_VIDEOCALL_EVENT_SESSION_OPENED) ||
         gst_event_has_name(event, GST_VIDEOCALL_EVENT_SESSION_CLOSED);
}

void set_eos(GstVideocallRouter* self, RouterShard& shard, bool eos) {
  const std::lock_guard lock(self->priv->mutex);
  shard.eos = eos;
}

}  // namespace

GstFlowReturn gst_videocall_router_chain(GstPad* pad, GstObject* parent,
                                         GstBuffer* buffer) {
  RouterShard& shard = *get_shard(pad);
  take_packet(shard, buffer);
  gst_buffer_unref(buffer);
  return route(GST_VIDEOCALL_ROUTER(parent), shard);
}

GstFlowReturn gst_videocall_router_chain_list(GstPad* pad, GstObject* parent,
                                              GstBufferList* list) {
  RouterShard& shard = *get_shard(pad);
  const guint length = gst_buffer_list_length(list);
  for (guint i = 0; i < length; ++i)
    take_packet(shard, gst_buffer_list_get(list, i));
  // With the list go its buffers' references to the packets.
  gst_buffer_list_unref(list);
  return route(GST_VIDEOCALL_ROUTER(parent), shard);
}

gboolean gst_videocall_router_sink_event(GstPad* pad, GstObject* parent,
                                         GstEvent* event) {
  auto* self = GST_VIDEOCALL_ROUTER(parent);
  RouterShard& shard = *get_shard(pad);
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_EOS:
      set_eos(self, shard, true);
      gst_event_unref(event);
      gst_videocall_router_check_eos(self);
      return TRUE;
    case GST_EVENT_STREAM_START:
    case GST_EVENT_FLUSH_STOP:
      set_eos(self, shard, false);
      [[fallthrough]];
    // One shard's are not the others'; each src pad has its own (see
    // gst_videocall_router_src_activate_mode).
    case GST_EVENT_FLUSH_START:
    case GST_EVENT_CAPS:
    case GST_EVENT_SEGMENT:
    case GST_EVENT_GAP:
      gst_event_unref(event);
      return TRUE;
    default:
      break;
  }
  if (is_session_event(event)) {
    session_event(self, shard, gst_event_get_structure(event));
    gst_event_unref(event);
    return TRUE;
  }
  if (gst_event_has_name(event, GST_VIDEOCALL_EVENT_NATS_LINK)) {
    link_event(self, shard, gst_event_get_structure(event));
    gst_event_unref(event);
    return TRUE;
  }
  if (gst_event_has_name(event, GST_VIDEOCALL_EVENT_FEEDBACK)) {
    feedback_event(self, shard, gst_event_get_structure(event));
    gst_event_unref(event);
    return TRUE;
  }
  return gst_pad_push_event(shard.src, event);
}

gboolean gst_videocall_router_src_event(GstPad* pad, GstObject* parent,
                                        GstEvent* event) {
  // The router chooses by what sinks report; nothing of it is the sources'.
  if (GST_EVENT_TYPE(event) == GST_EVENT_CUSTOM_UPSTREAM ||
      GST_EVENT_TYPE(event) == GST_EVENT_RECONFIGURE ||
      GST_EVENT_TYPE(event) == GST_EVENT_QOS) {
    gst_event_unref(event);
    return TRUE;
  }
  return gst_pad_event_default(pad, parent, event);
}

gboolean gst_videocall_router_src_query(GstPad* pad, GstObject* parent,
                                        GstQuery* query) {
  if (GST_QUERY_TYPE(query) == GST_QUERY_LATENCY) {
    // Packets are passed on as they come, from the network.
    gst_query_set_latency(query, TRUE, 0, GST_CLOCK_TIME_NONE);
    return TRUE;
  }
  return gst_pad_query_default(pad, parent, query);
}

// A src pad's first events are stored on it here, whichever thread comes to
// push through it first, and go out before the first packet; so they need no
// flag and no lock.
gboolean gst_videocall_router_src_activate_mode(GstPad* pad, GstObject* parent,
                                                GstPadMode mode,
                                                gboolean active) {
  if (mode != GST_PAD_MODE_PUSH) return FALSE;
  if (!active) return TRUE;
  gchar* stream_id = g_strdup_printf(
      "videocallrouter/%s/%s", GST_OBJECT_NAME(parent), GST_OBJECT_NAME(pad));
  GstEvent* stream_start = gst_event_new_stream_start(stream_id);
  g_free(stream_id);
  gst_event_set_group_id(stream_start, gst_util_group_id_next());
  GstCaps* caps = gst_caps_from_string(GST_VIDEOCALL_PACKET_CAPS);
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  GstEvent* events[] = {stream_start, gst_event_new_caps(caps),
                        gst_event_new_segment(&segment)};
  gst_caps_unref(caps);
  for (GstEvent* event : events) {
    gst_pad_store_sticky_event(pad, event);
    gst_event_unref(event);
  }
  return TRUE;
}

void gst_videocall_router_tick(GstVideocallRouter* self) {
  std::vector<GstPad*> pads;
  {
    const std::lock_guard lock(self->priv->mutex);
    if (self->priv->shards.empty()) return;
    const RouterShard& shard = *self->priv->shards.front();
    pads = ref_pads({shard.sink, shard.src});
  }
  if (const std::shared_ptr<RouterEngine> engine = get_engine(self)) {
    Hub::Batch batch;
    Output output;
    engine->hub.keep_all_layers(has_linked_tap(self));
    engine->hub.tick(RouterEngine::now(), batch);
    // The shard's own thread is kept out of its src pad meanwhile.
    GST_PAD_STREAM_LOCK(pads[0]);
    carry_out(self, engine->hub, batch, pads[1], output);
    GST_PAD_STREAM_UNLOCK(pads[0]);
    if (stats_are_due(*self->priv, Clock::now())) post_stats(self, engine->hub);
  }
  for (GstPad* pad : pads) gst_object_unref(pad);
}

void gst_videocall_router_check_eos(GstVideocallRouter* self) {
  std::vector<GstPad*> pads;
  {
    RouterPrivate& priv = *self->priv;
    const std::lock_guard lock(priv.mutex);
    if (priv.shards.empty() ||
        !std::all_of(priv.shards.begin(), priv.shards.end(),
                     [](const auto& shard) { return shard->eos; }))
      return;
    pads = priv.taps;
    for (const auto& shard : priv.shards) pads.push_back(shard->src);
    pads = ref_pads(std::move(pads));
  }
  for (GstPad* pad : pads) {
    gst_pad_push_event(pad, gst_event_new_eos());
    gst_object_unref(pad);
  }
}
