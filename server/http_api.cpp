// SPDX-License-Identifier: MIT
#include "server/http_api.h"

#include <glib.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "proto/meeting.pb.h"
#include "server/http_answers.h"
#include "server/log.h"
#include "server/main_loop.h"
#include "server/names.h"
#include "server/node_choice.h"

namespace videocall::server {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kMeetings = "/api/v1/meetings/";
constexpr const char* kHostCookie = "videocall_host";
constexpr size_t kCookieBytes = 32;
constexpr int kCookieMaxAgeS = 365 * 24 * 3600;
constexpr size_t kGuestIdBytes = 12;

int64_t now_ms() {
  return g_get_real_time() / 1000;
}

std::string sha256_hex(const std::string& text) {
  char* digest = g_compute_checksum_for_data(
      G_CHECKSUM_SHA256, reinterpret_cast<const guchar*>(text.data()),
      text.size());
  std::string hex = digest;
  g_free(digest);
  return hex;
}

// The value of cookie |name| in a Cookie header (RFC 6265, 4.2).
std::string cookie_value(std::string_view header, std::string_view name) {
  while (!header.empty()) {
    std::string_view pair = header.substr(0, header.find(';'));
    header.remove_prefix(std::min(pair.size() + 1, header.size()));
    while (pair.starts_with(' ')) pair.remove_prefix(1);
    if (pair.starts_with(name) && pair.substr(name.size()).starts_with('='))
      return std::string(pair.substr(name.size() + 1));
  }
  return "";
}

bool is_json(std::string_view content_type) {
  std::string type(content_type.substr(0, content_type.find(';')));
  std::erase(type, ' ');
  return g_ascii_strcasecmp(type.c_str(), "application/json") == 0;
}

const char* role_name(uint32_t role) {
  switch (role) {
    case proto::MEMBER_ROLE_HOST:
      return "host";
    case proto::MEMBER_ROLE_OBSERVER:
      return "observer";
    default:
      return "participant";
  }
}

struct Names {
  std::string user_id;
  std::string display_name;
};

// What the body of a join says, or the answer that refuses it.
std::variant<Names, HttpResponse> read_names(const std::string& body) {
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_object())
    return failure(400, "BAD_JSON", "The request is not a JSON object.");
  Names names;
  const auto display_name = json.find("display_name");
  if (display_name == json.end() || !display_name->is_string() ||
      !is_display_name(display_name->get_ref<const std::string&>()))
    return failure(400, "INVALID_DISPLAY_NAME",
                   "display_name must be 1 to 128 bytes of text without "
                   "control characters.");
  names.display_name = *display_name;
  const auto user_id = json.find("user_id");
  if (user_id == json.end() || user_id->is_null()) {
    names.user_id = "guest-" + random_base64url(kGuestIdBytes);
    return names;
  }
  if (!user_id->is_string() ||
      !is_user_id(user_id->get_ref<const std::string&>()))
    return failure(400, "INVALID_USER_ID",
                   "user_id must be 1 to 64 bytes of text without control "
                   "characters.");
  names.user_id = *user_id;
  return names;
}

std::string host_cookie(const std::string& meeting, const std::string& value,
                        bool secure) {
  return std::string(kHostCookie) + "=" + value +
         "; Path=" + std::string(kMeetings) + meeting +
         "; Max-Age=" + std::to_string(kCookieMaxAgeS) +
         "; HttpOnly; SameSite=Lax" + (secure ? "; Secure" : "");
}

HttpResponse node_full(Full full) {
  return later(json_response(503, {{"success", false},
                                   {"result",
                                    {{"code", "NODE_FULL"},
                                     {"message", explain(full)},
                                     {"reason", to_string(full)}}}}),
               NodeLoad::kRetryAfterS);
}

Json certificate_hashes(const std::vector<std::string>& hashes) {
  Json list = Json::array();
  for (const std::string& hash : hashes)
    list.push_back({{"algorithm", "sha-256"}, {"value", hash}});
  return list;
}

// Where somebody who joins |meeting| finds another server.
Json transports_of(const cluster::Heartbeat& node, const std::string& meeting) {
  Json transports = Json::array();
  for (const std::string& base : node.transport_urls) {
    const std::string url = base + "/meet/" + meeting;
    if (base.starts_with("https:"))
      transports.push_back({{"kind", "webtransport"},
                            {"url", url},
                            {"certificate_hashes",
                             certificate_hashes(node.certificate_hashes)}});
    else
      transports.push_back({{"kind", "websocket"}, {"url", url}});
  }
  return transports;
}

}  // namespace

HttpApi::HttpApi(Parts parts)
    : parts_(parts),
      origins_(parts.urls.allowed_origins()),
      guests_(parts.configuration.guests),
      join_limiter_(static_cast<double>(parts.configuration.join_rate),
                    static_cast<double>(parts.configuration.join_burst)) {}

