// SPDX-License-Identifier: MIT
#pragma once

// Marks what users of the shared library may call; all else is hidden.
#define VIDEOCALL_API __attribute__((visibility("default")))
