// SPDX-License-Identifier: MIT
// Every length, count and rate that the network can drive has its bound here.
// Source of the wire bounds: docs/wire-protocol.md, sections 1 to 3.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace videocall::limits {

using namespace std::chrono_literals;

// -- Packets -----------------------------------------------------------------
inline constexpr size_t kMaxPacketBytes = 1'000'000;  // client to server
inline constexpr size_t kMaxStampBytes = 80;          // what stamping may add
inline constexpr size_t kMaxStampedPacketBytes =
    kMaxPacketBytes + kMaxStampBytes;
inline constexpr size_t kMaxDatagramBytes = 1'000;  // client to server
inline constexpr size_t kMaxUserIdBytes = 64;
inline constexpr size_t kMaxCodecBytes = 64;
inline constexpr size_t kMaxRttBytes = 64;
inline constexpr uint64_t kMaxSessionId = (uint64_t{1} << 53) - 1;
inline constexpr uint32_t kMaxLayer = 2;
inline constexpr uint32_t kMaxTemporalLayer = 3;
inline constexpr size_t kMaxRedundantFrames = 2;
inline constexpr size_t kMaxAudioPacketBytes = 64 * 1024;  // at a receiver

// -- Messages ----------------------------------------------------------------
inline constexpr size_t kMaxDisplayNameBytes = 128;
inline constexpr size_t kMaxMeetingIdBytes = 255;
inline constexpr size_t kMaxViewportTiles = 64;
inline constexpr size_t kMaxViewportsPerSecond = 5;
inline constexpr size_t kMaxLayerPreferences = 64;
inline constexpr size_t kMaxChatBytes = 4'000;
inline constexpr size_t kChatIdBytes = 16;
inline constexpr int kMaxHealthPeers = 256;        // of one HEALTH
inline constexpr size_t kMaxReportsPerSecond = 2;  // HEALTH and DIAGNOSTICS
inline constexpr size_t kMaxReactionsPerSecond = 4;
inline constexpr size_t kMaxChatsPerSecond = 5;
inline constexpr size_t kMaxUnknownTypePacketsPerSecond = 20;
inline constexpr size_t kMaxControlPacketsPerSecond = 50;
inline constexpr size_t kMaxRttPerSecond = 20;

// -- Refusals: a session with more than this is closed (protocol-error) -------
inline constexpr size_t kMaxRefusals = 50;
inline constexpr auto kRefusalWindow = 10s;

// -- Life of a session -------------------------------------------------------
inline constexpr auto kConnectionPacketTimeout = 60s;
inline constexpr auto kHeartbeatInterval = 5s;
inline constexpr auto kIdleTimeout = 30s;
inline constexpr auto kResumeWindow = 10s;
// Somebody who comes back to a room that opened here less than this ago (after
// a restart, or first on this node) is not told yet who has gone: most are on
// their way.
inline constexpr auto kRosterSettleTime = 5s;
// A client takes a server for gone after this, early enough to resume.
inline constexpr auto kServerSilenceTimeout = 8s;
inline constexpr auto kCloseLinger = 2s;  // QUIC outlives the capsule by this
// After the end of the control stream the CLOSE capsule, which says why, may
// still be on its way.
inline constexpr auto kCloseCapsuleGrace = 500ms;
inline constexpr size_t kRosterListsEverybodyUpTo = 200;
inline constexpr auto kKeyframeRequestInterval = 500ms;

// -- Group cache of the room: per session, kind and layer --------------------
inline constexpr size_t kMaxCachedGroupBytes = 4'000'000;
inline constexpr size_t kMaxCachedGroupPackets = 1'000;
inline constexpr auto kMaxCachedGroupAge = 10s;

// What of a cached group above temporal layer 0 a newcomer is sent: all or, if
// it is more than this, nothing, until the next group starts.
inline constexpr size_t kMaxCachedUpperBytes = 64 * 1024;

// -- Rooms -------------------------------------------------------------------
inline constexpr size_t kMaxRooms = 20'000;
inline constexpr size_t kMaxMembersPerRoom = 5'000;
inline constexpr size_t kMaxSpentTokensPerRoom = 10'000;
// Of a node, until they have expired; then newcomers get 503. More than
// kMaxHandshakesPerSecond can spend in that time.
inline constexpr size_t kMaxSpentTokensPerNode = 200'000;
inline constexpr auto kSpentTokenMemory = 120s;  // twice a token's life
inline constexpr size_t kMaxControlDataBytes = 64 * 1024;  // but media
inline constexpr auto kResumeSecretLife = 12h;
inline constexpr auto kParticipantCountInterval = 1s;  // in large rooms
inline constexpr size_t kDefaultCameras = 9;  // to a viewer without VIEWPORT
inline constexpr size_t kLoudestSpeakers = 8;
inline constexpr size_t kMaxLoudestSpeakers = 64;  // that may be configured
// Of one session; what is beyond is dropped (0: no bound).
inline constexpr size_t kMaxPacketsInPerSecond = 5'000;
inline constexpr size_t kMaxBytesInPerSecond = 8'000'000;
// A session that is beyond its rate in this many seconds running is closed.
inline constexpr unsigned kMaxSecondsOverRate = 10;
// Of a node, all shards together; beyond, Initials are not answered.
inline constexpr size_t kMaxHandshakesPerSecond = 2'000;
// How often a transport reports of a viewer's link to the rooms.
inline constexpr auto kLinkReportInterval = 200ms;
// A layer without a packet for this long is no longer chosen.
inline constexpr auto kCameraLayerSilence = 5s;
inline constexpr auto kScreenLayerSilence = 12s;
// A layer has stalled when others of the same picture flowed for this long,
// and brought so many frames, without one of it: its viewers are moved at once.
// The frames tell it from a camera that is slow, and they count only up to
// kMaxStallStep each, so that a burst after a pause of all counts for little.
inline constexpr auto kCameraLayerStall = 300ms;
inline constexpr auto kScreenLayerStall = 1500ms;
inline constexpr unsigned kMinStallFrames = 4;
inline constexpr auto kMaxStallStep = 150ms;
// It is chosen again from its next key frame on, or after it flowed this long.
inline constexpr auto kLayerReturn = 1s;
// -- Choice of layers --------------------------------------------------------
// What of a cached group a viewer is sent at once to come to another layer;
// more, and it waits for that layer's next key frame.
inline constexpr size_t kMaxSwitchBurstBytes = 128 * 1024;
// A viewer that waits for a higher layer has the sender asked for a key frame
// if that layer's last is older than this.
inline constexpr auto kStepUpPatience = 2s;
// How long nobody must have wanted a layer before its sender is told.
inline constexpr auto kLayerHintHold = 5s;
// A cached group of a layer that was hinted off serves for this long after its
// last packet: later the picture would stand still.
inline constexpr auto kStaleGroup = 200ms;
// A group number lower than the last is late, unless nothing came for this.
inline constexpr auto kGroupRestartSilence = 2s;

