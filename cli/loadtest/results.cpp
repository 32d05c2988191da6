// SPDX-License-Identifier: MIT
#include "cli/loadtest/results.h"

#include <algorithm>
#include <cmath>
#include <memory>

namespace videocall::loadtest {
namespace {

using nlohmann::json;

constexpr double kMs = 1e-3;  // of a microsecond

json to_json(const Percentiles& p) {
  return {{"count", p.count},
          {"p50", p.p50},
          {"p95", p.p95},
          {"p99", p.p99},
          {"max", p.max}};
}

json to_json(const Sum& s) {
  return {{"packets_expected", s.packets_due},
          {"packets_received", s.packets},
          {"media_bytes_expected", s.media_bytes_due},
          {"media_bytes_received", s.media_bytes},
          {"bytes_received", s.bytes},
          {"loss_percent", s.loss_percent()},
          {"gaps",
           {{"groups_cut", s.groups_cut},
            {"groups_skipped", s.groups_skipped},
            {"frames_thinned", s.thinned},
            {"frames_torn", s.torn},
            {"frames_without_key_frame", s.orphans}}},
          {"duplicates", s.duplicates},
          {"in_time", s.in_time},
          {"frames_missing", s.frames_missing},
          {"layer_switches", s.switches},
          {"pauses", s.pauses}};
}

json to_json(const Group& group) {
  json out = to_json(group.total());
  out["viewers"] = group.viewers;
  out["open"] = group.open;
  out["video"] = to_json(group.delivered[kVideo]);
  out["video"]["latency_ms"] = to_json(group.video_ms);
  out["audio"] = to_json(group.delivered[kAudio]);
  out["audio"]["latency_ms"] = to_json(group.audio_ms);
  out["latency_ms"] = to_json(group.latency_ms);
  out["join_ms"] = to_json(group.join_ms);
  out["connect_ms"] = to_json(group.connect_ms);
  out["first_key_frame_ms"] = to_json(group.first_picture_ms);
  return out;
}

json to_json(const Scenario& s) {
  return {{"transport", to_string(s.transport)},
          {"rooms", s.rooms},
          {"publishers", s.publishers},
          {"viewers", s.viewers},
          {"slow", s.slow},
          {"lossy", s.lossy},
          {"churning", s.churning},
          {"storm", s.storm},
          {"duration", s.duration},
          {"video_kbps", s.video_kbps},
          {"layers", s.layers},
          {"temporal_layers", s.temporal_layers},
          {"fps", s.fps},
          {"group", s.group},
          {"audio", s.audio},
          {"media", s.media},
          {"processes", s.processes}};
}

// Negative stands for unknown.
json known(double value) {
  return value < 0 ? json() : json(value);
}

// The histograms of a class, of all processes.
struct Merged {
  ClassRecord record;
  FineHistogram latency_us;

