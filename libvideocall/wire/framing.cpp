// SPDX-License-Identifier: MIT
#include "libvideocall/wire/framing.h"

#include <algorithm>
#include <cstring>

namespace videocall {

Result<bool> FrameDecoder::advance(Bytes& input) {
  while (prefix_fill_ < sizeof prefix_ && !input.empty()) {
    prefix_[prefix_fill_++] = input.front();
    input = input.subspan(1);
    if (prefix_fill_ < sizeof prefix_) continue;
    length_ = size_t{prefix_[0]} << 24 | size_t{prefix_[1]} << 16 |
              size_t{prefix_[2]} << 8 | size_t{prefix_[3]};
    fill_ = 0;
    if (length_ == 0) return Error{Errc::protocol, "frame of length 0"};
    if (length_ > max_packet_bytes_)
      return Error{Errc::limit, "frame larger than the maximum"};
  }
  if (prefix_fill_ < sizeof prefix_) return false;

  const size_t wanted = length_ - fill_;
  const size_t taken = std::min(wanted, input.size());
  // An announced length costs memory only once a quarter of it has come.
  const bool worth_it = length_ <= limits::kMaxUnframedPartialBytes ||
                        fill_ + taken >= length_ / 4;
  if (!packet_ && worth_it) {
    packet_ = Packet::allocate(length_);
    if (fill_ > 0)
      std::memcpy(packet_->mutable_bytes(), partial_.data(), fill_);
    partial_ = {};
  }
  if (packet_) {
    if (taken > 0)
      std::memcpy(packet_->mutable_bytes() + fill_, input.data(), taken);
  } else {
    const Bytes part = input.first(taken);
    partial_.insert(partial_.end(), part.begin(), part.end());
  }
  fill_ += taken;
  input = input.subspan(taken);
  return fill_ == length_;
}

PacketRef FrameDecoder::take() {
  prefix_fill_ = 0;
  length_ = 0;
  fill_ = 0;
  return std::move(packet_);
}

}  // namespace videocall
