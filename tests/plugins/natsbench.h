// SPDX-License-Identifier: MIT
// A nats-server of the test's own, a plain client of it, and harnesses around
// natssrc and natssink.
#pragma once

#include <gst/check/gstharness.h>
#include <nats/nats.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "tests/plugins/webtransportbench.h"

namespace videocall::testing {

class NatsServer {
 public:
  NatsServer() {
    gst_init(nullptr, nullptr);
    gchar* folder = g_dir_make_tmp("videocall-nats-XXXXXX", nullptr);
    g_assert_nonnull(folder);
    folder_ = folder;
    g_free(folder);
    start();
  }
  ~NatsServer() {
    kill();
    (void)rmdir(folder_.c_str());
  }
  NatsServer(const NatsServer&) = delete;
  NatsServer& operator=(const NatsServer&) = delete;

  // On the port that it had, or any.
  void start() {
    pid_ = fork();
    g_assert_cmpint(pid_, >=, 0);
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      execlp("nats-server", "nats-server", "--addr", "127.0.0.1", "--port",
             port_.empty() ? "-1" : port_.c_str(), "--ports_file_dir",
             folder_.c_str(), "--log", "/dev/null", nullptr);
      _exit(127);
    }
    // It writes {"nats":["nats://127.0.0.1:PORT"]} once it listens.
    const std::string file =
        folder_ + "/nats-server_" + std::to_string(pid_) + ".ports";
    const gint64 end =
        g_get_monotonic_time() + static_cast<gint64>(kPatience / GST_USECOND);
    std::string text;
    while (text.find("]}") == std::string::npos) {
      g_assert_cmpint(g_get_monotonic_time(), <, end);
      g_usleep(5'000);
      gchar* contents = nullptr;
      if (!g_file_get_contents(file.c_str(), &contents, nullptr, nullptr))
        continue;
      text = contents;
      g_free(contents);
    }
    (void)unlink(file.c_str());
    const size_t begin = text.find("nats://");
    url_ = text.substr(begin, text.find('"', begin) - begin);
    port_ = url_.substr(url_.rfind(':') + 1);
  }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  const char* url() const { return url_.c_str(); }

 private:
  std::string folder_;
  std::string port_;
  std::string url_;
  pid_t pid_ = -1;
};

// Anybody else who uses the server.
class NatsClient {
 public:
  explicit NatsClient(const NatsServer& server) {
    g_assert_cmpint(natsConnection_ConnectTo(&connection_, server.url()), ==,
                    NATS_OK);
  }
  ~NatsClient() {
    natsSubscription_Destroy(subscription_);
    natsConnection_Destroy(connection_);
  }
  // From when this returns on everything on |subject| is there for next().
  void listen(const char* subject) {
    g_assert_cmpint(
        natsConnection_SubscribeSync(&subscription_, connection_, subject), ==,
        NATS_OK);
    g_assert_cmpint(natsConnection_FlushTimeout(connection_, 10'000), ==,
                    NATS_OK);
  }
  using Message = std::unique_ptr<natsMsg, decltype(&natsMsg_Destroy)>;
  Message next(int64_t timeout_ms = 30'000) {
    natsMsg* message = nullptr;
    (void)natsSubscription_NextMsg(&message, subscription_, timeout_ms);
    return {message, natsMsg_Destroy};
  }
  void publish(const char* subject, const void* data, size_t size) {
    g_assert_cmpint(natsConnection_Publish(connection_, subject, data,
                                           static_cast<int>(size)),
                    ==, NATS_OK);
    g_assert_cmpint(natsConnection_FlushTimeout(connection_, 10'000), ==,
                    NATS_OK);
  }

 private:
  natsConnection* connection_ = nullptr;
  natsSubscription* subscription_ = nullptr;
};

// One of the elements in a harness, with a bus.
class NatsBench {
 public:
  NatsBench(const char* factory, const NatsServer& server, const char* endpoint,
            const char* subject) {
    element = make_element(factory);
    g_object_set(element, "servers", server.url(), "endpoint", endpoint,
                 "subject", subject, "reconnect-wait", 50, nullptr);
    bus = gst_bus_new();
    gst_element_set_bus(element, bus);
    const bool is_sink = GST_OBJECT_FLAG_IS_SET(element, GST_ELEMENT_FLAG_SINK);
    harness = gst_harness_new_with_element(
        element, is_sink ? "sink_0" : nullptr, is_sink ? nullptr : "src");
    if (is_sink)
      gst_harness_set_src_caps_str(
          harness, "application/x-videocall-packet, version=(int)1");
    gst_harness_play(harness);
  }
  ~NatsBench() {
    gst_element_set_state(element, GST_STATE_NULL);
    gst_element_set_bus(element, nullptr);
    gst_harness_teardown(harness);
    gst_object_unref(bus);
    gst_object_unref(element);
  }
  NatsBench(const NatsBench&) = delete;
  NatsBench& operator=(const NatsBench&) = delete;

  void push(const PacketRef& packet) {
    g_assert_cmpint(gst_harness_push(
                        harness, gst_buffer_new_memdup(packet->bytes().data(),
                                                       packet->bytes().size())),
                    ==, GST_FLOW_OK);
  }
  StructurePtr stats() const {
    GstStructure* stats = nullptr;
    g_object_get(element, "stats", &stats, nullptr);
    return StructurePtr(stats);
  }
  uint64_t stat(const char* field) const {
    guint64 value = 0;
    g_assert_true(gst_structure_get_uint64(stats().get(), field, &value));
    return value;
  }
  // Waits until |field| is at least |value|.
  bool reaches(const char* field, uint64_t value) const {
    const gint64 end =
        g_get_monotonic_time() + static_cast<gint64>(kPatience / GST_USECOND);
    while (stat(field) < value) {
      if (g_get_monotonic_time() > end) return false;
      g_usleep(2'000);
    }
    return true;
  }
  // Waits for the next videocall-nats-state that says |connected|; its reason.
  std::string wait_state(bool connected) const {
    for (;;) {
      const StructurePtr state = wait_message(bus, "videocall-nats-state");
      g_assert_true(state != nullptr);
      gboolean is = FALSE;
      gst_structure_get_boolean(state.get(), "connected", &is);
      if (is == gboolean{connected})
        return gst_structure_get_string(state.get(), "reason");
    }
  }

  GstElement* element;
  GstBus* bus;
  GstHarness* harness;
};

}  // namespace videocall::testing
