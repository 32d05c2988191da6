// SPDX-License-Identifier: MIT
#include "libvideocall/base/base64.h"

#include <string_view>

namespace videocall {
namespace {

// The digits of 0 to 61; the last two differ.
constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

std::string encode(std::span<const uint8_t> bytes, char digit_62,
                   char digit_63) {
  const auto digit = [&](uint32_t bits) {
    const size_t value = bits & 63;
    if (value < kDigits.size()) return kDigits[value];
    return value == 62 ? digit_62 : digit_63;
  };
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  uint32_t window = 0;
  int bits = 0;
  for (const uint8_t byte : bytes) {
    window = window << 8 | byte;
    for (bits += 8; bits >= 6; bits -= 6) text += digit(window >> (bits - 6));
  }
  if (bits > 0) text += digit(window << (6 - bits));
  return text;
}

}  // namespace

std::string base64(std::span<const uint8_t> bytes) {
  std::string text = encode(bytes, '+', '/');
  text.resize((text.size() + 3) / 4 * 4, '=');
  return text;
}

std::string base64url(std::span<const uint8_t> bytes) {
  return encode(bytes, '-', '_');
}

}  // namespace videocall
