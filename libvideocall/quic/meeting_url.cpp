// SPDX-License-Identifier: MIT
#include "libvideocall/quic/meeting_url.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "libvideocall/wire/limits.h"

namespace videocall::quic {
namespace {

constexpr std::string_view kPrefix = "/meet/";
constexpr std::string_view kVersion = "1";

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// nullopt on a malformed escape.
std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return out;
}

bool is_id_char(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         (c >= '0' && c <= '9') || c == '_' || c == '-';
}

bool is_meeting_id(std::string_view id) {
  return !id.empty() && id.size() <= limits::kMaxMeetingIdBytes &&
         std::all_of(id.begin(), id.end(), is_id_char);
}

MeetingPath refused(int status, std::string reason) {
  MeetingPath result;
  result.status = status;
  result.reason = std::move(reason);
  return result;
}

// Cuts |text| at the first |mark| and returns what was before it.
std::string_view cut(std::string_view& text, char mark) {
  const size_t at = std::min(text.find(mark), text.size());
  const std::string_view head = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return head;
}

constexpr uint16_t kDefaultPort = 443;
constexpr uint16_t kPlainPort = 80;

Error bad_url(const std::string& scheme) {
  return {Errc::invalid_argument, "the URL of a meeting is " + scheme +
                                      "HOST:PORT/meet/MEETING-ID?token=TOKEN"
                                      "&v=1"};
}

}  // namespace

MeetingPath MeetingPath::parse(std::string_view path) {
  std::string_view query = path;
  std::string_view plain = cut(query, '?');
  if (plain.substr(0, kPrefix.size()) != kPrefix)
    return refused(404, "no such path; meetings are at /meet/{meeting-id}");
  plain.remove_prefix(kPrefix.size());
  if (!is_meeting_id(plain))
    return refused(400, "a meeting id is 1 to 255 of A-Z a-z 0-9 _ -");

  MeetingPath result;
  result.meeting_id = plain;
  std::string version(kVersion);
  while (!query.empty()) {
    std::string_view value = cut(query, '&');
    const std::string_view key = cut(value, '=');
    auto decoded = percent_decode(value);
    if (!decoded) return refused(400, "malformed escape in the query");
    // What takes C strings would see another value than was checked.
    if (decoded->find('\0') != std::string::npos)
      return refused(400, "a zero byte in the query");
    if (key == "token")
      result.token = std::move(*decoded);
    else if (key == "resume")
      result.resume = std::move(*decoded);
    else if (key == "v")
      version = std::move(*decoded);
  }
  if (version != kVersion) return refused(400, "protocol versions served: 1");
  if (result.token.empty()) return refused(401, "token missing");
  return result;
}

Result<MeetingUrl> MeetingUrl::parse(std::string_view url) {
  constexpr std::string_view kScheme = "https://";
  if (!url.starts_with(kScheme)) return bad_url("https://");
  auto result = parse_rest(url.substr(kScheme.size()), kDefaultPort);
  return result ? std::move(result) : bad_url("https://");
}

Result<MeetingUrl> MeetingUrl::parse_websocket(std::string_view url) {
  const bool secure = url.starts_with("wss://");
  if (!secure && !url.starts_with("ws://")) return bad_url("wss://");
  auto result = parse_rest(url.substr(secure ? 6 : 5),
                           secure ? kDefaultPort : kPlainPort);
  if (!result) return bad_url("wss://");
  result->secure = secure;
  return result;
}

// What follows the scheme; the error is nobody's to see.
Result<MeetingUrl> MeetingUrl::parse_rest(std::string_view url,
                                          uint16_t default_port) {
  const Error bad{Errc::invalid_argument, "no URL of a meeting"};
  url = url.substr(0, url.find('#'));
  const size_t slash = std::min(url.find_first_of("/?"), url.size());
  std::string_view authority = url.substr(0, slash);

  MeetingUrl result;
  result.port = default_port;
  result.path_and_query = url.substr(slash);
  if (result.path_and_query.empty() || result.path_and_query[0] != '/')
    result.path_and_query.insert(0, "/");
  if (authority.find('@') != std::string_view::npos) return bad;
  result.authority = authority;

  std::string_view port;
  if (!authority.empty() && authority.front() == '[') {
    const size_t close = authority.find(']');
    if (close == std::string_view::npos) return bad;
    result.host = authority.substr(1, close - 1);
    port = authority.substr(close + 1);
    if (!port.empty() && port.front() != ':') return bad;
  } else {
    const size_t colon = std::min(authority.find(':'), authority.size());
    result.host = authority.substr(0, colon);
    port = authority.substr(colon);
  }
  if (result.host.empty()) return bad;
  if (!port.empty()) {
    port.remove_prefix(1);
    const auto [end, error] =
        std::from_chars(port.data(), port.data() + port.size(), result.port);
    if (error != std::errc() || end != port.data() + port.size() ||
        result.port == 0)
      return bad;
  }
  return result;
}

}  // namespace videocall::quic
