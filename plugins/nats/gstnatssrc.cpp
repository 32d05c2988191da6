// SPDX-License-Identifier: MIT
/**
 * SECTION:element-natssrc
 * @title: natssrc
 * @see_also: natssink, videocallrouter
 *
 * Packets from NATS: those of the subjects in "subject", and of what elements
 * downstream ask for by the event videocall-nats-subscribe. JetStream is not
 * used. See docs/elements/natssrc.md.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 natssrc servers=nats://127.0.0.1:4222
 * subject=videocall.room.demo.media.1.video.0 ! fakesink
 * ]|
 */
#include "plugins/nats/gstnatssrc.h"

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <set>

#include "plugins/common/gstvideocallpacketmeta.h"
#include "plugins/nats/gstnatssettings.h"

GST_DEBUG_CATEGORY_STATIC(nats_src_debug);
#define GST_CAT_DEFAULT nats_src_debug

namespace nats = videocall::nats;
using videocall::Clock;
using videocall::PacketRef;
using videocall::SubjectPtr;
using videocall::cluster::RelayQueue;

namespace {

constexpr size_t kMostAtOnce = 64;

GstStaticPadTemplate g_src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS,
                            GST_STATIC_CAPS(GST_VIDEOCALL_PACKET_CAPS));

// What came and waits for the streaming thread.
class Inbox final : public nats::LinkReceiver {
 public:
  // What one turn of the streaming thread is to push.
  struct Turn {
    std::vector<nats::LinkState> states;
    std::vector<RelayQueue::Entry> packets;
    bool eos = false;
    bool flushing = false;
  };

  void reset(const RelayQueue::Bounds& bounds) {
    const std::lock_guard lock(mutex_);
    queue_ = std::make_unique<RelayQueue>(bounds);
    states_.clear();
    flushing_ = eos_ = false;
  }
  void on_packet(PacketRef packet, SubjectPtr subject) override {
    const std::lock_guard lock(mutex_);
    if (flushing_) return;
    queue_->push({std::move(packet), std::move(subject), Clock::now(), {}});
    wake_.notify_one();
  }
  void on_state(const nats::LinkState& state) override {
    const std::lock_guard lock(mutex_);
    states_.push_back(state);
    wake_.notify_one();
  }
  void flush() {
    const std::lock_guard lock(mutex_);
    flushing_ = true;
    wake_.notify_one();
  }
  void end() {
    const std::lock_guard lock(mutex_);
    eos_ = true;
    wake_.notify_one();
  }
  // Waits until there is something to push.
  void take(Turn& turn) {
    turn.states.clear();
    turn.packets.clear();
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [&] {
      return flushing_ || eos_ || !states_.empty() || !queue_->empty();
    });
    turn.flushing = flushing_;
    turn.states.swap(states_);
    const videocall::Time now = Clock::now();
    while (turn.packets.size() < kMostAtOnce) {
      auto entry = queue_->pop(now);
      if (!entry) break;
      turn.packets.push_back(*std::move(entry));
    }
    turn.eos = eos_ && queue_->empty();
  }
  RelayQueue::Dropped dropped() const {
    const std::lock_guard lock(mutex_);
    return queue_->dropped();
  }
  uint64_t bytes() const {
    const std::lock_guard lock(mutex_);
    return queue_->bytes();
  }

 private:
  mutable std::mutex mutex_;  // guards all below
  std::condition_variable wake_;
  std::unique_ptr<RelayQueue> queue_ = std::make_unique<RelayQueue>();
  std::vector<nats::LinkState> states_;
  bool flushing_ = true;
  bool eos_ = false;
};

struct Private {
  std::mutex mutex;  // guards settings, link and subjects
  nats::Settings settings;
  std::shared_ptr<nats::NatsLink> link;  // from READY on
  std::set<std::string> subjects;        // subscribed to, for this element

  Inbox inbox;
  // Streaming thread only, and the activation while that does not run.
  Inbox::Turn turn;
  bool started = false;  // stream-start, caps and segment have gone
};

}  // namespace

struct _GstNatsSrc {
  GstElement parent;
  GstPad* pad;  // borrowed
  Private* priv;
};

G_DEFINE_TYPE_WITH_CODE(GstNatsSrc, gst_nats_src, GST_TYPE_ELEMENT,
                        GST_DEBUG_CATEGORY_INIT(nats_src_debug, "natssrc", 0,
                                                "NATS source"))
GST_ELEMENT_REGISTER_DEFINE(natssrc, "natssrc", GST_RANK_NONE,
                            GST_TYPE_NATS_SRC)

