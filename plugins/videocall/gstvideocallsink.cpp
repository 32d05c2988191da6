// SPDX-License-Identifier: MIT
/**
 * SECTION:element-videocallsink
 * @title: videocallsink
 * @see_also: videocallsrc
 *
 * Joins a meeting and publishes what its request pads get. It comes back by
 * itself when the connection is lost; the pipeline runs on meanwhile. See
 * docs/elements/videocallsink.md.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 videotestsrc is-live=true ! vp8enc deadline=1 ! videocallsink
 * location=http://localhost:8080 meeting=demo user=cam
 * ]|
 */
#include "plugins/videocall/gstvideocallsink.h"

#include <gst/video/video.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <vector>

#include "plugins/videocall/bincommon.h"
#include "plugins/videocall/publishedtrack.h"
#include "plugins/videocall/uplinkadapter.h"

GST_DEBUG_CATEGORY_EXTERN(gst_videocall_bins_debug);
#define GST_CAT_DEFAULT gst_videocall_bins_debug

using videocall::MediaKind;
using videocall::PacketRef;
using videocall::gst::BinSettings;
using videocall::gst::Connection;
using videocall::gst::ObjectPtr;
using videocall::gst::PublishedTrack;
using videocall::gst::UplinkAdapter;
namespace client = videocall::client;
namespace limits = videocall::limits;

// What needs no parser comes first, so that encoders choose it.
#define VIDEO_CAPS                                    \
  "video/x-vp8; "                                     \
  "video/x-vp9; "                                     \
  "video/x-h264, stream-format=(string)byte-stream, " \
  "alignment=(string)au; "                            \
  "video/x-av1, stream-format=(string)obu-stream, "   \
  "alignment=(string)tu; "                            \
  "video/x-h264; video/x-av1"
static GstStaticPadTemplate video_template = GST_STATIC_PAD_TEMPLATE(
    "video_%u", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS(VIDEO_CAPS));
static GstStaticPadTemplate audio_template = GST_STATIC_PAD_TEMPLATE(
    "audio_%u", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS("audio/x-opus"));
static GstStaticPadTemplate screen_template = GST_STATIC_PAD_TEMPLATE(
    "screen_%u", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS(VIDEO_CAPS));

namespace {

enum OwnProperty : guint { kPropAdapt = videocall::gst::kOwnBinProperties };

struct PadKind {
  const char* prefix;
  MediaKind kind;
  guint max_index;  // simulcast layers of one camera or screen
};
constexpr PadKind kPadKinds[] = {
    {"video_", MediaKind::video, limits::kMaxLayer},
    {"audio_", MediaKind::audio, 0},
    {"screen_", MediaKind::screen, limits::kMaxLayer},
};

void ask_encoder(PublishedTrack& track);

struct Private final : videocall::gst::ConnectionUser,
                       videocall::gst::TrackOwner {
  explicit Private(GstElement* element) : element(element) {}

  GstElement* const element;

  std::mutex lock;  // guards what follows; not held while anything is called
  BinSettings settings;
  std::shared_ptr<Connection> connection;  // from PAUSED on
  std::vector<std::shared_ptr<PublishedTrack>> tracks;
  bool playing = false;
  bool flushing = true;
  bool eos_posted = false;
  bool adapt = true;

  // The connection's thread; from its end on that of the state change.
  UplinkAdapter adapter{ask_encoder};

  // What on_packet answers: not OK once the session is over for good.
  std::atomic<GstFlowReturn> end_flow{GST_FLOW_OK};

  std::vector<std::shared_ptr<PublishedTrack>> all_tracks() {
    const std::lock_guard guard(lock);
    return tracks;
  }
  std::shared_ptr<Connection> current_connection() {
    const std::lock_guard guard(lock);
    return connection;
  }

  // -- ConnectionUser
  void on_state(const client::StateChange& change) override;
  void on_media(const PacketRef&) override {}
  void on_keyframe_wanted(MediaKind kind, unsigned layer) override;
  void on_layers_wanted(MediaKind kind, uint32_t layers) override;
  void on_pulse() override;
  void on_tick() override {}
  client::OwnState own_state() const override;
  void on_member_joined(const client::Member& member) override {
    videocall::gst::post_peer_joined(element, member);
  }
  void on_member_changed(const client::Member&) override {}
  void on_member_left(const client::Member& member,
                      const std::string& reason) override {
    videocall::gst::post_peer_left(element, member, reason);
  }

  // -- TrackOwner
  GstFlowReturn on_packet(PacketRef packet) override;
  void on_eos_changed() override;

  bool adapts() {
    const std::lock_guard guard(lock);
    return adapt;
  }
};

void ask_encoder(PublishedTrack& track) {
  if (track.kind() == MediaKind::audio) return;
  const ObjectPtr<GstPad> pad = track.packet_pad();
  gst_pad_send_event(pad.get(), gst_video_event_new_upstream_force_key_unit(
                                    GST_CLOCK_TIME_NONE, TRUE, 0));
}

}  // namespace

