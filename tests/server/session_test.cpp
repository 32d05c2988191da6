// SPDX-License-Identifier: MIT
// Sessions through the whole program: join over HTTP, connect with the client
// elements, and what the server does about tokens, drain and resume.
#include <gst/gst.h>

#include <filesystem>
#include <memory>

#include "tests/server/certificate.h"
#include "tests/server/http_client.h"
#include "tests/server/process.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::testing;
using nlohmann::json;

namespace {

// A client that connects, receives and throws away.
class Client {
 public:
  Client(const std::string& url, const json& hashes) {
    static int count = 0;
    pipeline_ = gst_pipeline_new(nullptr);
    GstElement* source = gst_element_factory_make("webtransportsrc", nullptr);
    GstElement* sink = gst_element_factory_make("fakesink", nullptr);
    ck_assert(source != nullptr && sink != nullptr);
    std::vector<std::string> texts;
    for (const json& hash : hashes) texts.push_back(hash["value"]);
    std::vector<const char*> values;
    for (const std::string& text : texts) values.push_back(text.c_str());
    values.push_back(nullptr);
    gst_util_set_object_arg(G_OBJECT(source), "mode", "caller");
    g_object_set(source, "endpoint",
                 ("client-" + std::to_string(++count)).c_str(), "uri",
                 url.c_str(), "certificate-hashes", values.data(), nullptr);
    g_object_set(sink, "async", FALSE, "sync", FALSE, nullptr);
    gst_bin_add_many(GST_BIN(pipeline_), source, sink, nullptr);
    ck_assert(gst_element_link(source, sink));
    gst_element_set_state(pipeline_, GST_STATE_PLAYING);
  }
  ~Client() {
    gst_element_set_state(pipeline_, GST_STATE_NULL);
    gst_object_unref(pipeline_);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // The next message about the session, as text; "nothing" after 20 s.
  std::string next() {
    GstBus* bus = gst_element_get_bus(pipeline_);
    std::string found = "nothing";
    while (found == "nothing") {
      GstMessage* message = gst_bus_timed_pop_filtered(
          bus, 20 * GST_SECOND,
          static_cast<GstMessageType>(GST_MESSAGE_ELEMENT | GST_MESSAGE_ERROR));
      if (message == nullptr) break;
      const GstStructure* structure = gst_message_get_structure(message);
      if (gst_structure_has_name(structure, "videocall-connected"))
        found = "connected";
      if (gst_structure_has_name(structure, "videocall-draining"))
        found = "draining";
      if (gst_structure_has_name(structure, "videocall-refused")) {
        int status = 0;
        gst_structure_get_int(structure, "status", &status);
        found = "refused " + std::to_string(status);
      }
      if (gst_structure_has_name(structure, "videocall-disconnected")) {
        guint code = 0;
        gst_structure_get_uint(structure, "code", &code);
        found = "disconnected " + std::to_string(code);
      }
      gst_message_unref(message);
    }
    gst_object_unref(bus);
    return found;
  }

  void expect(const char* wanted) {
    const std::string got = next();
    ck_assert_msg(got == wanted, "%s, wanted %s", got.c_str(), wanted);
  }

 private:
  GstElement* pipeline_;
};

// SHA-256 of a certificate, as browsers want it.
json hash_of(const CertificateFiles& files) {
  std::string pem = read_file(files.certificate);
  gnutls_datum_t text = {reinterpret_cast<unsigned char*>(pem.data()),
                         static_cast<unsigned>(pem.size())};
  gnutls_x509_crt_t certificate = nullptr;
  gnutls_x509_crt_init(&certificate);
  ck_assert_int_eq(
      gnutls_x509_crt_import(certificate, &text, GNUTLS_X509_FMT_PEM), 0);
  unsigned char digest[32];
  size_t size = sizeof digest;
  gnutls_x509_crt_get_fingerprint(certificate, GNUTLS_DIG_SHA256, digest,
                                  &size);
  gnutls_x509_crt_deinit(certificate);
  char* base64 = g_base64_encode(digest, size);
  const json hash = {{"algorithm", "sha-256"}, {"value", base64}};
  g_free(base64);
  return hash;
}

struct Server {
  Server() : process(Process::quiet_flags(state)) {
    gst_init(nullptr, nullptr);
    http = std::make_unique<HttpClient>(process.wait_until_ready());
  }
  json join(const std::string& meeting, const std::string& user = "alice") {
    const auto answer =
        http->join(meeting, {{"display_name", user}, {"user_id", user}});
    ck_assert_uint_eq(answer.status, 200);
    return answer.json()["result"];
  }
  static std::string url(const json& joined) {
    return joined["transports"][0]["url"].get<std::string>() +
           "?token=" + joined["room_token"].get<std::string>() + "&v=1";
  }
  static std::unique_ptr<Client> connect(const json& joined) {
    return connect(joined, url(joined));
  }
  static std::unique_ptr<Client> connect(const json& joined,
                                         const std::string& url) {
    return std::make_unique<Client>(
        url, joined["transports"][0]["certificate_hashes"]);
  }
  size_t members(const std::string& meeting) {
    return http->get("/api/v1/meetings/" + meeting)
        .json()["result"]["participant_count"];
  }