// -- Send queue of one session -----------------------------------------------
inline constexpr size_t kMaxSendQueueBytes = 2 * 1024 * 1024;
inline constexpr auto kMaxMediaQueueDelay = 300ms;
inline constexpr auto kMaxAudioQueueDelay = 200ms;
inline constexpr size_t kMaxControlQueueBytes = 1024 * 1024;  // beside it
inline constexpr size_t kMaxAudioQueueBytes = 256 * 1024;     // part of it
// A key frame is worth more late than never: its group's clock starts when it
// is out, and until then it may wait this long.
inline constexpr auto kMaxKeyframeQueueDelay = 1'000ms;
// A frame that has begun to go out is finished, if that can be by this age.
inline constexpr auto kMaxFrameSendDelay = 4'000ms;
inline constexpr auto kSendQueueTick = 50ms;  // how often its age is looked at
inline constexpr size_t kMaxSendTracks = 256;
inline constexpr auto kIdleTrackTimeout = 12s;  // a screen's group is <= 10 s
inline constexpr size_t kMaxQueuedProbes = 8;   // RTT packets, per session
inline constexpr auto kProbeInterval = 1s;      // of a client
inline constexpr auto kDatagramLimitLifetime =
    5s;  // then larger ones are tried

// -- Client: from one attempt to join to the next
// -------------------------------
inline constexpr auto kMinReconnectDelay = 250ms;
inline constexpr auto kMaxReconnectDelay = 15s;
inline constexpr auto kConnectTimeout = 15s;  // until SESSION_ASSIGNED
// When the server drains: a first look for another one after up to this,
inline constexpr auto kMoveDelay = 500ms;
// further ones at this interval, while the session goes on;
inline constexpr auto kMoveRetryDelay = 1s;
// and for this long after it was closed, tries in quick succession: another
// node, or the same after its restart, is there in a moment.
inline constexpr auto kDrainRetryDelay = 200ms;
inline constexpr auto kDrainRetryTime = 3s;
inline constexpr auto kStableConnection = 10s;    // then the delay starts anew
inline constexpr unsigned kMaxFirstAttempts = 3;  // before ever connected
inline constexpr unsigned kMaxTokenRefusals = 3;  // 401s in a row
inline constexpr size_t kMaxRosterMembers = 10'000;

// -- Frames of one session that have not come whole, over all its streams
// ------
inline constexpr size_t kMaxPartialFrameBytes = 4'000'000;

// -- QUIC
// ----------------------------------------------------------------------
inline constexpr size_t kMaxOpenPeerStreams = 128;         // of one kind
inline constexpr size_t kMaxLifetimeUniStreams = 100'000;  // then: reconnect
inline constexpr size_t kMaxEarlyStreams = 16;  // before their CONNECT
inline constexpr size_t kMaxEarlyBytes = 64 * 1024;
inline constexpr size_t kMaxCapsuleBytes = 2'048;
inline constexpr size_t kMaxCloseReasonBytes = 1'024;
inline constexpr size_t kMaxHeaderSectionBytes = 16 * 1024;
inline constexpr size_t kMaxUnframedPartialBytes = 16 * 1024;
inline constexpr size_t kMaxPendingAdmissions = 4'096;  // of an endpoint
inline constexpr auto kAdmissionTimeout = 10s;
inline constexpr auto kHandshakeTimeout = 10s;
inline constexpr size_t kRetryAboveHandshakes = 256;  // pending, of a shard
inline constexpr size_t kMaxHandshakes = 4'096;       // pending, of a shard
// That a shard begins in one turn; others wait, so that those who are here are
// served in between.
inline constexpr size_t kMaxHandshakesPerTurn = 8;
inline constexpr size_t kMaxSessionsPerEndpoint = 20'000;

// -- WebSocket
// -----------------------------------------------------------------
// Fragments of one message; browsers cut large ones.
inline constexpr size_t kMaxWebSocketFragments = 1'000;
inline constexpr size_t kMaxWebSocketControlFramesPerSecond = 20;
inline constexpr size_t kMaxWebSocketCloseReasonBytes = 123;
// What the kernel may hold of a session that it has not sent yet: what waits
// there is past our priorities.
inline constexpr size_t kMaxUnsentSocketBytes = 16 * 1024;
// What is read of one session before the others have their turn.
inline constexpr size_t kMaxWebSocketBytesPerTurn = 256 * 1024;
// A peer that takes nothing of what waits for it is gone after this.
inline constexpr auto kWebSocketStallTimeout = 30s;

}  // namespace videocall::limits
