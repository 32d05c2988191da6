// SPDX-License-Identifier: MIT
#include "libvideocall/media/clock_code.h"

#include <algorithm>
#include <random>
#include <vector>

#include "tests/support/suite.h"

using namespace videocall;

namespace {

struct Picture {
  uint32_t width;
  uint32_t height;
  std::vector<uint8_t> luma;

  LumaPlane plane() const { return {luma.data(), width, 1, width, height}; }
};

Picture draw(const ClockCode& code, uint32_t width, uint32_t height) {
  Picture picture{width, height, std::vector<uint8_t>(width * height, 90)};
  const auto bytes = clock_code_bytes(code);
  for (uint32_t bit = 0; bit < 128; ++bit) {
    const bool white = (bytes[bit / 8] >> (7 - bit % 8) & 1) != 0;
    const auto cell = clock_code_cell(bit % 32, bit / 32, width, height);
    for (uint32_t y = cell.y0; y < cell.y1; ++y)
      for (uint32_t x = cell.x0; x < cell.x1; ++x)
        picture.luma[y * width + x] = white ? 235 : 16;
  }
  return picture;
}

}  // namespace

VC_TEST(the_bytes_are_as_documented) {
  const auto bytes = clock_code_bytes({0x01020304, 0x1112131415161718});
  const ClockCodeBytes expected = {0xb5, 0x2c, 0x01,      0x02,     0x03, 0x04,
                                   0x11, 0x12, 0x13,      0x14,     0x15, 0x16,
                                   0x17, 0x18, bytes[14], bytes[15]};
  ck_assert(bytes == expected);
}

VC_TEST(any_size_is_read) {
  std::mt19937_64 random(1);
  for (const auto& [width, height] : {std::pair{128u, 72u},
                                      {160u, 90u},
                                      {161u, 91u},
                                      {320u, 240u},
                                      {640u, 360u},
                                      {1280u, 720u},
                                      {720u, 1280u},
                                      {1920u, 1080u}}) {
    for (int i = 0; i < 50; ++i) {
      const ClockCode code{static_cast<uint32_t>(random()), random()};
      const auto read = read_clock_code(draw(code, width, height).plane());
      ck_assert(read.has_value());
      ck_assert(*read == code);
    }
  }
}

VC_TEST(noise_and_low_contrast_are_survived) {
  std::mt19937 random(2);
  for (int i = 0; i < 100; ++i) {
    const ClockCode code{static_cast<uint32_t>(random()), random()};
    Picture picture = draw(code, 160, 90);
    for (uint8_t& sample : picture.luma) {
      const int noisy = 40 + sample / 2 + int(random() % 61) - 30;
      sample = static_cast<uint8_t>(std::clamp(noisy, 0, 255));
    }
    const auto read = read_clock_code(picture.plane());
    ck_assert(read.has_value());
    ck_assert(*read == code);
  }
}

VC_TEST(damage_is_noticed) {
  const Picture good = draw({7, 8}, 640, 360);
  for (uint32_t bit = 0; bit < 128; ++bit) {
    Picture picture = good;
    const auto cell = clock_code_cell(bit % 32, bit / 32, 640, 360);
    for (uint32_t y = cell.y0; y < cell.y1; ++y)
      for (uint32_t x = cell.x0; x < cell.x1; ++x)
        picture.luma[y * 640 + x] =
            static_cast<uint8_t>(251 - picture.luma[y * 640 + x]);
    ck_assert(!read_clock_code(picture.plane()).has_value());
  }
}

VC_TEST(other_pictures_hold_no_code) {
  std::mt19937 random(3);
  for (int i = 0; i < 1'000; ++i) {
    Picture picture{160, 90, std::vector<uint8_t>(160 * 90)};
    for (uint8_t& sample : picture.luma)
      sample = static_cast<uint8_t>(random());
    ck_assert(!read_clock_code(picture.plane()).has_value());
  }
  ck_assert(!read_clock_code(draw({1, 2}, 64, 36).plane()).has_value());
}

VC_SUITE_MAIN("media/clock_code")
