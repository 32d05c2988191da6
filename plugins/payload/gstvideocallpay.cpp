// SPDX-License-Identifier: MIT
#include "plugins/payload/gstvideocallpay.h"

#include <gst/audio/audio.h>
#include <gst/video/video.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <string>

#include "libvideocall/media/packetizer.h"
#include "plugins/common/gstptr.h"
#include "plugins/common/gstvideocallpacketmeta.h"
#include "plugins/payload/captureclock.h"
#include "plugins/payload/keyframerequest.h"
#include "plugins/payload/paysettings.h"

GST_DEBUG_CATEGORY_STATIC(gst_videocall_pay_debug);
#define GST_CAT_DEFAULT gst_videocall_pay_debug

using videocall::Codec;
using videocall::Errc;
using videocall::MediaKind;
using videocall::PacketRef;
using videocall::gst::PayKind;
using videocall::gst::PaySettings;
using videocall::gst::PayStats;

namespace {

// docs/wire-protocol.md, section 2.
constexpr guint kVideoKeyInterval = 4'000;
constexpr guint kScreenKeyInterval = 10'000;
// An encoder that did not answer is asked again after this.
constexpr uint64_t kRequestAgainUs = 500'000;
// The encoder gets this long to answer before the group is too old.
constexpr uint64_t kEncoderLeadUs = 100'000;
// Pauses between words do not end speech.
constexpr uint64_t kSpeakingHoldUs = 400'000;

struct Private {
  // borrowed (owned by the element)
  GstPad* sinkpad = nullptr;
  GstPad* srcpad = nullptr;

  std::mutex lock;  // guards settings and stats
  PaySettings settings;
  PayStats stats;

  videocall::gst::CaptureClock clock;

  // state of the streaming thread
  GstSegment segment;
  std::optional<Codec> codec;
  MediaKind kind = MediaKind::unspecified;
  std::optional<videocall::VideoPacketizer> video;
  std::optional<videocall::AudioPacketizer> audio;
  std::optional<uint64_t> requested_us;  // capture time of the last request
  uint64_t last_capture_us = 0;
  uint64_t spoke_us = 0;
  bool spoke = false;
  bool discont = true;
};

struct CapsCodec {
  const char* name;
  Codec codec;
};
constexpr CapsCodec kCodecs[] = {
    {"video/x-vp8", Codec::vp8},   {"video/x-vp9", Codec::vp9},
    {"video/x-av1", Codec::av1},   {"video/x-h264", Codec::h264},
    {"audio/x-opus", Codec::opus},
};

}  // namespace

struct _GstVideocallPay {
  GstElement parent;
  Private* priv;
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS("video/x-vp8; "
                    "video/x-vp9; "
                    "video/x-av1, alignment=(string)tu; "
                    "video/x-h264, stream-format=(string)byte-stream, "
                    "alignment=(string)au; "
                    "audio/x-opus"));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS,
                            GST_STATIC_CAPS(GST_VIDEOCALL_PACKET_CAPS));

#define gst_videocall_pay_parent_class parent_class
G_DEFINE_TYPE_WITH_CODE(GstVideocallPay, gst_videocall_pay, GST_TYPE_ELEMENT,
                        GST_DEBUG_CATEGORY_INIT(gst_videocall_pay_debug,
                                                "videocallpay", 0,
                                                "videocall payloader"))
GST_ELEMENT_REGISTER_DEFINE(videocallpay, "videocallpay", GST_RANK_NONE,
                            GST_TYPE_VIDEOCALL_PAY)

// -- Properties

