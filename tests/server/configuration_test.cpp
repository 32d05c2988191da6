// SPDX-License-Identifier: MIT
#include "server/configuration.h"

#include <algorithm>

#include "server/configuration_nats.h"
#include "server/configuration_sources.h"
#include "server/http_limits.h"
#include "tests/server/certificate.h"
#include "tests/server/temporary_folder.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::server;
using videocall::testing::TemporaryFolder;

namespace {

using Words = std::vector<std::string>;

Result<CommandLine> read(Words flags, const Words& environment = {}) {
  flags.insert(flags.begin(), "videocalld");
  std::vector<const char*> argv;
  for (const std::string& flag : flags) argv.push_back(flag.c_str());
  argv.push_back(nullptr);
  std::vector<const char*> variables;
  for (const std::string& variable : environment)
    variables.push_back(variable.c_str());
  variables.push_back(nullptr);
  return read_command_line(static_cast<int>(flags.size()), argv.data(),
                           variables.data());
}

Configuration good(const Words& flags, const Words& environment = {}) {
  auto line = read(flags, environment);
  ck_assert_msg(line.ok(), "%s", line.ok() ? "" : line.error().message.c_str());
  return line->configuration;
}

void assert_wrong(const Result<CommandLine>& line, const std::string& message) {
  ck_assert_msg(!line.ok(), "accepted; wanted: %s", message.c_str());
  ck_assert_msg(line.error().message == message, "'%s', wanted '%s'",
                line.error().message.c_str(), message.c_str());
}

// A value of |key| that is not its default and passes alone.
std::string other_value(const Key& key) {
  const std::string name = key.name;
  if (name == "listen-http" || name == "listen-webtransport" ||
      name == "listen-admin")
    return "127.0.0.1:9000";
  if (name == "nats-url") return "tls://nats1";
  if (name.ends_with("url") || name == "allowed-origin")
    return "https://example.org";
  if (!key.choices.empty()) return key.choices.back();
  if (std::holds_alternative<bool Configuration::*>(key.member))
    return std::string_view(key.fallback) == "true" ? "false" : "true";
  if (std::holds_alternative<int64_t Configuration::*>(key.member))
    return std::to_string(std::to_string(key.maximum) == key.fallback
                              ? key.minimum
                              : key.maximum);
  return "other";
}

}  // namespace

VC_TEST(the_defaults_are_private_and_checked) {
  const Configuration configuration = good({});
  ck_assert(configuration == default_configuration());
  ck_assert(configuration.listen_http ==
            Words({"127.0.0.1:8080", "[::1]:8080"}));
  ck_assert(configuration.listen_webtransport ==
            Words({"127.0.0.1:4433", "[::1]:4433"}));
  ck_assert(!configuration.insecure_http);
  ck_assert_int_eq(configuration.drain_timeout_s, 10);
  ck_assert_int_eq(configuration.http_connections, limits::kMaxHttpConnections);
}

VC_TEST(every_default_of_the_table_is_valid) {
  for (const Section& section : configuration_sections())
    for (const Key& key : section.keys) {
      Configuration configuration;
      const auto set = set_value(configuration, key, {key.fallback});
      ck_assert_msg(set.ok(), "%s: %s", key.name,
                    set.ok() ? "" : set.error().message.c_str());
    }
}

