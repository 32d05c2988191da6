// SPDX-License-Identifier: MIT
/**
 * SECTION:element-videocallsrc
 * @title: videocallsrc
 * @see_also: videocallsink
 *
 * Joins a meeting and receives: a pad for each track of each member, added when
 * its first frame comes and removed when the member leaves. What nobody links
 * is discarded. See docs/elements/videocallsrc.md.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 videocallsrc location=http://localhost:8080 meeting=demo
 * user=eye ! decodebin ! videoconvert ! autovideosink
 * ]|
 */
#include "plugins/videocall/gstvideocallsrc.h"

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "plugins/videocall/bincommon.h"
#include "plugins/videocall/remotesession.h"

GST_DEBUG_CATEGORY_EXTERN(gst_videocall_bins_debug);
#define GST_CAT_DEFAULT gst_videocall_bins_debug

using videocall::MediaKind;
using videocall::PacketRef;
using videocall::Time;
using videocall::gst::BinSettings;
using videocall::gst::Connection;
using videocall::gst::RemoteSession;
namespace client = videocall::client;

#define VIDEO_CAPS                                    \
  "video/x-vp8; video/x-vp9; "                        \
  "video/x-av1, stream-format=(string)obu-stream, "   \
  "alignment=(string)tu; "                            \
  "video/x-h264, stream-format=(string)byte-stream, " \
  "alignment=(string)au"
static GstStaticPadTemplate video_template = GST_STATIC_PAD_TEMPLATE(
    "video_%u", GST_PAD_SRC, GST_PAD_SOMETIMES, GST_STATIC_CAPS(VIDEO_CAPS));
static GstStaticPadTemplate audio_template = GST_STATIC_PAD_TEMPLATE(
    "audio_%u", GST_PAD_SRC, GST_PAD_SOMETIMES,
    GST_STATIC_CAPS("audio/x-opus, rate=(int)48000, channels=(int)2, "
                    "channel-mapping-family=(int)0"));
static GstStaticPadTemplate screen_template = GST_STATIC_PAD_TEMPLATE(
    "screen_%u", GST_PAD_SRC, GST_PAD_SOMETIMES, GST_STATIC_CAPS(VIDEO_CAPS));

namespace {

constexpr guint kDefaultLatencyMs = 100;
constexpr guint kMaxLatencyMs = 10'000;
// Media of a member who has left may still be on its way.
constexpr auto kLeftSilence = std::chrono::seconds(3);
constexpr size_t kMaxSessions = 1'000;

constexpr guint kPropLatency = videocall::gst::kOwnBinProperties;

struct Private final : videocall::gst::ConnectionUser {
  explicit Private(GstElement* element) : element(element) {}

  GstElement* const element;

  std::mutex lock;  // guards what follows; not held while anything is called
  BinSettings settings;
  guint latency_ms = kDefaultLatencyMs;
  std::shared_ptr<Connection> connection;  // from PAUSED on
  std::map<uint64_t, std::shared_ptr<RemoteSession>> sessions;
  std::vector<std::shared_ptr<RemoteSession>> leaving;  // being removed
  std::map<uint64_t, client::Member> members;
  std::map<uint64_t, Time> left;  // until when their media is dropped
  bool running = false;
  bool over = false;  // the tracks play out what they have and end

  std::shared_ptr<Connection> current_connection() {
    const std::lock_guard guard(lock);
    return connection;
  }
  std::vector<std::shared_ptr<RemoteSession>> all_sessions() {
    const std::lock_guard guard(lock);
    std::vector<std::shared_ptr<RemoteSession>> all;
    for (const auto& [id, session] : sessions) all.push_back(session);
    return all;
  }
  std::shared_ptr<RemoteSession> session_of(const PacketRef& packet);

  // -- ConnectionUser
  void on_state(const client::StateChange& change) override;
  void on_media(const PacketRef& packet) override;
  void on_keyframe_wanted(MediaKind, unsigned) override {}
  void on_tick() override;
  client::OwnState own_state() const override { return {}; }
  void on_member_joined(const client::Member& member) override;
  void on_member_changed(const client::Member& member) override;
  void on_member_left(const client::Member& member,
                      const std::string& reason) override;
};

}  // namespace

struct _GstVideocallSrc {
  GstBin parent;
  Private* priv;
};

static void uri_handler_init(gpointer iface, gpointer data);

#define gst_videocall_src_parent_class parent_class
G_DEFINE_TYPE_WITH_CODE(GstVideocallSrc, gst_videocall_src, GST_TYPE_BIN,
                        G_IMPLEMENT_INTERFACE(GST_TYPE_URI_HANDLER,
                                              uri_handler_init))
