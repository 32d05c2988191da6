// SPDX-License-Identifier: MIT
#include <netinet/udp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "libvideocall/base/log.h"
#include "libvideocall/quic/udp_socket.h"

namespace videocall::quic {
namespace {

// What the kernel takes as one train (UDP_MAX_SEGMENTS, and one IP packet).
constexpr size_t kMaxSegments = 64;
constexpr size_t kMaxTrainBytes = 65'000;

template <typename T>
size_t add_control(uint8_t* control, size_t at, int level, int type,
                   const T& value) {
  auto* header = reinterpret_cast<cmsghdr*>(control + at);
  header->cmsg_level = level;
  header->cmsg_type = type;
  header->cmsg_len = CMSG_LEN(sizeof value);
  std::memcpy(CMSG_DATA(header), &value, sizeof value);
  return at + CMSG_SPACE(sizeof value);
}

// Losing a datagram is the network's right; only a full socket is worth
// waiting for.
bool is_full(int code) {
  return code == EAGAIN || code == EWOULDBLOCK;
}

}  // namespace

UdpSendQueue::UdpSendQueue(UdpSocket& socket)
    : socket_(socket), arena_(kArenaBytes) {
  trains_.reserve(kMaxTrains);
}

void UdpSendQueue::send(const Path& path, Bytes bytes, size_t segment_size,
                        unsigned ecn) {
  if (segment_size == 0) return;
  const size_t fits = std::min(kMaxSegments, kMaxTrainBytes / segment_size);
  const size_t most = segment_size * (gso_ ? std::max<size_t>(1, fits) : 1);
  while (!bytes.empty()) {
    const Bytes head = bytes.subspan(0, std::min(most, bytes.size()));
    queue_train(path, head, segment_size, ecn);
    bytes = bytes.subspan(head.size());
  }
}

void UdpSendQueue::queue_train(const Path& path, Bytes bytes, size_t segment,
                               unsigned ecn) {
  auto full = [&] {
    return trains_.size() == kMaxTrains ||
           arena_used_ + bytes.size() > arena_.size();
  };
  if (full()) flush();
  if (full()) {
    lost_ += (bytes.size() + segment - 1) / segment;
    return;
  }
  std::memcpy(arena_.data() + arena_used_, bytes.data(), bytes.size());
  trains_.push_back({arena_used_, bytes.size(), segment, ecn, path.remote,
                     path.remote_size, path.local});
  arena_used_ += bytes.size();
}

bool UdpSendQueue::flush() {
  for (size_t i = sent_; i < trains_.size(); ++i) prepare(i);
  while (sent_ < trains_.size()) {
    const int count =
        sendmmsg(socket_.fd(), messages_.data() + sent_,
                 static_cast<unsigned>(trains_.size() - sent_), 0);
    if (count > 0) {
      sent_ += static_cast<size_t>(count);
      continue;
    }
    const int code = errno;
    if (code == EINTR) continue;
    if (is_full(code)) {
      blocked_ = true;
      return false;
    }
    const Train& train = trains_[sent_];
    const bool several = train.size > train.segment;
    if (several && gso_ && (code == EIO || code == EINVAL)) {
      // The device cannot segment (no checksum offload): once is enough.
      gso_ = false;
      log_message(LogLevel::info, "quic",
                  "the network device takes no GSO trains; sending singly");
    }
    if (several && !gso_) {
      if (!send_singly(train)) {
        blocked_ = true;
        return false;
      }
    } else {
      ++lost_;  // EMSGSIZE of a path MTU probe, no route, a firewall
    }
    ++sent_;
  }
  clear();
  return true;
}

void UdpSendQueue::prepare(size_t index) {
  Train& train = trains_[index];
  vectors_[index] = {arena_.data() + train.offset, train.size};
  msghdr& header = messages_[index].msg_hdr;
  header = {};
  if (!socket_.connected()) {
    header.msg_name = &train.remote;
    header.msg_namelen = train.remote_size;
  }
  header.msg_iov = &vectors_[index];
  header.msg_iovlen = 1;
  header.msg_control = controls_[index].data();
  header.msg_controllen = write_control(train, controls_[index].data());
  if (header.msg_controllen == 0) header.msg_control = nullptr;
}

size_t UdpSendQueue::write_control(const Train& train, uint8_t* control) const {
  size_t size = 0;
  const bool six = train.local.ss_family == AF_INET6;
  // A reply must come from the address that was asked.
  if (!socket_.connected() && socket_.local().is_wildcard()) {
    if (six) {
      in6_pktinfo info{};
      info.ipi6_addr =
          reinterpret_cast<const sockaddr_in6&>(train.local).sin6_addr;
      size = add_control(control, size, IPPROTO_IPV6, IPV6_PKTINFO, info);
    } else {
      in_pktinfo info{};
      info.ipi_spec_dst =
          reinterpret_cast<const sockaddr_in&>(train.local).sin_addr;
      size = add_control(control, size, IPPROTO_IP, IP_PKTINFO, info);
    }
  }
  if (train.ecn != 0) {
    const int tos = static_cast<int>(train.ecn);
    size = socket_.local().family() == AF_INET6
               ? add_control(control, size, IPPROTO_IPV6, IPV6_TCLASS, tos)
               : add_control(control, size, IPPROTO_IP, IP_TOS, tos);
  }
  if (gso_ && train.size > train.segment) {
    size = add_control(control, size, SOL_UDP, UDP_SEGMENT,
                       static_cast<uint16_t>(train.segment));
  }
  return size;
}

bool UdpSendQueue::send_singly(const Train& train) {
  Train single = train;
  std::array<uint8_t, kControlBytes> control;
  for (size_t at = 0; at < train.size; at += train.segment) {
    single.size = std::min(train.segment, train.size - at);
    iovec vector{arena_.data() + train.offset + at, single.size};
    msghdr header{};
    if (!socket_.connected()) {
      header.msg_name = &single.remote;
      header.msg_namelen = single.remote_size;
    }
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = write_control(single, control.data());
    if (header.msg_controllen == 0) header.msg_control = nullptr;
    if (sendmsg(socket_.fd(), &header, 0) >= 0) continue;
    if (is_full(errno)) return false;  // the whole train again: QUIC copes
    ++lost_;
  }
  return true;
}

void UdpSendQueue::clear() {
  trains_.clear();
  arena_used_ = 0;
  sent_ = 0;
  blocked_ = false;
}

}  // namespace videocall::quic
