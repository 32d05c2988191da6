// SPDX-License-Identifier: MIT
#include "server/daemon.h"

#include <glib-unix.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "libvideocall/wire/close_code.h"
#include "libvideocall/wire/limits.h"
#include "server/configuration_nats.h"
#include "server/log.h"
#include "server/main_loop.h"
#include "server/node_choice.h"
#include "server/open_files.h"
#include "server/process_usage.h"
#include "server/relay_metrics.h"
#include "server/service_notify.h"
#include "server/sqlite_store.h"

namespace videocall::server {
namespace {

constexpr const char* kIssuer = "videocall";
constexpr size_t kMaxWaitingJobs = 4'096;
// Media sockets, the database, pipelines, logs.
constexpr size_t kOtherFiles = 256;
constexpr guint kTickMs = 50;
constexpr guint kLoadIntervalMs = 1'000;
// Closing capsules need a round trip to be acknowledged.
constexpr gint64 kMinLingerUs = 200'000;

std::string host_node_id() {
  std::array<char, 65> name{};
  gethostname(name.data(), name.size() - 1);
  std::string id = name.data();
  std::replace_if(
      id.begin(), id.end(),
      [](char c) { return !g_ascii_isalnum(c) && c != '-'; }, '_');
  return id.empty() ? "node" : id;
}

// Private to the service's user: keys and who met are in there.
Result<void> make_directory(const std::string& path) {
  if (g_mkdir_with_parents(path.c_str(), 0700) == 0 &&
      access(path.c_str(), W_OK | X_OK) == 0)
    return {};
  return Error{Errc::io, "cannot write to the state directory " + path + ": " +
                             std::strerror(errno) +
                             "; name another one with state-dir"};
}

// At most |wanted|, and so many that there are files left for everything else.
// Each of |sessions| may be a WebSocket, which is a file too.
size_t allowed_connections(size_t wanted, size_t sessions) {
  const size_t others = wanted + kOtherFiles;
  const size_t files = allow_open_files(others + sessions);
  if (files >= others && files < others + sessions)
    log_event(LogLevel::info, "http",
              "fewer WebSockets than max-sessions have room: too few open "
              "files are allowed",
              {{"websockets", std::to_string(files - others)},
               {"limit", std::to_string(files)}});
  if (files >= others) return wanted;
  const size_t left = files > 2 * kOtherFiles ? files - kOtherFiles : files / 2;
  log_event(LogLevel::warning, "http",
            "fewer HTTP connections: too few open files are allowed",
            {{"connections", std::to_string(left)},
             {"limit", std::to_string(files)}});
  return left;
}

}  // namespace

std::string state_directory(const std::string& configured) {
  if (!configured.empty()) return configured;
  // systemd separates several by colons; the first is ours.
  if (const char* given = std::getenv("STATE_DIRECTORY"); given && *given) {
    const std::string all = given;
    return all.substr(0, all.find(':'));
  }
  return std::string(g_get_user_state_dir()) + "/videocall";
}

Daemon::Daemon(Configuration configuration, const MakeRelay& make_relay,
               ReadConfiguration read_again)
    : configuration_(std::move(configuration)),
      read_again_(std::move(read_again)),
      node_id_(configuration_.node_id.empty() ? host_node_id()
                                              : configuration_.node_id),
      make_relay_(make_relay),
      load_({static_cast<size_t>(configuration_.max_sessions),
             static_cast<double>(configuration_.max_cpu)}),
      loop_(g_main_loop_new(nullptr, FALSE)) {}

Daemon::~Daemon() {
  if (timer_ != 0) g_source_remove(timer_);
  if (load_timer_ != 0) g_source_remove(load_timer_);
  // HTTP first: it brings new work. Then the workers, which use the relay.
  http_.reset();
  admin_http_.reset();
  if (workers_) workers_->stop();
  drain_main_loop();
  if (relay_) relay_->stop();
  g_main_loop_unref(loop_);
}

Result<void> Daemon::start() {
  if (auto good = check_nats_files(configuration_); !good) return good;
  if (auto opened = open_state(); !opened) return opened;
  workers_ = std::make_unique<WorkerPool>(
      static_cast<size_t>(configuration_.worker_threads), kMaxWaitingJobs);
  admission_ = std::make_unique<Admission>(*relay_, *workers_, *signer_, load_,
                                           node_id_);
  if (auto opened = open_http(); !opened) return opened;
  urls_ = std::make_unique<TransportUrls>(configuration_, http_->addresses());
  admission_->set_origins(urls_->allowed_origins());
  if (auto started = relay_->start(*this); !started) return started;
  urls_->set_webtransport_port(relay_->webtransport_port());
  if (relay_->serves_websocket())
    http_->set_upgrade_handler(
        [this](SoupServerMessage* message, const std::string& remote_address) {
          return relay_->take_upgrade(message, remote_address);
        });
  api_ = std::make_unique<HttpApi>(HttpApi::Parts{configuration_, *urls_,
                                                  *signer_, node_id_, *store_,
                                                  *workers_, *relay_, load_});
  load_timer_ = g_timeout_add(
      kLoadIntervalMs,
      [](gpointer self) -> gboolean {
        static_cast<Daemon*>(self)->sample_load();
        static_cast<Daemon*>(self)->describe();
        return G_SOURCE_CONTINUE;
      },
      this);
  start_describing();
  return open_admin();
}

// Tells the relay, for other servers, how this one is.
void Daemon::start_describing() {
  if (configuration_.nats_urls.empty()) return;
  self_.max_sessions = static_cast<uint32_t>(configuration_.max_sessions);
  self_.transport_urls = urls_->announced(relay_->serves_websocket());
  if (self_.transport_urls.empty())
    log_event(LogLevel::warning, "nodes",
              "other servers cannot send people here: set public-url");
  describe();
}

void Daemon::describe() {
  if (configuration_.nats_urls.empty()) return;
  // Where nobody new is taken nobody is to be sent.
  self_.cpu_load = load_.full() != Full::no ? 1.0 : load_.cpu_percent() / 100;
  self_.certificate_hashes = relay_->certificate_hashes();
  self_.draining = phase_ != Phase::serving;
  relay_->describe(self_);
}

Result<void> Daemon::open_state() {
  const std::string folder = state_directory(configuration_.state_dir);
  if (auto made = make_directory(folder); !made) return made;
  const auto path_of = [&](const std::string& configured, const char* name) {
    return configured.empty() ? folder + "/" + name : configured;
  };
  const auto load = [&](const char* key, const std::string& configured,
                        const char* name) -> Result<SecretKey> {
    auto loaded = SecretKey::load_or_create(path_of(configured, name));
    if (loaded || configured.empty()) return loaded;
    return Error{loaded.error().code,
                 std::string(key) + ": " + loaded.error().message};
  };
  auto token_key =
      load("token-key-file", configuration_.token_key_file, "token.key");
  if (!token_key) return token_key.error();
  auto resume_key =
      load("resume-key-file", configuration_.resume_key_file, "resume.key");
  if (!resume_key) return resume_key.error();
  auto admin_key = SecretKey::load_or_create(folder + "/admin.key");
  if (!admin_key) return admin_key.error();
  admin_token_ = admin_key->hex();
  auto store = SqliteStore::create(folder + "/videocall.db");
  if (!store) return store.error();
  store_ = std::make_unique<ObservedStore>(*std::move(store));
  signer_ = std::make_unique<TokenSigner>(*token_key, kIssuer);
  self_.token_key_id = token_key_id(*token_key);
  relay_ = make_relay_({configuration_, node_id_, resume_key->hex()});
  log_event(LogLevel::info, "server", "state opened",
            {{"directory", folder}, {"node", node_id_}});
  return {};
}

Result<void> Daemon::open_http() {
  HttpServer::Settings settings;
  settings.addresses = configuration_.listen_http;
  settings.certificate_file = configuration_.tls_certificate;
  settings.key_file = configuration_.tls_key;
  settings.behind_proxy = configuration_.behind_proxy;
  settings.max_connections =
      allowed_connections(static_cast<size_t>(configuration_.http_connections),
                          static_cast<size_t>(configuration_.max_sessions));
  auto http = HttpServer::create(
      std::move(settings),
      [this](const HttpRequest& request, const HttpReply& reply) {
        api_->handle(request, reply);
      });
  if (!http) return http.error();
  http_ = *std::move(http);
  return {};
}

Result<void> Daemon::open_admin() {
  if (configuration_.listen_admin.empty()) return {};
  HttpServer::Settings settings;
  settings.addresses = configuration_.listen_admin;
  settings.key = "listen-admin";
  settings.max_connections = limits::kMaxAdminConnections;
  // On loopback there is nothing to hide it from.
  const bool reachable =
      std::any_of(settings.addresses.begin(), settings.addresses.end(),
                  [](const std::string& text) {
                    const auto address = ListenAddress::parse(text);
                    return address && !address->is_loopback();
                  });
  if (reachable) {
    settings.certificate_file = configuration_.tls_certificate;
    settings.key_file = configuration_.tls_key;
  }
  admin_api_ = std::make_unique<AdminApi>(
      AdminApi::Parts{admin_token_, [this] { return metrics(); },
                      [this] {
                        begin_drain();
                        return relay_->session_count();
                      },
                      configuration_.drain_timeout_s});
  auto opened = HttpServer::create(
      std::move(settings),
      [this](const HttpRequest& request, const HttpReply& reply) {
        reply(admin_api_->handle(request));
      });
  if (opened) {
    admin_http_ = *std::move(opened);
    return {};
  }
  // What nobody asked for keeps no server from starting.
  const bool asked =
      configuration_.listen_admin != default_configuration().listen_admin;
  if (asked || opened.error().code != Errc::address_in_use)
    return opened.error();
  log_event(LogLevel::warning, "admin", "metrics are not served",
            {{"reason", opened.error().message}});
  return {};
}

std::string Daemon::metrics() {
  check_store();
  MetricsText out;
  out.gauge("videocall_build_info", "The version that runs; always 1.",
            label("version", VIDEOCALL_VERSION), 1);
  out.gauge("videocall_draining",
            "Whether sessions are being handed on (1) or served (0).", "",
            phase_ == Phase::serving ? 0 : 1);
  out.gauge("videocall_sessions_limit",
            "Sessions that are served at most (max-sessions).", "",
            static_cast<double>(configuration_.max_sessions));
  out.gauge("videocall_http_connections", "HTTP connections that are open.", "",
            static_cast<double>(http_->connections()));
  api_->metrics().add_metrics(out);
  admission_->add_metrics(out);
  load_.add_metrics(out);
  out.gauge("videocall_worker_queue_jobs",
            "Joins and admissions that wait for a worker thread.", "",
            static_cast<double>(workers_->waiting()));
  store_->add_metrics(out, Clock::now());
  for (const Statistics& part : relay_->statistics())
    add_relay_metrics(out, part);
  add_process_metrics(out);
  return out.text();
}

void Daemon::sample_load() {
  NodeLoad::Sample sample;
  sample.cpu_seconds = process_cpu_seconds();
  sample.cores = available_cores();
  sample.sessions = relay_->session_count();
  // Looking at all rooms is not for nothing.
  if (configuration_.max_bytes_out > 0)
    for (const Statistics& part : relay_->statistics())
      if (const auto level = part.numbers.find("shed-level");
          level != part.numbers.end())
        sample.shed_level = level->second;
  const Full before = load_.full();
  load_.update(sample, Clock::now());
  const Full full = load_.full();
  if (full == before) return;
  if (full == Full::no)
    log_event(LogLevel::info, "server", "newcomers are taken again");
  else
    log_event(LogLevel::warning, "server", "newcomers are refused",
              {{"reason", to_string(full)}});
}

// The next scrape shows the result: none may wait for the database.
void Daemon::check_store() {
  if (checking_store_) return;
  checking_store_ = workers_->post([this] {
    const auto checked = store_->check();
    if (!checked) log_event(LogLevel::error, "store", checked.error().message);
    run_on_main([this] { checking_store_ = false; });
  });
}

int Daemon::run() {
  const guint sources[] = {
      g_unix_signal_add(SIGTERM, on_stop_signal, this),
      g_unix_signal_add(SIGINT, on_stop_signal, this),
      g_unix_signal_add(SIGHUP, on_reload_signal, this),
  };
  announce();
  if (phase_ != Phase::ended) g_main_loop_run(loop_);
  for (const guint source : sources) g_source_remove(source);
  log_event(LogLevel::info, "server", "ended");
  return exit_code_;
}

void Daemon::announce() const {
  for (const ListenAddress& address : http_->addresses())
    log_event(
        LogLevel::info, "http", "listening",
        {{"address", address.text()}, {"tls", http_->secure() ? "yes" : "no"}});
  if (admin_http_)
    for (const ListenAddress& address : admin_http_->addresses())
      log_event(LogLevel::info, "admin", "listening",
                {{"address", address.text()},
                 {"tls", admin_http_->secure() ? "yes" : "no"}});
  log_event(LogLevel::info, "relay", "listening",
            {{"port", std::to_string(relay_->webtransport_port())}});
  std::printf("videocall is ready: open %s\n", urls_->page().c_str());
  std::fflush(stdout);
  notify_service_manager("READY=1\nSTATUS=Serving " + urls_->page());
}

void Daemon::on_session_request(SessionRequest request) {
  admission_->decide(request);
}

void Daemon::on_token_spent(const std::string& token_id) {
  admission_->spend(token_id);
}

void Daemon::on_relay_failed(const std::string& why) {
  std::fprintf(stderr, "videocalld: the media relay failed: %s\n", why.c_str());
  end(1);
}

gboolean Daemon::on_stop_signal(gpointer self) {
  auto* daemon = static_cast<Daemon*>(self);
  // The second signal means: now.
  if (daemon->phase_ == Phase::draining)
    daemon->close_sessions();
  else
    daemon->begin_drain();
  return G_SOURCE_CONTINUE;
}

gboolean Daemon::on_reload_signal(gpointer self) {
  static_cast<Daemon*>(self)->reload();
  return G_SOURCE_CONTINUE;
}

void Daemon::begin_drain() {
  if (phase_ != Phase::serving) return;
  phase_ = Phase::draining;
  notify_service_manager("STOPPING=1\nSTATUS=Handing calls on");
  api_->set_draining();
  admission_->refuse_all();
  log_event(LogLevel::info, "server", "draining",
            {{"sessions", std::to_string(relay_->session_count())},
             {"timeout_s", std::to_string(configuration_.drain_timeout_s)}});
  // Before clients ask others where to go.
  describe();
  relay_->drain();
  deadline_us_ =
      g_get_monotonic_time() + configuration_.drain_timeout_s * G_USEC_PER_SEC;
  timer_ = g_timeout_add(
      kTickMs, [](gpointer self) { return static_cast<Daemon*>(self)->tick(); },
      this);
}

gboolean Daemon::tick() {
  const gint64 now = g_get_monotonic_time();
  const bool empty = relay_->session_count() == 0;
  if (phase_ == Phase::draining && (empty || now >= deadline_us_))
    close_sessions();
  else if (phase_ == Phase::closing && now >= deadline_us_)
    end(0);
  return G_SOURCE_CONTINUE;
}

void Daemon::close_sessions() {
  const size_t sessions = relay_->session_count();
  if (sessions > 0)
    log_event(LogLevel::info, "server", "closing sessions",
              {{"sessions", std::to_string(sessions)}});
  phase_ = Phase::closing;
  relay_->close_all(static_cast<unsigned>(CloseCode::draining),
                    "the server is stopping");
  deadline_us_ = g_get_monotonic_time() + (sessions > 0 ? kMinLingerUs : 0);
}

void Daemon::end(int exit_code) {
  if (phase_ == Phase::ended) return;
  phase_ = Phase::ended;
  exit_code_ = exit_code;
  g_main_loop_quit(loop_);
}

void Daemon::reload() {
  reload_certificates();
  if (read_again_) reload_configuration();
}

void Daemon::reload_configuration() {
  const auto read = read_again_();
  if (!read) {
    log_event(LogLevel::error, "server",
              "the configuration stays as it is: " + read.error().message);
    return;
  }
  for (const Key* key : changed_keys(configuration_, *read)) {
    const bool taken = reload_of(*key) == Reload::taken;
    if (taken) copy_value(configuration_, *read, *key);
    log_event(taken ? LogLevel::info : LogLevel::warning, "server",
              taken ? "key read again" : "the changed key needs a restart",
              {{"key", key->name}});
  }
  set_log_level(configuration_.log_level);
  load_.set_bounds({static_cast<size_t>(configuration_.max_sessions),
                    static_cast<double>(configuration_.max_cpu)});
  admission_->set_origins(urls_->allowed_origins());
  api_->reload(configuration_);
  log_event(LogLevel::info, "server", "configuration read again");
}

void Daemon::reload_certificates() {
  const auto http = http_->reload_certificate();
  if (!http) log_event(LogLevel::error, "http", http.error().message);
  if (admin_http_)
    if (const auto admin = admin_http_->reload_certificate(); !admin)
      log_event(LogLevel::error, "admin", admin.error().message);
  const auto relay = relay_->reload_certificate();
  if (!relay) log_event(LogLevel::error, "relay", relay.error().message);
  if (http && relay)
    log_event(LogLevel::info, "server", "certificates read again");
}

}  // namespace videocall::server