VC_TEST(every_key_is_read_from_flag_environment_and_file) {
  for (const Section& section : configuration_sections())
    for (const Key& key : section.keys) {
      const std::string value = other_value(key);
      Configuration wanted = default_configuration();
      ck_assert(set_value(wanted, key, {value}).ok());
      ck_assert_msg(!(wanted == default_configuration()), "%s", key.name);
      // Those that need a partner get it.
      Words partner;
      if (std::string_view(key.name).ends_with("certificate") ||
          std::string_view(key.name).ends_with("-key")) {
        std::string other = key.name;
        other.replace(other.rfind('-'), std::string::npos,
                      other.ends_with("-key") ? "-certificate" : "-key");
        partner = {"--" + other + "=other"};
        ck_assert(set_value(wanted, *find_key(other), {"other"}).ok());
      }
      if (std::string_view(key.name) == "nats-credentials" ||
          std::string_view(key.name) == "nats-ca") {
        partner = {"--nats-url=tls://nats1"};
        wanted.nats_urls = {"tls://nats1"};
      }
      if (std::string_view(key.name) == "behind-proxy") {
        partner = {"--public-url=https://example.org"};
        wanted.public_url = "https://example.org";
      }
      Words flags = partner;
      flags.push_back("--" + std::string(key.name) + "=" + value);
      ck_assert_msg(good(flags) == wanted, "flag %s", key.name);
      ck_assert_msg(
          good(partner, {environment_name(key) + "=" + value}) == wanted,
          "variable %s", key.name);
      const TemporaryFolder folder;
      const std::string file =
          folder.write("x.toml", print_configuration(wanted));
      Words with_file = partner;
      with_file.push_back("--config=" + file);
      ck_assert_msg(good(with_file) == wanted, "file %s", key.name);
    }
}

VC_TEST(a_flag_beats_the_environment_and_that_the_file) {
  const TemporaryFolder folder;
  const std::string file =
      folder.write("x.toml", "node-id = \"file\"\njoin-rate = 1\nshards = 3\n");
  const Configuration configuration =
      good({"--config", file, "--node-id", "flag"},
           {"VIDEOCALL_NODE_ID=variable", "VIDEOCALL_JOIN_RATE=2"});
  ck_assert(configuration.node_id == "flag");
  ck_assert_int_eq(configuration.join_rate, 2);
  ck_assert_int_eq(configuration.shards, 3);
  ck_assert_int_eq(configuration.join_burst, 50);
}

VC_TEST(the_file_may_be_named_by_the_environment) {
  const TemporaryFolder folder;
  const std::string file = folder.write("x.toml", "node-id = \"file\"\n");
  ck_assert(good({}, {"VIDEOCALL_CONFIG=" + file}).node_id == "file");
}

VC_TEST(lists_come_with_commas_or_repeated) {
  const Words wanted = {"127.0.0.1:1", "[::1]:2", "127.0.0.1:3"};
  ck_assert(good({"--listen-http", "127.0.0.1:1, [::1]:2", "--listen-http",
                  "127.0.0.1:3"})
                .listen_http == wanted);
  const TemporaryFolder folder;
  const std::string file = folder.write(
      "x.toml", "listen-http = ['127.0.0.1:1', '[::1]:2', '127.0.0.1:3']\n");
  ck_assert(good({"--config", file}).listen_http == wanted);
}

VC_TEST(a_switch_needs_no_value) {
  ck_assert(good({"--insecure-http"}).insecure_http);
  ck_assert(good({"--insecure-http=true"}).insecure_http);
  ck_assert(!good({"--insecure-http=false"}, {"VIDEOCALL_INSECURE_HTTP=true"})
                 .insecure_http);
  ck_assert(good({"--insecure-http", "--node-id", "x"}).node_id == "x");
}

VC_TEST(what_is_printed_can_be_read_back) {
  Configuration configuration = default_configuration();
  configuration.node_id = "n-1";
  configuration.state_dir = "/tmp/a \"b\" \\c\td é";
  configuration.listen_http = {"127.0.0.1:1", "[::1]:2"};
  configuration.join_rate = 0;
  configuration.insecure_http = true;
  configuration.log_format = "json";
  Configuration back = default_configuration();
  const auto applied =
      apply_toml(back, print_configuration(configuration), "x.toml");
  ck_assert_msg(applied.ok(), "%s",
                applied.ok() ? "" : applied.error().message.c_str());
  ck_assert(back == configuration);
}

VC_TEST(help_and_print_name_every_key) {
  const std::string help = print_help();
  const std::string printed = print_configuration(default_configuration());
  for (const Section& section : configuration_sections())
    for (const Key& key : section.keys) {
      ck_assert(help.find(std::string("  --") + key.name) != std::string::npos);
      ck_assert(printed.find(std::string("\n") + key.name + " = ") !=
                std::string::npos);
      ck_assert(printed.find(environment_name(key) + "\n") !=
                std::string::npos);
    }
  for (const std::string& text : {help, printed}) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
      ck_assert_msg(line.size() <= 80, "%s", line.c_str());
  }
}

