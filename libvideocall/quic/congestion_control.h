// SPDX-License-Identifier: MIT
// What decides how much of ours may be on its way, of those that ngtcp2 offers.
// Each end of a connection chooses for what it sends; the peer need not know.
#pragma once

#include <cstdint>

namespace videocall::quic {

enum class CongestionControl : uint8_t {
  cubic,  // RFC 8312: a loss is congestion, and the window shrinks
  bbr,    // a model of bandwidth and round trip; a loss alone says little
};

inline constexpr CongestionControl kDefaultCongestionControl =
    CongestionControl::cubic;

}  // namespace videocall::quic
