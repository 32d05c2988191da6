// SPDX-License-Identifier: MIT
#include "plugins/videocall/publishedtrack.h"

#include <gst/video/video.h>

#include "plugins/common/gstvideocallpacketmeta.h"

GST_DEBUG_CATEGORY_EXTERN(gst_videocall_bins_debug);
#define GST_CAT_DEFAULT gst_videocall_bins_debug

namespace videocall::gst {
namespace {

// Which parser makes what videocallpay takes.
struct Parser {
  const char* caps;
  const char* factory;
};
constexpr Parser kParsers[] = {
    {"video/x-h264", "h264parse"},
    {"video/x-vp9", "vp9parse"},
    {"video/x-av1", "av1parse"},
};

const char* name_of(MediaKind kind) {
  switch (kind) {
    case MediaKind::audio:
      return "audio";
    case MediaKind::screen:
      return "screen";
    default:
      return "video";
  }
}

PublishedTrack& track_of(GstPad* pad) {
  return *static_cast<PublishedTrack*>(gst_pad_get_element_private(pad));
}

}  // namespace

std::unique_ptr<PublishedTrack> PublishedTrack::create(
    GstBin* bin, TrackOwner& owner, GstPadTemplate* templ,
    const std::string& name, MediaKind kind, unsigned layer) {
  std::unique_ptr<PublishedTrack> track(
      new PublishedTrack(bin, owner, name, kind, layer));
  if (!track->build(templ)) return nullptr;
  return track;
}

bool PublishedTrack::build(GstPadTemplate* templ) {
  gst_segment_init(&segment_, GST_FORMAT_UNDEFINED);
  pay_ = gst_element_factory_make("videocallpay", nullptr);
  if (!pay_) return false;
  gst_util_set_object_arg(G_OBJECT(pay_), "kind", name_of(kind_));
  g_object_set(pay_, "layer", layer_, nullptr);
  gst_bin_add(bin_, pay_);

  packets_.reset(
      GST_PAD(gst_object_ref_sink(gst_pad_new("packets", GST_PAD_SINK))));
  gst_pad_set_element_private(packets_.get(), this);
  gst_pad_set_chain_function(packets_.get(), packets_chain);
  gst_pad_set_event_function(packets_.get(), packets_event);
  gst_pad_set_active(packets_.get(), TRUE);
  const ObjectPtr<GstPad> out(gst_element_get_static_pad(pay_, "src"));
  if (gst_pad_link(out.get(), packets_.get()) != GST_PAD_LINK_OK) return false;

  // What stands behind it is known when the caps come.
  ghost_ = gst_ghost_pad_new_no_target_from_template(name_.c_str(), templ);
  gst_pad_set_element_private(ghost_, this);
  gst_pad_set_event_function(ghost_, ghost_event);
  gst_pad_set_query_function(ghost_, ghost_query);
  return gst_element_sync_state_with_parent(pay_);
}

PublishedTrack::~PublishedTrack() {
  if (packets_) gst_pad_set_active(packets_.get(), FALSE);
  remove(parser_);
  remove(pay_);
}

void PublishedTrack::remove(GstElement*& element) {
  if (!element) return;
  gst_element_set_locked_state(element, TRUE);
  gst_element_set_state(element, GST_STATE_NULL);
  gst_bin_remove(bin_, element);
  element = nullptr;
}

ObjectPtr<GstPad> PublishedTrack::packet_pad() const {
  return ObjectPtr<GstPad>(gst_element_get_static_pad(pay_, "src"));
}

// -- What stands behind the pad
// --------------------------------------------------

bool PublishedTrack::choose_target(const GstCaps* caps) {
  const ObjectPtr<GstPad> target(
      gst_ghost_pad_get_target(GST_GHOST_PAD(ghost_)));
  if (target) {
    const CapsPtr takes(gst_pad_get_pad_template_caps(target.get()));
    if (gst_caps_is_subset(caps, takes.get())) return true;
    gst_ghost_pad_set_target(GST_GHOST_PAD(ghost_), nullptr);
    remove(parser_);
  }
  GstElement* first = pay_;
  const ObjectPtr<GstPad> pay_sink(gst_element_get_static_pad(pay_, "sink"));
  const CapsPtr takes(gst_pad_get_pad_template_caps(pay_sink.get()));
  if (!gst_caps_is_subset(caps, takes.get())) first = add_parser(caps);
  if (!first) return false;
  const ObjectPtr<GstPad> sink(gst_element_get_static_pad(first, "sink"));
  return gst_ghost_pad_set_target(GST_GHOST_PAD(ghost_), sink.get());
}

GstElement* PublishedTrack::add_parser(const GstCaps* caps) {
  const GstStructure* structure = gst_caps_get_structure(caps, 0);
  const char* factory = nullptr;
  for (const Parser& parser : kParsers)
    if (gst_structure_has_name(structure, parser.caps))
      factory = parser.factory;
  if (!factory) {
    GST_ELEMENT_ERROR(bin_, STREAM, WRONG_TYPE,
                      ("Only VP8, VP9, AV1, H.264 and Opus can be sent."),
                      ("caps %" GST_PTR_FORMAT, caps));
    return nullptr;
  }
  parser_ = gst_element_factory_make(factory, nullptr);
  if (!parser_) {
    GST_ELEMENT_ERROR(bin_, CORE, MISSING_PLUGIN,
                      ("The stream needs %s, which is not installed.", factory),
                      ("caps %" GST_PTR_FORMAT, caps));
    return nullptr;
  }
  gst_bin_add(bin_, parser_);
  if (!gst_element_link(parser_, pay_) ||
      !gst_element_sync_state_with_parent(parser_))
    return nullptr;
  GST_INFO_OBJECT(bin_, "%s goes through %s", name_.c_str(), factory);
  return parser_;
}

gboolean PublishedTrack::ghost_event(GstPad* pad, GstObject* parent,
                                     GstEvent* event) {
  if (GST_EVENT_TYPE(event) == GST_EVENT_CAPS) {
    GstCaps* caps = nullptr;
    gst_event_parse_caps(event, &caps);
    if (!track_of(pad).choose_target(caps)) {
      gst_event_unref(event);
      return FALSE;
    }
  }
  return gst_pad_event_default(pad, parent, event);
}

// What the pad takes does not depend on what stands behind it.
gboolean PublishedTrack::ghost_query(GstPad* pad, GstObject* parent,
                                     GstQuery* query) {
  const CapsPtr takes(gst_pad_get_pad_template_caps(pad));
  if (GST_QUERY_TYPE(query) == GST_QUERY_CAPS) {
    GstCaps* filter = nullptr;
    gst_query_parse_caps(query, &filter);
    const CapsPtr result(filter
                             ? gst_caps_intersect_full(filter, takes.get(),
                                                       GST_CAPS_INTERSECT_FIRST)
                             : gst_caps_ref(takes.get()));
    gst_query_set_caps_result(query, result.get());
    return TRUE;
  }
  if (GST_QUERY_TYPE(query) == GST_QUERY_ACCEPT_CAPS) {
    GstCaps* caps = nullptr;
    gst_query_parse_accept_caps(query, &caps);
    gst_query_set_accept_caps_result(query,
                                     gst_caps_is_subset(caps, takes.get()));
    return TRUE;
  }
  return gst_pad_query_default(pad, parent, query);
}

// -- Packets
// -----------------------------------------------------------------------

GstFlowReturn PublishedTrack::packets_chain(GstPad* pad, GstObject*,
                                            GstBuffer* buffer) {
  return track_of(pad).chain(buffer);
}

gboolean PublishedTrack::packets_event(GstPad* pad, GstObject*,
                                       GstEvent* event) {
  track_of(pad).on_event(event);
  gst_event_unref(event);
  return TRUE;
}

GstFlowReturn PublishedTrack::chain(GstBuffer* buffer) {
  const BufferPtr owned(buffer);
  const GstClockTime time = GST_BUFFER_DTS_OR_PTS(buffer);
  const GstClockTime running =
      segment_.format == GST_FORMAT_TIME
          ? gst_segment_to_running_time(&segment_, GST_FORMAT_TIME, time)
          : GST_CLOCK_TIME_NONE;
  if (!pacer_.wait(GST_ELEMENT(bin_), running)) return GST_FLOW_FLUSHING;
  PacketRef packet = gst_videocall_buffer_get_packet(buffer);
  return packet ? owner_.on_packet(std::move(packet)) : GST_FLOW_OK;
}

void PublishedTrack::on_event(GstEvent* event) {
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_SEGMENT:
      gst_event_copy_segment(event, &segment_);
      break;
    case GST_EVENT_FLUSH_START:
      pacer_.set_flushing(true);
      break;
    case GST_EVENT_FLUSH_STOP:
      pacer_.set_flushing(false);
      gst_segment_init(&segment_, GST_FORMAT_UNDEFINED);
      [[fallthrough]];
    case GST_EVENT_STREAM_START:
      eos_ = false;
      owner_.on_eos_changed();
      break;
    case GST_EVENT_EOS:
      eos_ = true;
      owner_.on_eos_changed();
      break;
    default:
      break;
  }
}

}  // namespace videocall::gst