VC_TEST(an_unknown_flag_is_an_error_with_the_nearest_right_one) {
  assert_wrong(read({"--lsiten-http", "x"}),
               "unknown flag --lsiten-http; did you mean --listen-http?");
  assert_wrong(read({"--join_rate=3"}),
               "unknown flag --join_rate; did you mean --join-rate?");
  assert_wrong(read({"--completely-different"}),
               "unknown flag --completely-different; --print-config shows all "
               "keys");
}

VC_TEST(an_unknown_key_of_the_file_is_an_error_with_its_line) {
  const TemporaryFolder folder;
  const std::string file =
      folder.write("x.toml", "# first\nnode-id = \"a\"\n\njoin-rat = 3\n");
  assert_wrong(read({"--config", file}),
               file + ":4: unknown key join-rat; did you mean join-rate?");
}

VC_TEST(an_unknown_variable_that_looks_like_a_slip_is_an_error) {
  assert_wrong(read({}, {"VIDEOCALL_LISTEN_HTPP=x"}),
               "unknown variable VIDEOCALL_LISTEN_HTPP; did you mean "
               "VIDEOCALL_LISTEN_HTTP?");
  good({}, {"VIDEOCALL_PIPELINES=/x", "VIDEOCALL_SKIP_INSTALL=1",
            "VIDEOCALL_BUILD_DIR=/x", "VIDEOCALL_PIPELINE_PATH=/x",
            "VIDEOCALL_E2E_MEDIA=/x", "OTHER=1"});
}

VC_TEST(a_wrong_value_names_its_place_and_what_would_be_right) {
  assert_wrong(read({"--join-rate", "-1"}),
               "--join-rate: \"-1\" is not a whole number from 0 to 1000000");
  assert_wrong(read({"--join-rate", "1.5"}),
               "--join-rate: \"1.5\" is not a whole number from 0 to 1000000");
  assert_wrong(read({"--join-burst", "0"}),
               "--join-burst: \"0\" is not a whole number from 1 to 1000000");
  assert_wrong(
      read({"--shards", "99999999999999999999"}),
      "--shards: \"99999999999999999999\" is not a whole number from 0 to 256");
  assert_wrong(read({"--log-level", "loud"}),
               "--log-level: \"loud\" is not one of error, warning, info, "
               "debug, trace");
  assert_wrong(read({"--congestion-control", "reno"}),
               "--congestion-control: \"reno\" is not one of cubic, bbr");
  assert_wrong(read({}, {"VIDEOCALL_INSECURE_HTTP=yes"}),
               "VIDEOCALL_INSECURE_HTTP: \"yes\" is neither true nor false");
  assert_wrong(read({"--node-id"}),
               "--node-id needs one value; --help shows all flags");
  assert_wrong(read({"--node-id", "a b"}),
               "node-id: \"a b\" is not 1 to 64 of A-Z a-z 0-9 _ -");
}

VC_TEST(a_wrong_type_in_the_file_names_line_and_right_type) {
  const TemporaryFolder folder;
  const auto with = [&](const std::string& text) {
    return read({"--config", folder.write("x.toml", text)});
  };
  const std::string at = folder.file("x.toml") + ":1: ";
  assert_wrong(with("join-rate = \"3\""),
               at + "join-rate takes a whole number");
  assert_wrong(with("join-rate = 3.0"), at + "join-rate takes a whole number");
  assert_wrong(with("insecure-http = 1"),
               at + "insecure-http takes true or false");
  assert_wrong(with("node-id = 3"), at + "node-id takes a text in quotes");
  assert_wrong(with("listen-http = \"127.0.0.1:1\""),
               at + "listen-http takes a list of texts: [\"…\", \"…\"]");
  assert_wrong(with("[log]\nlevel = 3"),
               at + "unknown key log; --print-config shows all keys");
  assert_wrong(with("shards = 1000"),
               at + "shards: \"1000\" is not a whole number from 0 to 256");
  const auto broken = with("node-id = \"a\"\nshards = = 3");
  ck_assert(!broken.ok());
  ck_assert(broken.error().message.starts_with(folder.file("x.toml") + ":2: "));
}