void HttpApi::reload(const Configuration& configuration) {
  origins_ = parts_.urls.allowed_origins();
  guests_ = configuration.guests;
  join_limiter_.set_rate(static_cast<double>(configuration.join_rate),
                         static_cast<double>(configuration.join_burst));
}

void HttpApi::handle(const HttpRequest& request, const HttpReply& reply) {
  const Time began = Clock::now();
  route(request, [this, began, route = route_of(request.path),
                  reply](const HttpResponse& response) {
    metrics_.count(route, response.status, Clock::now() - began);
    reply(response);
  });
}

void HttpApi::route(const HttpRequest& request, const HttpReply& reply) {
  const std::string_view path = request.path;
  if (path.starts_with(kMeetings)) {
    handle_meeting(request, path.substr(kMeetings.size()), reply);
    return;
  }
  if (path == "/api" || path.starts_with("/api/")) {
    reply(not_found());
    return;
  }
  if (request.method != "GET") {
    reply(wrong_method("GET, HEAD"));
    return;
  }
  if (path == "/healthz") {
    reply(json_response(200, {{"status", "ok"}}));
  } else if (path == "/readyz") {
    show_ready(reply);
  } else if (path == "/version") {
    reply(json_response(200, {{"name", "videocalld"},
                              {"version", VIDEOCALL_VERSION},
                              {"protocol_versions", Json::array({1})}}));
  } else if (auto file = files_.get(request)) {
    reply(*std::move(file));
  } else {
    reply(not_found());
  }
}

void HttpApi::handle_meeting(const HttpRequest& request, std::string_view rest,
                             const HttpReply& reply) {
  const size_t slash = rest.find('/');
  const std::string meeting(rest.substr(0, slash));
  const std::string_view action =
      slash == std::string_view::npos ? "" : rest.substr(slash);
  if (!action.empty() && action != "/join") {
    reply(not_found());
  } else if (!is_meeting_id(meeting)) {
    reply(failure(400, "INVALID_MEETING_ID",
                  "A meeting id is 1 to 255 of A-Z a-z 0-9 _ -."));
  } else if (action == "/join") {
    if (request.method == "POST")
      join(request, meeting, reply);
    else
      reply(wrong_method("POST"));
  } else if (request.method == "GET") {
    show_meeting(meeting, reply);
  } else {
    reply(wrong_method("GET, HEAD"));
  }
}

bool HttpApi::is_allowed_origin(const HttpRequest& request) const {
  const std::string_view origin = request.header("origin");
  return origin.empty() || origins_.contains(origin) ||
         parts_.urls.is_same_origin(origin, request.header("host"));
}

// Of a join that is not even looked at.
std::optional<HttpResponse> HttpApi::refusal_of(const HttpRequest& request) {
  if (draining_ && parts_.relay.nodes().size() < 2)
    return later(failure(503, "DRAINING", "The server is about to stop."), 1);
  if (!is_allowed_origin(request))
    return failure(403, "WRONG_ORIGIN",
                   "Pages of " + std::string(request.header("origin")) +
                       " may not join here; allowed-origin lets them.");
  if (!join_limiter_.allow(request.remote_address, Clock::now()))
    return later(failure(429, "TOO_MANY_JOINS",
                         "Too many joins from this address; try again in a "
                         "moment."),
                 1);
  if (!is_json(request.header("content-type")))
    return failure(415, "NOT_JSON",
                   "Send the request as Content-Type: application/json.");
  return std::nullopt;
}

void HttpApi::join(const HttpRequest& request, const std::string& meeting,
                   const HttpReply& reply) {
  if (auto refusal = refusal_of(request)) {
    reply(*std::move(refusal));
    return;
  }
  auto names = read_names(request.body);
  if (auto* refusal = std::get_if<HttpResponse>(&names)) {
    reply(std::move(*refusal));
    return;
  }
  const Full full = parts_.load.full();
  if (full != Full::no &&
      is_newcomer(meeting, std::get<Names>(names).user_id) &&
      !choose_other_node(parts_.relay.nodes(), meeting, request.local_address,
                         false)) {
    reply(node_full(full));
    return;
  }
  Join join;
  join.meeting = meeting;
  join.user_id = std::get<Names>(names).user_id;
  join.display_name = std::get<Names>(names).display_name;
  join.origin = request.header("origin");
  join.cookie = cookie_value(request.header("cookie"), kHostCookie);
  join.new_cookie = random_base64url(kCookieBytes);
  join.host = request.header("host");
  join.local_address = request.local_address;
  join.remote_address = request.remote_address;
  join.secure = request.secure;
  const bool posted = parts_.workers.post([this, join, reply] {
    run_on_main([reply, response = join_now(join)] { reply(response); });
  });
  if (!posted)
    reply(later(failure(503, "OVERLOADED", "The server is overloaded."), 1));
}

// Whoever is in the meeting comes back: after a loss, or with another device.
// A user_id proves nothing; admission lets through who can resume.
bool HttpApi::is_newcomer(const std::string& meeting,
                          const std::string& user_id) {
  const auto members = parts_.relay.members(meeting);
  return std::none_of(
      members.begin(), members.end(),
      [&](const RoomMember& member) { return member.user_id == user_id; });
}

