// SPDX-License-Identifier: MIT
#include "libvideocall/base/base64.h"

#include "tests/support/suite.h"

using namespace videocall;

namespace {

std::span<const uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

}  // namespace

// RFC 4648, section 10.
VC_TEST(the_vectors_of_the_standard) {
  for (const auto& [plain, text] : {std::pair{"", ""},
                                    {"f", "Zg=="},
                                    {"fo", "Zm8="},
                                    {"foo", "Zm9v"},
                                    {"foob", "Zm9vYg=="},
                                    {"fooba", "Zm9vYmE="},
                                    {"foobar", "Zm9vYmFy"}})
    ck_assert_str_eq(base64(bytes_of(plain)).c_str(), text);
}

VC_TEST(the_last_two_digits_and_the_padding_differ_in_urls) {
  const uint8_t bytes[] = {0xfb, 0xff, 0xbf, 0xfb};
  ck_assert_str_eq(base64(bytes).c_str(), "+/+/+w==");
  ck_assert_str_eq(base64url(bytes).c_str(), "-_-_-w");
}

VC_SUITE_MAIN("base/base64")
