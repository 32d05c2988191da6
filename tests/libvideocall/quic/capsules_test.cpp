// SPDX-License-Identifier: MIT
#include "libvideocall/quic/capsules.h"

#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::quic;
using namespace videocall::quic::h3;

namespace {

using Buffer = std::vector<uint8_t>;

std::vector<Capsule> read_all(const Buffer& stream, size_t step, bool& failed) {
  CapsuleReader reader;
  std::vector<Capsule> capsules;
  failed = false;
  for (size_t at = 0; at < stream.size(); at += step) {
    Bytes input(stream.data() + at, std::min(step, stream.size() - at));
    for (;;) {
      auto capsule = reader.next(input);
      if (!capsule) {
        failed = true;
        return capsules;
      }
      if (!*capsule) break;
      capsules.push_back(**capsule);
    }
  }
  return capsules;
}

}  // namespace

VC_TEST(a_close_is_as_in_the_draft) {
  Buffer out;
  append_close_capsule(out, 0x01020304, "ab");
  const Buffer expected = {0x68, 0x43, 6, 1, 2, 3, 4, 'a', 'b'};
  ck_assert(out == expected);
  out.clear();
  append_drain_capsule(out);
  const Buffer drain = {0x80, 0x00, 0x78, 0xae, 0};
  ck_assert(out == drain);
}

VC_TEST(any_split_gives_the_same_capsules) {
  Buffer stream;
  append_varint(stream, 0x17 + 41 * 7);  // GREASE
  append_varint(stream, 100);
  stream.insert(stream.end(), 100, 0x55);
  append_drain_capsule(stream);
  append_varint(stream, 0x190b4d3d);  // one of a later draft
  append_varint(stream, 0);
  append_close_capsule(stream, 5, "draining");
  for (size_t step = 1; step <= stream.size(); ++step) {
    bool failed = false;
    const auto capsules = read_all(stream, step, failed);
    ck_assert(!failed);
    ck_assert_uint_eq(capsules.size(), 2);
    ck_assert_uint_eq(capsules[0].type, kCapsuleDrain);
    ck_assert_uint_eq(capsules[1].type, kCapsuleClose);
    ck_assert_uint_eq(capsules[1].close.code, 5);
    ck_assert_str_eq(capsules[1].close.reason.c_str(), "draining");
  }
}

VC_TEST(a_reason_may_be_missing_but_not_the_code) {
  for (size_t size = 0; size < 5; ++size) {
    Buffer stream;
    append_varint(stream, kCapsuleClose);
    append_varint(stream, size);
    stream.insert(stream.end(), size, 0);
    bool failed = false;
    const auto capsules = read_all(stream, 1, failed);
    ck_assert(failed == (size < 4));
    ck_assert_uint_eq(capsules.size(), size < 4 ? 0 : 1);
  }
}

VC_TEST(a_close_that_is_too_long_fails_at_its_length) {
  Buffer stream;
  append_varint(stream, kCapsuleClose);
  append_varint(stream, limits::kMaxCapsuleBytes + 1);
  bool failed = false;
  read_all(stream, 1, failed);
  ck_assert(failed);
}

VC_TEST(a_long_reason_is_cut_at_a_character) {
  std::string reason;
  while (reason.size() < 2'000) reason += "\xe2\x82\xac";  // 3 bytes each
  Buffer stream;
  append_close_capsule(stream, 1, reason);
  bool failed = false;
  const auto capsules = read_all(stream, stream.size(), failed);
  ck_assert_uint_eq(capsules.size(), 1);
  const std::string& cut = capsules[0].close.reason;
  ck_assert_uint_eq(cut.size(), 1'023);
  ck_assert(reason.starts_with(cut));
}

VC_SUITE_MAIN("quic/capsules")
