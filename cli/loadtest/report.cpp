// SPDX-License-Identifier: MIT
#include "cli/loadtest/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>

#include "cli/loadtest/table.h"

namespace videocall::loadtest {
namespace {

constexpr double kWidth = 760;
constexpr double kHeight = 180;
constexpr double kLeft = 60;
constexpr double kBottom = 24;
constexpr double kTop = 12;

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

struct Curve {
  const char* name;
  const char* color;
  std::function<double(const Point&)> value;  // negative: not known
};

// 1, 2 or 5 times a power of ten, at least |value|.
double round_up(double value) {
  if (value <= 0) return 1;
  const double power = std::pow(10, std::floor(std::log10(value)));
  for (const double step : {1.0, 2.0, 5.0, 10.0})
    if (step * power >= value) return step * power;
  return 10 * power;
}

class Chart {
 public:
  Chart(const std::vector<Point>& points, std::vector<Curve> curves)
      : points_(points), curves_(std::move(curves)) {
    double highest = 0;
    for (const Curve& curve : curves_)
      for (const Point& point : points_)
        highest = std::max(highest, curve.value(point));
    top_ = round_up(highest);
    seconds_ = points_.empty() ? 1 : std::max(points_.back().second, 1.0);
  }

  [[nodiscard]] std::string svg(const std::string& title) const {
    std::string out = "<h2>" + escaped(title) + "</h2>\n<svg viewBox=\"0 0 " +
                      number(kWidth) + " " + number(kHeight + kBottom) +
                      "\" role=\"img\" aria-label=\"" + escaped(title) +
                      "\">\n";
    for (int i = 0; i <= 4; ++i) {
      const double value = top_ * i / 4;
      out +=
          line(y(value)) + text(kLeft - 6, y(value) + 4, "end", number(value));
      const double second = seconds_ * i / 4;
      out += text(x(second), kHeight + 18, "middle", number(second) + " s");
    }
    double legend = kLeft;
    for (const Curve& curve : curves_) {
      out += "<path fill=\"none\" stroke-width=\"1.5\" stroke=\"" +
             std::string(curve.color) + "\" d=\"" + path(curve) + "\"/>\n";
      out += "<text x=\"" + number(legend + 8) + "\" y=\"10\" fill=\"" +
             curve.color + "\">" + escaped(curve.name) + "</text>\n";
      legend += 90;
    }
    return out + "</svg>\n";
  }

 private:
  [[nodiscard]] double x(double second) const {
    return kLeft + (kWidth - kLeft - 20) * second / seconds_;
  }
  [[nodiscard]] double y(double value) const {
    return kHeight - (kHeight - kTop) * value / top_;
  }
  [[nodiscard]] static std::string line(double y) {
    return "<line class=\"grid\" x1=\"" + number(kLeft) + "\" x2=\"" +
           number(kWidth - 20) + "\" y1=\"" + number(y) + "\" y2=\"" +
           number(y) + "\"/>\n";
  }
  [[nodiscard]] static std::string text(double x, double y, const char* anchor,
                                        const std::string& words) {
    return "<text x=\"" + number(x) + "\" y=\"" + number(y) +
           "\" text-anchor=\"" + anchor + "\">" + escaped(words) + "</text>\n";
  }
  [[nodiscard]] std::string path(const Curve& curve) const {
    std::string out;
    bool drawing = false;
    for (const Point& point : points_) {
      const double value = curve.value(point);
      if (value < 0) {
        drawing = false;
        continue;
      }
      out += (drawing ? "L" : "M") + number(x(point.second)) + " " +
             number(y(value));
      drawing = true;
    }
    return out;
  }

  const std::vector<Point>& points_;
  const std::vector<Curve> curves_;
  double top_ = 1;
  double seconds_ = 1;
};

constexpr char kHead[] = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>videocall load test</title>
<style>
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem;
  margin: 2rem auto; padding: 0 1rem; }
h2 { font-size: 1rem; margin: 1.5rem 0 .25rem; }
pre { overflow-x: auto; font-size: 13px; }
svg { width: 100%; height: auto; }
svg text { font: 11px system-ui, sans-serif; fill: currentColor; }
.grid { stroke: currentColor; opacity: .15; }
.broken { color: #c62828; } .kept { color: #2e7d32; }
</style></head><body>
<h1>Load test</h1>
)";

std::string summary(const Results& results) {
  const Scenario& s = results.scenario;
  std::string out = "<p>" + std::to_string(s.rooms) +
                    (s.rooms == 1 ? " room of " : " rooms of ") +
                    std::to_string(s.publishers) + " × " +
                    std::to_string(s.viewers_per_room()) + ", " +
                    number(results.seconds) + " s measured";
  if (results.interrupted) out += " (interrupted)";
  if (s.video != VideoPattern::none)
    out += ", video " + number(s.video_kbps) + " kbit/s in " +
           std::to_string(s.layers) + (s.layers == 1 ? " layer" : " layers");
  if (s.audio) out += ", audio";
  return out + ".</p>\n";
}

}  // namespace

std::string report_page(const Results& results,
                        const std::vector<std::string>& broken) {
  std::string out = kHead + summary(results);
  for (const std::string& line : broken)
    out += "<p class=\"broken\">Bound broken: " + escaped(line) + "</p>\n";
  if (broken.empty()) out += "<p class=\"kept\">All bounds were kept.</p>\n";
  out += "<pre>";
  for (const std::string& line : final_table(results))
    out += escaped(line) + "\n";
  out += "</pre>\n";
  const std::vector<Point>& points = results.points;
  out += Chart(points,
               {{"p50", "#1976d2", [](const Point& p) { return p.p50_ms; }},
                {"p99", "#c62828", [](const Point& p) { return p.p99_ms; }}})
             .svg("Latency, ms");
  out += Chart(points, {{"loss", "#c62828",
                         [](const Point& p) { return p.loss_percent; }}})
             .svg("Packets missing, percent");
  out += Chart(points, {{"delivered", "#2e7d32",
                         [](const Point& p) { return p.mbit_per_second; }}})
             .svg("Delivered, Mbit/s");
  if (results.costs.server_cpu_s >= 0)
    out += Chart(points, {{"CPU, %", "#6a1b9a",
                           [](const Point& p) { return p.server_cpu_percent; }},
                          {"memory, MB", "#ef6c00",
                           [](const Point& p) { return p.server_mb; }}})
               .svg("The server: CPU in percent of a core, memory in MB");
  return out + "</body></html>\n";
}

}  // namespace videocall::loadtest
