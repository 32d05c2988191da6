// SPDX-License-Identifier: MIT
// The floor under any relay that encrypts per viewer: AES-128-GCM by GnuTLS and
// sendmmsg of segmented trains (UDP_SEGMENT), the same frames as the fan-out
// benchmark, and nothing else: no QUIC, no acknowledgements. Prints one JSON
// object with core-seconds per delivered GB.
#include <arpa/inet.h>
#include <gnutls/crypto.h>
#include <netinet/udp.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "libvideocall/base/unique_fd.h"

namespace {

using videocall::UniqueFd;
using SteadyClock = std::chrono::steady_clock;

constexpr size_t kPayload = 1350;  // of one packet, without header and tag
constexpr size_t kHeader = 12;     // short header of QUIC
constexpr size_t kTag = 16;
constexpr size_t kPacket = kHeader + kPayload + kTag;
constexpr size_t kTrainsPerCall = 64;
constexpr int kSocketBuffer = 4 << 20;

struct Load {
  unsigned viewers = 100;
  unsigned seconds = 5;
  unsigned fps = 30;
  unsigned key_bytes = 7576;
  unsigned delta_bytes = 1894;
  unsigned group = 30;
  int server_cpu = 0;
  int load_cpu = 1;
};

void pin_to(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  sched_setaffinity(0, sizeof set, &set);
}

double thread_cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

UniqueFd udp_socket(sockaddr_in& address) {
  UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &kSocketBuffer, sizeof(int));
  setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUF, &kSocketBuffer, sizeof(int));
  address = {.sin_family = AF_INET};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  if (bind(fd.get(), raw, size) != 0 ||
      getsockname(fd.get(), raw, &size) != 0) {
    std::perror("no UDP port on loopback");
    std::exit(1);
  }
  return fd;
}

