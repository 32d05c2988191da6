// SPDX-License-Identifier: MIT
#include "pipelines/gate.h"

#include "pipelines/gst_ptr.h"

namespace videocall::pipelines {
namespace {

// What the probe on an input knows.
struct Gate {
  std::function<void()> changed;
  bool open = false;    // a key frame came
  bool closed = false;  // other caps came; the next branch takes over
  bool strict = false;  // any other caps, not only another format
  CapsPtr caps;
};

bool same_format(const GstCaps* a, const GstCaps* b) {
  return gst_structure_get_name_id(gst_caps_get_structure(a, 0)) ==
         gst_structure_get_name_id(gst_caps_get_structure(b, 0));
}

bool other_caps(Gate& gate, GstEvent* event) {
  GstCaps* caps = nullptr;
  gst_event_parse_caps(event, &caps);
  if (!gate.caps) {
    gate.caps.reset(gst_caps_ref(caps));
    return false;
  }
  return gate.strict ? !gst_caps_is_equal(gate.caps.get(), caps)
                     : !same_format(gate.caps.get(), caps);
}

GstPadProbeReturn gate_probe(GstPad*, GstPadProbeInfo* info, gpointer data) {
  Gate& gate = *static_cast<Gate*>(data);
  if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM) {
    GstEvent* event = GST_PAD_PROBE_INFO_EVENT(info);
    if (GST_EVENT_TYPE(event) != GST_EVENT_CAPS || gate.closed)
      return GST_PAD_PROBE_OK;
    if (!other_caps(gate, event)) return GST_PAD_PROBE_OK;
    gate.closed = true;
    gate.changed();
    return GST_PAD_PROBE_DROP;
  }
  if (gate.closed) return GST_PAD_PROBE_DROP;
  if (!gate.open) {
    // Nothing can be made of a group of pictures without its beginning.
    if (GST_BUFFER_FLAG_IS_SET(GST_PAD_PROBE_INFO_BUFFER(info),
                               GST_BUFFER_FLAG_DELTA_UNIT))
      return GST_PAD_PROBE_DROP;
    gate.open = true;
  }
  return GST_PAD_PROBE_OK;
}

}  // namespace

void add_gate(GstPad* input, bool strict, std::function<void()> closed) {
  auto* gate = new Gate;
  gate->strict = strict;
  gate->changed = std::move(closed);
  const int types =
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM;
  gst_pad_add_probe(input, static_cast<GstPadProbeType>(types), gate_probe,
                    gate,
                    [](gpointer data) { delete static_cast<Gate*>(data); });
}

}  // namespace videocall::pipelines
