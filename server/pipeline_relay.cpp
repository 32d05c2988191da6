// SPDX-License-Identifier: MIT
#include "server/pipeline_relay.h"

#include <algorithm>

#include "pipelines/branch.h"
#include "pipelines/description.h"
#include "pipelines/paths.h"
#include "pipelines/settings.h"
#include "server/log.h"
#include "server/pipeline_statistics.h"
#include "server/relay_structures.h"

namespace videocall::server {
namespace {

constexpr const char* kShippedDescription = "relay";

std::string joined(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items)
    text += (text.empty() ? "" : ",") + item;
  return text;
}

// The description's parameters that the daemon sets.
std::vector<std::pair<std::string, std::string>> parameters(
    const PipelineRelay::Settings& settings) {
  std::vector<std::pair<std::string, std::string>> values = {
      {"address", joined(settings.addresses)},
      {"node-id", settings.node_id},
      {"resume-key", settings.resume_key}};
  if (settings.shards != 0)
    values.emplace_back("shards", std::to_string(settings.shards));
  if (!settings.certificate_file.empty()) {
    values.emplace_back("certificate-file", settings.certificate_file);
    values.emplace_back("key-file", settings.key_file);
  }
  if (!settings.nats_urls.empty())
    values.emplace_back("nats-url", joined(settings.nats_urls));
  if (!settings.nats_credentials.empty())
    values.emplace_back("nats-credentials", settings.nats_credentials);
  if (!settings.nats_ca.empty())
    values.emplace_back("nats-ca", settings.nats_ca);
  values.insert(values.end(), settings.parameters.begin(),
                settings.parameters.end());
  return values;
}

// The user's part of an error message, without GStreamer's debug detail.
Error error_of(GstMessage* message) {
  GError* error = nullptr;
  gchar* debug = nullptr;
  gst_message_parse_error(message, &error, &debug);
  Error result{Errc::io, error->message};
  if (g_error_matches(error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_BUSY))
    result = {Errc::address_in_use,
              result.message + " The key is listen-webtransport."};
  log_event(LogLevel::debug, "relay", "element failed",
            {{"element", GST_MESSAGE_SRC_NAME(message)},
             {"detail", debug == nullptr ? "" : debug}});
  g_free(debug);
  g_error_free(error);
  return result;
}

// Keys that are parameters of the relay's description, of the same name.
constexpr const char* kLimits[] = {
    "max-sessions",   "max-sessions-per-address",
    "max-handshakes", "max-members",
    "max-packets-in", "max-bytes-in",
    "max-bytes-out",  "max-speakers",
    "max-cameras",
};
constexpr const char* kCongestionControl = "congestion-control";

std::vector<std::pair<std::string, std::string>> parameters_of(
    const Configuration& configuration) {
  const Configuration fallback = default_configuration();
  std::vector<std::pair<std::string, std::string>> parameters;
  for (const char* name : kLimits) {
    const auto member =
        std::get<int64_t Configuration::*>(find_key(name)->member);
    if (configuration.*member != fallback.*member)
      parameters.emplace_back(name, std::to_string(configuration.*member));
  }
  if (configuration.congestion_control != fallback.congestion_control)
    parameters.emplace_back(kCongestionControl,
                            configuration.congestion_control);
  return parameters;
}

}  // namespace

PipelineRelay::Settings PipelineRelay::Settings::from(
    const Configuration& configuration, std::string node_id,
    std::string resume_key) {
  Settings settings;
  settings.addresses = configuration.listen_webtransport;
  settings.certificate_file = configuration.webtransport_certificate;
  settings.key_file = configuration.webtransport_key;
  settings.node_id = std::move(node_id);
  settings.resume_key = std::move(resume_key);
  settings.description = configuration.relay_description;
  settings.shards = static_cast<unsigned>(configuration.shards);
  settings.nats_urls = configuration.nats_urls;
  settings.nats_credentials = configuration.nats_credentials;
  settings.nats_ca = configuration.nats_ca;
  settings.parameters = parameters_of(configuration);
  return settings;
}

PipelineRelay::PipelineRelay(Settings settings)
    : settings_(std::move(settings)) {}

PipelineRelay::~PipelineRelay() {
  PipelineRelay::stop();
}

Result<void> PipelineRelay::start(Listener& listener) {
  listener_ = &listener;
  if (auto built = build(); !built) return built;
  if (auto found = find_elements(); !found) return found;
  connect_signals();
  if (auto playing = change_state(GST_STATE_PLAYING); !playing) return playing;
  guint port = 0;
  g_object_get(sources_.front().get(), "port", &port, nullptr);
  port_ = static_cast<uint16_t>(port);
  watch_bus();
  return {};
}

Result<void> PipelineRelay::check() {
  if (auto built = build(); !built) return built;
  if (auto found = find_elements(); !found) return found;
  return change_state(GST_STATE_READY);
}

