// SPDX-License-Identifier: MIT
#include "libvideocall/websocket/frame_guard.h"

#include <vector>

#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::websocket;

namespace {

constexpr Time kStart{1h};
constexpr uint8_t kContinuation = 0;
constexpr uint8_t kText = 1;
constexpr uint8_t kBinary = 2;
constexpr uint8_t kPing = 9;

using Buffer = std::vector<uint8_t>;

// The header of a frame; masked, as a client's is.
Buffer header(uint8_t opcode, uint64_t length, bool fin = true,
              bool masked = true) {
  Buffer bytes{static_cast<uint8_t>((fin ? 0x80 : 0) | opcode)};
  const auto mask = static_cast<uint8_t>(masked ? 0x80 : 0);
  const size_t more = length < 126 ? 0 : length < 65'536 ? 2 : 8;
  bytes.push_back(static_cast<uint8_t>(mask | (more == 0   ? length
                                               : more == 2 ? 126
                                                           : 127)));
  for (size_t i = more; i > 0; --i)
    bytes.push_back(static_cast<uint8_t>(length >> (8 * (i - 1))));
  if (masked) bytes.insert(bytes.end(), {1, 2, 3, 4});
  return bytes;
}

Buffer frame(uint8_t opcode, size_t length, bool fin = true) {
  Buffer bytes = header(opcode, length, fin);
  // A payload that would be bad headers.
  bytes.resize(bytes.size() + length, 0x81);
  return bytes;
}

bool fails(FrameGuard& guard, const Buffer& bytes, Errc code,
           Time now = kStart) {
  const auto fed = guard.feed(bytes, now);
  return !fed && fed.error().code == code;
}

}  // namespace

VC_TEST(lets_messages_of_any_length_pass_however_they_are_cut) {
  for (const size_t step : {size_t{1}, size_t{3}, size_t{1'000'000}}) {
    FrameGuard guard(1'000'000);
    for (const size_t length : {0, 1, 125, 126, 127, 65'535, 65'536, 70'000}) {
      const Buffer bytes = frame(kBinary, length);
      for (size_t i = 0; i < bytes.size(); i += step) {
        const size_t size = std::min(step, bytes.size() - i);
        ck_assert(guard.feed({bytes.data() + i, size}, kStart).ok());
      }
    }
  }
}

VC_TEST(judges_a_message_by_its_header_alone) {
  for (const uint64_t length :
       {uint64_t{1'001}, uint64_t{70'000}, uint64_t{1} << 40, UINT64_MAX}) {
    FrameGuard guard(1'000);
    ck_assert(fails(guard, header(kBinary, length), Errc::limit));
  }
  FrameGuard guard(1'000);
  ck_assert(guard.feed(frame(kBinary, 1'000), kStart).ok());
}

VC_TEST(counts_the_fragments_of_a_message_together) {
  FrameGuard guard(1'000);
  ck_assert(guard.feed(frame(kBinary, 600, false), kStart).ok());
  ck_assert(guard.feed(frame(kContinuation, 400, true), kStart).ok());
  // The next message begins with nothing.
  ck_assert(guard.feed(frame(kBinary, 600, false), kStart).ok());
  ck_assert(fails(guard, header(kContinuation, 401), Errc::limit));
}

VC_TEST(lets_so_many_fragments_pass_and_no_more) {
  FrameGuard guard(1'000'000);
  for (size_t i = 0; i < limits::kMaxWebSocketFragments; ++i)
    ck_assert(
        guard.feed(frame(i == 0 ? kBinary : kContinuation, 0, false), kStart)
            .ok());
  ck_assert(fails(guard, header(kContinuation, 0), Errc::protocol));
}

VC_TEST(refuses_text) {
  FrameGuard guard(1'000);
  ck_assert(fails(guard, header(kText, 5), Errc::protocol));
}

VC_TEST(bounds_control_frames_by_the_second) {
  FrameGuard guard(1'000);
  for (size_t i = 0; i < limits::kMaxWebSocketControlFramesPerSecond; ++i)
    ck_assert(guard.feed(frame(kPing, 10), kStart).ok());
  ck_assert(guard.feed(frame(kPing, 10), kStart + 1s).ok());
  ck_assert_uint_eq(guard.control_frames(),
                    limits::kMaxWebSocketControlFramesPerSecond + 1);
  FrameGuard flooded(1'000);
  for (size_t i = 0; i < limits::kMaxWebSocketControlFramesPerSecond; ++i)
    ck_assert(flooded.feed(frame(kPing, 0), kStart).ok());
  ck_assert(fails(flooded, frame(kPing, 0), Errc::protocol));
}

VC_TEST(control_frames_may_come_between_fragments) {
  FrameGuard guard(1'000);
  ck_assert(guard.feed(frame(kBinary, 900, false), kStart).ok());
  ck_assert(guard.feed(frame(kPing, 125), kStart).ok());
  ck_assert(guard.feed(frame(kContinuation, 100, true), kStart).ok());
}

VC_TEST(what_comes_after_a_bad_frame_is_bad) {
  FrameGuard guard(1'000);
  ck_assert(fails(guard, header(kText, 5), Errc::protocol));
  ck_assert(fails(guard, frame(kBinary, 5), Errc::protocol));
  ck_assert(fails(guard, {}, Errc::protocol));
}

VC_TEST(knows_frames_without_a_mask) {
  FrameGuard guard(1'000);
  Buffer bytes = header(kBinary, 300, true, false);
  bytes.resize(bytes.size() + 300);
  ck_assert(guard.feed(bytes, kStart).ok());
  ck_assert(fails(guard, header(kBinary, 2'000, true, false), Errc::limit));
}

VC_SUITE_MAIN("frame guard")