  TemporaryFolder state;
  Process process;
  std::unique_ptr<HttpClient> http;
};

}  // namespace

VC_TEST(a_join_leads_to_a_session_that_the_lobby_sees) {
  Server server;
  ck_assert_uint_eq(server.members("demo"), 0);
  const auto client = server.connect(server.join("demo"));
  client->expect("connected");
  server.process.until([&] { return server.members("demo") == 1; });
  const json member =
      server.http->get("/api/v1/meetings/demo").json()["result"]["members"][0];
  ck_assert(member["user_id"] == "alice");
  ck_assert(member["display_name"] == "alice");
  ck_assert(member["role"] == "host");
  ck_assert_uint_eq(server.members("other"), 0);
}

VC_TEST(who_leaves_is_gone_from_the_lobby) {
  Server server;
  auto client = server.connect(server.join("demo"));
  client->expect("connected");
  server.process.until([&] { return server.members("demo") == 1; });
  client.reset();
  server.process.until([&] { return server.members("demo") == 0; });
}

VC_TEST(a_token_is_good_for_one_session) {
  Server server;
  const json joined = server.join("demo");
  const auto first = server.connect(joined);
  first->expect("connected");
  const auto second = server.connect(joined);
  second->expect("refused 401");
}

VC_TEST(bad_tokens_versions_and_paths_are_refused) {
  Server server;
  const json joined = server.join("demo");
  const std::string base = joined["transports"][0]["url"];
  const std::string token = joined["room_token"];
  const auto refused = [&](const std::string& url, const char* how) {
    const auto client = server.connect(joined, url);
    client->expect(how);
  };
  refused(base + "?v=1", "refused 401");
  refused(base + "?token=rubbish&v=1", "refused 401");
  refused(base + "?token=" + token.substr(0, token.size() - 2) + "&v=1",
          "refused 401");
  refused(base + "2?token=" + token + "&v=1", "refused 401");
  refused(base + "?token=" + token + "&v=99", "refused 400");
  // None of these spent it.
  server.connect(joined)->expect("connected");
}

VC_TEST(the_log_of_sessions_never_holds_a_token) {
  TemporaryFolder state;
  gst_init(nullptr, nullptr);
  auto flags = Process::quiet_flags(state);
  flags.push_back("--log-level=trace");
  Process process(flags);
  const HttpClient http(process.wait_until_ready());
  const json joined = http.join("demo").json()["result"];
  const std::string token = joined["room_token"];
  const auto client = Server::connect(joined);
  client->expect("connected");
  Server::connect(joined)->expect("refused 401");
  process.until(
      [&] { return process.err().find("refused") != std::string::npos; });
  ck_assert(process.err().find(token.substr(0, 40)) == std::string::npos);
  ck_assert(process.err().find(token.substr(token.size() - 20)) ==
            std::string::npos);
}

VC_TEST(new_certificates_are_used_from_sighup_on) {
  TemporaryFolder state;
  gst_init(nullptr, nullptr);
  const CertificateFiles used = make_certificate(state, "used");
  auto flags = Process::quiet_flags(state);
  flags.push_back("--webtransport-certificate=" + used.certificate);
  flags.push_back("--webtransport-key=" + used.key);
  Process process(flags);
  const HttpClient http(process.wait_until_ready());
  const auto call = [&](const json& hash) {
    const json joined = http.join("demo").json()["result"];
    return std::make_unique<Client>(Server::url(joined), json::array({hash}));
  };
  const json before = hash_of(used);
  const auto first = call(before);
  first->expect("connected");
  const CertificateFiles next = make_certificate(state, "next");
  const json after = hash_of(next);
  std::filesystem::rename(next.certificate, used.certificate);
  std::filesystem::rename(next.key, used.key);
  process.signal(SIGHUP);
  process.until([&] {
    return process.err().find("certificates read again") != std::string::npos;
  });
  call(before)->expect("refused 0");
  call(after)->expect("connected");
  // Who is there stays.
  ck_assert_uint_ge(http.get("/api/v1/meetings/demo")
                        .json()["result"]["participant_count"]
                        .get<size_t>(),
                    1);
}

VC_TEST(a_stop_drains_and_closes_with_code_5) {
  Server server;
  const auto client = server.connect(server.join("demo"));
  client->expect("connected");
  server.process.until([&] { return server.members("demo") == 1; });
  server.process.signal(SIGTERM);
  client->expect("draining");
  client->expect("disconnected 5");
  ck_assert_int_eq(server.process.wait(), 0);
}

VC_TEST(a_second_signal_does_not_wait) {
  TemporaryFolder state;
  gst_init(nullptr, nullptr);
  auto flags = Process::quiet_flags(state);
  flags.push_back("--join-rate=0");
  std::erase(flags, "--drain-timeout=1");
  flags.push_back("--drain-timeout=600");
  Process process(flags);
  const HttpClient http(process.wait_until_ready());
  const auto client = Server::connect(http.join("demo").json()["result"]);
  client->expect("connected");
  process.until(
      [&] { return process.err().find("entered") != std::string::npos; });
  process.signal(SIGINT);
  client->expect("draining");
  process.signal(SIGINT);
  client->expect("disconnected 5");
  ck_assert_int_eq(process.wait(), 0);
}

VC_SUITE_MAIN("server/session")