// Whether |join| may be without being a guest; nothing is created.
bool HttpApi::is_known(const Join& join) {
  if (join.cookie.empty()) return false;
  const auto meeting = parts_.store.find(join.meeting);
  return meeting && sha256_hex(join.cookie) == meeting->creator_cookie_hash;
}

HttpResponse HttpApi::join_now(const Join& join) {
  if (!guests_ && !is_known(join))
    return failure(403, "GUESTS_NOT_ALLOWED",
                   "This server does not let guests in: only people it knows "
                   "may join. Ask whoever runs it.");
  const auto opened =
      parts_.store.open({join.meeting, now_ms(), sha256_hex(join.new_cookie)});
  if (!opened) {
    log_event(LogLevel::error, "store", opened.error().message);
    return failure(500, "STORE_FAILED",
                   "The server cannot reach its database; its log says why.");
  }
  const bool is_host =
      opened->created ||
      (!join.cookie.empty() &&
       sha256_hex(join.cookie) == opened->meeting.creator_cookie_hash);
  HttpResponse response = admit(join, is_host);
  if (opened->created)
    response.headers.emplace_back(
        "Set-Cookie", host_cookie(join.meeting, join.new_cookie, join.secure));
  return response;
}

HttpResponse HttpApi::admit(const Join& join, bool is_host) {
  const std::optional<cluster::Heartbeat> other = other_node(join);
  if (draining_ && !other)
    return later(failure(503, "DRAINING", "The server is about to stop."), 1);
  TokenClaims claims;
  claims.user_id = join.user_id;
  claims.meeting = join.meeting;
  claims.audience = other ? other->node_id : parts_.node_id;
  claims.display_name = join.display_name;
  claims.origin = join.origin;
  claims.role =
      is_host ? proto::MEMBER_ROLE_HOST : proto::MEMBER_ROLE_PARTICIPANT;
  claims.is_host = is_host;
  const int64_t joined_at = now_ms();
  const auto token = parts_.signer.issue(
      claims, UnixTime(std::chrono::seconds(joined_at / 1000)));
  if (!token) {
    log_event(LogLevel::error, "http", token.error().message);
    return failure(500, "INTERNAL_ERROR", "The server made a mistake.");
  }
  log_event(LogLevel::info, "http", "joined",
            {{"meeting", join.meeting},
             {"user", join.user_id},
             {"address", join.remote_address},
             {"host", is_host ? "yes" : "no"},
             {"node", claims.audience}});
  return success({
      {"user_id", join.user_id},
      {"display_name", join.display_name},
      {"status", "admitted"},
      {"is_host", is_host},
      {"joined_at", joined_at},
      {"room_token", *token},
      {"e2ee", "off"},
      {"transports",
       other ? transports_of(*other, join.meeting) : transports(join)},
  });
}

std::optional<cluster::Heartbeat> HttpApi::other_node(const Join& join) {
  const bool full =
      parts_.load.full() != Full::no && is_newcomer(join.meeting, join.user_id);
  return choose_other_node(parts_.relay.nodes(), join.meeting,
                           join.local_address, !draining_ && !full);
}

nlohmann::ordered_json HttpApi::transports(const Join& join) const {
  const Json webtransport = {
      {"kind", "webtransport"},
      {"url", parts_.urls.webtransport(join.local_address, join.meeting)},
      {"certificate_hashes",
       certificate_hashes(parts_.relay.certificate_hashes())},
  };
  Json transports = Json::array({webtransport});
  if (parts_.relay.serves_websocket())
    transports.push_back(
        {{"kind", "websocket"},
         {"url",
          parts_.urls.websocket(join.host, join.local_address, join.meeting)}});
  return transports;
}

void HttpApi::show_meeting(const std::string& meeting, const HttpReply& reply) {
  Json members = Json::array();
  for (const RoomMember& member : parts_.relay.members(meeting))
    members.push_back({{"session_id", std::to_string(member.session_id)},
                       {"user_id", member.user_id},
                       {"display_name", member.display_name},
                       {"role", role_name(member.role)},
                       {"joined_at", member.joined_at_ms}});
  reply(success({{"meeting_id", meeting},
                 {"state", members.empty() ? "idle" : "active"},
                 {"participant_count", members.size()},
                 {"members", members}}));
}

void HttpApi::show_ready(const HttpReply& reply) {
  if (draining_) {
    reply(json_response(503, {{"status", "draining"}}));
    return;
  }
  const bool posted = parts_.workers.post([this, reply] {
    const auto checked = parts_.store.check();
    if (!checked) log_event(LogLevel::error, "store", checked.error().message);
    run_on_main([reply, ok = checked.ok()] {
      reply(ok ? json_response(200, {{"status", "ready"}})
               : json_response(503, {{"status", "store failed"}}));
    });
  });
  if (!posted) reply(json_response(503, {{"status", "overloaded"}}));
}

}  // namespace videocall::server
