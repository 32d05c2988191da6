// SPDX-License-Identifier: MIT
#include "libvideocall/websocket/frames.h"

#include <algorithm>
#include <string>
#include <vector>

#include "libvideocall/websocket/frame_guard.h"
#include "libvideocall/wire/limits.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::websocket;

namespace {

using Buffer = std::vector<uint8_t>;

// A server's frame.
Buffer frame(Opcode opcode, Bytes payload, bool fin = true) {
  Buffer bytes{
      static_cast<uint8_t>((fin ? 0x80 : 0) | static_cast<uint8_t>(opcode))};
  const size_t size = payload.size();
  const size_t more = size < 126 ? 0 : size < 65'536 ? 2 : 8;
  bytes.push_back(static_cast<uint8_t>(more == 0   ? size
                                       : more == 2 ? 126
                                                   : 127));
  for (size_t i = more; i > 0; --i)
    bytes.push_back(static_cast<uint8_t>(uint64_t{size} >> (8 * (i - 1))));
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  return bytes;
}

Buffer noise(size_t size, uint8_t seed = 7) {
  Buffer bytes(size);
  for (size_t i = 0; i < size; ++i)
    bytes[i] = static_cast<uint8_t>(i * 31 + seed);
  return bytes;
}

Buffer operator+(Buffer a, const Buffer& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

struct Heard final : FrameVisitor {
  void on_message(Bytes message) override {
    messages.emplace_back(message.begin(), message.end());
  }
  void on_ping(Bytes payload) override {
    pings.emplace_back(payload.begin(), payload.end());
  }
  void on_close(uint16_t with, std::string_view why) override {
    code = with;
    reason = why;
  }
  std::vector<Buffer> messages;
  std::vector<Buffer> pings;
  int code = -1;
  std::string reason;
};

// What a reader says of |bytes|.
Errc refusal(const Buffer& bytes, size_t max_message = 1'000) {
  FrameReader reader(max_message);
  Heard heard;
  auto fed = reader.feed(bytes, heard);
  ck_assert(!fed && heard.messages.empty());
  // And goes on to say.
  ck_assert(!reader.feed(frame(Opcode::binary, {}), heard));
  ck_assert(heard.messages.empty());
  return fed.error().code;
}

}  // namespace

VC_TEST(reads_messages_of_any_length_however_they_are_cut) {
  const size_t lengths[] = {0, 1, 125, 126, 127, 65'535, 65'536, 70'000};
  Buffer stream;
  for (const size_t length : lengths)
    stream = stream + frame(Opcode::binary, noise(length));
  for (const size_t step :
       {size_t{1}, size_t{3}, size_t{4'096}, stream.size()}) {
    FrameReader reader(1'000'000);
    Heard heard;
    for (size_t i = 0; i < stream.size(); i += step)
      ck_assert(
          reader
              .feed({stream.data() + i, std::min(step, stream.size() - i)},
                    heard)
              .ok());
    ck_assert_uint_eq(heard.messages.size(), std::size(lengths));
    for (size_t i = 0; i < heard.messages.size(); ++i)
      ck_assert(heard.messages[i] == noise(lengths[i]));
    ck_assert_uint_eq(reader.buffered(), 0);
  }
}

VC_TEST(puts_fragments_together_with_control_frames_between_them) {
  const Buffer stream = frame(Opcode::binary, noise(300), false) +
                        frame(Opcode::ping, noise(5)) +
                        frame(Opcode::continuation, noise(0), false) +
                        frame(Opcode::pong, noise(9)) +
                        frame(Opcode::continuation, noise(40, 9)) +
                        frame(Opcode::binary, noise(3));
  for (const size_t step : {size_t{1}, stream.size()}) {
    FrameReader reader(1'000);
    Heard heard;
    for (size_t i = 0; i < stream.size(); i += step)
      ck_assert(reader.feed({stream.data() + i, step}, heard).ok());
    ck_assert_uint_eq(heard.messages.size(), 2);
    ck_assert(heard.messages[0] == noise(300) + noise(40, 9));
    ck_assert(heard.messages[1] == noise(3));
    ck_assert_uint_eq(heard.pings.size(), 1);
    ck_assert(heard.pings[0] == noise(5));
  }
}

VC_TEST(judges_a_message_by_its_header_alone) {
  Buffer whole = frame(Opcode::binary, noise(1'001));
  whole.resize(4);  // its header
  ck_assert(refusal(whole) == Errc::limit);
  ck_assert(refusal({0x82, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                     0xff}) == Errc::limit);
  // All its fragments together.
  ck_assert(refusal(frame(Opcode::binary, noise(600), false) +
                    frame(Opcode::continuation, noise(401), false)) ==
            Errc::limit);
}

VC_TEST(refuses_what_no_server_may_send) {
  const Buffer mask(4);
  ck_assert(refusal(frame(Opcode::text, noise(3))) == Errc::protocol);
  ck_assert(refusal(frame(static_cast<Opcode>(3), {})) == Errc::protocol);
  ck_assert(refusal(frame(static_cast<Opcode>(11), {})) == Errc::protocol);
  ck_assert(refusal({0xc2, 0}) == Errc::protocol);     // a reserved bit
  ck_assert(refusal({0x82, 0x81}) == Errc::protocol);  // waits for its mask
  ck_assert(refusal(frame(Opcode::ping, noise(126))) == Errc::protocol);
  ck_assert(refusal(frame(Opcode::ping, noise(3), false)) == Errc::protocol);
  ck_assert(refusal(frame(Opcode::continuation, noise(3))) == Errc::protocol);
  ck_assert(refusal(frame(Opcode::binary, noise(3), false) +
                    frame(Opcode::binary, noise(3))) == Errc::protocol);
}

VC_TEST(takes_so_many_fragments_and_no_more) {
  Buffer stream = frame(Opcode::binary, {}, false);
  for (size_t i = 1; i < limits::kMaxWebSocketFragments; ++i)
    stream = stream + frame(Opcode::continuation, {}, false);
  FrameReader reader(1'000);
  Heard heard;
  ck_assert(reader.feed(stream, heard).ok());
  ck_assert(!reader.feed(frame(Opcode::continuation, {}), heard));
}

VC_TEST(tells_of_a_close_and_of_nothing_behind_it) {
  struct Case {
    Buffer payload;
    int code;
    const char* reason;
  };
  const Case cases[] = {{{}, 1'005, ""},
                        {{0x0f}, 1'005, ""},
                        {{0x0f, 0xa5}, 4'005, ""},
                        {{0x0f, 0xa5, 'b', 'y', 'e'}, 4'005, "bye"}};
  for (const Case& one : cases) {
    FrameReader reader(1'000);
    Heard heard;
    const Buffer stream = frame(Opcode::close, one.payload) +
                          frame(Opcode::binary, noise(3)) + Buffer{0xff};
    ck_assert(reader.feed(stream, heard).ok());
    ck_assert_int_eq(heard.code, one.code);
    ck_assert_str_eq(heard.reason.c_str(), one.reason);
    ck_assert(heard.messages.empty());
  }
}

VC_TEST(writes_what_a_server_takes) {
  for (const size_t length : {0, 1, 125, 126, 65'535, 65'536}) {
    Buffer out;
    const Buffer payload = noise(length);
    append_frame(out, Opcode::binary, payload, 0x04030201);
    const size_t header = length < 126 ? 2 : length < 65'536 ? 4 : 10;
    ck_assert_uint_eq(out.size(), header + 4 + length);
    ck_assert(out[1] & 0x80);
    const uint8_t* mask = out.data() + header;
    for (size_t i = 0; i < length; ++i)
      ck_assert_int_eq(out[header + 4 + i] ^ mask[i % 4], payload[i]);
    FrameGuard guard(length);
    ck_assert(guard.feed(out, Time{1h}).ok());
  }
}

VC_TEST(cuts_the_reason_of_a_close_between_characters) {
  Buffer out;
  append_close(out, 4'003, std::string(122, 'x') + "\xc3\xa4", 0);
  // | FIN close | MASK 124 | mask, 4 | code, 2 | 122 x |
  ck_assert_uint_eq(out.size(), 2 + 4 + 2 + 122);
  ck_assert_int_eq(out[1], 0x80 | 124);
  out.clear();
  append_close(out, 4'003, std::string(121, 'x') + "\xc3\xa4 and more", 0);
  ck_assert_uint_eq(out.size(),
                    2 + 4 + 2 + limits::kMaxWebSocketCloseReasonBytes);
}

VC_SUITE_MAIN("websocket frames")