struct _GstVideocallSink {
  GstBin parent;
  Private* priv;
};

static void uri_handler_init(gpointer iface, gpointer data);

#define gst_videocall_sink_parent_class parent_class
G_DEFINE_TYPE_WITH_CODE(GstVideocallSink, gst_videocall_sink, GST_TYPE_BIN,
                        G_IMPLEMENT_INTERFACE(GST_TYPE_URI_HANDLER,
                                              uri_handler_init))
GST_ELEMENT_REGISTER_DEFINE(videocallsink, "videocallsink", GST_RANK_NONE,
                            GST_TYPE_VIDEOCALL_SINK)

// -- What the connection tells
// -------------------------------------------------

void Private::on_state(const client::StateChange& change) {
  videocall::gst::post_state(element, change);
  // What was sent while nobody listened is lost: a picture from the start.
  if (change.state == client::State::connected) {
    adapter.begin(all_tracks());
    for (const auto& track : all_tracks()) ask_encoder(*track);
  }
  if (change.state != client::State::refused &&
      change.state != client::State::ended)
    return;
  end_flow =
      videocall::gst::post_end(element, change) ? GST_FLOW_EOS : GST_FLOW_ERROR;
}

void Private::on_keyframe_wanted(MediaKind kind, unsigned layer) {
  for (const auto& track : all_tracks())
    if (track->kind() == kind && track->layer() == layer) ask_encoder(*track);
}

void Private::on_layers_wanted(MediaKind kind, uint32_t layers) {
  if (adapts()) adapter.set_wanted(all_tracks(), kind, layers);
}

void Private::on_pulse() {
  const auto live = current_connection();
  if (live && adapts())
    adapter.pulse(all_tracks(), live->stats().get(), videocall::Clock::now());
}

client::OwnState Private::own_state() const {
  client::OwnState own;
  auto* self = const_cast<Private*>(this);
  for (const auto& track : self->all_tracks()) {
    own.video_enabled |= track->kind() == MediaKind::video;
    own.audio_enabled |= track->kind() == MediaKind::audio;
    own.screen_enabled |= track->kind() == MediaKind::screen;
  }
  return own;
}

// -- What the tracks tell
// --------------------------------------------------------

GstFlowReturn Private::on_packet(PacketRef packet) {
  const GstFlowReturn flow = end_flow;
  if (flow != GST_FLOW_OK) return flow;
  if (const auto live = current_connection()) live->push(std::move(packet));
  return GST_FLOW_OK;
}

// A bin whose children are no sinks says itself that it has ended.
void Private::on_eos_changed() {
  {
    const std::lock_guard guard(lock);
    const bool all =
        !tracks.empty() &&
        std::all_of(tracks.begin(), tracks.end(),
                    [](const auto& track) { return track->eos(); });
    if (!all) eos_posted = false;
    if (!all || std::exchange(eos_posted, true)) return;
  }
  gst_element_post_message(element, gst_message_new_eos(GST_OBJECT(element)));
}

// -- Pads
// --------------------------------------------------------------------------

static const PadKind& kind_of(GstPadTemplate* templ) {
  const std::string name = GST_PAD_TEMPLATE_NAME_TEMPLATE(templ);
  return *std::find_if(
      std::begin(kPadKinds), std::end(kPadKinds),
      [&](const PadKind& it) { return name.rfind(it.prefix, 0) == 0; });
}

// The index that |name| asks for, or the lowest that is free; -1: none.
static int choose_index(Private* priv, const PadKind& kind, const gchar* name) {
  const auto taken = [&](guint index) {
    const std::string wanted = kind.prefix + std::to_string(index);
    return std::any_of(
        priv->tracks.begin(), priv->tracks.end(),
        [&](const auto& track) { return track->name() == wanted; });
  };
  const std::lock_guard guard(priv->lock);
  if (name && !g_str_has_suffix(name, "%u")) {
    guint64 index = 0;
    const bool ok =
        g_str_has_prefix(name, kind.prefix) &&
        g_ascii_string_to_unsigned(name + strlen(kind.prefix), 10, 0,
                                   kind.max_index, &index, nullptr) &&
        !taken(static_cast<guint>(index));
    return ok ? static_cast<int>(index) : -1;
  }
  for (guint index = 0; index <= kind.max_index; ++index)
    if (!taken(index)) return static_cast<int>(index);
  return -1;
}

