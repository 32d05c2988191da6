// SPDX-License-Identifier: MIT
#include "server/metrics_text.h"

#include <array>
#include <charconv>
#include <chrono>

namespace videocall::server {
namespace {

// The shortest text that reads back as |value|, whatever the locale.
std::string number(double value) {
  std::array<char, 32> buffer;
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return {buffer.data(), end};
}

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

// Of a HELP line.
std::string escape_help(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') out += "\\\\";
    if (c == '\n') out += "\\n";
    if (c != '\\' && c != '\n') out += c;
  }
  return out;
}

void write_line(std::string& out, const std::string& name,
                std::string_view labels, const std::string& value) {
  out += name;
  if (!labels.empty()) out.append("{").append(labels).append("}");
  out += ' ';
  out += value;
  out += '\n';
}

void write_histogram(std::string& out, const std::string& name,
                     const std::string& labels, const MetricHistogram& value) {
  const std::string before = labels.empty() ? "" : labels + ",";
  uint64_t sum = 0;
  for (size_t i = 0; i < value.counts.size(); ++i) {
    sum += value.counts[i];
    const std::string bound =
        i < value.bounds.size() ? number(value.bounds[i]) : "+Inf";
    write_line(out, name + "_bucket", before + label("le", bound),
               std::to_string(sum));
  }
  write_line(out, name + "_sum", labels, number(value.sum));
  write_line(out, name + "_count", labels, std::to_string(sum));
}

}  // namespace

std::string label(std::string_view name, std::string_view value) {
  std::string out(name);
  out += "=\"";
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out + '"';
}

MetricHistogram MetricHistogram::from(
    const DurationHistogram::Snapshot& snapshot) {
  MetricHistogram out;
  for (const Duration bound : DurationHistogram::kBounds)
    out.bounds.push_back(seconds(bound));
  out.counts.assign(snapshot.counts.begin(), snapshot.counts.end());
  out.sum = seconds(snapshot.sum);
  return out;
}

MetricsText::Family& MetricsText::family(std::string_view name,
                                         std::string_view help,
                                         const char* type) {
  const auto found = index_.find(name);
  if (found != index_.end()) return families_[found->second];
  index_.emplace(name, families_.size());
  return families_.emplace_back(Family{
      .name = std::string(name), .help = escape_help(help), .type = type});
}

void MetricsText::add(std::string_view name, std::string_view help,
                      const char* type, std::string_view labels, double value) {
  Family& to = family(name, help, type);
  const auto [at, fresh] = to.values.emplace(labels, value);
  if (fresh)
    to.order.emplace_back(labels);
  else
    at->second += value;
}

void MetricsText::counter(std::string_view name, std::string_view help,
                          std::string_view labels, double value) {
  add(name, help, "counter", labels, value);
}

void MetricsText::gauge(std::string_view name, std::string_view help,
                        std::string_view labels, double value) {
  add(name, help, "gauge", labels, value);
}

void MetricsText::histogram(std::string_view name, std::string_view help,
                            std::string_view labels,
                            const MetricHistogram& value) {
  Family& to = family(name, help, "histogram");
  const auto [at, fresh] = to.histograms.emplace(labels, value);
  if (fresh) {
    to.order.emplace_back(labels);
    return;
  }
  MetricHistogram& sum = at->second;
  if (sum.bounds != value.bounds) return;
  for (size_t i = 0; i < sum.counts.size(); ++i)
    sum.counts[i] += value.counts[i];
  sum.sum += value.sum;
}

std::string MetricsText::text() const {
  std::string out;
  for (const Family& family : families_) {
    out += "# HELP " + family.name + " " + family.help + "\n";
    out += "# TYPE " + family.name + " " + family.type + "\n";
    for (const std::string& labels : family.order) {
      const auto found = family.histograms.find(labels);
      if (found != family.histograms.end())
        write_histogram(out, family.name, labels, found->second);
      else
        write_line(out, family.name, labels, number(family.values.at(labels)));
    }
  }
  return out;
}

}  // namespace videocall::server