  void merge(const ClassRecord& other) {
    for (size_t kind = 0; kind < kKinds; ++kind) {
      record.latency_us[kind].merge(other.latency_us[kind]);
      latency_us.merge(other.latency_us[kind]);
    }
    record.join_us.merge(other.join_us);
    record.connect_us.merge(other.connect_us);
    record.first_picture_us.merge(other.first_picture_us);
  }
  void give_to(Group& group) const {
    group.video_ms = Percentiles::of(record.latency_us[kVideo], kMs);
    group.audio_ms = Percentiles::of(record.latency_us[kAudio], kMs);
    group.latency_ms = Percentiles::of(latency_us, kMs);
    group.join_ms = Percentiles::of(record.join_us, kMs);
    group.connect_ms = Percentiles::of(record.connect_us, kMs);
    group.first_picture_ms = Percentiles::of(record.first_picture_us, kMs);
  }
};

const char* to_string(SessionState state) {
  switch (state) {
    case SessionState::waiting:
      return "waiting";
    case SessionState::joining:
      return "joining";
    case SessionState::open:
      return "open";
    case SessionState::left:
      return "left";
    case SessionState::failed:
      return "failed";
  }
  return "";
}

json viewer_json(const Scenario& scenario, size_t index,
                 const ViewerRecord& record) {
  const size_t per_room = scenario.viewers_per_room();
  Sum sum;
  for (const Delivered& delivered : record.delivered) sum.add(delivered);
  json out = to_json(sum);
  out["room"] = index / per_room;
  out["class"] = to_string(scenario.class_of(index % per_room));
  out["state"] = to_string(record.state.load());
  out["joins"] = record.joins.get();
  out["latency_ms"] = to_json(Percentiles::of(record.latency_us, kMs));
  if (record.first_picture_us.get() > 0)
    out["first_key_frame_ms"] = double(record.first_picture_us.get()) * kMs;
  return out;
}

}  // namespace

// -- Sums ---------------------------------------------------------------------

void Sum::add(const Delivered& d) {
  packets_due += d.packets_due.get();
  packets += d.packets.get();
  media_bytes_due += d.media_bytes_due.get();
  media_bytes += d.media_bytes.get();
  bytes += d.bytes.get();
  groups_cut += d.groups_cut.get();
  groups_skipped += d.groups_skipped.get();
  thinned += d.thinned.get();
  torn += d.torn.get();
  orphans += d.orphans.get();
  duplicates += d.duplicates.get();
  in_time += d.in_time.get();
  frames_missing += d.frames_missing.get();
  switches += d.switches.get();
  pauses += d.pauses.get();
}

void Sum::add(const Sum& other) {
  packets_due += other.packets_due;
  packets += other.packets;
  media_bytes_due += other.media_bytes_due;
  media_bytes += other.media_bytes;
  bytes += other.bytes;
  groups_cut += other.groups_cut;
  groups_skipped += other.groups_skipped;
  thinned += other.thinned;
  torn += other.torn;
  orphans += other.orphans;
  duplicates += other.duplicates;
  in_time += other.in_time;
  frames_missing += other.frames_missing;
  switches += other.switches;
  pauses += other.pauses;
}

double Sum::loss_percent() const {
  if (packets_due <= packets) return 0;
  return 100.0 * double(packets_due - packets) / double(packets_due);
}

Sum Group::total() const {
  Sum sum;
  for (const Sum& kind : delivered) sum.add(kind);
  return sum;
}

const Group& Results::bounded() const {
  return classes.empty() ? all : classes.front();
}

double Results::core_s_per_gb() const {
  const double gb = double(all.total().bytes) / 1e9;
  return costs.server_cpu_s < 0 || gb <= 0 ? -1 : costs.server_cpu_s / gb;
}

double Results::kb_per_session() const {
  // Those of a storm had not come when the memory was read.
  const size_t there =
      scenario.rooms * (scenario.publishers + scenario.viewers);
  if (costs.server_kb < 0 || costs.server_idle_kb < 0 || there == 0) return -1;
  return (costs.server_kb - costs.server_idle_kb) / double(there);
}

json Results::to_json() const {
  json out = {{"scenario", loadtest::to_json(scenario)},
              {"seconds", seconds},
              {"interrupted", interrupted},
              {"sessions", sessions},
              {"failed_sessions", failed_sessions},
              {"lost_sessions", lost_sessions},
              {"first_failure", failure},
              {"keyframe_requests", keyframe_requests},
              {"uplink_dropped", uplink_dropped},
              {"total", loadtest::to_json(all)}};
  out["total"]["delivered_gb"] = double(all.total().bytes) / 1e9;
  for (const Group& group : classes)
    out["classes"][group.name] = loadtest::to_json(group);
  out["server"] = {{"cpu_s", known(costs.server_cpu_s)},
                   {"process_cpu_s", costs.server_cpus_s},
                   {"core_s_per_gb", known(core_s_per_gb())},
                   {"idle_kb", known(costs.server_idle_kb)},
                   {"resident_kb", known(costs.server_kb)},
                   {"max_resident_kb", known(costs.server_max_kb)},
                   {"kb_per_session", known(kb_per_session())}};
  out["load"] = {{"cpu_s", costs.load_cpu_s},
                 {"busiest_process_percent", costs.busiest_load_percent}};
  out["series"] = json::array();
  for (const Point& point : points)
    out["series"].push_back(
        {{"second", point.second},
         {"p50_ms", point.p50_ms},
         {"p99_ms", point.p99_ms},
         {"max_ms", point.max_ms},
         {"mbit_per_second", point.mbit_per_second},
         {"loss_percent", point.loss_percent},
         {"server_cpu_percent", known(point.server_cpu_percent)},
         {"server_mb", known(point.server_mb)}});
  out["viewers"] = viewers;
  return out;
}

// -- Adding up ----------------------------------------------------------------

namespace {

void add_viewers(const Scenario& scenario, Board& board, bool details,
                 std::array<Group, kViewerClasses>& groups, json& list) {
  const size_t per_room = scenario.viewers_per_room();
  for (size_t i = 0; i < scenario.all_viewers(); ++i) {
    const ViewerRecord& record = board.viewer(i);
    Group& group = groups[static_cast<size_t>(scenario.class_of(i % per_room))];
    ++group.viewers;
    if (record.state.load() == SessionState::open) ++group.open;
    for (size_t kind = 0; kind < kKinds; ++kind)
      group.delivered[kind].add(record.delivered[kind]);
    if (details) list.push_back(viewer_json(scenario, i, record));
  }
}

}  // namespace

Results add_up(const Scenario& scenario, Board& board, bool with_viewers) {
  Results results;
  results.scenario = scenario;
  results.sessions = scenario.all_publishers() + scenario.all_viewers();
  results.viewers = json::array();
  std::array<Group, kViewerClasses> groups;
  add_viewers(scenario, board, with_viewers, groups, results.viewers);
  const auto everybody = std::make_unique<Merged>();
  for (size_t i = 0; i < kViewerClasses; ++i) {
    if (groups[i].viewers == 0) continue;
    const auto merged = std::make_unique<Merged>();
    for (size_t worker = 0; worker < scenario.processes; ++worker)
      merged->merge(board.worker(worker).classes[i]);
    for (size_t worker = 0; worker < scenario.processes; ++worker)
      everybody->merge(board.worker(worker).classes[i]);
    merged->give_to(groups[i]);
    groups[i].name = to_string(static_cast<ViewerClass>(i));
    results.all.viewers += groups[i].viewers;
    results.all.open += groups[i].open;
    for (size_t kind = 0; kind < kKinds; ++kind)
      results.all.delivered[kind].add(groups[i].delivered[kind]);
    results.classes.push_back(groups[i]);
  }
  everybody->give_to(results.all);
  results.all.name = "all";
  for (size_t worker = 0; worker < scenario.processes; ++worker) {
    WorkerRecord& record = board.worker(worker);
    results.failed_sessions += record.failed_sessions.get();
    results.lost_sessions += record.lost_sessions.get();
    if (results.failure.empty() && record.failure_set.load())
      results.failure = record.failure.data();
  }
  for (size_t i = 0; i < scenario.all_publishers(); ++i) {
    results.keyframe_requests += board.publisher(i).keyframe_requests.get();
    results.uplink_dropped += board.publisher(i).dropped.get();
  }
  return results;
}

std::vector<Point> curves(const Scenario& scenario, Board& board) {
  std::vector<Point> points;
  const auto histogram = std::make_unique<FineHistogram>();
  for (size_t i = 0; i < board.intervals(); ++i) {
    histogram->clear();
    uint64_t packets = 0;
    uint64_t bytes = 0;
    int64_t missing = 0;
    for (size_t worker = 0; worker < scenario.processes; ++worker) {
      IntervalRecord& record = board.interval(worker, i);
      histogram->merge(record.latency_us);
      packets += record.packets.get();
      bytes += record.bytes.get();
      missing += record.missing.load();
    }
    const Percentiles latency = Percentiles::of(*histogram, kMs);
    const auto lost = static_cast<double>(std::max<int64_t>(missing, 0));
    Point point;
    point.second = double(i) * board.interval_seconds();
    point.p50_ms = latency.p50;
    point.p99_ms = latency.p99;
    point.max_ms = latency.max;
    point.mbit_per_second = double(bytes) * 8 / 1e6 / board.interval_seconds();
    if (packets + uint64_t(lost) > 0)
      point.loss_percent = 100 * lost / (double(packets) + lost);
    points.push_back(point);
  }
  return points;
}

}  // namespace videocall::loadtest
