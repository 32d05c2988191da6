// SPDX-License-Identifier: MIT
#include "libvideocall/cluster/subject.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "libvideocall/cluster/limits.h"

namespace videocall::cluster {
namespace {

constexpr std::string_view kRoom = "videocall.room.";
constexpr std::string_view kNode = "videocall.node.";
// By MediaKind.
constexpr std::array<std::string_view, 4> kKinds = {"", "video", "audio",
                                                    "screen"};

bool is_id(std::string_view id, size_t max_bytes) {
  return !id.empty() && id.size() <= max_bytes &&
         std::all_of(id.begin(), id.end(), [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                  (c >= '0' && c <= '9') || c == '_' || c == '-';
         });
}

// Takes the text up to the next dot off |text|.
std::string_view take_token(std::string_view& text) {
  const std::string_view token = text.substr(0, text.find('.'));
  text.remove_prefix(std::min(token.size() + 1, text.size()));
  return token;
}

template <typename Number>
bool read_number(std::string_view text, Number max, Number& number) {
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() &&
         number <= max;
}

bool read_track(std::string_view text, TrackLayer& track) {
  if (!read_number(take_token(text), limits::kMaxSessionId, track.session_id) ||
      track.session_id == 0)
    return false;
  const auto kind =
      std::find(kKinds.begin() + 1, kKinds.end(), take_token(text));
  if (kind == kKinds.end()) return false;
  track.kind = static_cast<MediaKind>(kind - kKinds.begin());
  const uint8_t max =
      track.kind == MediaKind::audio ? 0 : uint8_t{limits::kMaxLayer};
  return read_number(text, max, track.layer);
}

}  // namespace

Subject parse_subject(std::string_view text) {
  Subject subject;
  if (text == kNodesSubject) {
    subject.kind = Subject::Kind::nodes;
  } else if (text.starts_with(kNode)) {
    subject.node = text.substr(kNode.size());
    if (is_node_id(subject.node)) subject.kind = Subject::Kind::node;
  } else if (text.starts_with(kRoom)) {
    text.remove_prefix(kRoom.size());
    subject.meeting = take_token(text);
    if (!is_id(subject.meeting, limits::kMaxMeetingIdBytes)) return {};
    const std::string_view what = take_token(text);
    if (what == "media" && read_track(text, subject.track)) {
      subject.kind = Subject::Kind::media;
    } else if (what == "ctl" && is_node_id(text)) {
      subject.kind = Subject::Kind::control;
      subject.node = text;
    }
  }
  return subject;
}

std::string media_subject(std::string_view meeting, const TrackLayer& track) {
  std::string text(kRoom);
  text.append(meeting).append(".media.");
  text.append(std::to_string(track.session_id)).append(".");
  text.append(kKinds[static_cast<size_t>(track.kind)]).append(".");
  return text.append(std::to_string(track.layer));
}

std::string control_subject(std::string_view meeting, std::string_view node) {
  return std::string(kRoom).append(meeting).append(".ctl.").append(node);
}

std::string node_subject(std::string_view node) {
  return std::string(kNode).append(node);
}

bool is_node_id(std::string_view id) {
  return is_id(id, limits::kMaxNodeIdBytes);
}

}  // namespace videocall::cluster
