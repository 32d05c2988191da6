// SPDX-License-Identifier: MIT
/**
 * SECTION:element-natssink
 * @title: natssink
 * @see_also: natssrc, videocallrouter
 *
 * Packets to NATS: each to "subject", or, without one, those for which
 * videocallrouter names a subject. It never blocks and always answers OK.
 * JetStream is not used. See docs/elements/natssink.md.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 audiotestsrc is-live=true ! opusenc ! videocallpay !
 * natssink servers=nats://127.0.0.1:4222
 * subject=videocall.room.demo.media.1.{kind}.{layer}
 * ]|
 */
#include "plugins/nats/gstnatssink.h"

#include <memory>
#include <mutex>

#include "plugins/common/gstvideocallpacketmeta.h"
#include "plugins/common/sinkpads.h"
#include "plugins/nats/gstnatssettings.h"

GST_DEBUG_CATEGORY_STATIC(nats_sink_debug);
#define GST_CAT_DEFAULT nats_sink_debug

namespace nats = videocall::nats;
using videocall::MediaKind;
using videocall::PacketFields;
using videocall::SubjectPtr;
using videocall::cluster::Headers;
using videocall::cluster::HeadersPtr;

namespace {

constexpr guint kPropHeaders = nats::kOwnProperties;

GstStaticPadTemplate g_sink_template =
    GST_STATIC_PAD_TEMPLATE("sink_%u", GST_PAD_SINK, GST_PAD_REQUEST,
                            GST_STATIC_CAPS(GST_VIDEOCALL_PACKET_CAPS));

struct Private {
  explicit Private(GstElement* element) : pads(element) {}
  ~Private() {
    if (headers) gst_structure_free(headers);
  }

  videocall::SinkPads pads;

  std::mutex mutex;  // guards what follows
  nats::Settings settings;
  GstStructure* headers = nullptr;  // owned
  HeadersPtr link_headers;
  std::shared_ptr<nats::NatsLink> link;  // once found, until READY to NULL
};

}  // namespace

struct _GstNatsSink {
  GstElement parent;
  Private* priv;
};

G_DEFINE_TYPE_WITH_CODE(GstNatsSink, gst_nats_sink, GST_TYPE_ELEMENT,
                        GST_DEBUG_CATEGORY_INIT(nats_sink_debug, "natssink", 0,
                                                "NATS sink"))
GST_ELEMENT_REGISTER_DEFINE(natssink, "natssink", GST_RANK_NONE,
                            GST_TYPE_NATS_SINK)

namespace {

// -- Properties ---------------------------------------------------------------

HeadersPtr read_headers(const GstStructure* structure) {
  if (!structure || gst_structure_n_fields(structure) == 0) return nullptr;
  Headers headers;
  for (gint i = 0; i < gst_structure_n_fields(structure); ++i) {
    const gchar* name =
        gst_structure_nth_field_name(structure, static_cast<guint>(i));
    const GValue* value = gst_structure_get_value(structure, name);
    if (G_VALUE_HOLDS_STRING(value)) {
      headers.emplace_back(name, nats::get_string(value));
      continue;
    }
    gchar* text = gst_value_serialize(value);
    headers.emplace_back(name, text ? text : "");
    g_free(text);
  }
  return std::make_shared<const Headers>(std::move(headers));
}

void set_property(GObject* object, guint id, const GValue* value,
                  GParamSpec* spec) {
  Private& priv = *GST_NATS_SINK(object)->priv;
  const std::lock_guard lock(priv.mutex);
  if (id == kPropHeaders) {
    if (priv.headers) gst_structure_free(priv.headers);
    const GstStructure* headers = gst_value_get_structure(value);
    priv.headers = headers ? gst_structure_copy(headers) : nullptr;
    priv.link_headers = read_headers(headers);
  } else if (!priv.settings.set(id, value)) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  Private& priv = *GST_NATS_SINK(object)->priv;
  const std::lock_guard lock(priv.mutex);
  if (id == nats::kPropStats) {
    nats::LinkStats stats;
    if (priv.link) stats = priv.link->stats();
    stats.slow = 0;  // the library's, of what came in: natssrc counts that
    g_value_take_boxed(value, nats::make_stats("natssink-stats", stats));
  } else if (id == kPropHeaders) {
    gst_value_set_structure(value, priv.headers);
  } else if (!priv.settings.get(id, value)) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

// -- The link -----------------------------------------------------------------

// NULL to READY. Without servers the source of the same endpoint opens it.
bool open_link(GstNatsSink* self) {
  Private& priv = *self->priv;
  const std::lock_guard lock(priv.mutex);
  if (priv.settings.servers.empty()) return true;
  auto link = nats::NatsLink::acquire(priv.settings.endpoint,
                                      priv.settings.to_config());
  if (!link) {
    nats::post_error(GST_ELEMENT_CAST(self), link.error());
    return false;
  }
  priv.link = *std::move(link);
  priv.link->watch(self, [self](const nats::LinkState& state) {
    nats::post_state(GST_ELEMENT_CAST(self), state);
  });
  return true;
}

void close_link(GstNatsSink* self) {
  std::shared_ptr<nats::NatsLink> link;
  {
    const std::lock_guard lock(self->priv->mutex);
    link.swap(self->priv->link);
  }
  if (link) link->unwatch(self);
}

// -- Streaming ----------------------------------------------------------------

void replace_all(std::string& text, const char* what, const std::string& with) {
  const size_t size = std::char_traits<char>::length(what);
  for (size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + with.size()))
    text.replace(at, size, with);
}

SubjectPtr fill_subject(const std::string& pattern,
                        const PacketFields& fields) {
  std::string text = pattern;
  if (text.find('{') != std::string::npos) {
    replace_all(text, "{session}", std::to_string(fields.session_id));
    replace_all(text, "{kind}",
                fields.kind == MediaKind::audio    ? "audio"
                : fields.kind == MediaKind::screen ? "screen"
                                                   : "video");
    replace_all(text, "{layer}", std::to_string(fields.layer));
  }
  return std::make_shared<const std::string>(std::move(text));
}

class Batch {
 public:
  explicit Batch(Private& priv) {
    const std::lock_guard lock(priv.mutex);
    if (!priv.link) priv.link = nats::NatsLink::find(priv.settings.endpoint);
    link_ = priv.link;
    pattern_ = priv.settings.subject;
    headers_ = priv.link_headers;
  }
  void add(GstBuffer* buffer) {
    if (!link_) return;
    const auto* meta = gst_videocall_buffer_get_packet_meta(buffer);
    if (pattern_.empty()) {
      if (meta && meta->subject)
        entries_.push_back({meta->packet, meta->subject, {}, headers_});
      return;
    }
    auto packet = gst_videocall_buffer_get_packet(buffer);
    if (!packet) return;
    SubjectPtr subject = fill_subject(pattern_, packet->fields());
    entries_.push_back({std::move(packet), std::move(subject), {}, headers_});
  }
  void send() {
    if (!entries_.empty()) link_->publish(entries_);
  }

