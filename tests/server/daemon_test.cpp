// SPDX-License-Identifier: MIT
// The program videocalld as an operator sees it: exit codes, messages,
// signals, readiness.
#include "server/daemon.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "libvideocall/base/unique_fd.h"
#include "tests/server/certificate.h"
#include "tests/server/http_client.h"
#include "tests/server/process.h"
#include "tests/support/loopback.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::testing;

namespace {

using Words = Process::Words;

// |flags| with those of |more| added or replaced.
Words with(Words flags, const Words& more) {
  const auto name = [](const std::string& flag) {
    return flag.substr(0, flag.find('='));
  };
  for (const std::string& flag : more) {
    std::erase_if(
        flags, [&](const std::string& old) { return name(old) == name(flag); });
    flags.push_back(flag);
  }
  return flags;
}

// Ended with |exit_code| and exactly one line for people that has all |words|.
void assert_fails(Process& process, int exit_code, const Words& words) {
  const int code = process.wait();
  ck_assert_msg(code == exit_code, "exit code %d: %s", code,
                process.err().c_str());
  std::istringstream lines(process.err());
  std::string message;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("videocalld: ")) continue;
    ck_assert_msg(message.empty(), "%s\n%s", message.c_str(), line.c_str());
    message = line;
  }
  for (const std::string& word : words)
    ck_assert_msg(message.find(word) != std::string::npos, "no '%s' in '%s'",
                  word.c_str(), message.c_str());
  ck_assert(process.out().find("ready") == std::string::npos);
}

// A bound socket of |type| on a free loopback port.
struct TakenPort {
  explicit TakenPort(int type) : fd(socket(AF_INET, type, 0)) {
    text = "127.0.0.1:" + std::to_string(bind_to_loopback(fd.get()));
    if (type == SOCK_STREAM) ck_assert_int_eq(listen(fd.get(), 1), 0);
  }
  UniqueFd fd;
  std::string text;
};

// Receives what sd_notify() would send.
class NotifySocket {
 public:
  NotifySocket() : fd_(socket(AF_UNIX, SOCK_DGRAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = folder_.file("notify");
    ck_assert_uint_lt(path.size(), sizeof address.sun_path);
    path.copy(address.sun_path, path.size());
    ck_assert_int_eq(
        bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address),
        0);
    const timeval timeout = {30, 0};
    setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  }
  std::string variable() const {
    return "NOTIFY_SOCKET=" + folder_.file("notify");
  }
  std::string next() const {
    char text[512] = {};
    const ssize_t got = recv(fd_.get(), text, sizeof text, 0);
    return got < 0 ? "nothing" : std::string(text, static_cast<size_t>(got));
  }

 private:
  TemporaryFolder folder_;
  UniqueFd fd_;
};

}  // namespace

VC_TEST(it_serves_and_ends_in_order_on_both_signals) {
  for (const int signal : {SIGTERM, SIGINT}) {
    const TemporaryFolder state;
    Process process(Process::quiet_flags(state));
    const HttpClient client(process.wait_until_ready());
    ck_assert_uint_eq(client.get("/healthz").status, 200);
    ck_assert_uint_eq(client.get("/readyz").status, 200);
    ck_assert_uint_eq(client.get("/").status, 200);
    process.signal(signal);
    ck_assert_int_eq(process.wait(), 0);
  }
}

VC_TEST(both_address_families_are_served) {
  for (const std::string listen :
       {"127.0.0.1:0,[::1]:0", "[::1]:0,127.0.0.1:0"}) {
    const TemporaryFolder state;
    Process process(
        with(Process::quiet_flags(state),
             {"--listen-http=" + listen, "--listen-webtransport=" + listen}));
    process.wait_until_ready();
    for (const std::string host : {"127.0.0.1", "[::1]"}) {
      const std::string mark = "listening address=" + host + ":";
      const size_t at = process.err().find(mark);
      ck_assert_msg(at != std::string::npos, "%s", process.err().c_str());
      const HttpClient client(
          "http://" + host + ":" +
          std::to_string(std::stoi(process.err().substr(at + mark.size()))));
      const std::string url =
          client.join("demo").json()["result"]["transports"][0]["url"];
      ck_assert_msg(url.starts_with("https://" + host + ":"), "%s",
                    url.c_str());
    }
  }
}

