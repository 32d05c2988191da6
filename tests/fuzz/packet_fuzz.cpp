// SPDX-License-Identifier: MIT
// Any bytes as a packet: parsed as protobuf would, nothing read beyond the
// end, built again without a difference, stamped.
#include <algorithm>
#include <string>

#include "libvideocall/wire/packet.h"
#include "packet_wrapper.pb.h"
#include "tests/fuzz/check.h"

using namespace videocall;

namespace {

bool within(Bytes part, Bytes whole) {
  return part.empty() ||
         (part.data() >= whole.data() &&
          part.data() + part.size() <= whole.data() + whole.size());
}

bool same(Bytes bytes, const std::string& text) {
  return std::equal(bytes.begin(), bytes.end(), text.begin(), text.end(),
                    [](uint8_t a, char b) { return a == uint8_t(b); });
}

void compare_with_protobuf(const Packet& packet) {
  proto::PacketWrapper wrapper;
  const Bytes bytes = packet.bytes();
  // protobuf also refuses what we need not look at (groups, UTF-8).
  if (!wrapper.ParseFromArray(bytes.data(), int(bytes.size()))) return;
  const PacketFields& fields = packet.fields();
  FUZZ_CHECK(same(fields.data, wrapper.data()));
  FUZZ_CHECK(same(fields.user_id, wrapper.user_id()));
  FUZZ_CHECK(fields.session_id == wrapper.session_id());
}

void build_again(const PacketFields& fields) {
  auto built = Packet::build(fields);
  if (!built) return;
  const PacketFields& again = (*built)->fields();
  FUZZ_CHECK(again.type == fields.type);
  FUZZ_CHECK(again.kind == fields.kind);
  FUZZ_CHECK(again.layer == fields.layer);
  FUZZ_CHECK(again.session_id == fields.session_id);
  FUZZ_CHECK(std::ranges::equal(again.data, fields.data));
  if (fields.type != PacketType::media) return;
  FUZZ_CHECK(again.header.sequence == fields.header.sequence);
  FUZZ_CHECK(again.header.group == fields.header.group);
  FUZZ_CHECK(again.header.capture_us == fields.header.capture_us);
  FUZZ_CHECK(again.header.codec == fields.header.codec);
  FUZZ_CHECK(again.header.key_epoch == fields.header.key_epoch);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto packet = Packet::from_bytes({data, size});
  if (!packet) return 0;
  const Bytes bytes = (*packet)->bytes();
  const PacketFields fields = (*packet)->fields();
  FUZZ_CHECK(within(fields.data, bytes));
  FUZZ_CHECK(within(fields.user_id, bytes));
  FUZZ_CHECK(within(fields.media_header, bytes));
  FUZZ_CHECK(fields.layer <= limits::kMaxLayer);
  FUZZ_CHECK(fields.header.temporal_id <= limits::kMaxTemporalLayer);
  FUZZ_CHECK(fields.header.codec.size() <= limits::kMaxCodecBytes);
  compare_with_protobuf(**packet);
  build_again(fields);
  if (check_from_client(**packet).ok()) {
    (*packet)->stamp({"fuzz", 42});
    FUZZ_CHECK((*packet)->size() <= size + limits::kMaxStampBytes);
    auto stamped = Packet::from_bytes((*packet)->bytes());
    FUZZ_CHECK(stamped.ok());
    FUZZ_CHECK((*stamped)->fields().session_id == 42);
    FUZZ_CHECK((*stamped)->fields().user_id.size() == 4);
  }
  return 0;
}