Result<void> PipelineRelay::build() {
  pipelines::register_own_plugins();
  const auto path = pipelines::find_description(settings_.description.empty()
                                                    ? kShippedDescription
                                                    : settings_.description);
  if (!path) return path.error();
  const auto description = pipelines::Description::load(*path);
  if (!description) return description.error();
  pipelines::Settings values(*description);
  for (const auto& [name, value] : parameters(settings_))
    if (auto set = values.set(name, value); !set) return set;
  auto built = pipelines::Pipeline::build(*description, values);
  if (!built) return built.error();
  pipeline_ = *std::move(built);
  for (const std::string& note : pipeline_->notes())
    log_event(LogLevel::warning, "relay", note);
  return {};
}

Result<void> PipelineRelay::find_elements() {
  router_ = pipeline_->find("router");
  websocket_ = pipeline_->find("websocket");
  for (unsigned i = 0;; ++i) {
    auto source = pipeline_->find("source_" + std::to_string(i));
    if (!source) break;
    sources_.push_back(std::move(source));
  }
  if (!router_ || sources_.empty())
    return Error{Errc::not_found,
                 "the pipeline description needs a videocallrouter named "
                 "router and webtransportsrc elements named source_0, "
                 "source_1, …"};
  return {};
}

void PipelineRelay::connect_signals() {
  g_signal_connect(router_.get(), "token-spent", G_CALLBACK(on_token_spent),
                   this);
  each_source([this](GstElement* source) {
    g_signal_connect(source, "session-request", G_CALLBACK(on_session_request),
                     this);
  });
}

void PipelineRelay::each_source(
    const std::function<void(GstElement*)>& call) const {
  for (const auto& source : sources_) call(source.get());
  if (websocket_) call(websocket_.get());
}

GstElement* PipelineRelay::source_of(const SessionRequest& request) const {
  return request.shard == SessionRequest::kWebSocket
             ? websocket_.get()
             : sources_.at(request.shard).get();
}

bool PipelineRelay::take_upgrade(SoupServerMessage* message,
                                 const std::string& remote_address) {
  gboolean taken = FALSE;
  if (websocket_)
    g_signal_emit_by_name(websocket_.get(), "upgrade", message,
                          remote_address.c_str(), &taken);
  return taken;
}

Result<void> PipelineRelay::change_state(GstState state) {
  const auto changed = gst_element_set_state(pipeline_->element(), state);
  GstBus* bus = gst_element_get_bus(pipeline_->element());
  GstMessage* message = nullptr;
  if (changed == GST_STATE_CHANGE_FAILURE)
    message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
  gst_object_unref(bus);
  if (changed != GST_STATE_CHANGE_FAILURE) return {};
  if (message == nullptr)
    return Error{Errc::internal, "the media pipeline does not start"};
  Error error = error_of(message);
  gst_message_unref(message);
  return error;
}

void PipelineRelay::watch_bus() {
  GstBus* bus = gst_element_get_bus(pipeline_->element());
  bus_watch_ = gst_bus_add_watch(bus, on_message, this);
  gst_object_unref(bus);
}

gboolean PipelineRelay::on_message(GstBus*, GstMessage* message,
                                   gpointer self) {
  static_cast<PipelineRelay*>(self)->handle_message(message);
  return G_SOURCE_CONTINUE;
}

void PipelineRelay::handle_message(GstMessage* message) {
  switch (GST_MESSAGE_TYPE(message)) {
    case GST_MESSAGE_ERROR:
      handle_error(message);
      break;
    case GST_MESSAGE_ELEMENT:
      handle_element(gst_message_get_structure(message));
      break;
    default:
      break;
  }
}

void PipelineRelay::handle_error(GstMessage* message) {
  const Error error = error_of(message);
  if (failed_) return;
  failed_ = true;
  listener_->on_relay_failed(error.message);
}

void PipelineRelay::handle_element(const GstStructure* structure) {
  if (gst_structure_has_name(structure, pipelines::kBranchFailedMessage))
    log_event(LogLevel::warning, "relay", "branch failed; calls go on",
              {{"branch", text_field(structure, "branch")},
               {"reason", text_field(structure, "reason")}});
  else if (gst_structure_has_name(structure, "videocall-nats-state"))
    handle_nats(structure);
  else
    handle_peer(structure);
}

void PipelineRelay::handle_nats(const GstStructure* structure) {
  if (bool_field(structure, "connected"))
    log_event(LogLevel::info, "nats", "connected",
              {{"server", text_field(structure, "server")}});
  else if (const std::string reason = text_field(structure, "reason");
           !reason.empty())
    log_event(LogLevel::warning, "nats",
              "not connected; calls go on within this server",
              {{"reason", reason}});
}