VC_TEST(all_addresses_of_both_families_share_a_port) {
  TakenPort free_port(SOCK_STREAM);
  const std::string port = free_port.text.substr(free_port.text.rfind(':') + 1);
  free_port.fd.reset();
  const TemporaryFolder state;
  Process process(with(
      Process::quiet_flags(state),
      {"--listen-http=0.0.0.0:" + port + ",[::]:" + port, "--insecure-http"}));
  process.wait_until_ready();
  for (const std::string host : {"127.0.0.1", "[::1]"})
    ck_assert_uint_eq(
        HttpClient("http://" + host + ":" + port).get("/healthz").status, 200);
}

VC_TEST(it_tells_the_service_manager) {
  const TemporaryFolder state;
  const NotifySocket notify;
  Process process(Process::quiet_flags(state), {notify.variable()});
  ck_assert(notify.next().starts_with("READY=1\n"));
  process.signal(SIGTERM);
  ck_assert(notify.next().starts_with("STOPPING=1\n"));
  ck_assert_int_eq(process.wait(), 0);
}

VC_TEST(a_join_leads_to_the_bound_webtransport_port) {
  const TemporaryFolder state;
  Process process(Process::quiet_flags(state));
  const HttpClient client(process.wait_until_ready());
  const auto result = client.join("demo").json()["result"];
  const std::string url = result["transports"][0]["url"];
  ck_assert(url.starts_with("https://127.0.0.1:"));
  ck_assert(url.ends_with("/meet/demo"));
  ck_assert(!url.starts_with("https://127.0.0.1:0"));
  const auto hashes = result["transports"][0]["certificate_hashes"];
  ck_assert_uint_ge(hashes.size(), 1);
  ck_assert_uint_eq(hashes[0]["value"].get<std::string>().size(), 44);
}

VC_TEST(a_taken_http_port_is_said_so) {
  const TemporaryFolder state;
  const TakenPort taken(SOCK_STREAM);
  Process process(
      with(Process::quiet_flags(state), {"--listen-http=" + taken.text}));
  assert_fails(process, 1, {taken.text, "another program", "listen-http"});
}

VC_TEST(a_taken_webtransport_port_is_said_so) {
  const TemporaryFolder state;
  const TakenPort taken(SOCK_DGRAM);
  Process process(with(Process::quiet_flags(state),
                       {"--listen-webtransport=" + taken.text}));
  assert_fails(process, 1, {taken.text, "listen-webtransport"});
}

VC_TEST(two_daemons_do_not_share_a_port) {
  const TemporaryFolder state;
  Process first(Process::quiet_flags(state));
  const HttpClient client(first.wait_until_ready());
  const std::string url =
      client.join("demo").json()["result"]["transports"][0]["url"];
  const std::string address = url.substr(8, url.find("/meet") - 8);
  const TemporaryFolder other;
  Process second(
      with(Process::quiet_flags(other), {"--listen-webtransport=" + address}));
  assert_fails(second, 1, {address, "listen-webtransport"});
}

VC_TEST(a_state_directory_that_cannot_be_written_is_said_so) {
  const TemporaryFolder state;
  const std::string file = state.write("file", "");
  for (const std::string& folder :
       {file + "/below", file, std::string("/proc/videocall")}) {
    Process process(
        with(Process::quiet_flags(state), {"--state-dir=" + folder}));
    assert_fails(process, 1, {folder, "state-dir"});
  }
}

VC_TEST(a_damaged_key_or_database_is_said_so) {
  const TemporaryFolder state;
  state.write("token.key", "short");
  Process readable(Process::quiet_flags(state));
  assert_fails(readable, 1, {"token.key", "chmod 600"});
  ck_assert_int_eq(chmod(state.file("token.key").c_str(), 0600), 0);
  Process damaged(Process::quiet_flags(state));
  assert_fails(damaged, 1, {"token.key", "64 hex digits"});
  std::filesystem::remove(state.file("token.key"));
  state.write("videocall.db", std::string(5000, 'x'));
  Process database(Process::quiet_flags(state));
  assert_fails(database, 1, {"videocall.db", "damaged"});
}

VC_TEST(bad_certificates_are_said_so) {
  const TemporaryFolder state;
  const auto files = make_certificate(state, "good");
  const std::string bad = state.write("bad", "not a certificate");
  for (const std::string which : {"tls", "webtransport"}) {
    Process missing(with(Process::quiet_flags(state),
                         {"--" + which + "-certificate=/nonexistent.crt",
                          "--" + which + "-key=" + files.key}));
    assert_fails(missing, 1, {"/nonexistent.crt"});
    Process broken(with(Process::quiet_flags(state),
                        {"--" + which + "-certificate=" + bad,
                         "--" + which + "-key=" + files.key}));
    assert_fails(broken, 1, {bad});
  }
}

