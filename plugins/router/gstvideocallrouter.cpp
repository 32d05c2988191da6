// SPDX-License-Identifier: MIT
/**
 * SECTION:element-videocallrouter
 * @title: videocallrouter
 * @see_also: webtransportsrc, webtransportsink
 *
 * Keeps the rooms of a node: who is in, who gets which packet of whom. Packets
 * of a shard's sessions come in on sink_N and leave, with their recipients, on
 * src_N. See docs/elements/videocallrouter.md.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 videocallrouter name=router webtransportsrc mode=listener
 * address=127.0.0.1:0 endpoint=relay ! router.sink_0 router.src_0 !
 * webtransportsink mode=listener endpoint=relay
 * ]|
 */
#include "plugins/router/gstvideocallrouter.h"

#include <algorithm>
#include <cstdio>

#include "plugins/common/gstvideocallpacketmeta.h"
#include "plugins/common/gstvideocallstats.h"
#include "plugins/router/routerflow.h"
#include "plugins/router/routermessages.h"
#include "plugins/router/routerpolicy.h"

GST_DEBUG_CATEGORY(gst_videocall_router_debug);
#define GST_CAT_DEFAULT gst_videocall_router_debug

using namespace videocall;

static const gchar* const kDefaultNodeId = "node";
static constexpr guint kDefaultStatsInterval = 10'000;

enum {
  PROP_0,
  PROP_NODE_ID,
  PROP_RESUME_KEY,
  PROP_STATS_INTERVAL,
  PROP_STATS,
  PROP_NODE_INFO,
  PROP_POLICY,  // the first of those
};

guint gst_videocall_router_signals[kRouterSignals];

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink_%u", GST_PAD_SINK, GST_PAD_REQUEST,
                            GST_STATIC_CAPS(GST_VIDEOCALL_PACKET_CAPS));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src_%u", GST_PAD_SRC, GST_PAD_SOMETIMES,
                            GST_STATIC_CAPS(GST_VIDEOCALL_PACKET_CAPS));
static GstStaticPadTemplate tap_template =
    GST_STATIC_PAD_TEMPLATE("tap_%u", GST_PAD_SRC, GST_PAD_REQUEST,
                            GST_STATIC_CAPS(GST_VIDEOCALL_PACKET_CAPS));

G_DEFINE_TYPE_WITH_CODE(
    GstVideocallRouter, gst_videocall_router, GST_TYPE_ELEMENT,
    GST_DEBUG_CATEGORY_INIT(gst_videocall_router_debug, "videocallrouter", 0,
                            "videocall rooms and recipients"));
GST_ELEMENT_REGISTER_DEFINE(videocallrouter, "videocallrouter", GST_RANK_NONE,
                            GST_TYPE_VIDEOCALL_ROUTER);

static std::shared_ptr<RouterEngine> get_engine(GstVideocallRouter* self) {
  const std::lock_guard lock(self->priv->mutex);
  return self->priv->engine;
}

// -- Pads -------------------------------------------------------------------

static GstIterator* iterate_internal_links(GstPad* pad, GstObject* parent) {
  RouterPrivate& priv = *GST_VIDEOCALL_ROUTER(parent)->priv;
  GstPad* other = nullptr;
  {
    const std::lock_guard lock(priv.mutex);
    for (const auto& shard : priv.shards) {
      if (shard->sink == pad) other = shard->src;
      if (shard->src == pad) other = shard->sink;
    }
  }
  GValue value = G_VALUE_INIT;
  g_value_init(&value, GST_TYPE_PAD);
  g_value_set_object(&value, other);
  GstIterator* iterator =
      other ? gst_iterator_new_single(GST_TYPE_PAD, &value) : nullptr;
  g_value_unset(&value);
  return iterator;
}

static GstPad* new_src_pad(GstStaticPadTemplate* pad_template,
                           const gchar* name) {
  GstPad* pad = gst_pad_new_from_static_template(pad_template, name);
  gst_pad_set_activatemode_function(pad,
                                    gst_videocall_router_src_activate_mode);
  gst_pad_set_event_function(pad, gst_videocall_router_src_event);
  gst_pad_set_query_function(pad, gst_videocall_router_src_query);
  gst_pad_set_iterate_internal_links_function(pad, iterate_internal_links);
  return pad;
}

