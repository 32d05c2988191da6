// SPDX-License-Identifier: MIT
#include "pipelines/packages.h"

#include <gst/gst.h>

#include <iterator>
#include <vector>

#include "pipelines/nearest.h"

namespace videocall::pipelines {
namespace {

struct Place {
  std::string_view package;
  std::string_view elements;  // space before and after each
};

// Debian 12. Only what a description is likely to name.
constexpr Place kPlaces[] = {
    {"libgstreamer1.0-0",
     " capsfilter clocksync concat fakesink fakesrc filesink filesrc funnel "
     "identity input-selector multiqueue output-selector queue queue2 tee "
     "typefind valve "},
    {"gstreamer1.0-plugins-base",
     " appsink appsrc audioconvert audiomixer audiorate audioresample "
     "audiotestsrc compositor decodebin decodebin3 encodebin oggdemux oggmux "
     "opusdec opusenc playbin playbin3 tcpclientsink tcpclientsrc "
     "tcpserversink "
     "tcpserversrc uridecodebin uridecodebin3 videoconvert videoconvertscale "
     "videorate videoscale videotestsrc volume vorbisdec vorbisenc "
     "multisocketsink overlaycomposition "},
    {"gstreamer1.0-x",
     " clockoverlay textoverlay timeoverlay ximagesink xvimagesink "},
    {"gstreamer1.0-alsa", " alsasink alsasrc "},
    {"gstreamer1.0-gl", " glimagesink glupload gldownload "},
    {"gstreamer1.0-gtk3", " gtksink gtkglsink "},
    {"gstreamer1.0-qt5", " qmlglsink qmlglsrc "},
    {"gstreamer1.0-pipewire", " pipewiresink pipewiresrc "},
    {"gstreamer1.0-libcamera", " libcamerasrc "},
    {"gstreamer1.0-vaapi", " vaapih264enc vaapivp8enc vaapisink "},
    {"gstreamer1.0-nice", " nicesink nicesrc "},
    {"gstreamer1.0-libav",
     " avdec_aac avdec_h264 avdec_h265 avdec_mjpeg avenc_aac "},
    {"gstreamer1.0-plugins-good",
     " autoaudiosink autoaudiosrc autovideosink autovideosrc avimux "
     "deinterlace flacenc flvmux imagefreeze jpegdec jpegenc level "
     "matroskademux matroskamux mp4mux multifilesink multifilesrc pngdec "
     "pngenc pulsesink pulsesrc qtdemux qtmux rtpbin rtph264pay rtpopuspay "
     "rtpvp8pay rtpvp9pay souphttpsrc splitmuxsink udpsink udpsrc v4l2sink "
     "v4l2src videobox videocrop videoflip vp8dec vp8enc vp9dec vp9enc wavenc "
     "wavparse webmmux ximagesrc "},
    {"gstreamer1.0-plugins-bad",
     " aacparse av1dec av1enc av1parse fakevideosink h264parse h265parse "
     "hlssink hlssink2 kmssink mpegtsmux netsim openh264dec openh264enc "
     "opusparse rtmp2sink rtmp2src rtmpsink srtsink srtsrc tsdemux vp9parse "
     "v4l2codecs waylandsink webrtcbin webrtcdsp fdkaacenc y4mdec "},
    {"gstreamer1.0-plugins-ugly", " a52dec asfdemux x264enc "},
    {"videocall",
     " natssink natssrc sframedec sframeenc videocallclockoverlay "
     "videocalldepay videocallpay videocallrouter videocallsink videocallsrc "
     "websocketsink websocketsrc webtransportsink webtransportsrc "},
};

std::vector<std::string> known_elements() {
  std::vector<std::string> names;
  GList* features = gst_registry_get_feature_list(gst_registry_get(),
                                                  GST_TYPE_ELEMENT_FACTORY);
  for (GList* item = features; item; item = item->next)
    names.emplace_back(GST_OBJECT_NAME(item->data));
  gst_plugin_feature_list_free(features);
  return names;
}

}  // namespace

std::string package_of(std::string_view factory) {
  const std::string word = " " + std::string(factory) + " ";
  for (const Place& place : kPlaces)
    if (place.elements.find(word) != std::string_view::npos)
      return std::string(place.package);
  return "";
}

std::string missing_element(std::string_view factory) {
  const std::string text = "no element \"" + std::string(factory) + "\"";
  const std::string package = package_of(factory);
  if (package == "videocall") {
    return text +
           "; it is one of videocall's own: is GST_PLUGIN_PATH set to where "
           "libgstvideocall.so lies?";
  }
  if (!package.empty())
    return text + "; it is in the Debian package " + package +
           ": apt-get install " + package;
  const std::string close = nearest(factory, known_elements());
  if (!close.empty()) return text + "; did you mean \"" + close + "\"?";
  return text + "; gst-inspect-1.0 lists those that are installed";
}

}  // namespace videocall::pipelines