static void gst_videocall_pay_set_property(GObject* object, guint id,
                                           const GValue* value,
                                           GParamSpec* pspec) {
  Private* priv = GST_VIDEOCALL_PAY(object)->priv;
  const std::lock_guard guard(priv->lock);
  if (!priv->settings.set(id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
}

static void gst_videocall_pay_get_property(GObject* object, guint id,
                                           GValue* value, GParamSpec* pspec) {
  Private* priv = GST_VIDEOCALL_PAY(object)->priv;
  const std::lock_guard guard(priv->lock);
  if (!priv->settings.get(id, value) && !priv->stats.get(id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
}

static PaySettings current_settings(Private* priv) {
  const std::lock_guard guard(priv->lock);
  return priv->settings;
}

// -- Key frames

static void request_keyframe(GstVideocallPay* self, const char* why) {
  Private* priv = self->priv;
  GST_DEBUG_OBJECT(self, "asking the encoder for a key frame: %s", why);
  {
    const std::lock_guard guard(priv->lock);
    ++priv->stats.requests;
  }
  gst_pad_push_event(priv->sinkpad, gst_video_event_new_upstream_force_key_unit(
                                        GST_CLOCK_TIME_NONE, TRUE, 0));
}

static uint64_t key_interval_us(Private* priv, const PaySettings& settings) {
  guint ms = settings.key_interval;
  if (ms == 0)
    ms = priv->kind == MediaKind::screen ? kScreenKeyInterval
                                         : kVideoKeyInterval;
  return uint64_t{ms} * 1000;
}

// Asks for a key frame when none has come yet, or when the group gets old.
static void watch_group(GstVideocallPay* self, const PaySettings& settings,
                        const videocall::EncodedFrame& frame) {
  Private* priv = self->priv;
  const uint64_t now_us = frame.capture_us;
  if (priv->requested_us && now_us >= *priv->requested_us &&
      now_us - *priv->requested_us < kRequestAgainUs)
    return;
  const char* why = nullptr;
  if (priv->video->needs_keyframe()) {
    why = "frames before the first one";
  } else {
    const uint64_t limit_us = key_interval_us(priv, settings);
    const uint64_t lead_us =
        std::min(kEncoderLeadUs + frame.duration_us, limit_us / 2);
    if (priv->video->group_age_us(now_us) + lead_us >= limit_us)
      why = "the group gets old";
  }
  if (!why) return;
  priv->requested_us = now_us;
  request_keyframe(self, why);
}

// -- Frames

static uint64_t capture_us_of(GstVideocallPay* self, GstBuffer* buffer) {
  Private* priv = self->priv;
  const GstClockTime time = GST_BUFFER_PTS_IS_VALID(buffer)
                                ? GST_BUFFER_PTS(buffer)
                                : GST_BUFFER_DTS(buffer);
  guint64 magnitude = 0;
  const int sign = gst_segment_to_running_time_full(
      &priv->segment, GST_FORMAT_TIME, time, &magnitude);
  if (sign == 0) return priv->last_capture_us;
  return priv->clock.capture_us(GST_ELEMENT(self),
                                static_cast<gint64>(magnitude) * sign);
}

static uint8_t temporal_id_of(GstBuffer* buffer) {
  // Only vp8enc says it, and only if it was loaded its meta exists.
  if (!gst_meta_get_info("GstVP8Meta")) return 0;
  GstCustomMeta* meta = gst_buffer_get_custom_meta(buffer, "GstVP8Meta");
  if (!meta) return 0;
  const GstStructure* structure = gst_custom_meta_get_structure(meta);
  gboolean layered = FALSE;
  guint id = 0;
  if (!gst_structure_get_boolean(structure, "use-temporal-scaling", &layered) ||
      !layered || !gst_structure_get_uint(structure, "layer-id", &id))
    return 0;
  return static_cast<uint8_t>(
      std::min<guint>(id, videocall::limits::kMaxTemporalLayer));
}

static void fill_audio_level(Private* priv, const PaySettings& settings,
                             GstBuffer* buffer,
                             videocall::EncodedFrame& frame) {
  const GstAudioLevelMeta* meta = gst_buffer_get_audio_level_meta(buffer);
  const guint level = meta ? meta->level : settings.audio_level;
  frame.audio_level = static_cast<uint8_t>(std::min<guint>(level, 127));
  if ((meta && meta->voice_activity) || level <= settings.speaking_level) {
    priv->spoke = true;
    priv->spoke_us = frame.capture_us;
  }
  frame.speaking =
      priv->spoke && frame.capture_us - priv->spoke_us < kSpeakingHoldUs;
}

static videocall::Result<PacketRef> packetize(GstVideocallPay* self,
                                              GstBuffer* buffer,
                                              const GstMapInfo& map) {
  Private* priv = self->priv;
  const PaySettings settings = current_settings(priv);
  videocall::EncodedFrame frame;
  frame.payload = {map.data, map.size};
  frame.capture_us = capture_us_of(self, buffer);
  if (GST_BUFFER_DURATION_IS_VALID(buffer))
    frame.duration_us = GST_BUFFER_DURATION(buffer) / 1000;
  frame.discont = priv->discont || GST_BUFFER_IS_DISCONT(buffer);
  priv->discont = false;
  priv->last_capture_us = frame.capture_us;
  if (priv->audio) {
    priv->audio->set_redundancy(settings.redundancy);
    fill_audio_level(priv, settings, buffer, frame);
    return priv->audio->packetize(frame);
  }
  priv->video->set_target_kbps(settings.target_kbps);
  frame.temporal_id = temporal_id_of(buffer);
  auto packet = priv->video->packetize(frame);
  if (packet && (*packet)->fields().header.keyframe) priv->requested_us.reset();
  watch_group(self, settings, frame);
  return packet;
}

static GstFlowReturn push_packet(GstVideocallPay* self, PacketRef packet,
                                 GstBuffer* frame) {
  Private* priv = self->priv;
  {
    const std::lock_guard guard(priv->lock);
    ++priv->stats.packets;
    priv->stats.bytes += packet->size();
    if (packet->fields().kind != MediaKind::audio &&
        packet->fields().header.keyframe)
      ++priv->stats.keyframes;
  }
  GstBuffer* out = gst_videocall_packet_buffer_new(std::move(packet));
  // For queues and the like between here and the sink; the packet has its own.
  GST_BUFFER_PTS(out) = GST_BUFFER_PTS(frame);
  GST_BUFFER_DTS(out) = GST_BUFFER_DTS(frame);
  GST_BUFFER_DURATION(out) = GST_BUFFER_DURATION(frame);
  return gst_pad_push(priv->srcpad, out);
}

static GstFlowReturn gst_videocall_pay_chain(GstPad*, GstObject* parent,
                                             GstBuffer* buffer) {
  GstVideocallPay* self = GST_VIDEOCALL_PAY(parent);
  Private* priv = self->priv;
  const videocall::gst::BufferPtr owned(buffer);
  if (!priv->video && !priv->audio) {
    GST_ELEMENT_ERROR(self, CORE, NEGOTIATION,
                      ("Frames came without a format."), (nullptr));
    return GST_FLOW_NOT_NEGOTIATED;
  }
  GstMapInfo map;
  if (!gst_buffer_map(buffer, &map, GST_MAP_READ)) {
    GST_ELEMENT_ERROR(self, RESOURCE, READ, ("Cannot read a frame."),
                      ("gst_buffer_map failed"));
    return GST_FLOW_ERROR;
  }
  auto packet = packetize(self, buffer, map);
  gst_buffer_unmap(buffer, &map);
  if (packet) return push_packet(self, std::move(*packet), buffer);

  {
    const std::lock_guard guard(priv->lock);
    ++priv->stats.dropped;
  }
  const videocall::Error& error = packet.error();
  switch (error.code) {
    case Errc::would_block:
      GST_LOG_OBJECT(self, "frame dropped: %s", error.message.c_str());
      return GST_FLOW_OK;
    case Errc::invalid_argument:
      GST_ELEMENT_ERROR(
          self, STREAM, FORMAT,
          ("%s: set opusenc frame-size=20.", error.message.c_str()), (nullptr));
      return GST_FLOW_NOT_NEGOTIATED;
    default:
      GST_ELEMENT_WARNING(self, STREAM, ENCODE,
                          ("A frame was left out: %s.", error.message.c_str()),
                          (nullptr));
      return GST_FLOW_OK;
  }
}

// -- Events

static bool refuse_caps(GstVideocallPay* self, const GstCaps* caps,
                        const char* why) {
  GST_ELEMENT_ERROR(self, STREAM, WRONG_TYPE, ("%s", why),
                    ("caps %" GST_PTR_FORMAT, caps));
  return false;
}

static MediaKind kind_for(PayKind wish, bool audio) {
  if (audio) return MediaKind::audio;
  return wish == PayKind::screen ? MediaKind::screen : MediaKind::video;
}

static bool check_caps(GstVideocallPay* self, const PaySettings& settings,
                       const GstCaps* caps, Codec codec) {
  const GstStructure* structure = gst_caps_get_structure(caps, 0);
  const bool audio = codec == Codec::opus;
  const auto kind = settings.kind;
  if (kind != PayKind::any && audio != (kind == PayKind::audio))
    return refuse_caps(self, caps,
                       audio ? "The property kind says video, but this is "
                               "audio."
                             : "The property kind says audio, but this is "
                               "video.");
  gint family = 0;
  if (audio &&
      gst_structure_get_int(structure, "channel-mapping-family", &family) &&
      family != 0)
    return refuse_caps(self, caps,
                       "Opus with more than two channels cannot be sent: "
                       "convert to stereo before the encoder.");
  const gchar* format = gst_structure_get_string(structure, "stream-format");
  if (codec == Codec::av1 && g_strcmp0(format, "annexb") == 0)
    return refuse_caps(self, caps,
                       "AV1 must come as obu-stream: put av1parse before the "
                       "payloader.");
  return true;
}

static gboolean set_caps(GstVideocallPay* self, const GstCaps* caps) {
  Private* priv = self->priv;
  const GstStructure* structure = gst_caps_get_structure(caps, 0);
  const PaySettings settings = current_settings(priv);
  std::optional<Codec> codec;
  for (const CapsCodec& known : kCodecs) {
    if (gst_structure_has_name(structure, known.name)) codec = known.codec;
  }
  if (!codec) {
    return refuse_caps(self, caps,
                       "Only VP8, VP9, AV1, H.264 and Opus can be sent.");
  }
  if (!check_caps(self, settings, caps, *codec)) return FALSE;
  const MediaKind kind = kind_for(settings.kind, *codec == Codec::opus);
  // Caps that change within a codec (a new size) come with a key frame.
  if (priv->codec == codec && priv->kind == kind) return TRUE;
  if (kind == MediaKind::audio) {
    priv->video.reset();
    if (!priv->audio) priv->audio.emplace();
  } else if (priv->video && priv->kind == kind) {
    priv->video->set_codec(*codec);
  } else {
    priv->audio.reset();
    priv->video.emplace(*codec, kind, static_cast<uint8_t>(settings.layer));
  }
  priv->codec = codec;
  priv->kind = kind;
  GST_INFO_OBJECT(self, "payloading %" GST_PTR_FORMAT, caps);
  return TRUE;
}

static void forget(Private* priv) {
  gst_segment_init(&priv->segment, GST_FORMAT_UNDEFINED);
  if (priv->video) priv->video->reset();
  if (priv->audio) priv->audio->reset();
  priv->requested_us.reset();
  priv->spoke = false;
  priv->discont = true;
}

static gboolean gst_videocall_pay_sink_event(GstPad* pad, GstObject* parent,
                                             GstEvent* event) {
  GstVideocallPay* self = GST_VIDEOCALL_PAY(parent);
  Private* priv = self->priv;
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_CAPS: {
      GstCaps* caps = nullptr;
      gst_event_parse_caps(event, &caps);
      const gboolean ok = set_caps(self, caps);
      gst_event_unref(event);
      if (!ok) return FALSE;
      GstCaps* out = gst_static_pad_template_get_caps(&src_template);
      const gboolean pushed =
          gst_pad_push_event(priv->srcpad, gst_event_new_caps(out));
      gst_caps_unref(out);
      return pushed;
    }
    case GST_EVENT_SEGMENT:
      gst_event_copy_segment(event, &priv->segment);
      if (priv->segment.format != GST_FORMAT_TIME) {
        GST_ELEMENT_ERROR(
            self, STREAM, FORMAT,
            ("Frames need time stamps: put a parser before the "
             "payloader."),
            ("segment format %s", gst_format_get_name(priv->segment.format)));
        gst_event_unref(event);
        return FALSE;
      }
      break;
    case GST_EVENT_GAP:
      priv->discont = true;
      break;
    case GST_EVENT_FLUSH_STOP:
      forget(priv);
      break;
    default:
      break;
  }
  return gst_pad_event_default(pad, parent, event);
}

static gboolean gst_videocall_pay_src_event(GstPad* pad, GstObject* parent,
                                            GstEvent* event) {
  GstVideocallPay* self = GST_VIDEOCALL_PAY(parent);
  const auto wish = videocall::gst::parse_keyframe_request(event);
  if (!wish) return gst_pad_event_default(pad, parent, event);
  // The depayloader's request; what comes from a server has become a
  // force-key-unit event in the sink already, and passes above.
  gst_event_unref(event);
  const PaySettings settings = current_settings(self->priv);
  const MediaKind kind = kind_for(settings.kind, false);
  if (wish->kind != kind || wish->layer != settings.layer) return FALSE;
  request_keyframe(self, "a receiver needs it");
  return TRUE;
}

static GstStateChangeReturn gst_videocall_pay_change_state(
    GstElement* element, GstStateChange transition) {
  GstVideocallPay* self = GST_VIDEOCALL_PAY(element);
  Private* priv = self->priv;
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) {
    priv->clock.paused();
  } else if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING) {
    priv->clock.playing(element);
  }
  const GstStateChangeReturn result =
      GST_ELEMENT_CLASS(parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    forget(priv);
    priv->codec.reset();
    priv->video.reset();
    priv->audio.reset();
    const std::lock_guard guard(priv->lock);
    priv->stats = {};
  }
  return result;
}

// -- Class

static void gst_videocall_pay_init(GstVideocallPay* self) {
  Private* priv = self->priv = new Private;
  gst_segment_init(&priv->segment, GST_FORMAT_UNDEFINED);
  priv->sinkpad = gst_pad_new_from_static_template(&sink_template, "sink");
  gst_pad_set_chain_function(priv->sinkpad, gst_videocall_pay_chain);
  gst_pad_set_event_function(priv->sinkpad, gst_videocall_pay_sink_event);
  gst_element_add_pad(GST_ELEMENT(self), priv->sinkpad);
  priv->srcpad = gst_pad_new_from_static_template(&src_template, "src");
  gst_pad_set_event_function(priv->srcpad, gst_videocall_pay_src_event);
  gst_pad_use_fixed_caps(priv->srcpad);
  gst_element_add_pad(GST_ELEMENT(self), priv->srcpad);
}

static void gst_videocall_pay_finalize(GObject* object) {
  delete GST_VIDEOCALL_PAY(object)->priv;
  G_OBJECT_CLASS(parent_class)->finalize(object);
}

static void gst_videocall_pay_class_init(GstVideocallPayClass* klass) {
  auto* gobject_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  gobject_class->set_property = gst_videocall_pay_set_property;
  gobject_class->get_property = gst_videocall_pay_get_property;
  gobject_class->finalize = gst_videocall_pay_finalize;
  videocall::gst::install_pay_properties(gobject_class);
  element_class->change_state = gst_videocall_pay_change_state;
  gst_element_class_add_static_pad_template(element_class, &sink_template);
  gst_element_class_add_static_pad_template(element_class, &src_template);
  gst_element_class_set_static_metadata(
      element_class, "videocall payloader", "Codec/Payloader/Network",
      "Puts encoded video or audio into packets of a videocall session",
      "The videocall authors");
}
