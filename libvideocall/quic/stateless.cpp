// SPDX-License-Identifier: MIT
#include "libvideocall/quic/stateless.h"

#include <gnutls/crypto.h>
#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>

#include <algorithm>

#include "libvideocall/quic/convert.h"

namespace videocall::quic {
namespace {

// The smallest that looks like a packet of ours, RFC 9000 section 10.3.
constexpr size_t kMinResetBytes = 21;
constexpr size_t kMaxResetRandom = 26;

bool random_bytes(uint8_t* out, size_t size) {
  return gnutls_rnd(GNUTLS_RND_NONCE, out, size) == 0;
}

size_t size_or_zero(ngtcp2_ssize size) {
  return size > 0 ? static_cast<size_t>(size) : 0;
}

}  // namespace

std::optional<DatagramHeader> parse_header(Bytes datagram, size_t own_id_size) {
  // ngtcp2 asserts that there is something.
  if (datagram.empty()) return std::nullopt;
  ngtcp2_version_cid parsed;
  const int rv = ngtcp2_pkt_decode_version_cid(&parsed, datagram.data(),
                                               datagram.size(), own_id_size);
  if (rv != 0 && rv != NGTCP2_ERR_VERSION_NEGOTIATION) return std::nullopt;
  DatagramHeader header;
  header.long_header = (datagram[0] & 0x80) != 0;
  header.supported = rv == 0;
  header.version = parsed.version;
  // Longer ids exist in versions that are not ours; those are not routed.
  const auto copy = [](ConnectionId& id, const uint8_t* bytes, size_t size) {
    id.size = static_cast<uint8_t>(std::min(size, id.bytes.size()));
    std::copy_n(bytes, id.size, id.bytes.begin());
  };
  copy(header.destination, parsed.dcid, parsed.dcidlen);
  if (header.long_header) copy(header.source, parsed.scid, parsed.scidlen);
  return header;
}

std::optional<InitialHeader> parse_initial(Bytes datagram) {
  ngtcp2_pkt_hd parsed;
  // It also asks for a Retry to 0-RTT packets, which we never allow.
  if (ngtcp2_accept(&parsed, datagram.data(), datagram.size()) != 0)
    return std::nullopt;
  InitialHeader header;
  header.version = parsed.version;
  header.destination = from_cid(parsed.dcid);
  header.source = from_cid(parsed.scid);
  header.token = {parsed.token.base, parsed.token.len};
  return header;
}

size_t write_version_negotiation(std::span<uint8_t> out, Bytes datagram) {
  if (datagram.empty()) return 0;
  ngtcp2_version_cid parsed;
  if (ngtcp2_pkt_decode_version_cid(&parsed, datagram.data(), datagram.size(),
                                    0) != NGTCP2_ERR_VERSION_NEGOTIATION)
    return 0;
  uint8_t noise = 0;
  if (!random_bytes(&noise, 1)) return 0;
  // A reserved version keeps clients honest (RFC 9000 section 6.3).
  const uint32_t versions[] = {0x1a2a3a4a, NGTCP2_PROTO_VER_V1};
  return size_or_zero(ngtcp2_pkt_write_version_negotiation(
      out.data(), out.size(), noise, parsed.scid, parsed.scidlen, parsed.dcid,
      parsed.dcidlen, versions, std::size(versions)));
}

size_t write_stateless_reset(std::span<uint8_t> out, const Secret& secret,
                             const ConnectionId& destination,
                             size_t datagram_size) {
  if (datagram_size <= kMinResetBytes) return 0;
  const ngtcp2_cid cid = to_cid(destination);
  uint8_t token[NGTCP2_STATELESS_RESET_TOKENLEN];
  if (ngtcp2_crypto_generate_stateless_reset_token(token, secret.data(),
                                                   secret.size(), &cid) != 0)
    return 0;
  uint8_t noise[kMaxResetRandom];
  const size_t size =
      std::min(sizeof(noise), datagram_size - 1 - sizeof(token));
  if (!random_bytes(noise, size)) return 0;
  return size_or_zero(ngtcp2_pkt_write_stateless_reset(out.data(), out.size(),
                                                       token, noise, size));
}

size_t write_retry(std::span<uint8_t> out, const Secret& secret,
                   const InitialHeader& initial, const Path& path,
                   const ConnectionId& id, Time now) {
  const ngtcp2_cid own = to_cid(id);
  const ngtcp2_cid original = to_cid(initial.destination);
  const ngtcp2_cid client = to_cid(initial.source);
  uint8_t token[NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN];
  const ngtcp2_ssize size = ngtcp2_crypto_generate_retry_token(
      token, secret.data(), secret.size(), initial.version,
      reinterpret_cast<const sockaddr*>(&path.remote), path.remote_size, &own,
      &original, to_timestamp(now));
  if (size < 0) return 0;
  return size_or_zero(ngtcp2_crypto_write_retry(
      out.data(), out.size(), initial.version, &client, &own, &original, token,
      static_cast<size_t>(size)));
}

bool is_retry_token(Bytes token) {
  return !token.empty() && token[0] == NGTCP2_CRYPTO_TOKEN_MAGIC_RETRY;
}

std::optional<ConnectionId> verify_retry_token(const Secret& secret,
                                               const InitialHeader& initial,
                                               const Path& path,
                                               Duration lifetime, Time now) {
  if (!is_retry_token(initial.token)) return std::nullopt;
  const ngtcp2_cid destination = to_cid(initial.destination);
  ngtcp2_cid original;
  if (ngtcp2_crypto_verify_retry_token(
          &original, initial.token.data(), initial.token.size(), secret.data(),
          secret.size(), initial.version,
          reinterpret_cast<const sockaddr*>(&path.remote), path.remote_size,
          &destination, static_cast<ngtcp2_duration>(lifetime.count()),
          to_timestamp(now)) != 0)
    return std::nullopt;
  return from_cid(original);
}

size_t write_refusal(std::span<uint8_t> out, const InitialHeader& initial,
                     uint64_t error) {
  const ngtcp2_cid own = to_cid(initial.destination);
  const ngtcp2_cid client = to_cid(initial.source);
  return size_or_zero(ngtcp2_crypto_write_connection_close(
      out.data(), out.size(), initial.version, &client, &own, error, nullptr,
      0));
}

}  // namespace videocall::quic
