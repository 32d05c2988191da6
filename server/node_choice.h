// SPDX-License-Identifier: MIT
// To which server a join leads: this one, or one of those that share its token
// key (docs/wire-protocol.md, section 4). Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libvideocall/auth/secret_key.h"
#include "libvideocall/cluster/node_messages.h"

namespace videocall::server {

// Tells keys apart and nothing of them.
std::string token_key_id(const SecretKey& key);

// Of |nodes|, this one first, the one whose URLs somebody is to get who joins
// |meeting| over a connection to |local_ip|; nullopt: this one's. Of a server
// that is only on its own machine nobody elsewhere hears. |self_serves|: this
// one takes newcomers.
std::optional<cluster::Heartbeat> choose_other_node(
    std::vector<cluster::Heartbeat> nodes, const std::string& meeting,
    const std::string& local_ip, bool self_serves);

}  // namespace videocall::server
