// SPDX-License-Identifier: MIT
#include "cli/meters.h"

#include <cmath>
#include <cstdio>
#include <optional>

namespace videocall::cli {
namespace {

using Clock = std::chrono::steady_clock;
using pipelines::CharPtr;
using pipelines::ElementPtr;

constexpr char kPrefix[] = "meter-";

bool has_stats(GstElement* element) {
  GstElementFactory* factory = gst_element_get_factory(element);
  if (!factory) return false;
  const std::string name = GST_OBJECT_NAME(factory);
  if (name != "videocallsink" && name != "videocallsrc") return false;
  return g_object_class_find_property(G_OBJECT_GET_CLASS(element), "stats");
}

// A field of any number type.
std::optional<double> number(const GstStructure* structure, const char* field) {
  const GValue* value = gst_structure_get_value(structure, field);
  if (!value) return std::nullopt;
  GValue as_double = G_VALUE_INIT;
  g_value_init(&as_double, G_TYPE_DOUBLE);
  std::optional<double> out;
  if (g_value_transform(value, &as_double))
    out = g_value_get_double(&as_double);
  g_value_unset(&as_double);
  return out;
}

// A whole number of tenths, thousandths, … prints without a tail of nines.
double round_to(double value, double parts) {
  return std::round(value * parts) / parts;
}

}  // namespace

Meters::Meters(GstElement* pipeline) : begin_(Clock::now()), last_(begin_) {
  GstIterator* iterator = gst_bin_iterate_recurse(GST_BIN(pipeline));
  GValue item = G_VALUE_INIT;
  while (gst_iterator_next(iterator, &item) == GST_ITERATOR_OK) {
    auto* element = GST_ELEMENT(g_value_get_object(&item));
    const CharPtr name(gst_element_get_name(element));
    if (std::string(name.get()).rfind(kPrefix, 0) == 0)
      add(element, name.get());
    if (has_stats(element))
      sessions_.emplace_back(GST_ELEMENT(gst_object_ref(element)));
    g_value_reset(&item);
  }
  g_value_unset(&item);
  gst_iterator_free(iterator);
}

Meters::~Meters() {
  for (Meter& meter : meters_)
    gst_pad_remove_probe(meter.pad.get(), meter.probe);
}

void Meters::add(GstElement* element, const std::string& name) {
  Meter meter;
  meter.pad.reset(gst_element_get_static_pad(element, "src"));
  if (!meter.pad) return;
  // The pictures of a smaller layer are the same ones again.
  meter.video = name.find("audio") == std::string::npos &&
                name.find("layer") == std::string::npos;
  meter.count = std::make_shared<Count>();
  using Shared = std::shared_ptr<Count>;
  meter.probe = gst_pad_add_probe(
      meter.pad.get(), GST_PAD_PROBE_TYPE_BUFFER,
      [](GstPad*, GstPadProbeInfo* info, gpointer data) {
        Count& count = **static_cast<Shared*>(data);
        count.frames += 1;
        count.bytes += gst_buffer_get_size(GST_PAD_PROBE_INFO_BUFFER(info));
        return GST_PAD_PROBE_OK;
      },
      new Shared(meter.count),
      [](gpointer data) { delete static_cast<Shared*>(data); });
  meters_.push_back(std::move(meter));
}

Reading Meters::read(int64_t others) {
  Reading reading;
  reading.others = others;
  reading.receiving = meters_.empty();
  for (const Meter& meter : meters_) {
    if (meter.video) reading.frames += meter.count->frames;
    reading.bytes += meter.count->bytes;
  }
  read_sessions(reading);
  const auto now = Clock::now();
  const double span = std::chrono::duration<double>(now - last_).count();
  reading.seconds = std::chrono::duration<double>(now - begin_).count();
  // A session that came back counts from nothing again.
  if (span > 0 && reading.bytes >= last_bytes_) {
    reading.video_fps = double(reading.frames - last_frames_) / span;
    reading.bitrate_kbps =
        double(reading.bytes - last_bytes_) * 8 / 1'000 / span;
  }
  last_ = now;
  last_frames_ = reading.frames;
  last_bytes_ = reading.bytes;
  return reading;
}

void Meters::read_sessions(Reading& reading) const {
  for (const ElementPtr& session : sessions_) {
    GstStructure* stats = nullptr;
    g_object_get(session.get(), "stats", &stats, nullptr);
    if (!stats) continue;
    reading.rtt_ms = number(stats, "rtt-ms").value_or(reading.rtt_ms);
    reading.loss_percent =
        number(stats, "loss-percent").value_or(reading.loss_percent);
    if (reading.receiving)
      reading.bytes += uint64_t(number(stats, "bytes-received").value_or(0));
    gst_structure_free(stats);
  }
}

nlohmann::json Reading::fields() const {
  nlohmann::json out = {{"seconds", round_to(seconds, 1'000)},
                        {"bitrate_kbps", round_to(bitrate_kbps, 10)},
                        {"bytes", bytes}};
  if (!receiving) {
    out["fps"] = round_to(video_fps, 10);
    out["frames"] = frames;
  }
  if (rtt_ms >= 0) out["rtt_ms"] = round_to(rtt_ms, 1'000);
  if (loss_percent >= 0) out["loss_percent"] = round_to(loss_percent, 1'000);
  if (others >= 0) out["others"] = others;
  return out;
}

std::string Reading::text(const std::string& others_word) const {
  const auto total = static_cast<unsigned long>(seconds);
  char part[96];
  std::snprintf(part, sizeof part, "%02lu:%02lu:%02lu  %.0f kbit/s",
                total / 3600, total / 60 % 60, total % 60, bitrate_kbps);
  std::string out = part;
  if (!receiving) {
    std::snprintf(part, sizeof part, "  %.1f fps", video_fps);
    out += part;
  }
  if (rtt_ms >= 0) {
    std::snprintf(part, sizeof part, "  RTT %.0f ms", rtt_ms);
    out += part;
  }
  if (loss_percent >= 0) {
    std::snprintf(part, sizeof part, "  loss %.1f %%", loss_percent);
    out += part;
  }
  if (others >= 0) out += "  " + std::to_string(others) + " " + others_word;
  return out;
}

}  // namespace videocall::cli
