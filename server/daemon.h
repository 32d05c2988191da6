// SPDX-License-Identifier: MIT
// The whole server: puts the parts together, runs until a signal, ends in
// order. Main thread.
#pragma once

#include <glib.h>

#include <functional>
#include <memory>
#include <string>

#include "libvideocall/auth/secret_key.h"
#include "libvideocall/auth/token.h"
#include "server/admin_api.h"
#include "server/admission.h"
#include "server/configuration.h"
#include "server/http_api.h"
#include "server/http_server.h"
#include "server/node_load.h"
#include "server/observed_store.h"
#include "server/relay.h"
#include "server/transport_urls.h"
#include "server/worker_pool.h"

namespace videocall::server {

class Daemon : private Relay::Listener {
 public:
  // What a relay is made from.
  struct RelaySettings {
    const Configuration& configuration;
    std::string node_id;
    std::string resume_key;
  };
  using MakeRelay = std::function<std::unique_ptr<Relay>(const RelaySettings&)>;

  // Reads the configuration anew, from wherever it came; for SIGHUP.
  using ReadConfiguration = std::function<Result<Configuration>()>;

  // |configuration| was checked. Without |read_again| it stays as it is.
  Daemon(Configuration configuration, const MakeRelay& make_relay,
         ReadConfiguration read_again = {});
  ~Daemon() override;
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // Opens state, media ports and HTTP ports. Errors carry the one line to
  // print.
  Result<void> start();

  // Serves until SIGTERM, SIGINT or a failure of the relay. Returns the exit
  // code: 0 ended in order, 1 the relay failed.
  int run();

  // As the signals do; a second call changes nothing.
  void begin_drain();
  void reload();

  const TransportUrls& urls() const { return *urls_; }
  const HttpServer& http() const { return *http_; }
  // nullptr: not served.
  const HttpServer* admin() const { return admin_http_.get(); }
  const std::string& admin_token() const { return admin_token_; }
  // What /metrics answers.
  std::string metrics();

 private:
  enum class Phase { serving, draining, closing, ended };

  void on_session_request(SessionRequest request) override;
  void on_token_spent(const std::string& token_id) override;
  void on_relay_failed(const std::string& why) override;

  void reload_certificates();
  void reload_configuration();
  Result<void> open_state();
  Result<void> open_http();
  Result<void> open_admin();
  void start_describing();
  void describe();
  void check_store();
  void sample_load();
  void announce() const;
  void close_sessions();
  void end(int exit_code);
  gboolean tick();  // of the drain

  static gboolean on_stop_signal(gpointer self);
  static gboolean on_reload_signal(gpointer self);

  Configuration configuration_;  // of the main thread
  const ReadConfiguration read_again_;
  const std::string node_id_;
  const MakeRelay make_relay_;
  std::unique_ptr<TokenSigner> signer_;
  std::unique_ptr<ObservedStore> store_;
  std::unique_ptr<Relay> relay_;
  std::unique_ptr<WorkerPool> workers_;
  NodeLoad load_;
  std::unique_ptr<Admission> admission_;
  std::unique_ptr<TransportUrls> urls_;
  std::unique_ptr<HttpApi> api_;
  std::unique_ptr<HttpServer> http_;
  std::string admin_token_;
  std::unique_ptr<AdminApi> admin_api_;
  std::unique_ptr<HttpServer> admin_http_;
  bool checking_store_ = false;
  cluster::Heartbeat self_;  // as other servers are told

  GMainLoop* loop_;
  Phase phase_ = Phase::serving;
  int exit_code_ = 0;
  gint64 deadline_us_ = 0;  // of the phase, monotonic
  guint timer_ = 0;
  guint load_timer_ = 0;
};

// Where the state is kept if |configured| is empty.
std::string state_directory(const std::string& configured);

}  // namespace videocall::server
