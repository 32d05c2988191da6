// SPDX-License-Identifier: MIT
// Reads the headers of coded video bit by bit, most significant first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace videocall {

class BitReader {
 public:
  explicit BitReader(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  // f(n) of the codec specifications, n <= 32. Past the end: 0, and failed().
  uint32_t bits(unsigned count) {
    uint32_t value = 0;
    while (count-- > 0) value = value << 1 | bit();
    return value;
  }
  bool flag() { return bit() != 0; }
  void skip(size_t count) {
    while (count-- > 0) bit();
  }

  // ue(v) and se(v) of H.264, 9.1; uvlc() of AV1, 4.10.3, is the same code.
  uint32_t exp_golomb() {
    unsigned zeros = 0;
    while (!failed_ && bit() == 0) ++zeros;
    if (failed_ || zeros > 31) {
      failed_ = true;
      return 0;
    }
    return (uint32_t{1} << zeros) - 1 + bits(zeros);
  }
  int64_t signed_exp_golomb() {
    const int64_t code = exp_golomb();
    return (code & 1) != 0 ? (code + 1) / 2 : -(code / 2);
  }

  bool failed() const { return failed_; }

 private:
  uint32_t bit() {
    if (at_ / 8 >= bytes_.size()) {
      failed_ = true;
      return 0;
    }
    const uint32_t value = bytes_[at_ / 8] >> (7 - at_ % 8) & 1u;
    ++at_;
    return value;
  }

  std::span<const uint8_t> bytes_;
  size_t at_ = 0;
  bool failed_ = false;
};

}  // namespace videocall
