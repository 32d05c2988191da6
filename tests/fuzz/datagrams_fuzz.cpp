// SPDX-License-Identifier: MIT
// UDP datagrams before there is a connection: headers, Initials, tokens, and
// the answers to them.
#include "libvideocall/quic/stateless.h"

using namespace videocall;
using namespace videocall::quic;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes datagram(data, size);
  const Secret secret{};
  uint8_t out[1500];
  Path path;
  path.remote.ss_family = AF_INET;
  path.remote_size = sizeof(sockaddr_in);
  const auto header = parse_header(datagram, 16);
  if (header && !header->long_header)
    (void)write_stateless_reset(out, secret, header->destination, size);
  (void)write_version_negotiation(out, datagram);
  if (const auto initial = parse_initial(datagram)) {
    (void)verify_retry_token(secret, *initial, path, 10s, Time(1000s));
    (void)write_retry(out, secret, *initial, path, initial->destination,
                      Time(1000s));
    (void)write_refusal(out, *initial, kInvalidToken);
  }
  return 0;
}
