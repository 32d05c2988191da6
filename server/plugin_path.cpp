// SPDX-License-Identifier: MIT
#include "server/plugin_path.h"

#include <cstdlib>
#include <filesystem>
#include <string>

namespace videocall::server {
namespace {

constexpr const char* kModule = "libgstvideocall.so";
constexpr const char* kVariable = "GST_PLUGIN_PATH";

std::string plugin_folder() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) {
    const auto built = program.parent_path().parent_path() / "plugins";
    if (std::filesystem::exists(built / kModule, error)) return built.string();
  }
  return VIDEOCALL_PLUGIN_DIR;
}

}  // namespace

void add_plugin_path() {
  const std::string folder = plugin_folder();
  const char* before = std::getenv(kVariable);
  const std::string path = before != nullptr && *before != '\0'
                               ? std::string(before) + ":" + folder
                               : folder;
  setenv(kVariable, path.c_str(), 1);
}

}  // namespace videocall::server