static GstPad* new_sink_pad(const gchar* name, RouterShard* shard) {
  GstPad* pad = gst_pad_new_from_static_template(&sink_template, name);
  gst_pad_set_chain_function(pad, gst_videocall_router_chain);
  gst_pad_set_chain_list_function(pad, gst_videocall_router_chain_list);
  gst_pad_set_event_function(pad, gst_videocall_router_sink_event);
  gst_pad_set_iterate_internal_links_function(pad, iterate_internal_links);
  gst_pad_set_element_private(pad, shard);
  return pad;
}

// The number that |name| ends with, or the lowest that |taken| leaves free.
// false if the wanted one is taken.
static bool choose_index(const gchar* name, const char* format,
                         std::vector<guint> taken, guint& index) {
  std::sort(taken.begin(), taken.end());
  if (name && std::sscanf(name, format, &index) == 1)
    return !std::binary_search(taken.begin(), taken.end(), index);
  index = 0;
  for (const guint used : taken) {
    if (used != index) break;
    ++index;
  }
  return true;
}

static GstPad* request_shard(GstVideocallRouter* self, const gchar* name) {
  RouterPrivate& priv = *self->priv;
  auto shard = std::make_unique<RouterShard>();
  RouterShard* added = shard.get();
  {
    const std::lock_guard lock(priv.mutex);
    std::vector<guint> taken;
    for (const auto& other : priv.shards) taken.push_back(other->index);
    if (!choose_index(name, "sink_%u", taken, shard->index)) return nullptr;
    gchar* sink_name = g_strdup_printf("sink_%u", shard->index);
    gchar* src_name = g_strdup_printf("src_%u", shard->index);
    shard->sink = new_sink_pad(sink_name, added);
    shard->src = new_src_pad(&src_template, src_name);
    g_free(sink_name);
    g_free(src_name);
    priv.shards.push_back(std::move(shard));
  }
  gst_element_add_pad(GST_ELEMENT(self), added->src);
  gst_element_add_pad(GST_ELEMENT(self), added->sink);
  return added->sink;
}

static GstPad* request_tap(GstVideocallRouter* self, const gchar* name) {
  RouterPrivate& priv = *self->priv;
  GstPad* tap = nullptr;
  {
    const std::lock_guard lock(priv.mutex);
    std::vector<guint> taken;
    for (GstPad* other : priv.taps) {
      guint used = 0;
      if (std::sscanf(GST_OBJECT_NAME(other), "tap_%u", &used) == 1)
        taken.push_back(used);
    }
    guint index = 0;
    if (!choose_index(name, "tap_%u", taken, index)) return nullptr;
    gchar* tap_name = g_strdup_printf("tap_%u", index);
    tap = new_src_pad(&tap_template, tap_name);
    g_free(tap_name);
    priv.taps.push_back(tap);
  }
  gst_element_add_pad(GST_ELEMENT(self), tap);
  return tap;
}

static GstPad* gst_videocall_router_request_new_pad(
    GstElement* element, GstPadTemplate* pad_template, const gchar* name,
    const GstCaps*) {
  auto* self = GST_VIDEOCALL_ROUTER(element);
  GstPad* pad = GST_PAD_TEMPLATE_DIRECTION(pad_template) == GST_PAD_SINK
                    ? request_shard(self, name)
                    : request_tap(self, name);
  if (!pad) GST_WARNING_OBJECT(self, "there is a pad %s already", name);
  return pad;
}

static void gst_videocall_router_release_pad(GstElement* element, GstPad* pad) {
  auto* self = GST_VIDEOCALL_ROUTER(element);
  RouterPrivate& priv = *self->priv;
  std::unique_ptr<RouterShard> shard;
  {
    const std::lock_guard lock(priv.mutex);
    std::erase(priv.taps, pad);
    if (priv.nodes == pad) priv.nodes = nullptr;
    const auto at =
        std::find_if(priv.shards.begin(), priv.shards.end(),
                     [&](const auto& other) { return other->sink == pad; });
    if (at != priv.shards.end()) {
      shard = std::move(*at);
      priv.shards.erase(at);
    }
  }
  // Waits for what streams through it.
  gst_pad_set_active(pad, FALSE);
  if (shard) {
    gst_pad_set_active(shard->src, FALSE);
    gst_element_remove_pad(element, shard->src);
  }
  gst_element_remove_pad(element, pad);
  if (shard) gst_videocall_router_check_eos(self);
}

