// SPDX-License-Identifier: MIT
// Between our types and ngtcp2's.
#pragma once

#include <ngtcp2/ngtcp2.h>

#include <algorithm>
#include <cstring>

#include "libvideocall/quic/connection.h"

namespace videocall::quic {

inline ngtcp2_tstamp to_timestamp(Time now) {
  return static_cast<ngtcp2_tstamp>(now.time_since_epoch().count());
}

inline Time from_timestamp(ngtcp2_tstamp stamp) {
  constexpr auto kMax = static_cast<ngtcp2_tstamp>(Duration::max().count());
  return stamp >= kMax ? Time::max()
                       : Time(Duration(static_cast<int64_t>(stamp)));
}

inline ngtcp2_duration to_duration(Duration duration) {
  return static_cast<ngtcp2_duration>(duration.count());
}

inline ngtcp2_cid to_cid(const ConnectionId& id) {
  ngtcp2_cid cid;
  ngtcp2_cid_init(&cid, id.bytes.data(), id.size);
  return cid;
}

inline ConnectionId from_cid(const ngtcp2_cid& cid) {
  ConnectionId id;
  id.size = static_cast<uint8_t>(cid.datalen);
  std::copy_n(cid.data, cid.datalen, id.bytes.begin());
  return id;
}

// |path| is borrowed by the result.
inline ngtcp2_path to_path(const Path& path) {
  const auto address = [](const sockaddr_storage& storage) {
    return reinterpret_cast<sockaddr*>(const_cast<sockaddr_storage*>(&storage));
  };
  ngtcp2_path out{};
  out.local = {address(path.local), path.local_size};
  out.remote = {address(path.remote), path.remote_size};
  return out;
}

inline Path from_path(const ngtcp2_path& path) {
  Path out;
  std::memcpy(&out.local, path.local.addr, path.local.addrlen);
  out.local_size = path.local.addrlen;
  std::memcpy(&out.remote, path.remote.addr, path.remote.addrlen);
  out.remote_size = path.remote.addrlen;
  return out;
}

}  // namespace videocall::quic
