// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "libvideocall/base/export.h"
#include "libvideocall/wire/packet.h"

namespace videocall::quic {

// The CONNECTION with which a client called |client_name| begins.
VIDEOCALL_API PacketRef make_connection_packet(const std::string& client_name);

}  // namespace videocall::quic