namespace {

// -- Properties ---------------------------------------------------------------

void set_property(GObject* object, guint id, const GValue* value,
                  GParamSpec* spec) {
  Private& priv = *GST_NATS_SRC(object)->priv;
  const std::lock_guard lock(priv.mutex);
  if (!priv.settings.set(id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  Private& priv = *GST_NATS_SRC(object)->priv;
  const std::lock_guard lock(priv.mutex);
  if (id == nats::kPropStats) {
    nats::LinkStats stats;
    if (priv.link) stats = priv.link->stats();
    // Of what comes in, which waits here.
    stats.dropped = priv.inbox.dropped();
    stats.queued_bytes = priv.inbox.bytes();
    g_value_take_boxed(value, nats::make_stats("natssrc-stats", stats));
  } else if (!priv.settings.get(id, value)) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

// -- The link -----------------------------------------------------------------

bool open_link(GstNatsSrc* self) {
  Private& priv = *self->priv;
  const std::lock_guard lock(priv.mutex);
  auto link = nats::NatsLink::find(priv.settings.endpoint);
  if (!link) {
    auto acquired = nats::NatsLink::acquire(priv.settings.endpoint,
                                            priv.settings.to_config());
    if (!acquired) {
      nats::post_error(GST_ELEMENT_CAST(self), acquired.error());
      return false;
    }
    link = *std::move(acquired);
  }
  priv.link = std::move(link);
  return true;
}

void close_link(GstNatsSrc* self) {
  std::shared_ptr<nats::NatsLink> link;
  const std::lock_guard lock(self->priv->mutex);
  link.swap(self->priv->link);
}

void subscribe(GstNatsSrc* self, const std::string& subject, bool on) {
  Private& priv = *self->priv;
  const std::lock_guard lock(priv.mutex);
  const bool changed = on ? priv.subjects.insert(subject).second
                          : priv.subjects.erase(subject) > 0;
  if (!changed || !priv.link) return;
  GST_DEBUG_OBJECT(self, "%s %s", on ? "subscribing to" : "leaving",
                   subject.c_str());
  priv.link->subscribe(subject, on);
}

void start_link(GstNatsSrc* self) {
  Private& priv = *self->priv;
  std::shared_ptr<nats::NatsLink> link;
  std::vector<std::string> subjects;
  {
    const std::lock_guard lock(priv.mutex);
    link = priv.link;
    subjects = nats::split_list(priv.settings.subject);
    RelayQueue::Bounds bounds;
    bounds.bytes = priv.settings.link.max_queue_bytes;
    bounds.media_age =
        std::chrono::milliseconds(priv.settings.link.max_queue_ms);
    priv.inbox.reset(bounds);
  }
  link->set_receiver(&priv.inbox);
  for (const std::string& subject : subjects) subscribe(self, subject, true);
}

void stop_link(GstNatsSrc* self) {
  Private& priv = *self->priv;
  const std::lock_guard lock(priv.mutex);
  if (!priv.link) return;
  priv.link->set_receiver(nullptr);
  for (const std::string& subject : priv.subjects)
    priv.link->subscribe(subject, false);
  priv.subjects.clear();
}

// -- Streaming ----------------------------------------------------------------

void start_stream(GstNatsSrc* self) {
  gchar* id =
      gst_pad_create_stream_id(self->pad, GST_ELEMENT_CAST(self), nullptr);
  gst_pad_push_event(self->pad, gst_event_new_stream_start(id));
  g_free(id);
  GstCaps* caps = gst_static_pad_template_get_caps(&g_src_template);
  gst_pad_push_event(self->pad, gst_event_new_caps(caps));
  gst_caps_unref(caps);
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_pad_push_event(self->pad, gst_event_new_segment(&segment));
  self->priv->started = true;
}

void push_state(GstNatsSrc* self, const nats::LinkState& state) {
  if (state.connected)
    GST_INFO_OBJECT(self, "connected to %s", state.server.c_str());
  else
    GST_INFO_OBJECT(self, "not connected: %s", state.reason.c_str());
  // Before the first attempt has ended there is nothing to tell people.
  if (state.connected || !state.reason.empty())
    nats::post_state(GST_ELEMENT_CAST(self), state);
  gst_pad_push_event(
      self->pad,
      gst_event_new_custom(
          GST_EVENT_CUSTOM_DOWNSTREAM,
          gst_structure_new(nats::kLinkEvent, "connected", G_TYPE_BOOLEAN,
                            gboolean{state.connected}, nullptr)));
}

void push_packets(GstNatsSrc* self, std::vector<RelayQueue::Entry>& entries) {
  if (entries.empty()) return;
  GstBufferList* list =
      gst_buffer_list_new_sized(static_cast<guint>(entries.size()));
  for (RelayQueue::Entry& entry : entries) {
    GST_TRACE_OBJECT(self, "packet of %zu bytes on %s", entry.packet->size(),
                     entry.subject->c_str());
    GstBuffer* buffer = gst_videocall_packet_buffer_new(entry.packet);
    gst_videocall_buffer_get_packet_meta(buffer)->subject =
        std::move(entry.subject);
    gst_buffer_list_add(list, buffer);
  }
  entries.clear();
  // Whatever downstream answers, the next packet may go through again.
  const GstFlowReturn flow = gst_pad_push_list(self->pad, list);
  if (flow != GST_FLOW_OK)
    GST_DEBUG_OBJECT(self, "downstream answers %s", gst_flow_get_name(flow));
}

void run(gpointer data) {
  auto* self = static_cast<GstNatsSrc*>(data);
  Private& priv = *self->priv;
  if (!priv.started) start_stream(self);
  priv.inbox.take(priv.turn);
  if (priv.turn.flushing) {
    gst_pad_pause_task(self->pad);
    return;
  }
  for (const nats::LinkState& state : priv.turn.states) push_state(self, state);
  push_packets(self, priv.turn.packets);
  if (!priv.turn.eos) return;
  gst_pad_push_event(self->pad, gst_event_new_eos());
  gst_pad_pause_task(self->pad);
}

gboolean activate_mode(GstPad* pad, GstObject* parent, GstPadMode mode,
                       gboolean active) {
  auto* self = GST_NATS_SRC(parent);
  if (mode != GST_PAD_MODE_PUSH) return FALSE;
  if (active) {
    self->priv->started = false;
    start_link(self);
    return gst_pad_start_task(pad, run, self, nullptr);
  }
  stop_link(self);
  self->priv->inbox.flush();
  return gst_pad_stop_task(pad);
}

gboolean pad_event(GstPad* pad, GstObject* parent, GstEvent* event) {
  if (!gst_event_has_name(event, nats::kSubscribeEvent))
    return gst_pad_event_default(pad, parent, event);
  const GstStructure* structure = gst_event_get_structure(event);
  const gchar* subject = gst_structure_get_string(structure, "subject");
  gboolean on = FALSE;
  if (subject && gst_structure_get_boolean(structure, "on", &on))
    subscribe(GST_NATS_SRC(parent), subject, on);
  gst_event_unref(event);
  return TRUE;
}

gboolean pad_query(GstPad* pad, GstObject* parent, GstQuery* query) {
  if (GST_QUERY_TYPE(query) == GST_QUERY_LATENCY) {
    // Packets carry no timestamps; the depayloader adds what it waits.
    gst_query_set_latency(query, TRUE, 0, GST_CLOCK_TIME_NONE);
    return TRUE;
  }
  return gst_pad_query_default(pad, parent, query);
}

gboolean send_event(GstElement* element, GstEvent* event) {
  if (GST_EVENT_TYPE(event) == GST_EVENT_EOS) {
    gst_event_unref(event);
    GST_NATS_SRC(element)->priv->inbox.end();
    return TRUE;
  }
  return GST_ELEMENT_CLASS(gst_nats_src_parent_class)
      ->send_event(element, event);
}

GstStateChangeReturn change_state(GstElement* element,
                                  GstStateChange transition) {
  auto* self = GST_NATS_SRC(element);
  if (transition == GST_STATE_CHANGE_NULL_TO_READY && !open_link(self))
    return GST_STATE_CHANGE_FAILURE;
  const GstStateChangeReturn result =
      GST_ELEMENT_CLASS(gst_nats_src_parent_class)
          ->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_READY_TO_NULL) close_link(self);
  if (result != GST_STATE_CHANGE_FAILURE &&
      (transition == GST_STATE_CHANGE_READY_TO_PAUSED ||
       transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED))
    return GST_STATE_CHANGE_NO_PREROLL;  // a live source
  return result;
}

void finalize(GObject* object) {
  delete GST_NATS_SRC(object)->priv;
  G_OBJECT_CLASS(gst_nats_src_parent_class)->finalize(object);
}

}  // namespace

static void gst_nats_src_class_init(GstNatsSrcClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = finalize;
  element_class->change_state = change_state;
  element_class->send_event = send_event;
  nats::install_common_properties(
      object_class,
      "Subjects to listen to, wildcards * and > included, a comma between "
      "several; empty: what downstream asks for");
  gst_element_class_add_static_pad_template(element_class, &g_src_template);
  gst_element_class_set_static_metadata(
      element_class, "NATS source", "Source/Network",
      "Packets from subjects of a NATS server", "The videocall authors");
}

static void gst_nats_src_init(GstNatsSrc* self) {
  self->priv = new Private;
  self->pad = gst_pad_new_from_static_template(&g_src_template, "src");
  gst_pad_set_activatemode_function(self->pad, activate_mode);
  gst_pad_set_event_function(self->pad, pad_event);
  gst_pad_set_query_function(self->pad, pad_query);
  gst_pad_use_fixed_caps(self->pad);
  gst_element_add_pad(GST_ELEMENT_CAST(self), self->pad);
  GST_OBJECT_FLAG_SET(self, GST_ELEMENT_FLAG_SOURCE);
}
