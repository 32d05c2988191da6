// SPDX-License-Identifier: MIT
#include "pipelines/paths.h"

#include <gst/gst.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <sstream>

#include "pipelines/gst_ptr.h"
#include "pipelines/nearest.h"

namespace videocall::pipelines {
namespace {

namespace fs = std::filesystem;

fs::path program() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error);
}

bool runs_from_build_tree() {
  const std::string root = std::string(VIDEOCALL_BUILD_ROOT) + "/";
  return program().string().rfind(root, 0) == 0;
}

// A program that was installed elsewhere than configured (DESTDIR, a moved
// tree) has its data beside it.
fs::path beside_program(const char* relative) {
  return (program().parent_path() / ".." / relative).lexically_normal();
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

}  // namespace

std::vector<fs::path> description_folders() {
  std::vector<fs::path> folders;
  std::istringstream list(environment("VIDEOCALL_PIPELINES"));
  for (std::string entry; std::getline(list, entry, ':');)
    if (!entry.empty()) folders.emplace_back(entry);
  folders.push_back(fs::path(g_get_user_config_dir()) / "videocall" /
                    "pipelines");
  folders.emplace_back("/etc/videocall/pipelines");
  if (runs_from_build_tree()) {
    folders.emplace_back(VIDEOCALL_SOURCE_PIPELINES);
  } else {
    folders.push_back(beside_program("share/videocall/pipelines"));
    folders.emplace_back(VIDEOCALL_INSTALLED_PIPELINES);
  }
  return folders;
}

std::vector<fs::path> list_descriptions() {
  std::vector<fs::path> found;
  std::set<std::string> names;
  for (const fs::path& folder : description_folders()) {
    std::vector<fs::path> here;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error))
      if (entry.path().extension() == ".toml") here.push_back(entry.path());
    std::sort(here.begin(), here.end());
    for (const fs::path& path : here)
      if (names.insert(path.stem().string()).second) found.push_back(path);
  }
  return found;
}

Result<fs::path> find_description(std::string_view name) {
  const fs::path path{std::string(name)};
  std::error_code error;
  if (name.find('/') != std::string_view::npos || path.extension() == ".toml") {
    if (fs::exists(path, error)) return path;
    return Error{Errc::not_found, "no such file: " + path.string()};
  }
  std::vector<std::string> names;
  for (const fs::path& known : list_descriptions()) {
    if (known.stem().string() == name) return known;
    names.push_back(known.stem().string());
  }
  return Error{Errc::not_found, "no description \"" + std::string(name) + "\"" +
                                    suggestion(name, names)};
}

void register_own_plugins() {
  GstElementFactory* factory = gst_element_factory_find("videocallrouter");
  if (factory) {
    gst_object_unref(factory);
    return;
  }
  GstRegistry* registry = gst_registry_get();
  if (runs_from_build_tree()) {
    gst_registry_scan_path(registry, VIDEOCALL_BUILD_PLUGINS);
    return;
  }
  for (const fs::path& folder :
       {fs::path(VIDEOCALL_INSTALLED_PLUGINS),
        beside_program(VIDEOCALL_LIBDIR "/gstreamer-1.0")}) {
    std::error_code error;
    if (fs::is_directory(folder, error))
      gst_registry_scan_path(registry, folder.c_str());
  }
}

}  // namespace videocall::pipelines
