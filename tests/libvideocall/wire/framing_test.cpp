// SPDX-License-Identifier: MIT
#include "libvideocall/wire/framing.h"

#include <cstdlib>
#include <new>
#include <vector>

#include "tests/support/suite.h"

using namespace videocall;

namespace {

// The largest piece of memory that was asked for.
size_t largest_piece = 0;

PacketRef media_packet(uint64_t sequence, size_t size) {
  std::vector<uint8_t> data(size, 0x5a);
  PacketFields fields;
  fields.type = PacketType::media;
  fields.kind = MediaKind::video;
  fields.data = data;
  fields.header.sequence = sequence;
  return *Packet::build(fields);
}

std::vector<uint8_t> frames(const std::vector<PacketRef>& packets) {
  std::vector<uint8_t> out;
  for (const auto& packet : packets) {
    const Bytes framed = packet->framed();
    out.insert(out.end(), framed.begin(), framed.end());
  }
  return out;
}

}  // namespace

void* operator new(size_t size) {
  largest_piece = std::max(largest_piece, size);
  void* memory = std::malloc(size);
  if (!memory) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}

VC_TEST(any_split_gives_the_same_packets) {
  const auto stream =
      frames({media_packet(1, 0), media_packet(2, 300), media_packet(3, 7)});
  for (size_t step = 1; step <= stream.size(); ++step) {
    FrameDecoder decoder;
    std::vector<uint64_t> sequences;
    for (size_t at = 0; at < stream.size(); at += step) {
      const size_t size = std::min(step, stream.size() - at);
      auto fed =
          decoder.feed({stream.data() + at, size},
                       [&](PacketRef packet, Result<void> parsed) {
                         ck_assert(parsed.ok());
                         sequences.push_back(packet->fields().header.sequence);
                       });
      ck_assert(fed.ok());
    }
    ck_assert(decoder.at_boundary());
    ck_assert_uint_eq(sequences.size(), 3);
    ck_assert_uint_eq(sequences[2], 3);
  }
}

VC_TEST(a_frame_is_judged_by_its_prefix_alone) {
  FrameDecoder decoder;
  const uint32_t length = limits::kMaxPacketBytes + 1;
  const uint8_t prefix[] = {uint8_t(length >> 24), uint8_t(length >> 16),
                            uint8_t(length >> 8), uint8_t(length)};
  auto fed = decoder.feed(prefix, [](PacketRef, Result<void>) {});
  ck_assert(!fed.ok());
  ck_assert(fed.error().code == Errc::limit);
}

VC_TEST(a_frame_of_length_0_is_an_error) {
  FrameDecoder decoder;
  const uint8_t prefix[] = {0, 0, 0, 0};
  auto fed = decoder.feed(prefix, [](PacketRef, Result<void>) {});
  ck_assert(!fed.ok());
  ck_assert(fed.error().code == Errc::protocol);
}

VC_TEST(an_announced_length_costs_little_memory_by_itself) {
  const auto cost_of = [](uint32_t length, size_t come) {
    FrameDecoder decoder;
    std::vector<uint8_t> start = {uint8_t(length >> 24), uint8_t(length >> 16),
                                  uint8_t(length >> 8), uint8_t(length)};
    start.resize(start.size() + come);
    largest_piece = 0;
    ck_assert(decoder.feed(start, [](PacketRef, Result<void>) {}).ok());
    ck_assert_uint_eq(decoder.buffered(), come);
    return largest_piece;
  };
  // A small one is given its place at once.
  ck_assert_uint_ge(cost_of(limits::kMaxUnframedPartialBytes, 1),
                    limits::kMaxUnframedPartialBytes);
  ck_assert_uint_lt(cost_of(limits::kMaxUnframedPartialBytes + 1, 1), 100);
  // Others when a quarter has come.
  constexpr uint32_t kLarge = limits::kMaxPacketBytes;
  ck_assert_uint_lt(cost_of(kLarge, kLarge / 4 - 1), kLarge / 2);
  ck_assert_uint_ge(cost_of(kLarge, kLarge / 4), kLarge);
}

VC_TEST(a_large_frame_in_small_pieces_comes_out_whole) {
  const auto stream = frames({media_packet(9, 500'000)});
  FrameDecoder decoder;
  size_t got = 0;
  for (size_t at = 0; at < stream.size(); at += 1200) {
    const size_t size = std::min<size_t>(1200, stream.size() - at);
    ck_assert(decoder
                  .feed({stream.data() + at, size},
                        [&](PacketRef packet, Result<void> parsed) {
                          ck_assert(parsed.ok());
                          got = packet->fields().data.size();
                          for (uint8_t b : packet->fields().data)
                            ck_assert_uint_eq(b, 0x5a);
                        })
                  .ok());
  }
  ck_assert_uint_eq(got, 500'000);
}

VC_TEST(a_packet_that_does_not_parse_does_not_end_the_stream) {
  const uint8_t stream[] = {0, 0, 0, 1, 0xff, 0, 0, 0, 2, 0x08, 0x23};
  FrameDecoder decoder;
  int good = 0;
  int bad = 0;
  ck_assert(decoder
                .feed(stream,
                      [&](PacketRef, Result<void> parsed) {
                        ++(parsed.ok() ? good : bad);
                      })
                .ok());
  ck_assert_int_eq(good, 1);
  ck_assert_int_eq(bad, 1);
}

VC_SUITE_MAIN("wire/framing")
