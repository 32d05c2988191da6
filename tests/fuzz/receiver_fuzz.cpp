// SPDX-License-Identifier: MIT
// A sender who numbers as he likes against the receiving side: each 8 bytes
// of input are one packet. What comes out ascends, bounded memory, no wake-up
// for nothing.
#include <optional>
#include <string>

#include "libvideocall/media/session_receiver.h"
#include "tests/fuzz/check.h"

using namespace videocall;

namespace {

constexpr size_t kStep = 8;

PacketRef packet_of(const uint8_t* bytes) {
  MediaPacketFields media;
  media.kind = static_cast<MediaKind>(1 + bytes[0] % 3);
  const uint8_t payload[] = {1, 2, 3};
  media.payload = payload;
  media.redundant_count = bytes[0] >> 2 & 1;
  media.redundant[0] = payload;
  const auto data = serialize_media_packet(media);
  PacketFields fields;
  fields.type = PacketType::media;
  fields.kind = media.kind;
  fields.layer = static_cast<uint8_t>((bytes[0] >> 3 & 3) % 3);
  fields.session_id = 1 + (bytes[0] >> 7);
  fields.data = data;
  fields.header.keyframe = (bytes[0] & 0x20) != 0;
  fields.header.temporal_id = bytes[1] & 3;
  fields.header.group = bytes[2];
  fields.header.sequence = bytes[3] | uint64_t{bytes[4]} << (bytes[1] >> 2);
  fields.header.capture_us = uint64_t{bytes[5]} << (bytes[6] % 64);
  return *Packet::build(fields);
}

void take_all(SessionReceiver& receiver, int64_t now_us) {
  for (const MediaKind kind :
       {MediaKind::video, MediaKind::audio, MediaKind::screen}) {
    for (;;) {
      const auto next = receiver.next_pop_us(kind);
      const auto frame = receiver.pop(kind, now_us);
      if (frame) {
        FUZZ_CHECK(frame->payload.size() == 3);
        FUZZ_CHECK(next.has_value());
        continue;
      }
      const auto after = receiver.next_pop_us(kind);
      FUZZ_CHECK(!after || *after > now_us);
      break;
    }
    FUZZ_CHECK(receiver.ready(kind) <= 1'001);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  SessionReceiver receiver(int64_t{data[0]} * 1000, (data[1] & 1) != 0
                                                        ? ClockMap::Mode::linear
                                                        : ClockMap::Mode::live);
  int64_t now_us = 0;
  for (size_t at = 2; at + kStep <= size; at += kStep) {
    now_us += int64_t{data[at + 7]} * 1000;
    receiver.push(packet_of(data + at), now_us);
    if ((data[at + 1] & 0x80) == 0) take_all(receiver, now_us);
    receiver.take_keyframe_request(now_us);
  }
  receiver.drain();
  take_all(receiver, now_us);
  return 0;
}