// -- Action signals: from any thread ----------------------------------------

static GstStructure* list_members(GstVideocallRouter* self,
                                  const gchar* meeting) {
  const auto engine = get_engine(self);
  if (!engine || !meeting) return gst_videocall_members_structure({});
  return gst_videocall_members_structure(engine->hub.list_members(meeting));
}

static void end_meeting(GstVideocallRouter* self, const gchar* meeting) {
  const auto engine = get_engine(self);
  if (engine && meeting) engine->hub.end_meeting(meeting, RouterEngine::now());
}

static void remove_member(GstVideocallRouter* self, const gchar* meeting,
                          guint64 session_id, const gchar* reason) {
  const auto engine = get_engine(self);
  if (engine && meeting)
    engine->hub.remove_member(meeting, session_id, reason ? reason : "",
                              RouterEngine::now());
}

static GstStructure* list_nodes(GstVideocallRouter* self) {
  const auto engine = get_engine(self);
  if (!engine) return gst_videocall_nodes_structure({});
  return gst_videocall_nodes_structure(engine->hub.nodes());
}

static guint64 verify_resume(GstVideocallRouter* self, const gchar* meeting,
                             const gchar* user_id, const gchar* secret) {
  const auto engine = get_engine(self);
  if (!engine || !meeting || !user_id || !secret) return 0;
  return engine->verify_resume(meeting, user_id,
                               gst_videocall_decode_base64url(secret));
}

// -- State ------------------------------------------------------------------

static bool start_engine(GstVideocallRouter* self) {
  RouterPrivate& priv = *self->priv;
  std::shared_ptr<RouterEngine> engine;
  cluster::Heartbeat node;
  {
    const std::lock_guard lock(priv.mutex);
    auth::ResumeSecrets::Key key = priv.random_key;
    if (!priv.resume_key.empty()) {
      const auto parsed = auth::ResumeSecrets::parse_key(priv.resume_key);
      if (!parsed) return false;
      key = parsed.value();
    }
    engine = std::make_shared<RouterEngine>(priv.node_id, key, priv.policy);
    node = priv.node_info;
    priv.engine = engine;
  }
  engine->hub.describe(node);
  engine->start([self] { gst_videocall_router_tick(self); });
  return true;
}

static GstStateChangeReturn gst_videocall_router_change_state(
    GstElement* element, GstStateChange transition) {
  auto* self = GST_VIDEOCALL_ROUTER(element);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !start_engine(self)) {
    GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS,
                      ("resume-key is not 64 hexadecimal digits."), (nullptr));
    return GST_STATE_CHANGE_FAILURE;
  }
  std::shared_ptr<RouterEngine> stopped;
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    const std::lock_guard lock(self->priv->mutex);
    stopped = std::move(self->priv->engine);
    for (const auto& shard : self->priv->shards) shard->eos = false;
  }
  if (stopped) stopped->request_stop();
  const GstStateChangeReturn result =
      GST_ELEMENT_CLASS(gst_videocall_router_parent_class)
          ->change_state(element, transition);
  // Only now, since the tick under way may be in a push that the pads'
  // deactivation ends.
  if (stopped) stopped->join();
  return result;
}

// -- GObject ----------------------------------------------------------------

static GstStructure* make_stats(GstVideocallRouter* self) {
  room::HubStats stats;
  if (const auto engine = get_engine(self)) stats = engine->hub.stats();
  const std::pair<const char*, uint64_t> counts[] = {
      {"rooms", stats.rooms},
      {"sessions", stats.sessions},
      {"members", stats.members},
      {"packets-refused", stats.refused},
      {"packets-dropped", stats.dropped},
      {"packets-over-rate", stats.over_rate},
      {"limited-viewers", stats.limited_viewers},
      {"packets-forwarded", stats.forwarded_packets},
      {"bytes-forwarded", stats.forwarded_bytes},
      {"joined", stats.joined},
      {"disconnected", stats.disconnected},
      {"resumed", stats.resumed},
      {"left", stats.left},
      {"lost", stats.lost},
      {"client-reports", stats.reports},
      {"client-peers", stats.reported_peers},
      {"client-unseen", stats.reported_unseen},
      {"client-unheard", stats.reported_unheard},
      {"shed-level", static_cast<uint64_t>(stats.shed)},
      {"remote-members", stats.remote_members},
      {"nodes", stats.nodes},
      {"nats-connected", stats.linked ? 1u : 0u},
  };
  GstStructure* structure = gst_structure_new_empty("videocallrouter-stats");
  for (const auto& [field, value] : counts)
    gst_videocall_stats_set(structure, field, value);
  gst_videocall_stats_set_histogram(structure, "client-rtt", stats.client_rtt);
  return structure;
}