 private:
  std::shared_ptr<nats::NatsLink> link_;
  std::string pattern_;
  HeadersPtr headers_;
  nats::NatsLink::Entries entries_;
};

GstFlowReturn chain(GstPad*, GstObject* parent, GstBuffer* buffer) {
  Batch batch(*GST_NATS_SINK(parent)->priv);
  batch.add(buffer);
  batch.send();
  gst_buffer_unref(buffer);
  return GST_FLOW_OK;
}

GstFlowReturn chain_list(GstPad*, GstObject* parent, GstBufferList* list) {
  Batch batch(*GST_NATS_SINK(parent)->priv);
  const guint length = gst_buffer_list_length(list);
  for (guint i = 0; i < length; ++i) batch.add(gst_buffer_list_get(list, i));
  batch.send();
  gst_buffer_list_unref(list);
  return GST_FLOW_OK;
}

gboolean pad_event(GstPad* pad, GstObject* parent, GstEvent* event) {
  GST_NATS_SINK(parent)->priv->pads.meet(pad, event);
  gst_event_unref(event);
  return TRUE;
}

GstPad* request_new_pad(GstElement* element, GstPadTemplate* templ,
                        const gchar* name, const GstCaps*) {
  return GST_NATS_SINK(element)->priv->pads.request(
      templ, name, {chain, chain_list, pad_event});
}

void release_pad(GstElement* element, GstPad* pad) {
  GST_NATS_SINK(element)->priv->pads.release(pad);
}

gboolean send_event(GstElement* element, GstEvent* event) {
  // Packets go out at once, whatever the pipeline's latency is.
  if (GST_EVENT_TYPE(event) == GST_EVENT_LATENCY) {
    gst_event_unref(event);
    return TRUE;
  }
  return GST_ELEMENT_CLASS(gst_nats_sink_parent_class)
      ->send_event(element, event);
}

GstStateChangeReturn change_state(GstElement* element,
                                  GstStateChange transition) {
  auto* self = GST_NATS_SINK(element);
  if (transition == GST_STATE_CHANGE_NULL_TO_READY && !open_link(self))
    return GST_STATE_CHANGE_FAILURE;
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) self->priv->pads.reset();
  const GstStateChangeReturn result =
      GST_ELEMENT_CLASS(gst_nats_sink_parent_class)
          ->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_READY_TO_NULL) close_link(self);
  return result;
}

void finalize(GObject* object) {
  delete GST_NATS_SINK(object)->priv;
  G_OBJECT_CLASS(gst_nats_sink_parent_class)->finalize(object);
}

}  // namespace

static void gst_nats_sink_class_init(GstNatsSinkClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = finalize;
  element_class->change_state = change_state;
  element_class->send_event = send_event;
  element_class->request_new_pad = request_new_pad;
  element_class->release_pad = release_pad;
  nats::install_common_properties(
      object_class,
      "Subject of all packets; {session}, {kind} and {layer} stand for the "
      "packet's. Empty: what the router says, and nothing else");
  g_object_class_install_property(
      object_class, kPropHeaders,
      g_param_spec_boxed(
          "headers", "Headers",
          "Headers of each message: a structure whose fields are their names",
          GST_TYPE_STRUCTURE,
          static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                   GST_PARAM_MUTABLE_PLAYING)));
  gst_element_class_add_static_pad_template(element_class, &g_sink_template);
  gst_element_class_set_static_metadata(
      element_class, "NATS sink", "Sink/Network",
      "Packets to subjects of a NATS server", "The videocall authors");
}

static void gst_nats_sink_init(GstNatsSink* self) {
  self->priv = new Private(GST_ELEMENT_CAST(self));
  GST_OBJECT_FLAG_SET(self, GST_ELEMENT_FLAG_SINK);
}
