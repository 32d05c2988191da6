// SPDX-License-Identifier: MIT
#include "plugins/videocall/remotesession.h"

#include "plugins/common/gstvideocallpacketmeta.h"
#include "plugins/payload/keyframerequest.h"

GST_DEBUG_CATEGORY_EXTERN(gst_videocall_bins_debug);
#define GST_CAT_DEFAULT gst_videocall_bins_debug

namespace videocall::gst {
namespace {

// A member's sound usually comes before its picture. Who links the first pad
// that comes (gst-launch-1.0 videocallsrc ! decodebin ! …) wants the picture.
constexpr auto kPictureFirst = std::chrono::milliseconds(1'000);

gboolean copy_sticky(GstPad*, GstEvent** event, gpointer ghost) {
  gst_pad_store_sticky_event(GST_PAD(ghost), *event);
  return TRUE;
}

}  // namespace

std::shared_ptr<RemoteSession> RemoteSession::create(
    GstBin* bin, const Description& description,
    std::shared_ptr<Connection> connection) {
  std::shared_ptr<RemoteSession> session(
      new RemoteSession(bin, description, std::move(connection)));
  if (!session->build(description.latency_ms)) return nullptr;
  return session;
}

RemoteSession::RemoteSession(GstBin* bin, const Description& description,
                             std::shared_ptr<Connection> connection)
    : bin_(bin),
      meeting_(description.meeting),
      id_(description.member.session_id),
      connection_(std::move(connection)),
      created_(Clock::now()),
      member_(description.member) {}

RemoteSession::~RemoteSession() {
  if (feed_) gst_pad_set_active(feed_.get(), FALSE);
}

bool RemoteSession::build(guint latency_ms) {
  GstElement* depay = gst_element_factory_make("videocalldepay", nullptr);
  if (!depay) {
    GST_ELEMENT_ERROR(bin_, CORE, MISSING_PLUGIN,
                      ("The element videocalldepay is missing."), (nullptr));
    return false;
  }
  depay_.reset(GST_ELEMENT(gst_object_ref_sink(depay)));
  g_object_set(depay, "latency", latency_ms, nullptr);
  // The depayloader is gone, or in NULL, before this is.
  g_signal_connect(depay, "pad-added",
                   G_CALLBACK(+[](GstElement*, GstPad* pad, gpointer data) {
                     static_cast<RemoteSession*>(data)->on_pad_added(pad);
                   }),
                   this);
  g_signal_connect(depay, "pad-removed",
                   G_CALLBACK(+[](GstElement*, GstPad* pad, gpointer data) {
                     static_cast<RemoteSession*>(data)->on_pad_removed(pad);
                   }),
                   this);
  feed_.reset(GST_PAD(gst_object_ref_sink(gst_pad_new("feed", GST_PAD_SRC))));
  gst_pad_set_element_private(feed_.get(), this);
  gst_pad_set_event_function(feed_.get(), feed_event);
  gst_pad_set_query_function(feed_.get(), feed_query);
  gst_pad_set_active(feed_.get(), TRUE);
  const ObjectPtr<GstPad> sink(gst_element_get_static_pad(depay, "sink"));
  if (!gst_bin_add(bin_, depay) ||
      gst_pad_link(feed_.get(), sink.get()) != GST_PAD_LINK_OK)
    return false;
  gst_element_sync_state_with_parent(depay);

  const std::string stream_id = "videocall/" + meeting_ + "/" +
                                member_.user_id + "/" + std::to_string(id_);
  gst_pad_push_event(feed_.get(),
                     gst_event_new_stream_start(stream_id.c_str()));
  const CapsPtr caps(gst_caps_from_string(GST_VIDEOCALL_PACKET_CAPS));
  gst_pad_push_event(feed_.get(), gst_event_new_caps(caps.get()));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_pad_push_event(feed_.get(), gst_event_new_segment(&segment));
  return true;
}

void RemoteSession::push(const PacketRef& packet) {
  add_held_back();
  gst_pad_push(feed_.get(), gst_videocall_packet_buffer_new(packet));
}

void RemoteSession::end() {
  gst_pad_push_event(feed_.get(), gst_event_new_eos());
}

void RemoteSession::remove() {
  const std::lock_guard removing(remove_lock_);
  if (removed_) return;
  {
    const std::lock_guard guard(lock_);
    held_back_.reset();
  }
  GST_DEBUG_OBJECT(bin_, "session %" G_GUINT64_FORMAT " is removed",
                   guint64{id_});
  gst_element_set_locked_state(depay_.get(), TRUE);
  gst_element_set_state(depay_.get(), GST_STATE_NULL);
  gst_pad_set_active(feed_.get(), FALSE);
  g_signal_handlers_disconnect_by_data(depay_.get(), this);
  gst_bin_remove(bin_, depay_.get());
  removed_ = true;
}

// A track may be blocked in a paused sink: nobody else waits for that.
void RemoteSession::remove_later() {
  auto* holder = new std::shared_ptr<RemoteSession>(shared_from_this());
  gst_element_call_async(
      GST_ELEMENT(bin_),
      [](GstElement*, gpointer data) {
        (*static_cast<std::shared_ptr<RemoteSession>*>(data))->remove();
      },
      holder,
      [](gpointer data) {
        delete static_cast<std::shared_ptr<RemoteSession>*>(data);
      });
}

// -- Pads
// ------------------------------------------------------------------------

void RemoteSession::on_pad_added(GstPad* pad) {
  const std::string name = GST_PAD_NAME(pad);
  if (name == "audio" && holds_back()) {
    const std::lock_guard guard(lock_);
    held_back_.reset(GST_PAD(gst_object_ref(pad)));
    return;
  }
  add_ghost(pad);
  if (name == "audio") return;
  {
    const std::lock_guard guard(lock_);
    has_picture_ = true;
  }
  add_held_back();
}

bool RemoteSession::holds_back() {
  const std::lock_guard guard(lock_);
  // Sound of somebody whose microphone is off: the word about both is late.
  const bool may_have_picture =
      member_.video_enabled || member_.screen_enabled || !member_.audio_enabled;
  return !has_picture_ && may_have_picture &&
         Clock::now() - created_ < kPictureFirst;
}

void RemoteSession::add_held_back() {
  ObjectPtr<GstPad> pad;
  {
    const std::lock_guard guard(lock_);
    if (!held_back_) return;
    if (!has_picture_ && Clock::now() - created_ < kPictureFirst) return;
    pad = std::move(held_back_);
  }
  add_ghost(pad.get());
}

GstEvent* RemoteSession::tags() {
  client::Member member;
  {
    const std::lock_guard guard(lock_);
    member = member_;
  }
  GstTagList* list = gst_tag_list_new_empty();
  gst_tag_list_set_scope(list, GST_TAG_SCOPE_STREAM);
  const std::string& title =
      member.display_name.empty() ? member.user_id : member.display_name;
  if (!title.empty())
    gst_tag_list_add(list, GST_TAG_MERGE_REPLACE, GST_TAG_TITLE, title.c_str(),
                     nullptr);
  if (!member.user_id.empty())
    gst_tag_list_add(list, GST_TAG_MERGE_REPLACE, GST_TAG_ARTIST,
                     member.user_id.c_str(), nullptr);
  const std::string session = "session-id=" + std::to_string(id_);
  gst_tag_list_add(list, GST_TAG_MERGE_REPLACE, GST_TAG_EXTENDED_COMMENT,
                   session.c_str(), nullptr);
  return gst_event_new_tag(list);
}

void RemoteSession::add_ghost(GstPad* pad) {
  const std::string track = GST_PAD_NAME(pad);
  const std::string name = track + "_" + std::to_string(id_);
  GstPadTemplate* templ = gst_element_class_get_pad_template(
      GST_ELEMENT_GET_CLASS(bin_), (track + "_%u").c_str());
  gst_pad_push_event(pad, tags());
  GstPad* ghost = gst_ghost_pad_new_from_template(name.c_str(), pad, templ);
  gst_pad_set_active(ghost, TRUE);
  gst_pad_sticky_events_foreach(pad, copy_sticky, ghost);
  if (!gst_element_add_pad(GST_ELEMENT(bin_), ghost)) {
    GST_WARNING_OBJECT(bin_, "%s is there already", name.c_str());
    return;
  }
  gst_element_post_message(GST_ELEMENT(bin_),
                           gst_message_new_latency(GST_OBJECT(bin_)));
}

void RemoteSession::on_pad_removed(GstPad* pad) {
  const std::string name =
      std::string(GST_PAD_NAME(pad)) + "_" + std::to_string(id_);
  {
    const std::lock_guard guard(lock_);
    if (held_back_.get() == pad) held_back_.reset();
  }
  const ObjectPtr<GstPad> ghost(
      gst_element_get_static_pad(GST_ELEMENT(bin_), name.c_str()));
  if (!ghost) return;
  gst_pad_set_active(ghost.get(), FALSE);
  gst_element_remove_pad(GST_ELEMENT(bin_), ghost.get());
}

// -- The pad that feeds the depayloader
// ---------------------------------------------

gboolean RemoteSession::feed_event(GstPad* pad, GstObject*, GstEvent* event) {
  auto* self = static_cast<RemoteSession*>(gst_pad_get_element_private(pad));
  if (const auto wish = parse_keyframe_request(event))
    self->connection_->request_keyframe(wish->session_id, wish->kind,
                                        wish->layer);
  gst_event_unref(event);
  return TRUE;
}

// Packets are live, and no wait is added here; no answer says so.
gboolean RemoteSession::feed_query(GstPad* pad, GstObject* parent,
                                   GstQuery* query) {
  if (GST_QUERY_TYPE(query) == GST_QUERY_LATENCY) return FALSE;
  return gst_pad_query_default(pad, parent, query);
}

// -- The rest
// --------------------------------------------------------------------------

void RemoteSession::set_member(const client::Member& member) {
  const std::lock_guard guard(lock_);
  member_ = member;
}

void RemoteSession::set_latency(guint latency_ms) {
  g_object_set(depay_.get(), "latency", latency_ms, nullptr);
}

void RemoteSession::post_stats() {
  GstStructure* raw = nullptr;
  g_object_get(depay_.get(), "stats", &raw, nullptr);
  const StructurePtr stats(raw);
  if (!stats) return;
  client::Member member;
  {
    const std::lock_guard guard(lock_);
    member = member_;
  }
  GstStructure* message = gst_structure_new(
      "videocall-peer-stats", "session-id", G_TYPE_UINT64, guint64{id_},
      "user-id", G_TYPE_STRING, member.user_id.c_str(), "stats",
      GST_TYPE_STRUCTURE, stats.get(), nullptr);
  gst_element_post_message(GST_ELEMENT(bin_),
                           gst_message_new_element(GST_OBJECT(bin_), message));
}

}  // namespace videocall::gst
