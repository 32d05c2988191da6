// SPDX-License-Identifier: MIT
// Writes metrics in Prometheus' text format, version 0.0.4
// (https://prometheus.io/docs/instrumenting/exposition_formats/).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libvideocall/base/counter.h"

namespace videocall::server {

// Bounds in seconds and counts, one more than bounds, not cumulative.
struct MetricHistogram {
  std::vector<double> bounds;
  std::vector<uint64_t> counts;
  double sum = 0;

  static MetricHistogram from(const DurationHistogram::Snapshot& snapshot);
};

class MetricsText {
 public:
  static constexpr const char* kContentType =
      "text/plain; version=0.0.4; charset=utf-8";

  // |labels| is name="value" pairs with commas between, or empty; see label().
  // What is added twice under one name and labels is added up. |help| is that
  // of the first call with |name|.
  void counter(std::string_view name, std::string_view help,
               std::string_view labels, double value);
  void gauge(std::string_view name, std::string_view help,
             std::string_view labels, double value);
  void histogram(std::string_view name, std::string_view help,
                 std::string_view labels, const MetricHistogram& value);

  // All, families in the order in which they came first.
  std::string text() const;

 private:
  struct Family {
    std::string name;
    std::string help;
    const char* type = "";
    std::vector<std::string> order;  // of labels
    std::map<std::string, double, std::less<>> values;
    std::map<std::string, MetricHistogram, std::less<>> histograms;
  };
  Family& family(std::string_view name, std::string_view help,
                 const char* type);
  void add(std::string_view name, std::string_view help, const char* type,
           std::string_view labels, double value);

  std::vector<Family> families_;
  std::map<std::string, size_t, std::less<>> index_;  // into families_
};

// name="value", with |value| escaped.
std::string label(std::string_view name, std::string_view value);

}  // namespace videocall::server
