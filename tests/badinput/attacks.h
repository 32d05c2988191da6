// SPDX-License-Identifier: MIT
// What is done to the daemon. Each attack says by its assertions how it must
// be answered (docs/wire-protocol.md, docs/http-api.md), and leaves nothing of
// its own open.
#pragma once

#include <span>

#include "tests/badinput/arena.h"

namespace videocall::badinput {

struct Attack {
  const char* name;
  void (*run)(Arena& arena);
};

std::span<const Attack> connect_attacks();
std::span<const Attack> session_attacks();
std::span<const Attack> load_attacks();
std::span<const Attack> http_attacks();
std::span<const Attack> websocket_attacks();

}  // namespace videocall::badinput