VC_TEST(a_file_that_cannot_be_read_is_an_error) {
  assert_wrong(read({"--config", "/nonexistent.toml"}),
               "cannot read the configuration: Failed to open file "
               "“/nonexistent.toml”: No such file or directory");
  const TemporaryFolder folder;
  good({"--config", folder.write("empty.toml", "")});
  ck_assert(!read({"--config", folder.path()}).ok());
}

VC_TEST(plain_http_for_others_is_refused_with_the_remedy) {
  for (const char* address : {"0.0.0.0:80", "[::]:80", "192.0.2.1:80",
                              "127.0.0.1:80,[2001:db8::1]:80"}) {
    const auto line = read({"--listen-http", address});
    ck_assert(!line.ok());
    for (const char* word :
         {"other machines", "tls-certificate", "behind-proxy", "insecure-http"})
      ck_assert(line.error().message.find(word) != std::string::npos);
  }
  good({"--listen-http", "127.1.2.3:80"});
  good({"--listen-http", "0.0.0.0:80", "--insecure-http"});
  good({"--listen-http", "0.0.0.0:80", "--behind-proxy", "--public-url",
        "https://example.org"});
  good({"--listen-http", "0.0.0.0:443", "--tls-certificate", "a", "--tls-key",
        "b"});
}

VC_TEST(keys_that_belong_together_are_checked_together) {
  assert_wrong(read({"--tls-certificate", "a"}),
               "tls-certificate is set and tls-key is not: set both or "
               "neither");
  assert_wrong(read({"--webtransport-key", "a"}),
               "webtransport-key is set and webtransport-certificate is not: "
               "set both or neither");
  assert_wrong(read({"--behind-proxy"}),
               "behind-proxy needs public-url: the proxy hides under which "
               "address people open the page");
  assert_wrong(read({"--listen-webtransport", "127.0.0.1:1,[::1]:2"}),
               "listen-webtransport: all addresses must have one port");
  ck_assert(!read({"--listen-http", ""}).ok());
}

VC_TEST(addresses_are_numeric_with_a_port) {
  for (const char* address :
       {"localhost:80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
        "127.0.0.1:-1", "127.0.0.1:+1", "::1:80", "[127.0.0.1]:80", "[::1]",
        "1.2.3:80", "[::1%lo]:80", "[]:1", ":"})
    ck_assert_msg(!read({"--listen-webtransport", address}).ok(), "%s",
                  address);
}

VC_TEST(urls_are_checked) {
  for (const char* url : {"meet.example.org", "ftp://example.org", "https://",
                          "https://a/b", "https://a?b", "https://u@a"})
    ck_assert_msg(!read({"--public-url", url}).ok(), "%s", url);
  ck_assert(!read({"--public-webtransport-url", "http://a"}).ok());
  good({"--public-url", "https://meet.example.org:8443/"});
}

VC_TEST(what_is_said_of_nats_is_checked) {
  for (const char* url :
       {"nats1:4222", "http://nats1:4222", "nats:/nats1", "nats://", "tls://:1",
        "nats://nats1:", "nats://nats1:0", "nats://nats1:65536",
        "nats://nats1:4222/", "nats://nats1:4222?a", "nats://a%b:4222",
        "nats://nats1:4222;nats://nats2:4222", "nats://[::1:4222",
        "nats://[nats1]:4222", "nats://::1:4222", "nats://u:p@:4222",
        "nats://nats1:4222,nats2:4222"}) {
    const auto line = read({"--nats-url", url});
    ck_assert_msg(!line.ok(), "%s", url);
    const std::string& said = line.error().message;
    ck_assert_msg(said.starts_with("nats-url: \"") &&
                      said.find("nats://HOST:4222") != std::string::npos,
                  "%s", said.c_str());
  }
  for (const char* url :
       {"nats://nats1", "nats://nats1:4222", "tls://nats-1.example.org:4222",
        "nats://192.0.2.1:1", "nats://[2001:db8::1]:65535", "nats://[::1]",
        "nats://user:p@ss@nats1:4222", "tls://nats1:4222,tls://nats2:4222"})
    good({"--nats-url", url});
  // A password is not shown.
  assert_wrong(read({"--nats-url", "nats://user:hidden@nats1:x"}),
               "nats-url: \"nats://…@nats1:x\" does not name a host and a port "
               "from 1 to 65535; write nats://HOST:4222 and a comma between "
               "several");
  assert_wrong(read({"--nats-credentials", "a.creds"}),
               "nats-credentials is set and nats-url is not: set nats-url to "
               "the NATS servers, or leave both out");
  assert_wrong(read({"--nats-ca", "ca.pem"}),
               "nats-ca is set and nats-url is not: set nats-url to the NATS "
               "servers, or leave both out");
  assert_wrong(read({"--nats-ca", "ca.pem", "--nats-url", "nats://nats1"}),
               "nats-ca is set and no nats-url begins with tls://: nothing "
               "would be encrypted; write tls://HOST:4222");
  good({"--nats-ca", "ca.pem", "--nats-credentials", "a.creds", "--nats-url",
        "tls://nats1,tls://nats2"});
  assert_wrong(read({"--nats-url", "nats://nats1,tls://nats2"}),
               "nats-url: some begin with tls:// and some do not; write tls:// "
               "for all, or nats:// for all where nothing is to be encrypted");
}

