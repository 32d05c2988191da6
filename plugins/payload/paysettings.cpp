// SPDX-License-Identifier: MIT
#include "plugins/payload/paysettings.h"

namespace videocall::gst {
namespace {

enum Property {
  PROP_0,
  PROP_KIND,
  PROP_LAYER,
  PROP_TARGET_KBPS,
  PROP_KEY_INTERVAL,
  PROP_AUDIO_LEVEL,
  PROP_SPEAKING_LEVEL,
  PROP_REDUNDANCY,
  PROP_STATS,
};

GType kind_type() {
  static const GEnumValue values[] = {
      {gint(PayKind::any), "Audio is audio, video is a camera", "auto"},
      {gint(PayKind::video), "A camera", "video"},
      {gint(PayKind::audio), "A microphone", "audio"},
      {gint(PayKind::screen), "A shared screen or window", "screen"},
      {0, nullptr, nullptr}};
  static const GType type =
      g_enum_register_static("GstVideocallPayKind", values);
  return type;
}

}  // namespace

guint* PaySettings::number(guint id) {
  switch (id) {
    case PROP_LAYER:
      return &layer;
    case PROP_TARGET_KBPS:
      return &target_kbps;
    case PROP_KEY_INTERVAL:
      return &key_interval;
    case PROP_AUDIO_LEVEL:
      return &audio_level;
    case PROP_SPEAKING_LEVEL:
      return &speaking_level;
    case PROP_REDUNDANCY:
      return &redundancy;
    default:
      return nullptr;
  }
}

bool PaySettings::set(guint id, const GValue* value) {
  if (id == PROP_KIND) {
    kind = static_cast<PayKind>(g_value_get_enum(value));
    return true;
  }
  guint* setting = number(id);
  if (setting) *setting = g_value_get_uint(value);
  return setting != nullptr;
}

bool PaySettings::get(guint id, GValue* value) const {
  if (id == PROP_KIND) {
    g_value_set_enum(value, static_cast<gint>(kind));
    return true;
  }
  PaySettings copy = *this;
  const guint* setting = copy.number(id);
  if (setting) g_value_set_uint(value, *setting);
  return setting != nullptr;
}

bool PayStats::get(guint id, GValue* value) const {
  if (id != PROP_STATS) return false;
  g_value_take_boxed(
      value, gst_structure_new("videocallpay-stats", "packets", G_TYPE_UINT64,
                               packets, "bytes", G_TYPE_UINT64, bytes,
                               "keyframes", G_TYPE_UINT64, keyframes, "dropped",
                               G_TYPE_UINT64, dropped, "keyframe-requests",
                               G_TYPE_UINT64, requests, nullptr));
  return true;
}

void install_pay_properties(GObjectClass* gobject_class) {
  const PaySettings defaults;
  constexpr auto kFlags = static_cast<GParamFlags>(
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);
  constexpr auto kReadyFlags = static_cast<GParamFlags>(
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
  const auto install_uint = [&](Property id, const char* name, const char* nick,
                                const char* blurb, guint max, guint value,
                                GParamFlags flags) {
    g_object_class_install_property(
        gobject_class, id,
        g_param_spec_uint(name, nick, blurb, 0, max, value, flags));
  };
  g_object_class_install_property(
      gobject_class, PROP_KIND,
      g_param_spec_enum("kind", "Kind", "What the media shows", kind_type(),
                        gint(defaults.kind), kReadyFlags));
  install_uint(PROP_LAYER, "layer", "Layer",
               "Simulcast layer of this stream (0 = lowest resolution)",
               limits::kMaxLayer, defaults.layer, kReadyFlags);
  install_uint(PROP_TARGET_KBPS, "target-kbps", "Target bitrate",
               "What the stream is encoded at, in kbit/s, told to the server "
               "(0 = not told)",
               G_MAXUINT, defaults.target_kbps, kFlags);
  install_uint(PROP_KEY_INTERVAL, "key-interval", "Key frame interval",
               "Longest time between key frames in milliseconds; the encoder "
               "is asked for one before (0 = 4000, of a screen 10000)",
               10'000, defaults.key_interval, kFlags);
  install_uint(PROP_AUDIO_LEVEL, "audio-level", "Audio level",
               "Level of audio without a GstAudioLevelMeta, in -dBov "
               "(0 = loudest, 127 = silence)",
               127, defaults.audio_level, kFlags);
  install_uint(PROP_SPEAKING_LEVEL, "speaking-level", "Speaking level",
               "Audio at least this loud counts as speech, in -dBov "
               "(0 = only the loudest, 127 = always)",
               127, defaults.speaking_level, kFlags);
  install_uint(PROP_REDUNDANCY, "redundancy", "Redundancy",
               "How many preceding Opus frames each packet repeats, so that as "
               "many lost ones in a row are made good (0 = none)",
               limits::kMaxRedundantFrames, defaults.redundancy, kFlags);
  g_object_class_install_property(
      gobject_class, PROP_STATS,
      g_param_spec_boxed(
          "stats", "Statistics", "Counters since the element was started",
          GST_TYPE_STRUCTURE,
          static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
  gst_type_mark_as_plugin_api(kind_type(), static_cast<GstPluginAPIFlags>(0));
}

}  // namespace videocall::gst
