// SPDX-License-Identifier: MIT
#include "plugins/videocall/encodercontrol.h"

#include <cmath>
#include <cstring>

GST_DEBUG_CATEGORY_EXTERN(gst_videocall_bins_debug);
#define GST_CAT_DEFAULT gst_videocall_bins_debug

namespace videocall::gst {
namespace {

constexpr int kMostSteps = 32;  // from the sink to the encoder
// A smaller change is not worth that the encoder begins to count anew.
constexpr double kWorthChanging = 0.05;

// What encoders call their bitrate, and its unit in bit/s.
struct BitrateProperty {
  const char* factory;  // nullptr: any other
  const char* name;
  double unit;
};
constexpr BitrateProperty kProperties[] = {
    {"x264enc", "bitrate", 1'000},
    {"openh264enc", "bitrate", 1},
    {"rav1enc", "bitrate", 1},
    {"av1enc", "target-bitrate", 1'000},
    {"svtav1enc", "target-bitrate", 1'000},
    {nullptr, "target-bitrate", 1},  // vp8enc, vp9enc
    {nullptr, "bitrate", 1'000},     // vah264enc, nvh264enc, …
};

bool is_video_encoder(GstElement* element) {
  GstElementFactory* factory = gst_element_get_factory(element);
  return factory && gst_element_factory_list_is_type(
                        factory, GST_ELEMENT_FACTORY_TYPE_ENCODER |
                                     GST_ELEMENT_FACTORY_TYPE_MEDIA_VIDEO);
}

const BitrateProperty* property_of(GstElement* element) {
  const char* factory = GST_OBJECT_NAME(gst_element_get_factory(element));
  GObjectClass* type = G_OBJECT_GET_CLASS(element);
  for (const BitrateProperty& known : kProperties) {
    if (known.factory && std::strcmp(known.factory, factory) != 0) continue;
    const GParamSpec* spec = g_object_class_find_property(type, known.name);
    if (spec &&
        (spec->value_type == G_TYPE_INT || spec->value_type == G_TYPE_UINT))
      return &known;
  }
  return nullptr;
}

// The element that feeds |pad|, through the borders of bins.
ObjectPtr<GstElement> element_before(GstPad* pad) {
  ObjectPtr<GstPad> source(gst_pad_get_peer(pad));
  for (int i = 0; i < kMostSteps && source; ++i) {
    if (GST_IS_GHOST_PAD(source.get())) {
      source.reset(gst_ghost_pad_get_target(GST_GHOST_PAD(source.get())));
      continue;
    }
    const ObjectPtr<GstObject> parent(gst_pad_get_parent(source.get()));
    if (!parent) return nullptr;
    if (GST_IS_ELEMENT(parent.get()))
      return ObjectPtr<GstElement>(GST_ELEMENT(gst_object_ref(parent.get())));
    // The inner half of a bin's sink pad: go on outside of the bin.
    if (!GST_IS_GHOST_PAD(parent.get())) return nullptr;
    source.reset(gst_pad_get_peer(GST_PAD(parent.get())));
  }
  return nullptr;
}

}  // namespace

bool EncoderControl::find() {
  if (encoder_) return true;
  ObjectPtr<GstPad> pad(GST_PAD(gst_object_ref(pad_.get())));
  for (int i = 0; i < kMostSteps && pad; ++i) {
    ObjectPtr<GstElement> element = element_before(pad.get());
    // What is encoded for others too is not ours to change.
    if (!element || element->numsrcpads != 1) return false;
    pad.reset(gst_element_get_static_pad(element.get(), "sink"));
    if (!pad || !is_video_encoder(element.get())) continue;
    encoder_ = std::move(element);
    input_ = std::move(pad);
    if (const BitrateProperty* found = property_of(encoder_.get())) {
      property_ = found->name;
      unit_ = found->unit;
      gint value = 0;
      g_object_get(encoder_.get(), property_, &value, nullptr);
      kbps_ = ceiling_kbps_ = std::max(0, value) * unit_ / 1'000;
    }
    GST_INFO_OBJECT(pad_.get(), "encoder is %" GST_PTR_FORMAT ", %.0f kbit/s",
                    encoder_.get(), ceiling_kbps_);
    return true;
  }
  return false;
}

void EncoderControl::put(double kbps) {
  kbps_ = kbps;
  g_object_set(encoder_.get(), property_,
               static_cast<gint>(std::lround(kbps * 1'000 / unit_)), nullptr);
}

double EncoderControl::ceiling_kbps() {
  return find() ? ceiling_kbps_ : 0;
}

void EncoderControl::set_kbps(double kbps) {
  if (!find() || ceiling_kbps_ <= 0) return;
  kbps = std::min(kbps, ceiling_kbps_);
  const bool all = kbps == ceiling_kbps_ && kbps_ != kbps;
  if (!all && std::abs(kbps - kbps_) <= kWorthChanging * kbps_) return;
  GST_INFO_OBJECT(pad_.get(), "%.0f of %.0f kbit/s", kbps, ceiling_kbps_);
  put(kbps);
}

bool EncoderControl::set_running(bool running) {
  if (!find() || running == (probe_ == 0)) return false;
  GST_INFO_OBJECT(pad_.get(), "encoder %s", running ? "runs again" : "rests");
  if (running) {
    gst_pad_remove_probe(input_.get(), probe_);
    probe_ = 0;
    return true;
  }
  probe_ = gst_pad_add_probe(
      input_.get(), GST_PAD_PROBE_TYPE_BUFFER,
      [](GstPad*, GstPadProbeInfo*, gpointer) { return GST_PAD_PROBE_DROP; },
      nullptr, nullptr);
  return false;
}

void EncoderControl::release() {
  if (!encoder_) return;
  set_running(true);
  if (ceiling_kbps_ > 0 && kbps_ != ceiling_kbps_) put(ceiling_kbps_);
  encoder_.reset();
  input_.reset();
  property_ = nullptr;
  ceiling_kbps_ = kbps_ = 0;
}

}  // namespace videocall::gst
