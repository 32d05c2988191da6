// SPDX-License-Identifier: MIT
#include "cli/loadtest/publisher.h"

#include <utility>

#include "cli/loadtest/stamp.h"

namespace videocall::loadtest {
namespace {

// Speakers take turns, so that the relay has somebody to choose.
constexpr uint64_t kTurnPackets = 3 * kAudioPerSecond;
constexpr uint8_t kLoud = 25;  // -dBov, RFC 6464
constexpr uint8_t kQuiet = 60;

uint64_t nanoseconds(Time time) {
  return static_cast<uint64_t>(time.time_since_epoch().count());
}

}  // namespace

// -- MediaSource --------------------------------------------------------------

MediaSource::MediaSource(const Scenario& scenario, std::vector<MediaFile> files)
    : files_(std::move(files)), fps_(scenario.fps) {
  if (!files_.empty()) {
    has_video_ = !files_[0].video.empty();
    has_audio_ = !files_[0].audio.empty();
    if (has_video_) fps_ = files_[0].fps;
    return;
  }
  has_video_ = scenario.video != VideoPattern::none;
  has_audio_ = scenario.audio;
  if (has_audio_)
    audio_ = synthetic_media(MediaKind::audio, scenario.audio_bytes);
  if (!has_video_) return;
  for (size_t i = 0; i < scenario.layers; ++i) {
    const FrameSizes sizes = frame_sizes(scenario.video, scenario.kbps_of(i),
                                         scenario.fps, scenario.group);
    layers_[i] = {synthetic_media(MediaKind::video, sizes.key),
                  synthetic_media(MediaKind::video, sizes.delta),
                  scenario.height_of(i)};
  }
}

bool MediaSource::file_keyframe(size_t layer, uint64_t number) const {
  const auto& frames = files_[layer].video;
  return frames[number % frames.size()].keyframe;
}

MediaSource::Frame MediaSource::video(size_t layer, uint64_t number,
                                      bool keyframe) {
  if (!files_.empty()) {
    auto& frames = files_[layer].video;
    auto& frame = frames[number % frames.size()];
    return {&frame.data, frame.codec, frame.width, frame.height};
  }
  Layer& from = layers_[layer];
  return {keyframe ? &from.key : &from.delta, "vp8", from.height * 16 / 9,
          from.height};
}

std::vector<uint8_t>& MediaSource::audio(uint64_t number) {
  if (files_.empty()) return audio_;
  auto& frames = files_[0].audio;
  return frames[number % frames.size()].data;
}

// -- Publisher ----------------------------------------------------------------

Publisher::Publisher(const Scenario& scenario, MediaSource& source,
                     Orders& orders, PublisherRecord& record, size_t number)
    : scenario_(scenario),
      source_(source),
      orders_(orders),
      record_(record),
      number_(static_cast<uint32_t>(number)) {}

PacketRef Publisher::build(PacketFields& fields, std::vector<uint8_t>& data,
                           Track& track, SentTrack& sent, uint32_t index,
                           Time now) {
  fields.type = PacketType::media;
  fields.header.sequence = ++track.sequence;
  fields.header.capture_us = nanoseconds(now) / 1'000;
  write_stamp(data, {number_, index, nanoseconds(now), track.bytes});
  fields.data = data;
  track.bytes += data.size();
  sent.packets.set(track.sequence);
  sent.bytes.set(track.bytes);
  auto packet = Packet::build(fields);
  return packet ? std::move(*packet) : PacketRef();
}

bool Publisher::starts_group(const Track& track, size_t layer) const {
  if (source_.is_file()) return source_.file_keyframe(layer, track.frames);
  return track.key_wanted || track.index >= scenario_.group;
}

void Publisher::video(Time now, std::vector<PacketRef>& out) {
  mark(now);
  for (size_t layer = 0; layer < scenario_.layers; ++layer) {
    Track& track = video_[layer];
    if ((wanted_ >> layer & 1) == 0) {
      ++track.frames;
      track.key_wanted = true;
      continue;
    }
    const bool key = starts_group(track, layer);
    const uint64_t frame = track.frames++;
    // A file's group cannot begin in its middle.
    if (!key && track.key_wanted) continue;
    if (key) {
      ++track.group;
      track.index = 0;
      track.key_wanted = false;
    }
    const MediaSource::Frame media = source_.video(layer, frame, key);
    const uint32_t index = track.index++;
    PacketFields fields;
    fields.kind = MediaKind::video;
    fields.layer = static_cast<uint8_t>(layer);
    fields.header.group = track.group;
    fields.header.keyframe = key;
    fields.header.temporal_id = static_cast<uint8_t>(
        source_.is_file() ? 0 : temporal_id(scenario_.temporal_layers, index));
    fields.header.target_kbps = static_cast<uint32_t>(scenario_.kbps_of(layer));
    if (key) {
      fields.header.codec = media.codec;
      fields.header.width = media.width;
      fields.header.height = media.height;
    }
    out.push_back(
        build(fields, *media.data, track, record_.video[layer], index, now));
  }
}

void Publisher::audio(Time now, std::vector<PacketRef>& out) {
  mark(now);
  const uint64_t number = audio_.frames++;
  const size_t talks = number / kTurnPackets % scenario_.publishers;
  const bool mine = talks == number_ % scenario_.publishers;
  PacketFields fields;
  fields.kind = MediaKind::audio;
  fields.header.group = 1;
  fields.header.audio_level = mine ? kLoud : kQuiet;
  fields.header.speaking = mine;
  if (number == 0) fields.header.codec = "opus";
  out.push_back(
      build(fields, source_.audio(number), audio_, record_.audio, 0, now));
}

void Publisher::request_keyframe(size_t layer) {
  record_.keyframe_requests.add(1);
  if (layer < kMaxLayers && !source_.is_file()) video_[layer].key_wanted = true;
}

// Writes down how much had been sent when the measured time began and ended,
// before the first packet of the new time goes out.
void Publisher::mark(Time now) {
  const uint64_t begin = orders_.measure_begin_ns.load();
  if (begin == 0 || nanoseconds(now) < begin) return;
  if (!std::exchange(begin_marked_, true)) {
    const auto note = [](SentTrack& track) {
      track.packets_at_begin.set(track.packets.get());
      track.bytes_at_begin.set(track.bytes.get());
    };
    for (SentTrack& track : record_.video) note(track);
    note(record_.audio);
  }
  const uint64_t end = orders_.measure_end_ns.load();
  if (end != 0 && nanoseconds(now) >= end) mark_end();
}

void Publisher::mark_end() {
  if (std::exchange(end_marked_, true)) return;
  const auto note = [](SentTrack& track) {
    track.packets_at_end.set(track.packets.get());
    track.bytes_at_end.set(track.bytes.get());
  };
  for (SentTrack& track : record_.video) note(track);
  note(record_.audio);
}

void Publisher::leave() {
  if (begin_marked_) mark_end();
}

}  // namespace videocall::loadtest
