// SPDX-License-Identifier: MIT
#include "plugins/common/joinrequest.h"

#include <libsoup/soup.h>

#include <cstring>
#include <nlohmann/json.hpp>

namespace videocall::gst {
namespace {

using Json = nlohmann::json;
using client::JoinAnswer;
using client::JoinFailure;

constexpr guint kTimeoutSeconds = 10;
constexpr gsize kMaxAnswerBytes = 256 * 1024;
constexpr size_t kMaxTransports = 16;

// The string at |key|, empty if there is none.
std::string text(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>()
                                                     : std::string();
}

client::Transport transport_of(const Json& object) {
  client::Transport transport;
  transport.kind = text(object, "kind");
  transport.url = text(object, "url");
  const auto hashes = object.find("certificate_hashes");
  if (hashes == object.end() || !hashes->is_array()) return transport;
  for (const Json& hash : *hashes)
    if (hash.is_object() && text(hash, "algorithm") == "sha-256")
      transport.certificate_hashes.push_back(text(hash, "value"));
  return transport;
}

JoinOutcome answer_of(const Json& result) {
  JoinAnswer answer;
  answer.user_id = text(result, "user_id");
  answer.display_name = text(result, "display_name");
  answer.status = text(result, "status");
  answer.token = text(result, "room_token");
  answer.e2ee = text(result, "e2ee");
  const auto host = result.find("is_host");
  answer.is_host = host != result.end() && host->is_boolean() && *host;
  const auto transports = result.find("transports");
  if (transports != result.end() && transports->is_array()) {
    for (const Json& transport : *transports)
      if (transport.is_object() && answer.transports.size() < kMaxTransports)
        answer.transports.push_back(transport_of(transport));
  }
  if (answer.status.empty())
    return JoinFailure{200, "bad-answer", "the answer has no status", false};
  return answer;
}

}  // namespace

JoinOutcome parse_join_answer(int status, std::string_view body) {
  const Json json = Json::parse(body, nullptr, false);
  const bool ok = status >= 200 && status < 300;
  const bool usable =
      json.is_object() && json.contains("result") && json["result"].is_object();
  if (!usable) {
    return JoinFailure{status, ok ? "bad-answer" : "",
                       ok ? "the answer is none of videocall's API" : "",
                       false};
  }
  const Json& result = json["result"];
  if (ok) return answer_of(result);
  return JoinFailure{status, text(result, "code"), text(result, "message"),
                     false};
}

// One call; kept alive by its callbacks, which do nothing once it is cancelled.
struct JoinRequest::Call {
  Done done;
  SoupMessage* message = nullptr;  // owned
  GCancellable* cancellable = g_cancellable_new();
  GInputStream* body = nullptr;  // owned
  std::string bytes;             // one more than an answer may have
  bool cancelled = false;

  ~Call() {
    g_clear_object(&message);
    g_clear_object(&body);
    g_object_unref(cancellable);
  }

  void fail(GError* error) {
    JoinFailure failure;
    failure.message = error->message;
    failure.bad_certificate = error->domain == G_TLS_ERROR &&
                              error->code == G_TLS_ERROR_BAD_CERTIFICATE;
    g_error_free(error);
    finish(failure);
  }

  void finish(JoinOutcome outcome) {
    if (cancelled) return;
    const Done tell = std::move(done);
    tell(std::move(outcome));
  }

  using Holder = std::shared_ptr<Call>;
  static void on_headers(GObject* source, GAsyncResult* result, gpointer data) {
    std::unique_ptr<Holder> holder(static_cast<Holder*>(data));
    Call& call = **holder;
    GError* error = nullptr;
    call.body = soup_session_send_finish(SOUP_SESSION(source), result, &error);
    if (!call.body) return call.fail(error);
    call.bytes.resize(kMaxAnswerBytes + 1);
    g_input_stream_read_all_async(call.body, call.bytes.data(),
                                  call.bytes.size(), G_PRIORITY_DEFAULT,
                                  call.cancellable, on_body, holder.release());
  }

  static void on_body(GObject* source, GAsyncResult* result, gpointer data) {
    const std::unique_ptr<Holder> holder(static_cast<Holder*>(data));
    Call& call = **holder;
    GError* error = nullptr;
    gsize size = 0;
    if (!g_input_stream_read_all_finish(G_INPUT_STREAM(source), result, &size,
                                        &error))
      return call.fail(error);
    const int status = static_cast<int>(soup_message_get_status(call.message));
    if (size > kMaxAnswerBytes)
      return call.finish(
          JoinFailure{status, "bad-answer", "the answer is too long", false});
    call.finish(parse_join_answer(status, {call.bytes.data(), size}));
  }
};

JoinRequest::JoinRequest(Parameters parameters)
    : parameters_(std::move(parameters)),
      session_(soup_session_new_with_options(
          "timeout", kTimeoutSeconds, "user-agent",
          parameters_.user_agent.c_str(), nullptr)) {
  soup_session_add_feature_by_type(session_, SOUP_TYPE_COOKIE_JAR);
}

JoinRequest::~JoinRequest() {
  cancel();
  g_object_unref(session_);
}

void JoinRequest::cancel() {
  if (!call_) return;
  call_->cancelled = true;
  g_cancellable_cancel(call_->cancellable);
  call_.reset();
}

namespace {

std::string join_url(const JoinRequest::Parameters& parameters) {
  std::string url = parameters.location;
  while (!url.empty() && url.back() == '/') url.pop_back();
  gchar* meeting =
      g_uri_escape_string(parameters.meeting.c_str(), nullptr, FALSE);
  url += "/api/v1/meetings/" + std::string(meeting) + "/join";
  g_free(meeting);
  return url;
}

GBytes* join_body(const JoinRequest::Parameters& parameters) {
  const std::string& name = parameters.display_name.empty()
                                ? parameters.user_id
                                : parameters.display_name;
  Json body = {{"display_name", name.empty() ? "guest" : name}};
  if (!parameters.user_id.empty()) body["user_id"] = parameters.user_id;
  const std::string text =
      body.dump(-1, ' ', false, Json::error_handler_t::replace);
  return g_bytes_new(text.data(), text.size());
}

}  // namespace

void JoinRequest::start(Done done) {
  cancel();
  call_ = std::make_shared<Call>();
  Call& call = *call_;
  call.done = std::move(done);
  call.message = soup_message_new("POST", join_url(parameters_).c_str());
  const char* scheme =
      call.message ? g_uri_get_scheme(soup_message_get_uri(call.message)) : "";
  if (std::strcmp(scheme, "http") != 0 && std::strcmp(scheme, "https") != 0) {
    const Done tell = std::move(call.done);
    call_.reset();
    tell(JoinFailure{0, client::kBadLocation, "", false});
    return;
  }
  GBytes* body = join_body(parameters_);
  soup_message_set_request_body_from_bytes(call.message, "application/json",
                                           body);
  g_bytes_unref(body);

  const auto accept =
      +[](SoupMessage*, GTlsCertificate*, GTlsCertificateFlags,
          gpointer skip) -> gboolean { return GPOINTER_TO_INT(skip) != 0; };
  g_signal_connect(call.message, "accept-certificate", G_CALLBACK(accept),
                   GINT_TO_POINTER(parameters_.insecure_skip_verify ? 1 : 0));
  soup_session_send_async(session_, call.message, G_PRIORITY_DEFAULT,
                          call.cancellable, Call::on_headers,
                          new std::shared_ptr<Call>(call_));
}

}  // namespace videocall::gst
