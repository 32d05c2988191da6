// SPDX-License-Identifier: MIT
// The NATS subjects that nodes speak on (docs/wire-protocol.md, section 4).
// Pure text. Ids are single subject tokens.
//
//   videocall.room.{meeting}.media.{session}.{kind}.{layer}   kind: video,
//   videocall.room.{meeting}.ctl.{node}                       audio or screen
//   videocall.node.{node}
//   videocall.nodes
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "libvideocall/base/export.h"
#include "libvideocall/wire/packet.h"

namespace videocall {

// Where a packet goes for the sake of other nodes: a NATS subject.
using SubjectPtr = std::shared_ptr<const std::string>;

}  // namespace videocall

namespace videocall::cluster {

inline constexpr std::string_view kNodesSubject = "videocall.nodes";
// As node of control_subject(): what all nodes say in a room.
inline constexpr std::string_view kAnyNode = "*";

// Names the media of one layer of one session; audio has layer 0 alone.
struct TrackLayer {
  uint64_t session_id = 0;
  MediaKind kind = MediaKind::unspecified;
  uint8_t layer = 0;

  // NOLINTNEXTLINE(modernize-use-nullptr): there is none to use
  auto operator<=>(const TrackLayer&) const = default;
};

struct Subject {
  enum class Kind { other, media, control, node, nodes };
  Kind kind = Kind::other;
  std::string_view meeting;  // media, control; borrowed
  std::string_view node;     // control, node; borrowed
  TrackLayer track;          // media
};

// Never fails: what is none of the above is |other|.
VIDEOCALL_API Subject parse_subject(std::string_view text);

VIDEOCALL_API std::string media_subject(std::string_view meeting,
                                        const TrackLayer& track);
VIDEOCALL_API std::string control_subject(std::string_view meeting,
                                          std::string_view node);
VIDEOCALL_API std::string node_subject(std::string_view node);

// 1 to 64 of A-Z a-z 0-9 _ -.
VIDEOCALL_API bool is_node_id(std::string_view id);

}  // namespace videocall::cluster