VC_TEST(nats_files_are_what_they_should_be) {
  const TemporaryFolder folder;
  const auto check = [](const std::string& credentials, const std::string& ca) {
    Configuration configuration = default_configuration();
    configuration.nats_credentials = credentials;
    configuration.nats_ca = ca;
    const auto checked = check_nats_files(configuration);
    return checked.ok() ? std::string() : checked.error().message;
  };
  const std::string ca = make_certificate(folder, "ca").certificate;
  const std::string jwt =
      "-----BEGIN NATS USER JWT-----\nx\n------END NATS USER JWT------\n";
  const std::string user =
      folder.write("user.creds", jwt +
                                     "-----BEGIN USER NKEY SEED-----\nx\n"
                                     "------END USER NKEY SEED------\n");
  ck_assert_str_eq(check("", "").c_str(), "");
  ck_assert_str_eq(check(user, ca).c_str(), "");
  const std::string bad_creds =
      "; it is a file as \"nsc generate creds\" writes it";
  ck_assert_str_eq(check(ca, "").c_str(),
                   ("nats-credentials: " + ca +
                    " has no \"BEGIN NATS USER JWT\"" + bad_creds)
                       .c_str());
  const std::string half = folder.write("half.creds", jwt);
  ck_assert_str_eq(check(half, "").c_str(),
                   ("nats-credentials: " + half +
                    " has no \"BEGIN USER NKEY SEED\"" + bad_creds)
                       .c_str());
  const std::string bad_ca =
      "; it is a PEM file of the authority's certificates";
  ck_assert_str_eq(
      check("", user).c_str(),
      ("nats-ca: " + user + " has no certificate" + bad_ca).c_str());
  const std::string rubbish = folder.write(
      "rubbish.pem",
      "-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----\n");
  for (const std::string& file : {rubbish, folder.write("empty", ""),
                                  folder.file("none"), folder.path()}) {
    const std::string ca_said = check("", file);
    ck_assert_msg(
        ca_said.starts_with("nats-ca: " + file) && ca_said.ends_with(bad_ca),
        "%s", ca_said.c_str());
    const std::string user_said = check(file, "");
    ck_assert_msg(user_said.starts_with("nats-credentials: ") &&
                      user_said.find(file) != std::string::npos &&
                      user_said.ends_with(bad_creds),
                  "%s", user_said.c_str());
  }
}

VC_TEST(help_and_version_need_no_configuration) {
  ck_assert(read({"--help", "--config", "/nonexistent"})->action ==
            CommandLine::Action::print_help);
  ck_assert(read({"-h"})->action == CommandLine::Action::print_help);
  ck_assert(read({"--version"})->action == CommandLine::Action::print_version);
  ck_assert(read({"--print-config"})->action ==
            CommandLine::Action::print_configuration);
  ck_assert(read({})->action == CommandLine::Action::serve);
}

VC_SUITE_MAIN("server/configuration")