static void set_node_info(GstVideocallRouter* self, const GstStructure* info) {
  if (!info) return;
  const cluster::Heartbeat node = gst_videocall_structure_get_node(info);
  {
    const std::lock_guard lock(self->priv->mutex);
    self->priv->node_info = node;
  }
  if (const auto engine = get_engine(self)) engine->hub.describe(node);
}

static void gst_videocall_router_set_property(GObject* object, guint id,
                                              const GValue* value,
                                              GParamSpec* spec) {
  RouterPrivate& priv = *GST_VIDEOCALL_ROUTER(object)->priv;
  if (id == PROP_NODE_INFO) {
    set_node_info(GST_VIDEOCALL_ROUTER(object), gst_value_get_structure(value));
    return;
  }
  const auto text = [&] {
    const gchar* string = g_value_get_string(value);
    return std::string(string ? string : "");
  };
  const std::lock_guard lock(priv.mutex);
  switch (id) {
    case PROP_NODE_ID:
      priv.node_id = text();
      break;
    case PROP_RESUME_KEY:
      priv.resume_key = text();
      break;
    case PROP_STATS_INTERVAL:
      priv.stats_interval_ms = g_value_get_uint(value);
      priv.stats_due = {};
      break;
    default:
      if (!gst_videocall_router_set_policy(priv.policy, id - PROP_POLICY,
                                           value))
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

static void gst_videocall_router_get_property(GObject* object, guint id,
                                              GValue* value, GParamSpec* spec) {
  auto* self = GST_VIDEOCALL_ROUTER(object);
  if (id == PROP_STATS) {
    g_value_take_boxed(value, make_stats(self));
    return;
  }
  const std::lock_guard lock(self->priv->mutex);
  if (id == PROP_NODE_ID) {
    g_value_set_string(value, self->priv->node_id.c_str());
  } else if (id == PROP_STATS_INTERVAL) {
    g_value_set_uint(value, self->priv->stats_interval_ms);
  } else if (!gst_videocall_router_get_policy(self->priv->policy,
                                              id - PROP_POLICY, value)) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

static void gst_videocall_router_finalize(GObject* object) {
  delete GST_VIDEOCALL_ROUTER(object)->priv;
  G_OBJECT_CLASS(gst_videocall_router_parent_class)->finalize(object);
}

static void gst_videocall_router_init(GstVideocallRouter* self) {
  self->priv = new RouterPrivate;
  self->priv->node_id = kDefaultNodeId;
  self->priv->stats_interval_ms = kDefaultStatsInterval;
}

static void install_structures(GObjectClass* klass) {
  constexpr auto kStatic = static_cast<GParamFlags>(G_PARAM_STATIC_STRINGS);
  g_object_class_install_property(
      klass, PROP_STATS,
      g_param_spec_boxed(
          "stats", "Statistics",
          "rooms, sessions, members, packets-refused, packets-dropped, "
          "packets-over-rate, limited-viewers, packets-forwarded, "
          "bytes-forwarded, joined, disconnected, resumed, left, lost, "
          "shed-level, client-reports, client-peers, client-unseen, "
          "client-unheard, remote-members, nodes and nats-connected, 0 or 1 "
          "(all guint64); client-rtt (histogram)",
          GST_TYPE_STRUCTURE,
          static_cast<GParamFlags>(G_PARAM_READABLE | kStatic)));
  g_object_class_install_property(
      klass, PROP_NODE_INFO,
      g_param_spec_boxed(
          "node-info", "Node information",
          "What other nodes are told of this one: transport-urls, "
          "certificate-hashes (GStrv), max-sessions (guint), cpu-load "
          "(gdouble, 0 to 1), draining (gboolean), token-key-id (string)",
          GST_TYPE_STRUCTURE,
          static_cast<GParamFlags>(G_PARAM_WRITABLE | kStatic |
                                   GST_PARAM_MUTABLE_PLAYING)));
}

static void install_properties(GObjectClass* klass) {
  constexpr auto kStatic = static_cast<GParamFlags>(G_PARAM_STATIC_STRINGS);
  constexpr auto kReady = static_cast<GParamFlags>(G_PARAM_STATIC_STRINGS |
                                                   GST_PARAM_MUTABLE_READY);
  g_object_class_install_property(
      klass, PROP_NODE_ID,
      g_param_spec_string(
          "node-id", "Node id",
          "Name of this node, told to its sessions: 1 to 64 characters of "
          "[A-Za-z0-9_-]",
          kDefaultNodeId,
          static_cast<GParamFlags>(G_PARAM_READWRITE | kReady)));
  g_object_class_install_property(
      klass, PROP_RESUME_KEY,
      g_param_spec_string(
          "resume-key", "Resume key",
          "Key of the resume secrets, 64 hexadecimal digits, the same on all "
          "nodes of a cluster; unset: random, so that nobody resumes after a "
          "restart",
          nullptr, static_cast<GParamFlags>(G_PARAM_WRITABLE | kReady)));
  g_object_class_install_property(
      klass, PROP_STATS_INTERVAL,
      g_param_spec_uint("stats-interval", "Statistics interval",
                        "How often videocall-peer-stats is posted, in "
                        "milliseconds; 0: never",
                        0, G_MAXUINT, kDefaultStatsInterval,
                        static_cast<GParamFlags>(G_PARAM_READWRITE | kStatic |
                                                 GST_PARAM_MUTABLE_PLAYING)));
  install_structures(klass);
  gst_videocall_router_install_policy(klass, PROP_POLICY);
}

static void install_signals(GType type) {
  guint* signals = gst_videocall_router_signals;
  constexpr auto kAction =
      static_cast<GSignalFlags>(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION);
  signals[kRouterTokenSpent] =
      g_signal_new("token-spent", type, G_SIGNAL_RUN_LAST, 0, nullptr, nullptr,
                   nullptr, G_TYPE_NONE, 1, G_TYPE_STRING);
  signals[kRouterListMembers] = g_signal_new_class_handler(
      "list-members", type, kAction, G_CALLBACK(list_members), nullptr, nullptr,
      nullptr, GST_TYPE_STRUCTURE, 1, G_TYPE_STRING);
  signals[kRouterEndMeeting] = g_signal_new_class_handler(
      "end-meeting", type, kAction, G_CALLBACK(end_meeting), nullptr, nullptr,
      nullptr, G_TYPE_NONE, 1, G_TYPE_STRING);
  signals[kRouterRemoveMember] = g_signal_new_class_handler(
      "remove-member", type, kAction, G_CALLBACK(remove_member), nullptr,
      nullptr, nullptr, G_TYPE_NONE, 3, G_TYPE_STRING, G_TYPE_UINT64,
      G_TYPE_STRING);
  signals[kRouterListNodes] = g_signal_new_class_handler(
      "list-nodes", type, kAction, G_CALLBACK(list_nodes), nullptr, nullptr,
      nullptr, GST_TYPE_STRUCTURE, 0);
  signals[kRouterVerifyResume] = g_signal_new_class_handler(
      "verify-resume", type, kAction, G_CALLBACK(verify_resume), nullptr,
      nullptr, nullptr, G_TYPE_UINT64, 3, G_TYPE_STRING, G_TYPE_STRING,
      G_TYPE_STRING);
}

static void gst_videocall_router_class_init(GstVideocallRouterClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  object_class->set_property = gst_videocall_router_set_property;
  object_class->get_property = gst_videocall_router_get_property;
  object_class->finalize = gst_videocall_router_finalize;
  element_class->change_state = gst_videocall_router_change_state;
  element_class->request_new_pad = gst_videocall_router_request_new_pad;
  element_class->release_pad = gst_videocall_router_release_pad;
  install_properties(object_class);
  install_signals(G_TYPE_FROM_CLASS(klass));
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_add_static_pad_template(element_class, &tap_template);
  gst_element_class_set_static_metadata(
      element_class, "Videocall router", "Generic/Network",
      "Keeps the rooms and tells who gets which packet",
      "The videocall developers");
}