GST_ELEMENT_REGISTER_DEFINE(videocallsrc, "videocallsrc", GST_RANK_NONE,
                            GST_TYPE_VIDEOCALL_SRC)

// -- Media
// ---------------------------------------------------------------------

// The session that |packet| is of, made on its first packet. Only the
// transport's streaming thread comes here.
std::shared_ptr<RemoteSession> Private::session_of(const PacketRef& packet) {
  const auto& fields = packet->fields();
  const uint64_t id = fields.session_id;
  RemoteSession::Description description;
  {
    const std::lock_guard guard(lock);
    if (!running || id == 0) return nullptr;
    if (const auto found = sessions.find(id); found != sessions.end())
      return found->second;
    if (const auto gone = left.find(id); gone != left.end()) {
      if (videocall::Clock::now() < gone->second) return nullptr;
      left.erase(gone);
    }
    if (sessions.size() >= kMaxSessions) return nullptr;
    description.meeting = settings.meeting;
    description.latency_ms = latency_ms;
    description.member.session_id = id;
    description.member.user_id = {
        reinterpret_cast<const char*>(fields.user_id.data()),
        fields.user_id.size()};
    if (const auto member = members.find(id); member != members.end())
      description.member = member->second;
  }
  auto session = RemoteSession::create(GST_BIN(element), description,
                                       current_connection());
  const std::lock_guard guard(lock);
  if (!session || !running) return nullptr;
  sessions[id] = session;
  return session;
}

void Private::on_media(const PacketRef& packet) {
  if (const auto session = session_of(packet)) session->push(packet);
}

// -- Members and states
// ----------------------------------------------------------

void Private::on_state(const client::StateChange& change) {
  videocall::gst::post_state(element, change);
  const bool over = change.state == client::State::refused ||
                    change.state == client::State::ended;
  if (!over) return;
  {
    const std::lock_guard guard(lock);
    this->over = true;
  }
  if (videocall::gst::post_end(element, change))
    for (const auto& session : all_sessions()) session->end();
}

void Private::on_member_joined(const client::Member& member) {
  {
    const std::lock_guard guard(lock);
    members[member.session_id] = member;
    left.erase(member.session_id);
  }
  videocall::gst::post_peer_joined(element, member);
}

void Private::on_member_changed(const client::Member& member) {
  std::shared_ptr<RemoteSession> session;
  {
    const std::lock_guard guard(lock);
    members[member.session_id] = member;
    const auto found = sessions.find(member.session_id);
    if (found != sessions.end()) session = found->second;
  }
  if (session) session->set_member(member);
}

void Private::on_member_left(const client::Member& member,
                             const std::string& reason) {
  std::shared_ptr<RemoteSession> session;
  {
    const std::lock_guard guard(lock);
    members.erase(member.session_id);
    const Time now = videocall::Clock::now();
    std::erase_if(left, [now](const auto& it) { return it.second <= now; });
    left[member.session_id] = now + kLeftSilence;
    const auto found = sessions.find(member.session_id);
    if (found != sessions.end() && !over) {
      session = std::move(found->second);
      sessions.erase(found);
      std::erase_if(leaving, [](const auto& it) { return it->removed(); });
      leaving.push_back(session);
    }
  }
  videocall::gst::post_peer_left(element, member, reason);
  if (session) session->remove_later();
}

void Private::on_tick() {
  for (const auto& session : all_sessions()) session->post_stats();
}

// -- State
// ---------------------------------------------------------------------------

static bool start(GstVideocallSrc* self) {
  Private* priv = self->priv;
  BinSettings settings;
  {
    const std::lock_guard guard(priv->lock);
    settings = priv->settings;
  }
  auto connection =
      videocall::gst::acquire_connection(GST_ELEMENT(self), settings, true);
  if (!connection) return false;
  const std::lock_guard guard(priv->lock);
  priv->connection = connection;
  priv->running = true;
  priv->over = false;
  return true;
}

// Nobody calls us any more when this returns.
static void stop(GstVideocallSrc* self) {
  Private* priv = self->priv;
  std::shared_ptr<Connection> connection;
  {
    const std::lock_guard guard(priv->lock);
    connection.swap(priv->connection);
    priv->running = false;
  }
  if (connection) connection->remove(priv);
}

static void remove_sessions(Private* priv) {
  std::map<uint64_t, std::shared_ptr<RemoteSession>> sessions;
  std::vector<std::shared_ptr<RemoteSession>> leaving;
  {
    const std::lock_guard guard(priv->lock);
    sessions.swap(priv->sessions);
    leaving.swap(priv->leaving);
    priv->members.clear();
    priv->left.clear();
  }
  for (const auto& [id, session] : sessions) session->remove();
  for (const auto& session : leaving) session->remove();
}