// Reads and drops, on the load's core, as viewers would.
void drain(int fd, int cpu, const std::atomic<bool>& stop) {
  pin_to(cpu);
  std::vector<uint8_t> buffer(size_t{65536} * 8);
  std::array<iovec, 8> parts;
  std::array<mmsghdr, 8> messages{};
  for (size_t i = 0; i < parts.size(); ++i) {
    parts[i] = {buffer.data() + 65536 * i, 65536};
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  int on = 1;
  setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof on);
  while (!stop.load(std::memory_order_relaxed)) {
    if (recvmmsg(fd, messages.data(), messages.size(), 0, nullptr) <= 0)
      std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
}

// One viewer's train of a frame: encrypted packets back to back.
class Trains {
 public:
  explicit Trains(const sockaddr_in& to) : to_(to) {
    std::array<uint8_t, 16> key{1, 2, 3};
    gnutls_datum_t datum{key.data(), key.size()};
    gnutls_aead_cipher_init(&cipher_, GNUTLS_CIPHER_AES_128_GCM, &datum);
    plain_.resize(65536, 0x5a);
    for (auto& train : trains_) train.resize(65536);
  }
  ~Trains() { gnutls_aead_cipher_deinit(cipher_); }
  Trains(const Trains&) = delete;
  Trains& operator=(const Trains&) = delete;

  void add(int fd, size_t frame_bytes) {
    if (used_ == kTrainsPerCall) flush(fd);
    std::vector<uint8_t>& train = trains_[used_];
    size_t out = 0;
    for (size_t at = 0; at < frame_bytes; at += kPayload) {
      const size_t size = std::min(kPayload, frame_bytes - at);
      std::memset(train.data() + out, 0x40, kHeader);
      std::array<uint8_t, 12> nonce{};
      std::memcpy(nonce.data(), &counter_, sizeof counter_);
      ++counter_;
      size_t sealed = size + kTag;
      gnutls_aead_cipher_encrypt(cipher_, nonce.data(), nonce.size(),
                                 train.data() + out, kHeader, kTag,
                                 plain_.data() + at, size,
                                 train.data() + out + kHeader, &sealed);
      out += kHeader + sealed;
    }
    sizes_[used_++] = out;
  }

  void flush(int fd) {
    std::array<mmsghdr, kTrainsPerCall> messages{};
    std::array<iovec, kTrainsPerCall> parts;
    std::array<std::array<char, CMSG_SPACE(sizeof(uint16_t))>, kTrainsPerCall>
        controls{};
    for (size_t i = 0; i < used_; ++i) {
      parts[i] = {trains_[i].data(), sizes_[i]};
      msghdr& header = messages[i].msg_hdr;
      header.msg_name = &to_;
      header.msg_namelen = sizeof to_;
      header.msg_iov = &parts[i];
      header.msg_iovlen = 1;
      header.msg_control = controls[i].data();
      header.msg_controllen = controls[i].size();
      cmsghdr* cmsg = CMSG_FIRSTHDR(&header);
      cmsg->cmsg_level = SOL_UDP;
      cmsg->cmsg_type = UDP_SEGMENT;
      cmsg->cmsg_len = CMSG_LEN(sizeof(uint16_t));
      const uint16_t segment = kPacket;
      std::memcpy(CMSG_DATA(cmsg), &segment, sizeof segment);
    }
    size_t sent = 0;
    while (sent < used_) {
      const int n = sendmmsg(fd, messages.data() + sent,
                             static_cast<unsigned>(used_ - sent), 0);
      if (n > 0) sent += static_cast<size_t>(n);
    }
    used_ = 0;
  }

 private:
  sockaddr_in to_;
  gnutls_aead_cipher_hd_t cipher_ = nullptr;
  uint64_t counter_ = 0;
  std::vector<uint8_t> plain_;
  std::array<std::vector<uint8_t>, kTrainsPerCall> trains_;
  std::array<size_t, kTrainsPerCall> sizes_{};
  size_t used_ = 0;
};

}  // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): it may end that way
int main(int argc, char** argv) {
  Load load;
  CLI::App app{
      "Core-seconds per delivered GB of one encryption and one batched send"};
  app.add_option("--viewers", load.viewers, "viewers per frame");
  app.add_option("--seconds", load.seconds, "how long to measure");
  app.add_option("--fps", load.fps, "frames a second");
  app.add_option("--key-bytes", load.key_bytes, "size of a key frame");
  app.add_option("--delta-bytes", load.delta_bytes, "size of a delta frame");
  app.add_option("--group", load.group, "frames a group");
  app.add_option("--server-cpu", load.server_cpu, "core that sends");
  app.add_option("--load-cpu", load.load_cpu, "core that receives");
  CLI11_PARSE(app, argc, argv);

  sockaddr_in source{};
  sockaddr_in target{};
  const UniqueFd sender = udp_socket(source);
  const UniqueFd receiver = udp_socket(target);
  std::atomic<bool> stop{false};
  std::thread reader([&] { drain(receiver.get(), load.load_cpu, stop); });
  pin_to(load.server_cpu);

  Trains trains(target);
  const auto start = SteadyClock::now();
  const double cpu_before = thread_cpu_seconds();
  uint64_t bytes = 0;
  const uint64_t frames = uint64_t{load.seconds} * load.fps;
  for (uint64_t frame = 0; frame < frames; ++frame) {
    std::this_thread::sleep_until(
        start + std::chrono::microseconds(1'000'000 * frame / load.fps));
    const size_t size =
        frame % load.group == 0 ? load.key_bytes : load.delta_bytes;
    for (unsigned viewer = 0; viewer < load.viewers; ++viewer)
      trains.add(sender.get(), size);
    trains.flush(sender.get());
    bytes += uint64_t{size} * load.viewers;
  }
  const double cpu = thread_cpu_seconds() - cpu_before;
  stop = true;
  reader.join();
  std::printf(
      "{\"viewers\": %u, \"delivered_gb\": %.4f, \"cpu_s\": %.4f, "
      "\"core_s_per_gb\": %.4f}\n",
      load.viewers, static_cast<double>(bytes) / 1e9, cpu,
      cpu / (static_cast<double>(bytes) / 1e9));
}
