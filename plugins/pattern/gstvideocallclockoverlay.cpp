// SPDX-License-Identifier: MIT
#include "plugins/pattern/gstvideocallclockoverlay.h"

#include <atomic>
#include <cstring>

#include "libvideocall/media/clock_code.h"

GST_DEBUG_CATEGORY_STATIC(gst_videocall_clock_overlay_debug);
#define GST_CAT_DEFAULT gst_videocall_clock_overlay_debug

using videocall::ClockCode;

namespace {

enum GstVideocallClock {
  GST_VIDEOCALL_CLOCK_REALTIME,
  GST_VIDEOCALL_CLOCK_MONOTONIC,
};
constexpr GstVideocallClock kDefaultClock = GST_VIDEOCALL_CLOCK_REALTIME;
constexpr guint8 kNeutralChroma = 128;

enum Property { PROP_0, PROP_CLOCK, PROP_FRAMES };

struct Private {
  std::atomic<GstVideocallClock> clock{kDefaultClock};
  std::atomic<guint> frames{0};  // drawn since the start
};

}  // namespace

struct _GstVideocallClockOverlay {
  GstVideoFilter parent;
  Private* priv;
};

// Eight bits per sample, so that a byte is a sample wherever it lies.
#define FORMATS                                                          \
  "{ I420, YV12, NV12, NV21, Y42B, Y444, YUY2, UYVY, AYUV, GRAY8, RGB, " \
  "BGR, RGBx, BGRx, xRGB, xBGR, RGBA, BGRA, ARGB, ABGR }"
static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS,
                            GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE(FORMATS)));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS,
                            GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE(FORMATS)));

#define gst_videocall_clock_overlay_parent_class parent_class
G_DEFINE_TYPE_WITH_CODE(
    GstVideocallClockOverlay, gst_videocall_clock_overlay,
    GST_TYPE_VIDEO_FILTER,
    GST_DEBUG_CATEGORY_INIT(gst_videocall_clock_overlay_debug,
                            "videocallclockoverlay", 0,
                            "videocall machine-readable clock"))
GST_ELEMENT_REGISTER_DEFINE(videocallclockoverlay, "videocallclockoverlay",
                            GST_RANK_NONE, GST_TYPE_VIDEOCALL_CLOCK_OVERLAY)

static GType gst_videocall_clock_get_type() {
  static const GEnumValue values[] = {
      {GST_VIDEOCALL_CLOCK_REALTIME, "Time of day (since 1970, UTC)",
       "realtime"},
      {GST_VIDEOCALL_CLOCK_MONOTONIC, "This machine's monotonic clock",
       "monotonic"},
      {0, nullptr, nullptr}};
  static const GType type = g_enum_register_static("GstVideocallClock", values);
  return type;
}