static GstPad* gst_videocall_sink_request_new_pad(GstElement* element,
                                                  GstPadTemplate* templ,
                                                  const gchar* name,
                                                  const GstCaps*) {
  Private* priv = GST_VIDEOCALL_SINK(element)->priv;
  const PadKind& kind = kind_of(templ);
  const int index = choose_index(priv, kind, name);
  if (index < 0) {
    GST_WARNING_OBJECT(element,
                       "no pad %s: a session has one microphone, and at most "
                       "%u layers of its camera and of its screen",
                       name ? name : kind.prefix, limits::kMaxLayer + 1);
    return nullptr;
  }
  std::shared_ptr<PublishedTrack> track = PublishedTrack::create(
      GST_BIN(element), *priv, templ, kind.prefix + std::to_string(index),
      kind.kind, static_cast<unsigned>(index));
  if (!track) return nullptr;
  {
    const std::lock_guard guard(priv->lock);
    track->pacer().set_flushing(priv->flushing);
    track->pacer().set_playing(priv->playing);
    priv->tracks.push_back(track);
  }
  gst_pad_set_active(track->pad(), TRUE);
  gst_element_add_pad(element, track->pad());
  if (const auto live = priv->current_connection()) live->own_state_changed();
  return track->pad();
}

static void gst_videocall_sink_release_pad(GstElement* element, GstPad* pad) {
  Private* priv = GST_VIDEOCALL_SINK(element)->priv;
  std::shared_ptr<PublishedTrack> track;
  {
    const std::lock_guard guard(priv->lock);
    const auto found =
        std::find_if(priv->tracks.begin(), priv->tracks.end(),
                     [pad](const auto& it) { return it->pad() == pad; });
    if (found == priv->tracks.end()) return;
    track = *found;
    priv->tracks.erase(found);
  }
  track->pacer().set_flushing(true);
  gst_pad_set_active(pad, FALSE);
  gst_ghost_pad_set_target(GST_GHOST_PAD(pad), nullptr);
  gst_element_remove_pad(element, pad);
  track.reset();
  if (const auto live = priv->current_connection()) live->own_state_changed();
  priv->on_eos_changed();
}

// -- State
// ---------------------------------------------------------------------------

static void set_pacers(Private* priv, bool flushing, bool playing) {
  const std::lock_guard guard(priv->lock);
  priv->flushing = flushing;
  priv->playing = playing;
  for (const auto& track : priv->tracks) {
    track->pacer().set_playing(playing);
    track->pacer().set_flushing(flushing);
  }
}

static bool start(GstVideocallSink* self) {
  Private* priv = self->priv;
  BinSettings settings;
  {
    const std::lock_guard guard(priv->lock);
    settings = priv->settings;
    priv->eos_posted = false;
  }
  auto connection =
      videocall::gst::acquire_connection(GST_ELEMENT(self), settings, false);
  if (!connection) return false;
  priv->end_flow = GST_FLOW_OK;
  {
    const std::lock_guard guard(priv->lock);
    priv->connection = connection;
  }
  set_pacers(priv, false, false);
  return true;
}

// Nobody calls us any more when this returns.
static void stop(GstVideocallSink* self) {
  Private* priv = self->priv;
  std::shared_ptr<Connection> connection;
  {
    const std::lock_guard guard(priv->lock);
    connection.swap(priv->connection);
  }
  if (connection) connection->remove(priv);
  priv->adapter.release();
}

static GstStateChangeReturn gst_videocall_sink_change_state(
    GstElement* element, GstStateChange transition) {
  GstVideocallSink* self = GST_VIDEOCALL_SINK(element);
  Private* priv = self->priv;
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !start(self))
    return GST_STATE_CHANGE_FAILURE;
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    set_pacers(priv, true, false);
    stop(self);
  } else if (transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED) {
    set_pacers(priv, false, false);
  }
  const GstStateChangeReturn result =
      GST_ELEMENT_CLASS(parent_class)->change_state(element, transition);
  if (result == GST_STATE_CHANGE_FAILURE) {
    if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) stop(self);
    return result;
  }
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    priv->current_connection()->add(priv);
  else if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING)
    set_pacers(priv, false, true);
  return result;
}

// -- Properties and URI
// ----------------------------------------------------------------

