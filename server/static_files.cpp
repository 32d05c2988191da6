// SPDX-License-Identifier: MIT
#include "server/static_files.h"

#include <gio/gio.h>

#include <algorithm>
#include <array>

namespace videocall::server {
namespace {

constexpr const char* kRoot = "/videocall/web";
constexpr std::string_view kGzipSuffix = ".gz";
constexpr std::string_view kImmutableFolder = "/assets/";
constexpr size_t kEtagDigits = 16;

constexpr std::array<std::pair<std::string_view, std::string_view>, 15> kTypes =
    {{
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".mjs", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".json", "application/json"},
        {".map", "application/json"},
        {".webmanifest", "application/manifest+json"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".jpg", "image/jpeg"},
        {".webp", "image/webp"},
        {".ico", "image/x-icon"},
        {".woff2", "font/woff2"},
        {".wasm", "application/wasm"},
        {".txt", "text/plain; charset=utf-8"},
    }};

constexpr const char* kNoPage =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
    "<title>videocall</title><h1>videocall</h1>"
    "<p>The server runs, but it was built without its page (meson option "
    "<code>web</code>). Native clients can join.</p></html>\n";

std::string content_type_of(std::string_view path) {
  for (const auto& [suffix, type] : kTypes)
    if (path.ends_with(suffix)) return std::string(type);
  return "application/octet-stream";
}

std::shared_ptr<const std::string> read_resource(const std::string& path) {
  GBytes* bytes = g_resources_lookup_data(
      path.c_str(), G_RESOURCE_LOOKUP_FLAGS_NONE, nullptr);
  if (bytes == nullptr) return nullptr;
  gsize size = 0;
  const auto* data = static_cast<const char*>(g_bytes_get_data(bytes, &size));
  auto text = std::make_shared<const std::string>(data, size);
  g_bytes_unref(bytes);
  return text;
}

std::string etag_of(const std::string& text) {
  char* digest = g_compute_checksum_for_data(
      G_CHECKSUM_SHA256, reinterpret_cast<const guchar*>(text.data()),
      text.size());
  std::string etag = "\"" + std::string(digest).substr(0, kEtagDigits) + "\"";
  g_free(digest);
  return etag;
}

// "gzip" among the codings, and not with a weight of 0 (RFC 9110, 12.5.3).
bool accepts_gzip(std::string_view header) {
  const size_t at = header.find("gzip");
  if (at == std::string_view::npos) return false;
  std::string_view rest = header.substr(at + 4);
  rest = rest.substr(0, rest.find(','));
  std::string weight(rest);
  std::erase(weight, ' ');
  return !(weight.starts_with(";q=0") &&
           weight.find_first_not_of("0.", 3) == std::string::npos);
}

}  // namespace

StaticFiles::StaticFiles() {
  load("");
  if (has_page()) return;
  File page;
  page.content_type = content_type_of(".html");
  page.plain = std::make_shared<const std::string>(kNoPage);
  page.etag = etag_of(*page.plain);
  files_.emplace("/index.html", std::move(page));
}

void StaticFiles::load(const std::string& folder) {
  const std::string path = kRoot + folder;
  char** children = g_resources_enumerate_children(
      path.c_str(), G_RESOURCE_LOOKUP_FLAGS_NONE, nullptr);
  for (char** child = children; child != nullptr && *child != nullptr;
       ++child) {
    const std::string name = folder + "/" + *child;
    if (name.ends_with('/')) {
      load(name.substr(0, name.size() - 1));
      continue;
    }
    if (name.ends_with(kGzipSuffix)) continue;
    File file;
    file.plain = read_resource(kRoot + name);
    if (!file.plain) continue;
    file.gzip = read_resource(kRoot + name + std::string(kGzipSuffix));
    file.content_type = content_type_of(name);
    file.etag = etag_of(*file.plain);
    file.immutable = name.starts_with(kImmutableFolder);
    files_.emplace(name, std::move(file));
  }
  g_strfreev(children);
}

std::optional<HttpResponse> StaticFiles::get(const HttpRequest& request) const {
  std::string_view path = request.path;
  if (is_page_route(path)) path = "/index.html";
  const auto found = files_.find(path);
  if (found == files_.end()) return std::nullopt;
  return answer(found->second, request);
}

HttpResponse StaticFiles::answer(const File& file,
                                 const HttpRequest& request) const {
  HttpResponse response;
  const bool gzip =
      file.gzip && accepts_gzip(request.header("accept-encoding"));
  // Two encodings are two representations (RFC 9110, 8.8.3).
  std::string etag = file.etag;
  if (gzip) etag.insert(etag.size() - 1, "-gz");
  response.headers = {
      {"ETag", etag},
      {"Vary", "Accept-Encoding"},
      {"Cache-Control",
       file.immutable ? "public, max-age=31536000, immutable" : "no-cache"}};
  if (request.header("if-none-match") == etag) {
    response.status = 304;
    return response;
  }
  response.content_type = file.content_type;
  response.body = gzip ? file.gzip : file.plain;
  if (gzip) response.headers.emplace_back("Content-Encoding", "gzip");
  return response;
}

bool is_page_route(std::string_view path) {
  constexpr std::string_view kMeeting = "/meeting/";
  if (path == "/") return true;
  if (!path.starts_with(kMeeting)) return false;
  const std::string_view rest = path.substr(kMeeting.size());
  return !rest.empty() && std::count(rest.begin(), rest.end(), '/') <= 1;
}

}  // namespace videocall::server
