// SPDX-License-Identifier: MIT
#include "libvideocall/media/clock_code.h"

#include <span>

namespace videocall {
namespace {

constexpr size_t kBits = size_t{ClockCode::kColumns} * ClockCode::kCodeRows;
constexpr size_t kMarkerBits = 16;
constexpr size_t kCrcAt = 14;
// A code whose black and white are nearer than this is none.
constexpr uint32_t kMinContrast = 48;

uint16_t crc16(std::span<const uint8_t> bytes) {
  uint32_t crc = 0xffff;
  for (const uint8_t byte : bytes) {
    crc ^= uint32_t{byte} << 8;
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1;
  }
  return static_cast<uint16_t>(crc);
}

template <typename Number>
void put(ClockCodeBytes& bytes, size_t at, Number value) {
  for (size_t i = 0; i < sizeof value; ++i)
    bytes[at + i] = static_cast<uint8_t>(value >> (8 * (sizeof value - 1 - i)));
}

template <typename Number>
Number get(const ClockCodeBytes& bytes, size_t at) {
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof(Number); ++i)
    value = value << 8 | bytes[at + i];
  return static_cast<Number>(value);
}

// Brightness of the middle of a cell, where coding smears least.
uint32_t brightness(const LumaPlane& plane, size_t bit) {
  const auto cell =
      clock_code_cell(static_cast<uint32_t>(bit % ClockCode::kColumns),
                      static_cast<uint32_t>(bit / ClockCode::kColumns),
                      plane.width, plane.height);
  const uint32_t dx = (cell.x1 - cell.x0) / 4;
  const uint32_t dy = (cell.y1 - cell.y0) / 4;
  uint64_t sum = 0;
  uint64_t count = 0;
  for (uint32_t y = cell.y0 + dy; y < cell.y1 - dy; ++y) {
    const uint8_t* row = plane.data + y * plane.stride;
    for (uint32_t x = cell.x0 + dx; x < cell.x1 - dx; ++x, ++count)
      sum += row[x * plane.pixel_stride];
  }
  // A cell of a picture of kMinWidth has some.
  // NOLINTNEXTLINE(clang-analyzer-core.DivideZero)
  return static_cast<uint32_t>(sum / count);
}

}  // namespace

ClockCodeBytes clock_code_bytes(const ClockCode& code) {
  ClockCodeBytes bytes{};
  put(bytes, 0, ClockCode::kMarker);
  put(bytes, 2, code.frame);
  put(bytes, 6, code.time_us);
  put(bytes, kCrcAt, crc16(std::span(bytes).first<kCrcAt>()));
  return bytes;
}

std::optional<ClockCode> read_clock_code(const LumaPlane& plane) {
  if (plane.width < ClockCode::kMinWidth ||
      plane.height < ClockCode::kMinHeight)
    return std::nullopt;
  // The marker's cells show what is black and what is white here.
  uint32_t sums[2] = {0, 0};
  uint32_t counts[2] = {0, 0};
  for (size_t bit = 0; bit < kMarkerBits; ++bit) {
    const unsigned value = ClockCode::kMarker >> (kMarkerBits - 1 - bit) & 1u;
    sums[value] += brightness(plane, bit);
    ++counts[value];
  }
  const uint32_t black = sums[0] / counts[0];
  const uint32_t white = sums[1] / counts[1];
  if (white < black + kMinContrast) return std::nullopt;
  const uint32_t threshold = (black + white) / 2;

  ClockCodeBytes bytes{};
  for (size_t bit = 0; bit < kBits; ++bit) {
    if (brightness(plane, bit) > threshold)
      bytes[bit / 8] |= static_cast<uint8_t>(0x80u >> bit % 8);
  }
  if (get<uint16_t>(bytes, 0) != ClockCode::kMarker ||
      get<uint16_t>(bytes, kCrcAt) != crc16(std::span(bytes).first<kCrcAt>()))
    return std::nullopt;
  return ClockCode{get<uint32_t>(bytes, 2), get<uint64_t>(bytes, 6)};
}

}  // namespace videocall
