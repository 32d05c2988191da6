// SPDX-License-Identifier: MIT
// Any bytes as the data of a MEDIA packet: read, written and read again.
#include <algorithm>

#include "libvideocall/media/media_packet.h"
#include "tests/fuzz/check.h"

using namespace videocall;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto media = parse_media_packet({data, size});
  if (!media) return 0;
  const auto bytes = serialize_media_packet(*media);
  const auto again = parse_media_packet(bytes);
  FUZZ_CHECK(again.ok());
  FUZZ_CHECK(again->kind == media->kind);
  FUZZ_CHECK(std::ranges::equal(again->payload, media->payload));
  FUZZ_CHECK(again->duration_us == media->duration_us);
  FUZZ_CHECK(again->redundant_count == media->redundant_count);
  for (size_t i = 0; i < media->redundant_count; ++i)
    FUZZ_CHECK(std::ranges::equal(again->redundant[i], media->redundant[i]));
  return 0;
}
