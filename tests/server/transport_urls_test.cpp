// SPDX-License-Identifier: MIT
#include "server/transport_urls.h"

#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::server;

namespace {

std::vector<ListenAddress> addresses(const std::vector<std::string>& texts) {
  std::vector<ListenAddress> all;
  for (const std::string& text : texts) {
    auto address = ListenAddress::parse(text);
    ck_assert_msg(address.ok(), "%s", text.c_str());
    all.push_back(*address);
  }
  return all;
}

struct Server {
  explicit Server(std::vector<std::string> http = {"127.0.0.1:8080",
                                                   "[::1]:8080"}) {
    configuration = default_configuration();
    configuration.listen_http = std::move(http);
  }
  TransportUrls urls() const {
    TransportUrls urls(configuration, addresses(configuration.listen_http));
    urls.set_webtransport_port(4433);
    return urls;
  }
  std::string to(const std::string& local_ip) const {
    return urls().webtransport(local_ip, "demo");
  }
  Configuration configuration;
};

}  // namespace

VC_TEST(a_loopback_client_gets_the_address_that_it_used) {
  const Server server;
  ck_assert(server.to("127.0.0.1") == "https://127.0.0.1:4433/meet/demo");
  ck_assert(server.to("::1") == "https://[::1]:4433/meet/demo");
}

VC_TEST(an_address_without_webtransport_leads_to_one_with_it) {
  Server server;
  server.configuration.listen_webtransport = {"127.0.0.1:4433"};
  ck_assert(server.to("::1") == "https://127.0.0.1:4433/meet/demo");
  server.configuration.listen_webtransport = {"0.0.0.0:4433"};
  ck_assert(server.to("::1") == "https://127.0.0.1:4433/meet/demo");
  ck_assert(server.to("192.0.2.7") == "https://192.0.2.7:4433/meet/demo");
  server.configuration.listen_webtransport = {"192.0.2.1:4433"};
  ck_assert(server.to("127.0.0.1") == "https://192.0.2.1:4433/meet/demo");
}

VC_TEST(public_urls_go_first) {
  Server server;
  server.configuration.public_url = "https://meet.example.org:8443/";
  ck_assert(server.to("127.0.0.1") ==
            "https://meet.example.org:4433/meet/demo");
  ck_assert(server.urls().page() == "https://meet.example.org:8443/");
  server.configuration.public_webtransport_url = "https://media.example.org/";
  ck_assert(server.to("::1") == "https://media.example.org/meet/demo");
  server.configuration.public_webtransport_url = "";
  server.configuration.public_url = "https://[2001:db8::1]:8443";
  ck_assert(server.to("::1") == "https://[2001:db8::1]:4433/meet/demo");
}

VC_TEST(other_servers_are_told_addresses_that_lead_here_from_anywhere) {
  using Urls = std::vector<std::string>;
  Server server({"192.0.2.1:80"});
  server.configuration.listen_webtransport = {"192.0.2.1:4433"};
  ck_assert(server.urls().announced(true) ==
            Urls({"https://192.0.2.1:4433", "ws://192.0.2.1:80"}));
  ck_assert(server.urls().announced(false) == Urls({"https://192.0.2.1:4433"}));
  server.configuration.tls_certificate = "x";
  ck_assert(server.urls().announced(true)[1] == "wss://192.0.2.1:80");
  // Of several the first that is not a wildcard.
  server.configuration.listen_http = {"0.0.0.0:443", "[2001:db8::1]:443"};
  server.configuration.listen_webtransport = {"[::]:4433", "192.0.2.1:4433"};
  ck_assert(server.urls().announced(true) ==
            Urls({"https://192.0.2.1:4433", "wss://[2001:db8::1]:443"}));
  server.configuration.listen_http = {"0.0.0.0:443"};
  ck_assert(server.urls().announced(true) == Urls({"https://192.0.2.1:4433"}));
  // Under which of its addresses it is reached no wildcard tells.
  server.configuration.listen_webtransport = {"0.0.0.0:4433"};
  ck_assert(server.urls().announced(true).empty());
  server.configuration.public_url = "https://meet.example.org:8443/";
  ck_assert(
      server.urls().announced(true) ==
      Urls({"https://meet.example.org:4433", "wss://meet.example.org:8443"}));
  server.configuration.public_webtransport_url = "https://media.example.org/";
  ck_assert(server.urls().announced(true) ==
            Urls({"https://media.example.org", "wss://meet.example.org:8443"}));
  server.configuration.public_url = "";
  ck_assert(server.urls().announced(true) ==
            Urls({"https://media.example.org"}));
}

VC_TEST(the_page_is_localhost_where_it_can_be) {
  ck_assert(Server().urls().page() == "http://localhost:8080/");
  ck_assert(Server({"[::1]:9000"}).urls().page() == "http://localhost:9000/");
  ck_assert(Server({"192.0.2.1:80"}).urls().page() == "http://192.0.2.1:80/");
  Server tls({"0.0.0.0:8443"});
  tls.configuration.tls_certificate = "x";
  ck_assert(tls.urls().page() == "https://localhost:8443/");
}

VC_TEST(own_origins_are_allowed_and_no_others) {
  const OriginSet origins = Server().urls().allowed_origins();
  for (const char* origin : {"http://localhost:8080", "http://127.0.0.1:8080",
                             "http://[::1]:8080", "HTTP://LocalHost:8080"})
    ck_assert_msg(origins.contains(origin), "%s", origin);
  for (const char* origin :
       {"https://localhost:8080", "http://localhost", "http://localhost:8081",
        "http://localhost:8080.evil", "http://localhost:8080@evil",
        "http://evil/localhost:8080", "null", "", "file://",
        "chrome-extension://abc"})
    ck_assert_msg(!origins.contains(origin), "%s", origin);
}

VC_TEST(default_ports_are_the_same_origin) {
  Server server({"0.0.0.0:443"});
  server.configuration.tls_certificate = "x";
  const OriginSet origins = server.urls().allowed_origins();
  ck_assert(origins.contains("https://localhost"));
  ck_assert(origins.contains("https://localhost:443"));
  ck_assert(!origins.contains("http://localhost:443"));
}

VC_TEST(the_host_header_counts_only_where_names_are_unknown) {
  Server open({"0.0.0.0:8443"});
  open.configuration.tls_certificate = "x";
  const TransportUrls urls = open.urls();
  ck_assert(urls.is_same_origin("https://lan.box:8443", "lan.box:8443"));
  ck_assert(!urls.is_same_origin("http://lan.box:8443", "lan.box:8443"));
  ck_assert(!urls.is_same_origin("https://evil", "lan.box:8443"));
  ck_assert(!urls.is_same_origin("https://evil", ""));
  ck_assert(!Server().urls().is_same_origin("http://evil:8080", "evil:8080"));
  open.configuration.public_url = "https://meet.example.org";
  ck_assert(
      !open.urls().is_same_origin("https://lan.box:8443", "lan.box:8443"));
}

VC_TEST(addresses_have_one_form) {
  ck_assert(ListenAddress::parse("[0:0:0:0:0:0:0:1]:80")->text() == "[::1]:80");
  ck_assert(ListenAddress::parse("[::1]:80")->is_loopback());
  ck_assert(ListenAddress::parse("127.9.9.9:80")->is_loopback());
  ck_assert(!ListenAddress::parse("128.0.0.1:80")->is_loopback());
  ck_assert(ListenAddress::parse("[::]:0")->is_wildcard());
  ck_assert(!ListenAddress::parse("[::ffff:127.0.0.1]:80")->is_loopback());
}

VC_SUITE_MAIN("server/transport_urls")
