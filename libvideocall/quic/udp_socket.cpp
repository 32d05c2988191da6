// SPDX-License-Identifier: MIT
#include "libvideocall/quic/udp_socket.h"

#include <netinet/udp.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "libvideocall/base/log.h"

namespace videocall::quic {
namespace {

// 212 kB, the usual default, costs 5 % and triples the delay at p99 when many
// viewers are served from one socket.
constexpr int kSocketBufferBytes = 4 * 1024 * 1024;

Error system_error(const std::string& what, int code) {
  return {Errc::io, what + ": " + std::strerror(code)};
}

bool enable(int fd, int level, int option, int value = 1) {
  return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

// SO_*BUFFORCE needs CAP_NET_ADMIN; without it the kernel's maximum holds.
void enlarge_buffers(int fd) {
  if (!enable(fd, SOL_SOCKET, SO_RCVBUFFORCE, kSocketBufferBytes))
    enable(fd, SOL_SOCKET, SO_RCVBUF, kSocketBufferBytes);
  if (!enable(fd, SOL_SOCKET, SO_SNDBUFFORCE, kSocketBufferBytes))
    enable(fd, SOL_SOCKET, SO_SNDBUF, kSocketBufferBytes);
}

Error bind_error(const SocketAddress& address, int code) {
  const std::string where = address.to_string();
  switch (code) {
    case EADDRINUSE:
      return {Errc::address_in_use,
              "UDP port " + std::to_string(address.port()) + " (" + where +
                  ") is held by another program; stop that one or choose "
                  "another port"};
    case EACCES:
      return {Errc::permission, "no permission to bind UDP " + where +
                                    "; choose a port from 1024 on"};
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
      return {Errc::unavailable,
              "this machine does not have the address " + where};
    default:
      return system_error("cannot bind UDP " + where, code);
  }
}

}  // namespace

Result<UdpSocket> UdpSocket::create(int family) {
  UdpSocket result;
  result.fd_.reset(
      socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP));
  if (!result.fd_) {
    const int code = errno;
    if (code == EAFNOSUPPORT)
      return Error{Errc::unavailable, family == AF_INET6
                                          ? "this machine has no IPv6"
                                          : "this machine has no IPv4"};
    return system_error("cannot open a UDP socket", code);
  }
  const int fd = result.fd_.get();
  enlarge_buffers(fd);
  if (family == AF_INET6) {
    // Both families are bound on their own, so [::] must not take IPv4 too.
    enable(fd, IPPROTO_IPV6, IPV6_V6ONLY);
    enable(fd, IPPROTO_IPV6, IPV6_RECVTCLASS);
    enable(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
  } else {
    enable(fd, IPPROTO_IP, IP_RECVTOS);
    // QUIC finds the path MTU itself and must not be fragmented (RFC 9000,
    // section 14).
    enable(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
  }
  return result;
}

Result<UdpSocket> UdpSocket::bind(const SocketAddress& address, Port port) {
  auto result = create(address.family());
  if (!result) return result;
  if (port == Port::shared) {
    auto shared = result->allow_sharing();
    if (!shared) return shared.error();
  }
  if (::bind(result->fd(), address.get(), address.size) != 0)
    return bind_error(address, errno);
  // Which of our addresses a client chose; a connected socket has but one.
  if (address.family() == AF_INET6)
    enable(result->fd(), IPPROTO_IPV6, IPV6_RECVPKTINFO);
  else
    enable(result->fd(), IPPROTO_IP, IP_PKTINFO);
  auto known = result->read_local();
  if (!known) return known.error();
  return result;
}

Result<UdpSocket> UdpSocket::connect(const SocketAddress& remote) {
  auto result = create(remote.family());
  if (!result) return result;
  if (::connect(result->fd(), remote.get(), remote.size) != 0) {
    return Error{Errc::unavailable, "no route to " + remote.to_string() + ": " +
                                        std::strerror(errno)};
  }
  // A viewer gets bursts, and pays per datagram without it. Not for servers:
  // they mostly get acknowledgements from many peers, where it costs.
  enable(result->fd(), SOL_UDP, UDP_GRO);
  result->connected_ = true;
  result->remote_ = remote;
  auto known = result->read_local();
  if (!known) return known.error();
  return result;
}

Result<void> UdpSocket::allow_sharing() {
  if (enable(fd(), SOL_SOCKET, SO_REUSEPORT)) return {};
  return system_error("cannot share a UDP port among threads", errno);
}

Result<void> UdpSocket::read_local() {
  local_.size = sizeof local_.storage;
  if (getsockname(fd(), local_.get(), &local_.size) == 0) return {};
  return system_error("getsockname", errno);
}

UdpReceiver::UdpReceiver(bool coalesced)
    : buffer_bytes_(coalesced ? 65536 : 2048) {
  const size_t count = coalesced ? 16 : 64;
  buffers_.resize(count * buffer_bytes_);
  controls_.resize(count);
  names_.resize(count);
  vectors_.resize(count);
  messages_.resize(count);
  for (size_t i = 0; i < count; ++i)
    vectors_[i] = {buffers_.data() + i * buffer_bytes_, buffer_bytes_};
}

Result<size_t> UdpReceiver::fill(UdpSocket& socket) {
  for (size_t i = 0; i < messages_.size(); ++i) {
    msghdr& header = messages_[i].msg_hdr;
    header = {};
    header.msg_name = &names_[i];
    header.msg_namelen = sizeof names_[i];
    header.msg_iov = &vectors_[i];
    header.msg_iovlen = 1;
    header.msg_control = controls_[i].data();
    header.msg_controllen = controls_[i].size();
  }
  const int count =
      recvmmsg(socket.fd(), messages_.data(),
               static_cast<unsigned>(messages_.size()), 0, nullptr);
  if (count >= 0) return static_cast<size_t>(count);
  if (errno == ECONNREFUSED || errno == EHOSTUNREACH || errno == ENETUNREACH) {
    return Error{Errc::unavailable,
                 "nobody answers at " + socket.remote_.to_string()};
  }
  // Errors that an ICMP message left behind clear themselves; epoll comes back.
  return size_t{0};
}

Bytes UdpReceiver::unpack(const UdpSocket& socket, size_t index,
                          Datagram& datagram, size_t& segment) {
  msghdr& header = messages_[index].msg_hdr;
  segment = messages_[index].msg_len;
  if (header.msg_flags & MSG_TRUNC) return {};
  SocketAddress local = socket.local_;
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(c), sizeof info);
      reinterpret_cast<sockaddr_in&>(local.storage).sin_addr = info.ipi_addr;
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      std::memcpy(&info, CMSG_DATA(c), sizeof info);
      reinterpret_cast<sockaddr_in6&>(local.storage).sin6_addr = info.ipi6_addr;
    } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
      datagram.ecn = *CMSG_DATA(c) & 3u;
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
      int traffic_class = 0;
      std::memcpy(&traffic_class, CMSG_DATA(c), sizeof traffic_class);
      datagram.ecn = static_cast<unsigned>(traffic_class) & 3u;
    } else if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
      int size = 0;
      std::memcpy(&size, CMSG_DATA(c), sizeof size);
      if (size > 0) segment = static_cast<size_t>(size);
    }
  }
  datagram.path.local = local.storage;
  datagram.path.local_size = local.size;
  datagram.path.remote = names_[index];
  datagram.path.remote_size = header.msg_namelen;
  return {static_cast<const uint8_t*>(vectors_[index].iov_base),
          messages_[index].msg_len};
}

}  // namespace videocall::quic