static void gst_videocall_clock_overlay_set_property(GObject* object, guint id,
                                                     const GValue* value,
                                                     GParamSpec* pspec) {
  Private* priv = GST_VIDEOCALL_CLOCK_OVERLAY(object)->priv;
  if (id == PROP_CLOCK) {
    priv->clock = static_cast<GstVideocallClock>(g_value_get_enum(value));
  } else {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
}

static void gst_videocall_clock_overlay_get_property(GObject* object, guint id,
                                                     GValue* value,
                                                     GParamSpec* pspec) {
  Private* priv = GST_VIDEOCALL_CLOCK_OVERLAY(object)->priv;
  switch (id) {
    case PROP_CLOCK:
      g_value_set_enum(value, priv->clock);
      break;
    case PROP_FRAMES:
      g_value_set_uint(value, priv->frames);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
}

// Fills a cell of component |component|; chroma has fewer samples than luma.
static void fill(GstVideoFrame* frame, gint component,
                 const videocall::ClockCodeCell& cell, guint8 value) {
  const GstVideoFormatInfo* format = frame->info.finfo;
  auto* data =
      static_cast<guint8*>(GST_VIDEO_FRAME_COMP_DATA(frame, component));
  const gint stride = GST_VIDEO_FRAME_COMP_STRIDE(frame, component);
  const gint step = GST_VIDEO_FRAME_COMP_PSTRIDE(frame, component);
  const auto column = [&](guint x) {
    return GST_VIDEO_FORMAT_INFO_SCALE_WIDTH(format, component, gint(x));
  };
  const auto line = [&](guint y) {
    return GST_VIDEO_FORMAT_INFO_SCALE_HEIGHT(format, component, gint(y));
  };
  for (gint y = line(cell.y0); y < line(cell.y1); ++y) {
    guint8* row = data + gsize(y) * gsize(stride);
    for (gint x = column(cell.x0); x < column(cell.x1); ++x)
      row[x * step] = value;
  }
}

static void fill_cell(GstVideoFrame* frame,
                      const videocall::ClockCodeCell& cell, bool white) {
  const guint8 level = white ? ClockCode::kWhite : ClockCode::kBlack;
  const GstVideoFormatInfo* format = frame->info.finfo;
  const bool rgb = GST_VIDEO_FORMAT_INFO_IS_RGB(format);
  const gint components = GST_VIDEO_FORMAT_INFO_N_COMPONENTS(format);
  for (gint i = 0; i < components && i < GST_VIDEO_COMP_A; ++i)
    fill(frame, i, cell, rgb || i == GST_VIDEO_COMP_Y ? level : kNeutralChroma);
}

static GstFlowReturn gst_videocall_clock_overlay_transform_frame_ip(
    GstVideoFilter* filter, GstVideoFrame* frame) {
  Private* priv = GST_VIDEOCALL_CLOCK_OVERLAY(filter)->priv;
  const auto width = static_cast<guint>(GST_VIDEO_FRAME_WIDTH(frame));
  const auto height = static_cast<guint>(GST_VIDEO_FRAME_HEIGHT(frame));
  ClockCode code;
  code.frame = priv->frames++;
  code.time_us = static_cast<guint64>(
      priv->clock == GST_VIDEOCALL_CLOCK_MONOTONIC ? g_get_monotonic_time()
                                                   : g_get_real_time());
  const auto bytes = videocall::clock_code_bytes(code);
  for (guint row = 0; row < ClockCode::kCodeRows; ++row) {
    for (guint column = 0; column < ClockCode::kColumns; ++column) {
      const guint bit = row * ClockCode::kColumns + column;
      const bool white = (bytes[bit / 8] >> (7 - bit % 8) & 1) != 0;
      fill_cell(frame, videocall::clock_code_cell(column, row, width, height),
                white);
    }
  }
  return GST_FLOW_OK;
}

static gboolean gst_videocall_clock_overlay_set_info(GstVideoFilter* filter,
                                                     GstCaps*, GstVideoInfo* in,
                                                     GstCaps*, GstVideoInfo*) {
  if (GST_VIDEO_INFO_WIDTH(in) >= gint(ClockCode::kMinWidth) &&
      GST_VIDEO_INFO_HEIGHT(in) >= gint(ClockCode::kMinHeight))
    return TRUE;
  GST_ELEMENT_WARNING(filter, STREAM, FORMAT,
                      ("The picture is too small for a readable clock: at "
                       "least %ux%u is needed.",
                       ClockCode::kMinWidth, ClockCode::kMinHeight),
                      (nullptr));
  return TRUE;
}

static gboolean gst_videocall_clock_overlay_start(GstBaseTransform* base) {
  GST_VIDEOCALL_CLOCK_OVERLAY(base)->priv->frames = 0;
  return TRUE;
}

static void gst_videocall_clock_overlay_init(GstVideocallClockOverlay* self) {
  self->priv = new Private;
}

static void gst_videocall_clock_overlay_finalize(GObject* object) {
  delete GST_VIDEOCALL_CLOCK_OVERLAY(object)->priv;
  G_OBJECT_CLASS(parent_class)->finalize(object);
}

static void gst_videocall_clock_overlay_class_init(
    GstVideocallClockOverlayClass* klass) {
  auto* gobject_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  gobject_class->set_property = gst_videocall_clock_overlay_set_property;
  gobject_class->get_property = gst_videocall_clock_overlay_get_property;
  gobject_class->finalize = gst_videocall_clock_overlay_finalize;
  g_object_class_install_property(
      gobject_class, PROP_CLOCK,
      g_param_spec_enum(
          "clock", "Clock", "Which clock is drawn, in microseconds",
          gst_videocall_clock_get_type(), kDefaultClock,
          static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                   GST_PARAM_MUTABLE_PLAYING)));
  g_object_class_install_property(
      gobject_class, PROP_FRAMES,
      g_param_spec_uint(
          "frames", "Frames",
          "How many frames were drawn since the start; the next "
          "one gets this number",
          0, G_MAXUINT, 0,
          static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
  gst_type_mark_as_plugin_api(gst_videocall_clock_get_type(),
                              static_cast<GstPluginAPIFlags>(0));
  GST_BASE_TRANSFORM_CLASS(klass)->start = gst_videocall_clock_overlay_start;
  auto* filter_class = GST_VIDEO_FILTER_CLASS(klass);
  filter_class->set_info = gst_videocall_clock_overlay_set_info;
  filter_class->transform_frame_ip =
      gst_videocall_clock_overlay_transform_frame_ip;
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(
      element_class, "videocall clock overlay", "Filter/Effect/Video",
      "Draws a frame counter and a clock that programs can read, also after "
      "coding and scaling",
      "The videocall authors");
}
