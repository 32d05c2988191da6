// SPDX-License-Identifier: MIT
// UDP sockets with what QUIC needs of them: don't fragment, ECN, the local
// address of each datagram, and batches in both directions (recvmmsg with or
// without GRO, sendmmsg of GSO trains). One thread.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <vector>

#include "libvideocall/base/result.h"
#include "libvideocall/base/unique_fd.h"
#include "libvideocall/quic/connection.h"
#include "libvideocall/quic/socket_address.h"

namespace videocall::quic {

class UdpSocket {
 public:
  enum class Port {
    exclusive,  // Errc::address_in_use if anybody holds it, shared or not
    shared,     // joins our own sockets on the port (SO_REUSEPORT)
  };
  // Bound, not blocking. Errc::address_in_use names the address and what to
  // do; Errc::unavailable: this machine has no such address or family.
  static Result<UdpSocket> bind(const SocketAddress& address, Port port);
  // For a client: connected, so that ICMP errors are heard; coalesces arrivals.
  static Result<UdpSocket> connect(const SocketAddress& remote);

  // Lets sockets of ours join the port of an exclusive one. The port was never
  // free in between, so no second daemon can slip in.
  Result<void> allow_sharing();

  int fd() const { return fd_.get(); }
  const SocketAddress& local() const { return local_; }
  bool connected() const { return connected_; }

 private:
  static Result<UdpSocket> create(int family);
  Result<void> read_local();

  UniqueFd fd_;
  SocketAddress local_;
  SocketAddress remote_;  // of a connected socket
  bool connected_ = false;

  friend class UdpReceiver;
};

// One datagram as it came. Borrowed until the receiver's next call.
struct Datagram {
  Path path;
  Bytes bytes;
  unsigned ecn = 0;
};

// The receive buffers of a shard.
class UdpReceiver {
 public:
  // |coalesced|: buffers large enough for GRO.
  explicit UdpReceiver(bool coalesced);

  // Reads up to one batch and calls |each|(const Datagram&). Returns the
  // number of messages, 0 when nothing waits; fails with Errc::unavailable when
  // the peer of a connected socket has no open port.
  template <typename Each>
  Result<size_t> receive(UdpSocket& socket, Each&& each) {
    auto count = fill(socket);
    if (!count) return count;
    for (size_t i = 0; i < *count; ++i) {
      size_t segment = 0;
      Datagram datagram;
      Bytes rest = unpack(socket, i, datagram, segment);
      while (!rest.empty()) {
        datagram.bytes = rest.subspan(0, std::min(segment, rest.size()));
        rest = rest.subspan(datagram.bytes.size());
        each(static_cast<const Datagram&>(datagram));
      }
    }
    return count;
  }
  size_t batch() const { return messages_.size(); }

 private:
  static constexpr size_t kControlBytes = 128;

  Result<size_t> fill(UdpSocket& socket);
  // Fills path and ecn; returns the bytes and the size of one datagram of them.
  Bytes unpack(const UdpSocket& socket, size_t index, Datagram& datagram,
               size_t& segment);

  size_t buffer_bytes_;
  std::vector<uint8_t> buffers_;
  std::vector<std::array<uint8_t, kControlBytes>> controls_;
  std::vector<sockaddr_storage> names_;
  std::vector<iovec> vectors_;
  std::vector<mmsghdr> messages_;
};

// What waits to be sent on one socket: GSO trains, sent in one call for many.
class UdpSendQueue : public PacketSink {
 public:
  // |socket| is borrowed.
  explicit UdpSendQueue(UdpSocket& socket);

  // Copies; sends when the batch is full.
  void send(const Path& path, Bytes bytes, size_t segment_size,
            unsigned ecn) override;
  // Sends what waits. False: the socket is full, call again when it is
  // writable; until then what does not fit the batch is lost.
  bool flush();
  bool blocked() const { return blocked_; }
  uint64_t lost() const { return lost_; }

 private:
  static constexpr size_t kMaxTrains = 64;
  static constexpr size_t kArenaBytes = 512 * 1024;
  static constexpr size_t kControlBytes = 128;
  struct Train {
    size_t offset;
    size_t size;
    size_t segment;
    unsigned ecn;
    sockaddr_storage remote;
    socklen_t remote_size;
    sockaddr_storage local;
  };

  void queue_train(const Path& path, Bytes bytes, size_t segment, unsigned ecn);
  void prepare(size_t index);
  size_t write_control(const Train& train, uint8_t* control) const;
  // Sends the datagrams of one train singly, for devices without GSO.
  bool send_singly(const Train& train);
  void clear();

  UdpSocket& socket_;
  std::vector<uint8_t> arena_;
  size_t arena_used_ = 0;
  std::vector<Train> trains_;
  size_t sent_ = 0;  // of trains_
  std::array<mmsghdr, kMaxTrains> messages_{};
  std::array<iovec, kMaxTrains> vectors_{};
  std::array<std::array<uint8_t, kControlBytes>, kMaxTrains> controls_{};
  bool blocked_ = false;
  bool gso_ = true;
  uint64_t lost_ = 0;  // datagrams
};

}  // namespace videocall::quic
