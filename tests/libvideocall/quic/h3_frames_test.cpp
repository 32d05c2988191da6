// SPDX-License-Identifier: MIT
#include "libvideocall/quic/h3_frames.h"

#include <random>

#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::quic;
using namespace videocall::quic::h3;

namespace {

using Buffer = std::vector<uint8_t>;

Buffer varints(std::initializer_list<uint64_t> values) {
  Buffer out;
  for (uint64_t value : values) append_varint(out, value);
  return out;
}

struct Seen {
  uint64_t type;
  uint64_t length;
  Buffer payload;
  bool operator==(const Seen&) const = default;
};

std::vector<Seen> read_all(const Buffer& stream, size_t step) {
  TlvReader reader;
  std::vector<Seen> seen;
  bool open = false;
  for (size_t at = 0; at < stream.size(); at += step) {
    Bytes input(stream.data() + at, std::min(step, stream.size() - at));
    for (;;) {
      const auto event = reader.next(input);
      if (event == TlvReader::Event::need_more) break;
      if (event == TlvReader::Event::start) {
        ck_assert(!open);
        open = true;
        seen.push_back({reader.type(), reader.length(), {}});
      } else if (event == TlvReader::Event::payload) {
        ck_assert(open);
        ck_assert(!reader.payload().empty());
        seen.back().payload.insert(seen.back().payload.end(),
                                   reader.payload().begin(),
                                   reader.payload().end());
      } else {
        open = false;
      }
    }
    ck_assert(input.empty());
  }
  ck_assert(!open);
  ck_assert(reader.at_boundary());
  return seen;
}

}  // namespace

// RFC 9000 appendix A.1.
VC_TEST(varints_are_those_of_the_rfc) {
  const struct {
    uint64_t value;
    Buffer bytes;
  } samples[] = {
      {151'288'809'941'952'652,
       {0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c}},
      {494'878'333, {0x9d, 0x7f, 0x3e, 0x7d}},
      {15'293, {0x7b, 0xbd}},
      {37, {0x25}},
  };
  for (const auto& sample : samples) {
    ck_assert(varints({sample.value}) == sample.bytes);
    Bytes bytes = sample.bytes;
    ck_assert_uint_eq(*take_varint(bytes), sample.value);
    ck_assert(bytes.empty());
  }
  // Longer than needed is allowed.
  const Buffer padded = {0x40, 0x25};
  Bytes bytes = padded;
  ck_assert_uint_eq(*take_varint(bytes), 37);
}

VC_TEST(varints_of_every_size_come_back) {
  for (int shift = 0; shift < 62; ++shift)
    for (uint64_t delta : {0, 1, 2}) {
      const uint64_t value =
          std::min(kMaxVarint, (uint64_t{1} << shift) - 1 + delta);
      const Buffer bytes = varints({value});
      ck_assert_uint_eq(bytes.size(), varint_size(value));
      for (size_t cut = 0; cut < bytes.size(); ++cut) {
        Bytes front(bytes.data(), cut);
        ck_assert(!take_varint(front));
        VarintReader reader;
        ck_assert(!reader.read(front));
        Bytes back(bytes.data() + cut, bytes.size() - cut);
        ck_assert_uint_eq(*reader.read(back), value);
        ck_assert(!reader.started());
      }
    }
}

VC_TEST(any_split_gives_the_same_frames) {
  Buffer stream;
  append_frame(stream, 0x01, Buffer(3, 7));
  append_frame(stream, 0x21 + 0x1f * 1'000'000, {});
  append_frame(stream, 0x00, Buffer(300, 9));
  append_frame(stream, 0x40, Buffer(1, 1));
  const auto whole = read_all(stream, stream.size());
  ck_assert_uint_eq(whole.size(), 4);
  ck_assert_uint_eq(whole[2].length, 300);
  ck_assert_uint_eq(whole[2].payload.size(), 300);
  for (size_t step = 1; step < stream.size(); ++step)
    ck_assert(read_all(stream, step) == whole);
}

VC_TEST(an_announced_length_costs_nothing) {
  TlvReader reader;
  const Buffer bytes = varints({0, kMaxVarint});
  Bytes input = bytes;
  ck_assert(reader.next(input) == TlvReader::Event::start);
  ck_assert(reader.next(input) == TlvReader::Event::need_more);
  ck_assert(!reader.at_boundary());
}

VC_TEST(settings_of_browsers_are_understood) {
  // As Chromium and Firefox send them, GREASE included.
  auto chromium = parse_settings(
      varints({0x1, 65'536, 0x6, 16'384, 0x7, 100, 0x33, 1, 0xffd277, 1,
               0x2b603742, 1, 0x1f * 12'345 + 0x21, 99}));
  ck_assert(chromium.ok());
  ck_assert(chromium->datagrams && chromium->webtransport);
  auto firefox = parse_settings(
      varints({1, 65'536, 7, 20, 0x2b603742, 1, 0xffd277, 1, 0x33, 1, 8, 1}));
  ck_assert(firefox.ok());
  ck_assert(firefox->datagrams && firefox->webtransport &&
            firefox->extended_connect);
  auto plain = parse_settings(varints({0x6, 16'384, 0x33, 0}));
  ck_assert(plain.ok());
  ck_assert(!plain->datagrams && !plain->webtransport);
  ck_assert(parse_settings({}).ok());
}

VC_TEST(wrong_settings_are_refused) {
  ck_assert(!parse_settings(varints({0x33})).ok());
  ck_assert(!parse_settings(varints({0x33, 2})).ok());
  ck_assert(!parse_settings(varints({0x08, 2})).ok());
  ck_assert(!parse_settings(varints({0x21, 1, 0x21, 2})).ok());
  for (uint64_t id = 2; id <= 5; ++id)
    ck_assert(!parse_settings(varints({id, 0})).ok());
  ck_assert(!parse_settings(Buffer{0xc0}).ok());
}

VC_TEST(both_sides_understand_each_other) {
  for (bool server : {false, true}) {
    const Buffer opening = control_stream_opening(server);
    Bytes bytes = opening;
    ck_assert_uint_eq(*take_varint(bytes), kStreamControl);
    ck_assert_uint_eq(*take_varint(bytes), kFrameSettings);
    ck_assert_uint_eq(*take_varint(bytes), bytes.size());
    auto settings = parse_settings(bytes);
    ck_assert(settings.ok());
    ck_assert(settings->webtransport && settings->datagrams);
    ck_assert(settings->extended_connect == server);
  }
}

VC_TEST(application_errors_skip_the_reserved_codes) {
  ck_assert_uint_eq(webtransport_error(0), 0x52e4a40fa8db);
  ck_assert_uint_eq(webtransport_error(0x1d), 0x52e4a40fa8f8);
  ck_assert_uint_eq(webtransport_error(0x1e), 0x52e4a40fa8fa);
  ck_assert_uint_eq(webtransport_error(0xffffffff), 0x52e5ac983162);
}

VC_TEST(random_input_never_hurts) {
  std::mt19937 random(1);
  for (int i = 0; i < 20'000; ++i) {
    Buffer bytes(random() % 64);
    for (auto& byte : bytes) byte = static_cast<uint8_t>(random());
    (void)parse_settings(bytes);
    TlvReader reader;
    Bytes input = bytes;
    while (reader.next(input) != TlvReader::Event::need_more) {
    }
    ck_assert(input.empty());
  }
}

VC_SUITE_MAIN("quic/h3_frames")