void PipelineRelay::handle_peer(const GstStructure* structure) {
  static constexpr std::pair<const char*, const char*> kEvents[] = {
      {"videocall-peer-joined", "entered"},
      {"videocall-peer-disconnected", "disconnected; may resume"},
      {"videocall-peer-resumed", "resumed"},
      {"videocall-peer-left", "left"},
  };
  const std::string_view name = gst_structure_get_name(structure);
  const auto* event =
      std::find_if(std::begin(kEvents), std::end(kEvents),
                   [&](const auto& known) { return known.first == name; });
  if (event == std::end(kEvents)) return;
  const std::pair session(text_field(structure, "meeting"),
                          uint64_field(structure, "session-id"));
  const std::string reason = text_field(structure, "reason");
  const std::string user = text_field(structure, "user-id");
  const std::string id = std::to_string(session.second);
  if (reason.empty())
    log_event(LogLevel::info, "room", event->second,
              {{"meeting", session.first}, {"user", user}, {"session", id}});
  else
    log_event(LogLevel::info, "room", event->second,
              {{"meeting", session.first},
               {"user", user},
               {"session", id},
               {"reason", reason}});
  // Who may resume counts: it is here again in a moment, or leaves.
  if (name == "videocall-peer-joined") sessions_.insert(session);
  if (name == "videocall-peer-left") sessions_.erase(session);
}

void PipelineRelay::on_session_request(GstElement* source,
                                       const GstStructure* structure,
                                       gpointer self) {
  auto* relay = static_cast<PipelineRelay*>(self);
  SessionRequest request = request_of(structure);
  if (source == relay->websocket_.get())
    request.shard = SessionRequest::kWebSocket;
  relay->listener_->on_session_request(std::move(request));
}

void PipelineRelay::on_token_spent(GstElement*, const char* token_id,
                                   gpointer self) {
  if (token_id == nullptr) return;
  static_cast<PipelineRelay*>(self)->listener_->on_token_spent(token_id);
}

std::vector<std::string> PipelineRelay::certificate_hashes() const {
  gchar** values = nullptr;
  g_object_get(sources_.front().get(), "certificate-hashes", &values, nullptr);
  std::vector<std::string> hashes;
  for (gchar** value = values; value != nullptr && *value != nullptr; ++value)
    hashes.emplace_back(*value);
  g_strfreev(values);
  return hashes;
}

void PipelineRelay::admit(const SessionRequest& request, const Grant& grant) {
  GstStructure* structure = structure_of(grant);
  g_signal_emit_by_name(source_of(request), "admit", guint64{request.id},
                        structure);
  gst_structure_free(structure);
}

void PipelineRelay::refuse(const SessionRequest& request, unsigned status,
                           const std::string& reason) {
  g_signal_emit_by_name(source_of(request), "refuse", guint64{request.id},
                        guint{status}, reason.c_str());
}

std::vector<RoomMember> PipelineRelay::members(const std::string& meeting) {
  GstStructure* answer = nullptr;
  g_signal_emit_by_name(router_.get(), "list-members", meeting.c_str(),
                        &answer);
  return take_list<RoomMember>(answer, "members", member_of);
}

uint64_t PipelineRelay::verify_resume(const std::string& meeting,
                                      const std::string& user_id,
                                      const std::string& secret) {
  guint64 session = 0;
  g_signal_emit_by_name(router_.get(), "verify-resume", meeting.c_str(),
                        user_id.c_str(), secret.c_str(), &session);
  return session;
}

std::vector<Statistics> PipelineRelay::statistics() const {
  if (!pipeline_) return {};
  return read_pipeline_statistics(pipeline_->element());
}

void PipelineRelay::describe(const cluster::Heartbeat& self) {
  GstStructure* info = structure_of(self);
  g_object_set(router_.get(), "node-info", info, nullptr);
  gst_structure_free(info);
}

std::vector<cluster::Heartbeat> PipelineRelay::nodes() const {
  GstStructure* answer = nullptr;
  g_signal_emit_by_name(router_.get(), "list-nodes", &answer);
  return take_list<cluster::Heartbeat>(answer, "nodes", node_of);
}

Result<void> PipelineRelay::reload_certificate() {
  gboolean reloaded = FALSE;
  g_signal_emit_by_name(sources_.front().get(), "reload-certificate",
                        &reloaded);
  if (reloaded) return {};
  return Error{Errc::tls,
               "cannot read webtransport-certificate and webtransport-key "
               "again; the old certificate stays in use"};
}

void PipelineRelay::drain() {
  each_source(
      [](GstElement* source) { g_signal_emit_by_name(source, "drain"); });
}

void PipelineRelay::close_all(unsigned code, const std::string& reason) {
  each_source([&](GstElement* source) {
    g_signal_emit_by_name(source, "close-all", guint{code}, reason.c_str());
  });
}

void PipelineRelay::stop() {
  if (bus_watch_ != 0) g_source_remove(bus_watch_);
  bus_watch_ = 0;
  if (pipeline_) gst_element_set_state(pipeline_->element(), GST_STATE_NULL);
  sources_.clear();
  websocket_.reset();
  router_.reset();
  pipeline_.reset();
}

}  // namespace videocall::server
