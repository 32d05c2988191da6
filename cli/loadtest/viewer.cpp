// SPDX-License-Identifier: MIT
#include "cli/loadtest/viewer.h"

#include "proto/choice.pb.h"

namespace videocall::loadtest {
namespace {

uint64_t nanoseconds(Time time) {
  return static_cast<uint64_t>(time.time_since_epoch().count());
}

SentBefore sent_before(const SentTrack& track) {
  return {track.packets_at_begin.get(), track.bytes_at_begin.get()};
}

SentBefore sent_until_end(const SentTrack& track) {
  return {track.packets_at_end.get(), track.bytes_at_end.get()};
}

Arrival arrival_of(const Packet& packet, const Stamp& stamp) {
  const PacketFields& fields = packet.fields();
  Arrival arrival;
  arrival.kind = fields.kind == MediaKind::audio ? kAudio : kVideo;
  arrival.layer = arrival.kind == kAudio ? uint8_t{0} : fields.layer;
  arrival.keyframe = fields.header.keyframe;
  arrival.sequence = fields.header.sequence;
  arrival.group = fields.header.group;
  arrival.stamp = stamp;
  arrival.data_bytes = fields.data.size();
  arrival.packet_bytes = packet.size();
  return arrival;
}

}  // namespace

Viewer::Viewer(const Scenario& scenario, ViewerRecord& record, size_t room,
               size_t number)
    : scenario_(scenario),
      record_(record),
      room_(room),
      number_(number),
      class_(scenario.class_of(number)),
      tracks_(scenario.publishers) {}

void Viewer::open(Time now) {
  here_ = true;
  had_picture_ = false;
  opened_ns_ = nanoseconds(now);
  record_.joins.add(1);
}

void Viewer::note_picture(Time now, ClassRecord& together) {
  had_picture_ = true;
  const uint64_t us = (nanoseconds(now) - opened_ns_) / 1'000;
  record_.first_picture_us.set(us);
  together.first_picture_us.add(us);
}

void Viewer::take(const Packet& packet, Time now, const ViewerOutput& out) {
  const PacketFields& fields = packet.fields();
  if (!here_ || fields.type != PacketType::media) return;
  const auto stamp = read_stamp(fields.data);
  if (!stamp) return;  // somebody else's
  const size_t first = room_ * scenario_.publishers;
  const size_t publisher = stamp->publisher - first;
  if (stamp->publisher < first || publisher >= tracks_.size()) return;
  const Arrival arrival = arrival_of(packet, *stamp);
  if (arrival.kind == kVideo && arrival.keyframe && !had_picture_)
    note_picture(now, out.together);

  const Orders& orders = out.board.orders();
  const uint64_t begin = orders.measure_begin_ns.load();
  const uint64_t end = orders.measure_end_ns.load();
  if (end != 0 && stamp->sent_ns >= end) return;
  const bool measured = begin != 0 && stamp->sent_ns >= begin;
  SentTrack& sent =
      out.board.publisher(stamp->publisher).track(arrival.kind, arrival.layer);
  const int64_t missing = tracks_[publisher].meters[arrival.kind].take(
      arrival, measured, measured ? sent_before(sent) : SentBefore{},
      scenario_.everything_is_due(arrival.kind == kAudio),
      scenario_.temporal_layers, record_.delivered[arrival.kind]);
  if (!measured) return;
  const uint64_t now_ns = nanoseconds(now);
  const auto place =
      static_cast<size_t>(static_cast<double>(stamp->sent_ns - begin) / 1e9 /
                          out.board.interval_seconds());
  IntervalRecord& interval = out.board.interval(
      out.worker, std::min(place, out.board.intervals() - 1));
  interval.packets.add(1);
  interval.bytes.add(arrival.packet_bytes);
  interval.missing += missing;
  // What waited in the relay's cache for a newcomer was not late.
  if (stamp->sent_ns < opened_ns_) return;
  // |now| is when the loop began to read; it may have been sent since.
  const uint64_t latency_us =
      now_ns > stamp->sent_ns ? (now_ns - stamp->sent_ns) / 1'000 : 0;
  interval.latency_us.add(latency_us);
  if (latency_us <= kInTimeUs) record_.delivered[arrival.kind].in_time.add(1);
  out.together.latency_us[arrival.kind].add(latency_us);
  record_.latency_us.add(latency_us);
}

void Viewer::leave() {
  if (!here_) return;
  here_ = false;
  for (Tracks& tracks : tracks_)
    for (size_t kind = 0; kind < kKinds; ++kind)
      tracks.meters[kind].leave(record_.delivered[kind]);
}

void Viewer::finish(const ViewerOutput& out) {
  const uint64_t begin = out.board.orders().measure_begin_ns.load();
  if (!here_ || begin == 0) return;
  const bool whole_time = opened_ns_ < begin;
  for (size_t i = 0; i < tracks_.size(); ++i) {
    PublisherRecord& publisher =
        out.board.publisher(room_ * scenario_.publishers + i);
    for (size_t kind = 0; kind < kKinds; ++kind) {
      TrackMeter& meter = tracks_[i].meters[kind];
      Delivered& delivered = record_.delivered[kind];
      const bool due = scenario_.everything_is_due(kind == kAudio);
      SentTrack& sent = publisher.track(kind, meter.layer());
      int64_t missing = 0;
      if (meter.active()) {
        missing = meter.finish(sent_before(sent), sent_until_end(sent), due,
                               delivered);
      } else if (whole_time && due) {
        // Nothing at all came of it.
        const SentBefore all = sent_until_end(sent);
        const SentBefore before = sent_before(sent);
        if (all.packets <= before.packets) continue;
        missing = static_cast<int64_t>(all.packets - before.packets);
        delivered.packets_due.add(all.packets - before.packets);
        delivered.media_bytes_due.add(all.bytes - before.bytes);
      }
      out.board.interval(out.worker, out.board.intervals() - 1).missing +=
          missing;
    }
  }
  here_ = false;
}

std::string Viewer::viewport(Board& board) const {
  if (scenario_.tiles.empty() || scenario_.publishers == 0) return {};
  proto::Viewport viewport;
  for (size_t i = 0; i < scenario_.tiles.size(); ++i) {
    // Each viewer has another publisher in the first place.
    const size_t publisher = (number_ + i) % scenario_.publishers;
    const uint64_t session =
        board.publisher(room_ * scenario_.publishers + publisher)
            .session_id.get();
    if (session == 0) return {};
    auto& tile = *viewport.add_tiles();
    tile.set_session_id(session);
    tile.set_media_kind(proto::MEDIA_KIND_VIDEO);
    tile.set_height_px(scenario_.tiles[i]);
  }
  return viewport.SerializeAsString();
}

}  // namespace videocall::loadtest
