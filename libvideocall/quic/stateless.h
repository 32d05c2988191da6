// SPDX-License-Identifier: MIT
// What a shard says and decides without a connection: to which connection a
// datagram belongs, version negotiation, Retry, stateless reset, refusal
// (RFC 8999, RFC 9000 sections 6, 8.1.2 and 10.3). Pure functions on bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "libvideocall/base/time.h"
#include "libvideocall/quic/connection.h"

namespace videocall::quic {

using Secret = std::array<uint8_t, 32>;

// The invariant part of a datagram's first packet.
struct DatagramHeader {
  bool long_header = false;
  bool supported = false;  // the version; true on a short header
  uint32_t version = 0;
  ConnectionId destination;
  ConnectionId source;  // long header only
};

// |own_id_size| is the size of our connection ids, for short headers. Nothing:
// no QUIC packet, or ids longer than 20 bytes in a version that is ours.
std::optional<DatagramHeader> parse_header(Bytes datagram, size_t own_id_size);

// A client's Initial that may open a connection; |token| is borrowed from the
// datagram. Nothing: not such a packet, drop it.
struct InitialHeader {
  uint32_t version = 0;
  ConnectionId destination;
  ConnectionId source;
  Bytes token;
};
std::optional<InitialHeader> parse_initial(Bytes datagram);

// Each of these writes one packet to |out| (at least 1200 bytes) and returns
// its size, 0 if there is nothing to answer.

// To a long header of a version that is not ours.
size_t write_version_negotiation(std::span<uint8_t> out, Bytes datagram);

// To a short header that no connection knows; smaller than |datagram_size|, so
// that two resetting endpoints fall silent.
size_t write_stateless_reset(std::span<uint8_t> out, const Secret& secret,
                             const ConnectionId& destination,
                             size_t datagram_size);

// Asks a client to prove its address; |id| is ours and its next destination.
size_t write_retry(std::span<uint8_t> out, const Secret& secret,
                   const InitialHeader& initial, const Path& path,
                   const ConnectionId& id, Time now);

// The client's first destination id if |initial|'s token is of a Retry of ours
// to that address, at most |lifetime| ago.
std::optional<ConnectionId> verify_retry_token(const Secret& secret,
                                               const InitialHeader& initial,
                                               const Path& path,
                                               Duration lifetime, Time now);
// Whether the token claims to be of a Retry (and not of a NEW_TOKEN frame): a
// bad one is then answered with write_refusal(INVALID_TOKEN).
bool is_retry_token(Bytes token);

inline constexpr uint64_t kConnectionRefused = 0x02;
inline constexpr uint64_t kInvalidToken = 0x0b;
// CONNECTION_CLOSE without keeping anything.
size_t write_refusal(std::span<uint8_t> out, const InitialHeader& initial,
                     uint64_t error);

}  // namespace videocall::quic
