// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "libvideocall/base/export.h"
#include "libvideocall/quic/fleet.h"

namespace videocall::websocket {

// Many client sessions over WebSockets in one loop, as quic::Fleet's over
// WebTransport: URLs are ws:// or wss://, and each session has a connection of
// its own, so FleetConfig::sockets says nothing. Of an impairment only the
// bottleneck is there, before TCP: what would be lost TCP sends again.
// certificate_hashes are not looked at, as by browsers; a certificate must be
// one of the system's.
VIDEOCALL_API Result<std::unique_ptr<quic::Fleet>> create_fleet(
    quic::FleetConfig config, quic::FleetVisitor& visitor);

}  // namespace videocall::websocket