VC_TEST(a_wrong_configuration_ends_with_2) {
  Process flag({"--lsten-http=x"});
  assert_fails(flag, 2, {"did you mean --listen-http?"});
  const TemporaryFolder folder;
  const std::string file = folder.write("x.toml", "\nshard = 3\n");
  Process key({"--config", file});
  assert_fails(key, 2, {file + ":2:", "did you mean shards?"});
  Process open({"--listen-http=0.0.0.0:0"});
  assert_fails(open, 2, {"tls-certificate"});
}

VC_TEST(a_wrong_description_is_said_so) {
  const TemporaryFolder state;
  Process missing(with(Process::quiet_flags(state),
                       {"--relay-description=/nonexistent.toml"}));
  assert_fails(missing, 1, {"/nonexistent.toml"});
  const std::string file = state.write("x.toml", "format = 1\ntitel = 3\n");
  Process wrong(
      with(Process::quiet_flags(state), {"--relay-description=" + file}));
  assert_fails(wrong, 1, {file + ":"});
}

VC_TEST(a_configuration_can_be_checked_without_a_start) {
  const TemporaryFolder state;
  const auto files = make_certificate(state, "good");
  // Its ports may be in use, by the daemon that runs with it.
  Process running(Process::quiet_flags(state));
  const std::string port = running.wait_until_ready();
  const Process::Words flags = {
      "check-config",
      "--listen-http=" + port.substr(port.find("//") + 2),
      "--tls-certificate=" + files.certificate,
      "--tls-key=" + files.key,
      "--webtransport-certificate=" + files.certificate,
      "--webtransport-key=" + files.key,
      "--state-dir=" + state.file("never-made")};
  Process good(flags);
  ck_assert_int_eq(good.wait(), 0);
  ck_assert(good.out().find("good") != std::string::npos);
  ck_assert(!std::filesystem::exists(state.file("never-made")));
  const std::string bad = state.write("bad", "not a certificate");
  for (const char* which : {"tls", "webtransport"}) {
    Process broken(with(flags, {"--" + std::string(which) + "-certificate"}));
    assert_fails(broken, 2, {"-certificate needs one value"});
    Process wrong({"check-config",
                   "--" + std::string(which) + "-certificate=" + bad,
                   "--" + std::string(which) + "-key=" + files.key});
    assert_fails(wrong, 2, {bad});
  }
  Process description({"check-config", "--relay-description=/nonexistent"});
  assert_fails(description, 2, {"/nonexistent"});
  Process key({"check-config", "--lsten-http=x"});
  assert_fails(key, 2, {"did you mean --listen-http?"});
}

VC_TEST(the_printed_configuration_is_read_back_the_same) {
  const TemporaryFolder folder;
  Process first({"--print-config", "--node-id=a", "--join-rate=3",
                 "--listen-http=127.0.0.1:1,[::1]:1"});
  ck_assert_int_eq(first.wait(), 0);
  const std::string file = folder.write("x.toml", first.out());
  Process second({"--print-config", "--config", file});
  ck_assert_int_eq(second.wait(), 0);
  ck_assert(first.out() == second.out());
  ck_assert(first.out().find("node-id = \"a\"\n") != std::string::npos);
}

VC_TEST(the_documentation_shows_the_printed_configuration) {
  Process process({"--print-config"});
  ck_assert_int_eq(process.wait(), 0);
  const std::string documented = read_file(VIDEOCALL_CONFIGURATION_PAGE);
  ck_assert_msg(documented.find("```toml\n" + process.out() + "```\n") !=
                    std::string::npos,
                "docs/configuration.md does not show what videocalld "
                "--print-config prints: put its output between the marks");
}

VC_TEST(sighup_takes_what_can_change_and_names_the_rest) {
  const TemporaryFolder state;
  const std::string file = state.write("x.toml", "join-rate = 0\n");
  Process process(with(Process::quiet_flags(state), {"--config=" + file}));
  const HttpClient http(process.wait_until_ready());
  ck_assert_uint_eq(http.join("demo").status, 200);

  // What is wrong changes nothing.
  state.write("x.toml", "join-rate = \"often\"\n");
  process.signal(SIGHUP);
  process.until([&] {
    return process.err().find("the configuration stays as it is") !=
           std::string::npos;
  });
  ck_assert_uint_eq(http.join("demo").status, 200);

  // Flags beat the file now as they did before.
  state.write("x.toml",
              "guests = false\nmax-members = 7\nlog-level = \"debug\"\n"
              "node-id = \"other\"\n");
  process.signal(SIGHUP);
  process.until([&] {
    return process.err().find("configuration read again") != std::string::npos;
  });
  const std::string log = process.err();
  const auto says = [&](const std::string& text) {
    return log.find(text) != std::string::npos;
  };
  ck_assert(says("key read again key=guests"));
  ck_assert(says("key read again key=join-rate"));
  ck_assert(says("key read again key=log-level"));
  ck_assert(says("the changed key needs a restart key=max-members"));
  ck_assert(!says("key=node-id"));
  const auto refused = http.join("demo");
  ck_assert_uint_eq(refused.status, 403);
  ck_assert_str_eq(refused.code().c_str(), "GUESTS_NOT_ALLOWED");
  // The log's level has changed too.
  process.until([&] {
    return process.err().find("DEBUG   http: answered") != std::string::npos;
  });
}