static GstStateChangeReturn gst_videocall_src_change_state(
    GstElement* element, GstStateChange transition) {
  GstVideocallSrc* self = GST_VIDEOCALL_SRC(element);
  Private* priv = self->priv;
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !start(self))
    return GST_STATE_CHANGE_FAILURE;
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) stop(self);
  const GstStateChangeReturn result =
      GST_ELEMENT_CLASS(parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) remove_sessions(priv);
  if (result == GST_STATE_CHANGE_FAILURE) {
    if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) stop(self);
    return result;
  }
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    priv->current_connection()->add(priv);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED ||
      transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED)
    return GST_STATE_CHANGE_NO_PREROLL;  // a live source
  return result;
}

// -- Properties and URI
// ----------------------------------------------------------------

static void set_latency(Private* priv, guint latency_ms) {
  {
    const std::lock_guard guard(priv->lock);
    priv->latency_ms = latency_ms;
  }
  for (const auto& session : priv->all_sessions())
    session->set_latency(latency_ms);
}

static void gst_videocall_src_set_property(GObject* object, guint id,
                                           const GValue* value,
                                           GParamSpec* pspec) {
  Private* priv = GST_VIDEOCALL_SRC(object)->priv;
  if (id == kPropLatency) {
    set_latency(priv, g_value_get_uint(value));
    return;
  }
  const std::lock_guard guard(priv->lock);
  if (!priv->settings.set(id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
}

static void gst_videocall_src_get_property(GObject* object, guint id,
                                           GValue* value, GParamSpec* pspec) {
  Private* priv = GST_VIDEOCALL_SRC(object)->priv;
  if (id == videocall::gst::kPropStats) {
    if (const auto live = priv->current_connection())
      g_value_take_boxed(value, live->stats().release());
    return;
  }
  const std::lock_guard guard(priv->lock);
  if (id == kPropLatency)
    g_value_set_uint(value, priv->latency_ms);
  else if (!priv->settings.get(id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
}

static void uri_handler_init(gpointer iface, gpointer) {
  auto* handler = static_cast<GstURIHandlerInterface*>(iface);
  handler->get_type = [](GType) { return GST_URI_SRC; };
  handler->get_protocols = [](GType) -> const gchar* const* {
    static const gchar* const protocols[] = {"videocall", "videocalls",
                                             nullptr};
    return protocols;
  };
  handler->get_uri = [](GstURIHandler* it) -> gchar* {
    Private* priv = GST_VIDEOCALL_SRC(it)->priv;
    const std::lock_guard guard(priv->lock);
    const std::string uri = priv->settings.uri();
    return uri.empty() ? nullptr : g_strdup(uri.c_str());
  };
  handler->set_uri = [](GstURIHandler* it, const gchar* uri,
                        GError** error) -> gboolean {
    Private* priv = GST_VIDEOCALL_SRC(it)->priv;
    std::string why;
    const std::lock_guard guard(priv->lock);
    if (priv->settings.set_uri(uri, why)) return TRUE;
    g_set_error(error, GST_URI_ERROR, GST_URI_ERROR_BAD_URI, "%s", why.c_str());
    return FALSE;
  };
}

// -- Class
// -----------------------------------------------------------------------------

static void gst_videocall_src_init(GstVideocallSrc* self) {
  self->priv = new Private(GST_ELEMENT(self));
  GST_OBJECT_FLAG_SET(self, GST_ELEMENT_FLAG_SOURCE);
}

static void gst_videocall_src_finalize(GObject* object) {
  delete GST_VIDEOCALL_SRC(object)->priv;
  G_OBJECT_CLASS(parent_class)->finalize(object);
}

static void gst_videocall_src_class_init(GstVideocallSrcClass* klass) {
  auto* gobject_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  videocall::gst::init_bins_debug();
  gobject_class->set_property = gst_videocall_src_set_property;
  gobject_class->get_property = gst_videocall_src_get_property;
  gobject_class->finalize = gst_videocall_src_finalize;
  videocall::gst::install_bin_properties(gobject_class);
  g_object_class_install_property(
      gobject_class, kPropLatency,
      g_param_spec_uint(
          "latency", "Latency",
          "How long a frame may be waited for, in milliseconds "
          "(0 = frames come out as they come)",
          0, kMaxLatencyMs, kDefaultLatencyMs,
          static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                   GST_PARAM_MUTABLE_PLAYING)));
  element_class->change_state = gst_videocall_src_change_state;
  for (auto* pad_template :
       {&video_template, &audio_template, &screen_template})
    gst_element_class_add_static_pad_template(element_class, pad_template);
  gst_element_class_set_static_metadata(
      element_class, "videocall source", "Source/Network",
      "Joins a meeting and receives the video, audio and screens of its "
      "members",
      "The videocall authors");
}
