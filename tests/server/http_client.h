// SPDX-License-Identifier: MIT
// A small blocking HTTP client for tests.
#pragma once

#include <libsoup/soup.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

// After the standard headers: it defines a macro called fail.
#include <check.h>

namespace videocall::testing {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct HttpAnswer {
  unsigned status = 0;
  std::multimap<std::string, std::string> headers;  // lower-case names
  std::string body;
  std::string certificate;  // PEM, of the server

  std::string header(const std::string& name) const {
    const auto it = headers.find(name);
    return it == headers.end() ? "" : it->second;
  }
  nlohmann::json json() const {
    return nlohmann::json::parse(body, nullptr, false);
  }
  // Of an error.
  std::string code() const {
    const nlohmann::json all = json();
    if (!all.is_object() || !all.contains("result")) return "";
    return all["result"].value("code", "");
  }
};

class HttpClient {
 public:
  explicit HttpClient(std::string base) : base_(std::move(base)) {
    session_ = soup_session_new();
    g_object_set(session_, "timeout", 20U, nullptr);
    soup_session_remove_feature_by_type(session_, SOUP_TYPE_CONTENT_DECODER);
  }
  ~HttpClient() { g_object_unref(session_); }
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  HttpAnswer send(const std::string& method, const std::string& path,
                  const Headers& headers = {}, const std::string& body = "",
                  const std::string& content_type = "") const {
    SoupMessage* message =
        soup_message_new(method.c_str(), (base_ + path).c_str());
    ck_assert_ptr_nonnull(message);
    for (const auto& [name, value] : headers)
      soup_message_headers_append(soup_message_get_request_headers(message),
                                  name.c_str(), value.c_str());
    g_signal_connect(
        message, "accept-certificate",
        G_CALLBACK(+[](SoupMessage*, GTlsCertificate*, GTlsCertificateFlags,
                       gpointer) -> gboolean { return TRUE; }),
        nullptr);
    if (!content_type.empty()) {
      GBytes* bytes = g_bytes_new(body.data(), body.size());
      soup_message_set_request_body_from_bytes(message, content_type.c_str(),
                                               bytes);
      g_bytes_unref(bytes);
    }
    GError* error = nullptr;
    GBytes* bytes =
        soup_session_send_and_read(session_, message, nullptr, &error);
    ck_assert_msg(bytes != nullptr, "%s %s: %s", method.c_str(), path.c_str(),
                  error ? error->message : "?");
    HttpAnswer answer;
    answer.status = soup_message_get_status(message);
    gsize size = 0;
    const auto* data = static_cast<const char*>(g_bytes_get_data(bytes, &size));
    answer.body.assign(data == nullptr ? "" : data, size);
    g_bytes_unref(bytes);
    if (GTlsCertificate* certificate =
            soup_message_get_tls_peer_certificate(message)) {
      char* pem = nullptr;
      g_object_get(certificate, "certificate-pem", &pem, nullptr);
      answer.certificate = pem;
      g_free(pem);
    }
    SoupMessageHeadersIter iterator;
    const char* name = nullptr;
    const char* value = nullptr;
    soup_message_headers_iter_init(&iterator,
                                   soup_message_get_response_headers(message));
    while (soup_message_headers_iter_next(&iterator, &name, &value)) {
      char* lower = g_ascii_strdown(name, -1);
      answer.headers.emplace(lower, value);
      g_free(lower);
    }
    g_object_unref(message);
    return answer;
  }

  HttpAnswer get(const std::string& path, const Headers& headers = {}) const {
    return send("GET", path, headers);
  }

  HttpAnswer join(const std::string& meeting,
                  const nlohmann::json& body = {{"display_name", "Alice"}},
                  const Headers& headers = {}) const {
    return send("POST", "/api/v1/meetings/" + meeting + "/join", headers,
                body.dump(), "application/json");
  }

  const std::string& base() const { return base_; }

 private:
  const std::string base_;
  SoupSession* session_;
};

}  // namespace videocall::testing