VC_TEST(https_is_served_and_the_certificate_read_again) {
  const TemporaryFolder state;
  const auto old_files = make_certificate(state, "used");
  Process process(with(Process::quiet_flags(state),
                       {"--tls-certificate=" + old_files.certificate,
                        "--tls-key=" + old_files.key}));
  const std::string base = process.wait_until_ready();
  ck_assert(base.starts_with("https://"));
  const std::string old_certificate = read_file(old_files.certificate);
  const auto first = HttpClient(base).join("demo");
  ck_assert(first.certificate == old_certificate);
  ck_assert(first.header("set-cookie").find("; Secure") != std::string::npos);

  // What cannot be read leaves the old one in use.
  state.write("used.crt", "rubbish");
  process.signal(SIGHUP);
  process.until([&] {
    return process.err().find("cannot use tls-certificate") !=
           std::string::npos;
  });
  ck_assert(HttpClient(base).get("/healthz").certificate == old_certificate);

  make_certificate(state, "used");
  process.signal(SIGHUP);
  process.until([&] {
    return process.err().find("certificates read again") != std::string::npos;
  });
  const auto renewed = HttpClient(base).get("/healthz");
  ck_assert(renewed.certificate == read_file(old_files.certificate));
  ck_assert(renewed.certificate != old_certificate);
  process.signal(SIGTERM);
  ck_assert_int_eq(process.wait(), 0);
}

VC_TEST(the_log_never_holds_a_token) {
  const TemporaryFolder state;
  Process process(with(Process::quiet_flags(state), {"--log-level=trace"}));
  const HttpClient client(process.wait_until_ready());
  const std::string token = client.join("demo").json()["result"]["room_token"];
  client.get("/api/v1/meetings/demo?token=" + token);
  process.signal(SIGTERM);
  ck_assert_int_eq(process.wait(), 0);
  ck_assert(process.err().find("joined") != std::string::npos);
  ck_assert(process.err().find(token.substr(0, 40)) == std::string::npos);
  ck_assert(process.err().find(token.substr(token.size() - 20)) ==
            std::string::npos);
}

VC_TEST(a_json_log_is_json_on_every_line) {
  const TemporaryFolder state;
  Process process(with(Process::quiet_flags(state), {"--log-format=json"}));
  HttpClient(process.wait_until_ready()).join("demo");
  process.signal(SIGTERM);
  ck_assert_int_eq(process.wait(), 0);
  std::istringstream lines(process.err());
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    ck_assert_msg(json.is_object() && json.contains("level"), "%s",
                  line.c_str());
  }
  ck_assert_int_ge(count, 4);
}

VC_TEST(a_peer_that_sends_garbage_is_no_harm) {
  const TemporaryFolder state;
  Process process(Process::quiet_flags(state));
  const std::string base = process.wait_until_ready();
  const auto port =
      static_cast<uint16_t>(std::stoi(base.substr(base.rfind(':') + 1)));
  for (const std::string& garbage :
       {std::string("\0\0\0\0", 4), std::string(200'000, 'A'),
        std::string("GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"),
        std::string("POST /api/v1/meetings/a/join HTTP/1.1\r\nHost: x\r\n"
                    "Transfer-Encoding: chunked\r\n\r\nffffffffffff\r\n")}) {
    const UniqueFd fd(socket(AF_INET, SOCK_STREAM, 0));
    connect_to_loopback(fd.get(), port);
    (void)send(fd.get(), garbage.data(), garbage.size(), MSG_NOSIGNAL);
    ck_assert_uint_eq(HttpClient(base).get("/healthz").status, 200);
  }
  process.signal(SIGTERM);
  ck_assert_int_eq(process.wait(), 0);
}

VC_SUITE_MAIN("server/daemon")
