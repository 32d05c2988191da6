// SPDX-License-Identifier: MIT
// Where descriptions and our plugins lie, installed or in a build tree.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "libvideocall/base/result.h"

namespace videocall::pipelines {

// The folders that are searched, in order: those of the environment variable
// VIDEOCALL_PIPELINES (a colon list), the user's configuration folder,
// /etc/videocall/pipelines, and the shipped ones (the source tree while the
// program runs from its build tree).
[[nodiscard]] std::vector<std::filesystem::path> description_folders();

// A path (what holds a "/" or ends in ".toml"), or the name of a description
// in those folders. Errors: not_found, with the nearest name.
[[nodiscard]] Result<std::filesystem::path> find_description(
    std::string_view name);

// Every description that can be named, each name once.
[[nodiscard]] std::vector<std::filesystem::path> list_descriptions();

// Makes our own elements known where GStreamer would not look by itself: in
// the build tree, or beside a program that is installed under another prefix.
// Call it once after gst_init().
void register_own_plugins();

}  // namespace videocall::pipelines
