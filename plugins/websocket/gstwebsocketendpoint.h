// SPDX-License-Identifier: MIT
// What websocketsrc and websocketsink have in common.
#pragma once

#include "plugins/transport/transportsettings.h"
#include "plugins/websocket/websocketcaller.h"
#include "plugins/websocket/websocketlistener.h"

namespace videocall::websocket {

inline constexpr const char* kKind = "websocket";
inline constexpr const char* kUriHelp =
    "Caller: the meeting, ws(s)://HOST:PORT/meet/ID?token=TOKEN&v=1; holds a "
    "secret and cannot be read back";

inline Result<std::shared_ptr<quic::Endpoint>> open_endpoint(
    quic::EndpointConfig config) {
  if (config.number == 0) config.number = quic::next_endpoint_number();
  if (config.mode == quic::EndpointConfig::Mode::caller)
    return Caller::open(std::move(config));
  return std::shared_ptr<quic::Endpoint>(
      std::make_shared<Listener>(std::move(config)));
}

}  // namespace videocall::websocket
