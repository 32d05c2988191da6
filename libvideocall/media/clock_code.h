// SPDX-License-Identifier: MIT
// A number and a time that a program can read out of a picture, also after it
// was coded at a low bitrate or scaled. docs/elements/videocallclockoverlay.md
// describes it for other languages.
//
// The picture is thought of as 32 columns by 18 rows of cells. The cells of the
// four top rows, row by row from the left, are 128 bits, white = 1:
//
//   | marker B52C (16) | frame (32) | time, us (64) | CRC-16 (16) |
//
// all big-endian. The CRC is CRC-16/CCITT-FALSE (polynomial 1021, start FFFF)
// of the 14 bytes before it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "libvideocall/base/export.h"

namespace videocall {

struct ClockCode {
  uint32_t frame = 0;
  uint64_t time_us = 0;

  static constexpr uint32_t kColumns = 32;
  static constexpr uint32_t kRows = 18;     // of the whole picture
  static constexpr uint32_t kCodeRows = 4;  // that hold the code
  static constexpr uint16_t kMarker = 0xb52c;
  static constexpr uint8_t kBlack = 16;  // luma
  static constexpr uint8_t kWhite = 235;
  // Below this cells are too small to survive coding.
  static constexpr uint32_t kMinWidth = 128;
  static constexpr uint32_t kMinHeight = 72;

  bool operator==(const ClockCode&) const = default;
};

// Brightness samples of a picture: luma, or any of R, G and B. Borrowed.
struct LumaPlane {
  const uint8_t* data = nullptr;
  size_t stride = 0;        // bytes from row to row
  size_t pixel_stride = 1;  // bytes from sample to sample
  uint32_t width = 0;
  uint32_t height = 0;
};

using ClockCodeBytes = std::array<uint8_t, 16>;

// The 128 bits of |code|; bit 0 is the most significant bit of byte 0.
VIDEOCALL_API ClockCodeBytes clock_code_bytes(const ClockCode& code);

// Where the cell at |column|, |row| lies in a picture of |width| x |height|:
// x0 <= x < x1, y0 <= y < y1.
struct ClockCodeCell {
  uint32_t x0, x1, y0, y1;
};
constexpr ClockCodeCell clock_code_cell(uint32_t column, uint32_t row,
                                        uint32_t width, uint32_t height) {
  const auto part = [](uint32_t i, uint32_t size, uint32_t of) {
    return static_cast<uint32_t>(uint64_t{i} * size / of);
  };
  return {part(column, width, ClockCode::kColumns),
          part(column + 1, width, ClockCode::kColumns),
          part(row, height, ClockCode::kRows),
          part(row + 1, height, ClockCode::kRows)};
}

// What the picture says; nothing if it carries no code or the code is damaged.
VIDEOCALL_API std::optional<ClockCode> read_clock_code(const LumaPlane& plane);

}  // namespace videocall
