// SPDX-License-Identifier: MIT
// How many files and sockets this process may have open.
#pragma once

#include <cstddef>

namespace videocall::server {

// Raises the soft limit to at least |wanted|, as far as the hard one lets it.
// Returns the limit that holds now.
size_t allow_open_files(size_t wanted);

}  // namespace videocall::server
