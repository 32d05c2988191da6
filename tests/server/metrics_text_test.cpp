// SPDX-License-Identifier: MIT
#include "server/metrics_text.h"

#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::server;

namespace {

void assert_text(const MetricsText& metrics, const std::string& wanted) {
  const std::string text = metrics.text();
  ck_assert_msg(text == wanted, "'%s', wanted '%s'", text.c_str(),
                wanted.c_str());
}

}  // namespace

VC_TEST(families_come_in_order_with_help_and_type) {
  MetricsText metrics;
  metrics.gauge("b", "Second\nline.", "", 1.5);
  metrics.counter("a_total", "First.", label("x", "1"), 12345678901234.0);
  metrics.gauge("b", "ignored", label("y", "2"), 0);
  assert_text(metrics,
              "# HELP b Second\\nline.\n# TYPE b gauge\nb 1.5\nb{y=\"2\"} 0\n"
              "# HELP a_total First.\n# TYPE a_total counter\n"
              "a_total{x=\"1\"} 12345678901234\n");
}

VC_TEST(the_same_labels_add_up) {
  MetricsText metrics;
  metrics.counter("a_total", "A.", "", 1);
  metrics.counter("a_total", "A.", "", 2);
  assert_text(metrics,
              "# HELP a_total A.\n# TYPE a_total counter\na_total 3\n");
}

VC_TEST(labels_are_escaped) {
  ck_assert_str_eq(label("a", "x\"y\\z\n").c_str(), "a=\"x\\\"y\\\\z\\n\"");
}

VC_TEST(buckets_are_cumulative) {
  MetricsText metrics;
  metrics.histogram("t_seconds", "T.", label("p", "q"),
                    {.bounds = {0.5, 1}, .counts = {2, 0, 3}, .sum = 7.25});
  assert_text(metrics,
              "# HELP t_seconds T.\n# TYPE t_seconds histogram\n"
              "t_seconds_bucket{p=\"q\",le=\"0.5\"} 2\n"
              "t_seconds_bucket{p=\"q\",le=\"1\"} 2\n"
              "t_seconds_bucket{p=\"q\",le=\"+Inf\"} 5\n"
              "t_seconds_sum{p=\"q\"} 7.25\nt_seconds_count{p=\"q\"} 5\n");
}

VC_SUITE_MAIN("server-metrics_text")