static void gst_videocall_sink_set_property(GObject* object, guint id,
                                            const GValue* value,
                                            GParamSpec* pspec) {
  Private* priv = GST_VIDEOCALL_SINK(object)->priv;
  const std::lock_guard guard(priv->lock);
  if (id == kPropAdapt)
    priv->adapt = g_value_get_boolean(value) != FALSE;
  else if (!priv->settings.set(id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
}

static void gst_videocall_sink_get_property(GObject* object, guint id,
                                            GValue* value, GParamSpec* pspec) {
  Private* priv = GST_VIDEOCALL_SINK(object)->priv;
  if (id == videocall::gst::kPropStats) {
    if (const auto live = priv->current_connection())
      g_value_take_boxed(value, live->stats().release());
    return;
  }
  const std::lock_guard guard(priv->lock);
  if (id == kPropAdapt)
    g_value_set_boolean(value, priv->adapt);
  else if (!priv->settings.get(id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
}

static void uri_handler_init(gpointer iface, gpointer) {
  auto* handler = static_cast<GstURIHandlerInterface*>(iface);
  handler->get_type = [](GType) { return GST_URI_SINK; };
  handler->get_protocols = [](GType) -> const gchar* const* {
    static const gchar* const protocols[] = {"videocall", "videocalls",
                                             nullptr};
    return protocols;
  };
  handler->get_uri = [](GstURIHandler* it) -> gchar* {
    Private* priv = GST_VIDEOCALL_SINK(it)->priv;
    const std::lock_guard guard(priv->lock);
    const std::string uri = priv->settings.uri();
    return uri.empty() ? nullptr : g_strdup(uri.c_str());
  };
  handler->set_uri = [](GstURIHandler* it, const gchar* uri,
                        GError** error) -> gboolean {
    Private* priv = GST_VIDEOCALL_SINK(it)->priv;
    std::string why;
    const std::lock_guard guard(priv->lock);
    if (priv->settings.set_uri(uri, why)) return TRUE;
    g_set_error(error, GST_URI_ERROR, GST_URI_ERROR_BAD_URI, "%s", why.c_str());
    return FALSE;
  };
}

// -- Class
// -----------------------------------------------------------------------------

static void gst_videocall_sink_init(GstVideocallSink* self) {
  self->priv = new Private(GST_ELEMENT(self));
  GST_OBJECT_FLAG_SET(self, GST_ELEMENT_FLAG_SINK);
}

// Children go in dispose of the bin; the tracks must be gone before.
static void gst_videocall_sink_dispose(GObject* object) {
  Private* priv = GST_VIDEOCALL_SINK(object)->priv;
  std::vector<std::shared_ptr<PublishedTrack>> tracks;
  {
    const std::lock_guard guard(priv->lock);
    tracks.swap(priv->tracks);
  }
  for (const auto& track : tracks)
    gst_ghost_pad_set_target(GST_GHOST_PAD(track->pad()), nullptr);
  tracks.clear();
  G_OBJECT_CLASS(parent_class)->dispose(object);
}

static void gst_videocall_sink_finalize(GObject* object) {
  delete GST_VIDEOCALL_SINK(object)->priv;
  G_OBJECT_CLASS(parent_class)->finalize(object);
}

static void gst_videocall_sink_class_init(GstVideocallSinkClass* klass) {
  auto* gobject_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  videocall::gst::init_bins_debug();
  gobject_class->set_property = gst_videocall_sink_set_property;
  gobject_class->get_property = gst_videocall_sink_get_property;
  gobject_class->dispose = gst_videocall_sink_dispose;
  gobject_class->finalize = gst_videocall_sink_finalize;
  videocall::gst::install_bin_properties(gobject_class);
  g_object_class_install_property(
      gobject_class, kPropAdapt,
      g_param_spec_boolean(
          "adapt", "Adapt",
          "Stop the encoders of layers that nobody looks at, and lower the "
          "bitrate of the others to what the way to the server takes; what "
          "they are set to is the most they get",
          TRUE,
          static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                   GST_PARAM_MUTABLE_PLAYING)));
  element_class->change_state = gst_videocall_sink_change_state;
  element_class->request_new_pad = gst_videocall_sink_request_new_pad;
  element_class->release_pad = gst_videocall_sink_release_pad;
  for (auto* pad_template :
       {&video_template, &audio_template, &screen_template})
    gst_element_class_add_static_pad_template(element_class, pad_template);
  gst_element_class_set_static_metadata(
      element_class, "videocall sink", "Sink/Network",
      "Joins a meeting and publishes video, audio and screens",
      "The videocall authors");
}
