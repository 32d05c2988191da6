// SPDX-License-Identifier: MIT
// Headers that vp8enc, vp9enc, av1enc and x264enc wrote for 162x90 pictures;
// the rest of the frames is left out where the parsers do not look at it.
#include "libvideocall/media/codec.h"

#include <random>

#include "libvideocall/media/av1.h"
#include "libvideocall/media/h264.h"
#include "libvideocall/media/opus.h"
#include "tests/libvideocall/media/track_support.h"
#include "tests/support/suite.h"

using namespace videocall;

namespace {

using Buffer = std::vector<uint8_t>;

Buffer hex(const std::string& text) {
  Buffer out;
  for (size_t i = 0; i + 1 < text.size(); i += 2)
    out.push_back(
        static_cast<uint8_t>(std::stoul(text.substr(i, 2), nullptr, 16)));
  return out;
}

Buffer operator+(Buffer a, const Buffer& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

VideoFrameInfo read(VideoParser& parser, const Buffer& frame) {
  auto info = parser.parse(frame);
  ck_assert_msg(info.ok(), "%s", info.ok() ? "" : info.error().message.c_str());
  return *info;
}

void assert_picture(const VideoFrameInfo& info, const char* codec) {
  ck_assert(info.keyframe);
  ck_assert_uint_eq(info.width, 162);
  ck_assert_uint_eq(info.height, 90);
  ck_assert_str_eq(info.codec.c_str(), codec);
}

const Buffer kAv1Delimiter = hex("1200");
const Buffer kAv1Sequence = hex("0a0b00000003b50d9e06d7c802");
const Buffer kAv1Key =
    hex("3208"
        "1001126880010000");
const Buffer kAv1Delta =
    hex("3208"
        "3440440408000000");

const Buffer kAud =
    hex("0000000109"
        "10");
const Buffer kSps =
    hex("0000000167"
        "42c015da0b378893016a0c0c0d4a000003000200000300791e2c5d40");
const Buffer kPps =
    hex("0000000168"
        "ce3c80");
const Buffer kIdr =
    hex("00000165"
        "888404bffd");
const Buffer kSlice =
    hex("00000141"
        "9a2032a15c");

}  // namespace

VC_TEST(vp8) {
  const auto parser = VideoParser::create(Codec::vp8);
  assert_picture(read(*parser, hex("d057009d012aa2005a00004708858588")), "vp8");
  ck_assert(!read(*parser, hex("d130000710e8001b")).keyframe);
  ck_assert(!parser->parse(hex("d057009d012a")).ok());
  ck_assert(!parser
                 ->parse(hex("d057009d012b"
                             "a2005a00"))
                 .ok());
  ck_assert(!parser->parse(hex("d0")).ok());
}

VC_TEST(vp9) {
  const auto parser = VideoParser::create(Codec::vp9);
  assert_picture(read(*parser, hex("82498342200a1005960638241c18420007")),
                 "vp09.00.10.08");
  ck_assert(!read(*parser, hex("86004092f0a12500")).keyframe);
  ck_assert(!parser->parse(hex("0249834220")).ok());
  ck_assert(!parser->parse(hex("8249834220")).ok());
  ck_assert(!parser->parse({}).ok());
}

VC_TEST(av1) {
  const auto parser = VideoParser::create(Codec::av1);
  // A key frame needs a sequence header sooner or later.
  ck_assert(!parser->parse(kAv1Delimiter + kAv1Key).ok());
  const auto whole = read(*parser, kAv1Delimiter + kAv1Sequence + kAv1Key);
  assert_picture(whole, "av01.0.00M.08");
  ck_assert(whole.insert.empty());
  ck_assert(!read(*parser, kAv1Delimiter + kAv1Delta).keyframe);
  // Left out: the last one goes in behind the temporal delimiter.
  const auto bare = read(*parser, kAv1Delimiter + kAv1Key);
  assert_picture(bare, "av01.0.00M.08");
  ck_assert(bare.insert == kAv1Sequence);
  ck_assert_uint_eq(bare.insert_at, kAv1Delimiter.size());
  ck_assert(!parser->parse(kAv1Delimiter).ok());
  ck_assert(!parser
                 ->parse(hex("1200"
                             "32ff"))
                 .ok());
}

VC_TEST(h264) {
  const auto parser = VideoParser::create(Codec::h264);
  ck_assert(!parser->parse(kAud + kIdr).ok());
  const auto whole = read(*parser, kAud + kSps + kPps + kIdr);
  assert_picture(whole, "avc1.42C015");
  ck_assert(whole.insert.empty());
  ck_assert(!read(*parser, kAud + kSlice).keyframe);
}

VC_TEST(h264_parameter_sets_are_put_before_a_key_frame) {
  const auto parser = VideoParser::create(Codec::h264);
  read(*parser, kSps + kPps + kIdr);
  const auto bare = read(*parser, kAud + kIdr);
  assert_picture(bare, "avc1.42C015");
  ck_assert(bare.insert == kSps + kPps);
  ck_assert_uint_eq(bare.insert_at, kAud.size());
  // Without a PPS alone: right before the picture.
  const auto half = read(*parser, kAud + kSps + kIdr);
  ck_assert(half.insert == kPps);
  ck_assert_uint_eq(half.insert_at, (kAud + kSps).size());
}

VC_TEST(h264_high_profile) {
  const auto sequence = parse_h264_sequence(
      hex("67"
          "640014acb2059bc44980b5060606a50000030001000003003c8f142a48"));
  ck_assert(sequence.ok());
  ck_assert_uint_eq(sequence->width, 162);
  ck_assert_uint_eq(sequence->height, 90);
  ck_assert_str_eq(sequence->codec.c_str(), "avc1.640014");
}

VC_TEST(codec_strings) {
  ck_assert(codec_from_string("vp8") == Codec::vp8);
  ck_assert(codec_from_string("vp09.00.10.08") == Codec::vp9);
  ck_assert(codec_from_string("av01.0.04M.08") == Codec::av1);
  ck_assert(codec_from_string("avc1.42E01F") == Codec::h264);
  ck_assert(codec_from_string("opus") == Codec::opus);
  ck_assert(!codec_from_string("hev1.1.6.L93.B0"));
  ck_assert(!codec_from_string(""));
}

VC_TEST(opus_durations) {
  ck_assert_uint_eq(*opus_duration_us(hex("78")), 20'000);    // hybrid 20 ms
  ck_assert_uint_eq(*opus_duration_us(hex("f8ff")), 20'000);  // CELT 20 ms
  ck_assert_uint_eq(*opus_duration_us(hex("08")), 20'000);    // SILK 20 ms
  ck_assert_uint_eq(*opus_duration_us(hex("e0")), 2'500);
  ck_assert_uint_eq(*opus_duration_us(hex("f1")), 20'000);  // 2 x 10 ms
  ck_assert_uint_eq(*opus_duration_us(hex("fb03")), 60'000);
  ck_assert(!opus_duration_us({}).ok());
  ck_assert(!opus_duration_us(hex("fb")).ok());
  ck_assert(!opus_duration_us(hex("fb3f")).ok());
}

// Whatever comes, nothing is read that is not there (the sanitizers watch).
VC_TEST(random_bytes) {
  const Buffer seeds[] = {hex("d057009d012aa2005a00004708858588"),
                          hex("82498342200a1005960638241c18420007"),
                          kAv1Delimiter + kAv1Sequence + kAv1Key,
                          kAud + kSps + kPps + kIdr};
  std::mt19937 random(1);
  for (const Codec codec : {Codec::vp8, Codec::vp9, Codec::av1, Codec::h264}) {
    const auto parser = VideoParser::create(codec);
    for (int i = 0; i < 20'000; ++i) {
      Buffer frame = seeds[random() % std::size(seeds)];
      for (auto n = random() % 6; n > 0; --n)
        frame[random() % frame.size()] = static_cast<uint8_t>(random());
      frame.resize(random() % (frame.size() + 1));
      const auto info = parser->parse(frame);
      if (info.ok()) ck_assert_uint_le(info->insert_at, frame.size());
    }
  }
}

VC_SUITE_MAIN("media/codec")
