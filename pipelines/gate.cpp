// SPDX-License-Identifier: MIT
#include "pipelines/gate.h"

#include "pipelines/gst_ptr.h"

namespace videocall::pipelines {
namespace {

// What the probe on an input knows.
struct Gate {
  GateCallbacks callbacks;
  bool open = false;    // a key frame came
  bool closed = false;  // other caps came; the next branch takes over
  bool strict = false;  // any other caps, not only another format
  CapsPtr caps;
};

bool same_format(const GstCaps* a, const GstCaps* b) {
  return gst_structure_get_name_id(gst_caps_get_structure(a, 0)) ==
         gst_structure_get_name_id(gst_caps_get_structure(b, 0));
}

// These say all that a decoder needs with every key frame: a file goes on
// when another size comes.
bool describes_itself(const GstCaps* caps) {
  const GstStructure* structure = gst_caps_get_structure(caps, 0);
  return gst_structure_has_name(structure, "video/x-vp8") ||
         gst_structure_has_name(structure, "video/x-vp9") ||
         gst_structure_has_name(structure, "audio/x-opus");
}

enum class Verdict { pass, ignore, close };

Verdict judge(Gate& gate, GstEvent* event) {
  GstCaps* caps = nullptr;
  gst_event_parse_caps(event, &caps);
  if (!gate.caps) {
    gate.caps.reset(gst_caps_ref(caps));
    gate.callbacks.described();
    return Verdict::pass;
  }
  if (!same_format(gate.caps.get(), caps)) return Verdict::close;
  if (!gate.strict || gst_caps_is_equal(gate.caps.get(), caps))
    return Verdict::pass;
  return describes_itself(caps) ? Verdict::ignore : Verdict::close;
}

GstPadProbeReturn gate_probe(GstPad*, GstPadProbeInfo* info, gpointer data) {
  Gate& gate = *static_cast<Gate*>(data);
  if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM) {
    GstEvent* event = GST_PAD_PROBE_INFO_EVENT(info);
    if (GST_EVENT_TYPE(event) != GST_EVENT_CAPS || gate.closed)
      return GST_PAD_PROBE_OK;
    const Verdict verdict = judge(gate, event);
    if (verdict == Verdict::pass) return GST_PAD_PROBE_OK;
    if (verdict == Verdict::ignore) return GST_PAD_PROBE_DROP;
    gate.closed = true;
    gate.callbacks.closed();
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

void add_gate(GstPad* input, bool strict, GateCallbacks callbacks) {
  auto* gate = new Gate;
  gate->strict = strict;
  gate->callbacks = std::move(callbacks);
  const int types =
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM;
  gst_pad_add_probe(input, static_cast<GstPadProbeType>(types), gate_probe,
                    gate,
                    [](gpointer data) { delete static_cast<Gate*>(data); });
}

}  // namespace videocall::pipelines
