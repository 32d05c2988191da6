// SPDX-License-Identifier: MIT
// Field sections by nghttp3's QPACK, without the dynamic table: then neither
// side needs QPACK streams and a section never waits for one (RFC 9204).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libvideocall/base/result.h"
#include "libvideocall/wire/packet.h"

namespace videocall::quic::h3 {

using Field = std::pair<std::string, std::string>;  // name, value
using Fields = std::vector<Field>;

Result<std::vector<uint8_t>> encode_fields(const Fields& fields);

// |section| is a whole HEADERS payload. Fails on what is no field section,
// needs the dynamic table, or is larger than limits::kMaxHeaderSectionBytes
// when decoded (RFC 9114 section 4.2.2).
Result<Fields> decode_fields(Bytes section);

// The value of the first field called |name|, or nullptr.
const std::string* find_field(const Fields& fields, std::string_view name);

}  // namespace videocall::quic::h3
