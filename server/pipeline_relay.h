// SPDX-License-Identifier: MIT
// The media relay as a GStreamer pipeline: webtransportsrc shards, router,
// sinks. Knows the elements by name, properties, signals and messages alone
// (docs/element-contract.md).
#pragma once

#include <gst/gst.h>

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "pipelines/gst_ptr.h"
#include "pipelines/pipeline.h"
#include "server/configuration.h"
#include "server/relay.h"

namespace videocall::server {

class PipelineRelay : public Relay {
 public:
  struct Settings {
    std::vector<std::string> addresses;
    std::string certificate_file;  // both empty: a certificate of its own
    std::string key_file;
    std::string node_id;
    std::string resume_key;   // 64 hex digits
    std::string description;  // a TOML file; empty: the one that is shipped
    unsigned shards = 0;      // 0: one per core
    std::vector<std::string> nats_urls;  // empty: no other servers
    std::string nats_credentials;
    std::string nats_ca;
    // Further parameters of the description, by name; those that are at their
    // default are left out, so that a description need not have them.
    std::vector<std::pair<std::string, std::string>> parameters;

    static Settings from(const Configuration& configuration,
                         std::string node_id, std::string resume_key);
  };
  explicit PipelineRelay(Settings settings);
  ~PipelineRelay() override;

  // Whether it could start: description, elements, certificate. Binds the
  // addresses for a moment; start() must not follow.
  Result<void> check();

  Result<void> start(Listener& listener) override;
  uint16_t webtransport_port() const override { return port_; }
  bool serves_websocket() const override { return bool(websocket_); }
  bool take_upgrade(SoupServerMessage* message,
                    const std::string& remote_address) override;
  std::vector<std::string> certificate_hashes() const override;
  void admit(const SessionRequest& request, const Grant& grant) override;
  void refuse(const SessionRequest& request, unsigned status,
              const std::string& reason) override;
  std::vector<RoomMember> members(const std::string& meeting) override;
  uint64_t verify_resume(const std::string& meeting, const std::string& user_id,
                         const std::string& secret) override;
  std::vector<Statistics> statistics() const override;
  void describe(const cluster::Heartbeat& self) override;
  std::vector<cluster::Heartbeat> nodes() const override;
  size_t session_count() const override { return sessions_.size(); }
  Result<void> reload_certificate() override;
  void drain() override;
  void close_all(unsigned code, const std::string& reason) override;
  void stop() override;

 private:
  Result<void> build();
  Result<void> find_elements();
  void connect_signals();
  Result<void> change_state(GstState state);
  void watch_bus();
  void handle_message(GstMessage* message);
  void handle_error(GstMessage* message);
  void handle_element(const GstStructure* structure);
  void handle_nats(const GstStructure* structure);
  void handle_peer(const GstStructure* structure);

  GstElement* source_of(const SessionRequest& request) const;
  void each_source(const std::function<void(GstElement*)>& call) const;

  static void on_session_request(GstElement*, const GstStructure*, gpointer);
  static void on_token_spent(GstElement*, const char*, gpointer);
  static gboolean on_message(GstBus*, GstMessage*, gpointer);

  const Settings settings_;
  Listener* listener_ = nullptr;  // borrowed
  std::unique_ptr<pipelines::Pipeline> pipeline_;
  std::vector<pipelines::ElementPtr> sources_;  // one per shard
  pipelines::ElementPtr websocket_;             // may be missing
  pipelines::ElementPtr router_;
  guint bus_watch_ = 0;
  uint16_t port_ = 0;
  bool failed_ = false;
  std::set<std::pair<std::string, uint64_t>> sessions_;  // meeting, session
};

}  // namespace videocall::server
