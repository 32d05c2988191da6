// SPDX-License-Identifier: MIT
#include "cli/runner.h"

#include <glib-unix.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <vector>

namespace videocall::cli {
namespace {

constexpr guint kLeaveTimeoutMs = 5'000;
constexpr gint64 kSameSignal = 200 * G_TIME_SPAN_MILLISECOND;

std::string text_field(const GstStructure* structure, const char* name) {
  const char* text = gst_structure_get_string(structure, name);
  return text ? text : "";
}

Runner* runner_cast(gpointer data) {
  return static_cast<Runner*>(data);
}

}  // namespace

Runner::Runner(pipelines::Pipeline& pipeline, Console& console,
               RunOptions options)
    : pipeline_(pipeline),
      console_(console),
      options_(std::move(options)),
      loop_(g_main_loop_new(nullptr, FALSE)) {}

Runner::~Runner() {
  g_main_loop_unref(loop_);
}

int Runner::run() {
  const pipelines::BusPtr bus(gst_element_get_bus(pipeline_.element()));
  gst_bus_add_watch(
      bus.get(),
      [](GstBus*, GstMessage* message, gpointer data) -> gboolean {
        runner_cast(data)->on_message(message);
        return G_SOURCE_CONTINUE;
      },
      this);
  take_signal(SIGINT);
  take_signal(SIGTERM);
  meters_ = std::make_unique<Meters>(pipeline_.element());
  start();
  if (!finished_) g_main_loop_run(loop_);
  if (finisher_.joinable()) finisher_.join();
  gst_bus_remove_watch(bus.get());
  // What was added to the loop holds a pointer to this object.
  while (g_source_remove_by_user_data(this)) {
  }
  meters_.reset();
  gst_element_set_state(pipeline_.element(), GST_STATE_NULL);
  return code_;
}

void Runner::take_signal(int signal) {
  g_unix_signal_add(
      signal,
      [](gpointer data) -> gboolean {
        Runner* runner = runner_cast(data);
        runner->on_signal();
        return G_SOURCE_CONTINUE;
      },
      this);
}

void Runner::on_signal() {
  const gint64 now = g_get_monotonic_time();
  if (signalled_at_ == 0) {
    signalled_at_ = now;
    return stop_in_order("interrupted");
  }
  // timeout(1) and some shells send a signal to the process and again to its
  // group; no hand is that fast.
  if (now - signalled_at_ < kSameSignal) return;
  // At once means now, whatever is still being taken down.
  std::_Exit(kInterrupted);
}

void Runner::every(guint ms, GSourceFunc function) {
  g_timeout_add(ms, function, this);
}

void Runner::start() {
  if (gst_element_set_state(pipeline_.element(), GST_STATE_PLAYING) ==
      GST_STATE_CHANGE_FAILURE) {
    // The reason is on its way on the bus; this is for when there is none.
    every(1'000, [](gpointer data) -> gboolean {
      runner_cast(data)->fail({kPipeline,
                               "the pipeline did not start and gave no reason; "
                               "GST_DEBUG=3 tells more"});
      return G_SOURCE_REMOVE;
    });
    return;
  }
  every(console_.status_interval_ms(), [](gpointer data) -> gboolean {
    runner_cast(data)->on_status();
    return G_SOURCE_CONTINUE;
  });
  if (options_.duration.count() > 0)
    every(guint(options_.duration.count()), [](gpointer data) -> gboolean {
      runner_cast(data)->stop_in_order("the time is over");
      return G_SOURCE_REMOVE;
    });
  if (options_.connect_timeout.count() > 0)
    every(guint(options_.connect_timeout.count()),
          [](gpointer data) -> gboolean {
            Runner* runner = runner_cast(data);
            if (runner->session_seen_ && !runner->ever_connected_)
              runner->fail(
                  {kUnreachable, "no connection" +
                                     (runner->last_reason_.empty()
                                          ? std::string()
                                          : ": " + runner->last_reason_) +
                                     ". " + kServerRemedy});
            return G_SOURCE_REMOVE;
          });
}

void Runner::stop_in_order(const char* why) {
  if (stopping_ || finished_) return;
  stopping_ = true;
  console_.event("leaving", {{"reason", why}}, "leaving …");
  // Closing files takes time in which a second Ctrl-C must be heard.
  finisher_ = std::thread([this] {
    pipeline_.finish_dynamics();
    g_idle_add(
        [](gpointer data) -> gboolean {
          runner_cast(data)->end_stream();
          return G_SOURCE_REMOVE;
        },
        this);
  });
}

void Runner::end_stream() {
  GstElement* pipeline = pipeline_.element();
  // Without a sink nobody would report the end of the stream.
  if (!GST_OBJECT_FLAG_IS_SET(pipeline, GST_ELEMENT_FLAG_SINK))
    return finish(kOk);
  gst_element_send_event(pipeline, gst_event_new_eos());
  every(kLeaveTimeoutMs, [](gpointer data) -> gboolean {
    runner_cast(data)->finish(kOk);
    return G_SOURCE_REMOVE;
  });
}

void Runner::finish(ExitCode code) {
  if (finished_) return;
  finished_ = true;
  code_ = code == kOk ? failed_ : code;
  g_main_loop_quit(loop_);
}

void Runner::fail(const Trouble& trouble) {
  if (finished_) return;
  if (trouble.code == kOk) {
    console_.event("ended", {}, trouble.text);
  } else {
    console_.error(trouble.text, trouble.code);
  }
  finish(trouble.code);
}

void Runner::on_message(GstMessage* message) {
  switch (GST_MESSAGE_TYPE(message)) {
    case GST_MESSAGE_ERROR:
      if (stopping_) {
        // What breaks while everything is taken down breaks nothing more.
        console_.warning(trouble_of(message).text);
        return finish(kOk);
      }
      return fail(trouble_of(message));
    case GST_MESSAGE_EOS:
      if (!stopping_) console_.event("ended", {}, "the source has ended");
      return finish(kOk);
    case GST_MESSAGE_LATENCY:
      gst_bin_recalculate_latency(GST_BIN(pipeline_.element()));
      return;
    case GST_MESSAGE_WARNING: {
      GError* raw_error = nullptr;
      gst_message_parse_warning(message, &raw_error, nullptr);
      const pipelines::ErrorPtr error(raw_error);
      return console_.warning(std::string(GST_MESSAGE_SRC_NAME(message)) +
                              ": " + error->message);
    }
    case GST_MESSAGE_ELEMENT:
      return on_element_message(message);
    default:
      return;
  }
}

void Runner::on_element_message(GstMessage* message) {
  const GstStructure* structure = gst_message_get_structure(message);
  if (!structure) return;
  const std::string name = gst_structure_get_name(structure);
  if (name == "videocall-state") {
    on_session_state(structure);
  } else if (name == "videocall-peer-joined") {
    on_peer(structure, true);
  } else if (name == "videocall-peer-left") {
    on_peer(structure, false);
  } else if (name == "videocall-branch-failed") {
    on_branch_failed(structure);
  } else if (name == "videocall-group-started") {
    const std::string file = text_field(structure, "file");
    if (!file.empty())
      console_.event("recording", {{"file", file}}, "recording " + file);
  }
}

void Runner::on_branch_failed(const GstStructure* structure) {
  const std::string branch = text_field(structure, "branch");
  const std::string reason = text_field(structure, "reason");
  const bool records = std::any_of(
      options_.recordings.begin(), options_.recordings.end(),
      [&](const std::string& name) { return branch.starts_with(name + "-"); });
  gboolean full = FALSE;
  gst_structure_get_boolean(structure, "disk-full", &full);
  // Who records wants to know at once; what others still send is lost too.
  if (records && full)
    return fail({kRecording,
                 "the disk is full: make room, or record into a folder on "
                 "another disk. What was recorded so far can be played"});
  if (records) failed_ = kRecording;
  console_.warning(branch + " failed and was taken out: " + reason);
}

void Runner::on_session_state(const GstStructure* structure) {
  const std::string state = text_field(structure, "state");
  const std::string reason = text_field(structure, "reason");
  const std::string code = text_field(structure, "code");
  guint attempt = 0;
  gst_structure_get_uint(structure, "attempt", &attempt);
  session_seen_ = true;
  connected_ = state == "connected";
  ever_connected_ = ever_connected_ || connected_;
  if (!reason.empty()) last_reason_ = reason;
  if (state == "refused" || (state == "ended" && !stopping_)) {
    // For people fail() says it.
    console_.event("session",
                   {{"state", state}, {"reason", reason}, {"code", code}}, "");
    return fail(trouble_of_session(state, reason, code));
  }
  if (!ever_connected_ && is_about_certificates(reason))
    return fail(trouble_of_session(state, reason, code));
  // The attempt that begins was announced when the one before it failed.
  if (state == last_state_ && reason.empty()) return;
  last_state_ = state;
  std::string text = state;
  if (attempt > 1) text += ", attempt " + std::to_string(attempt);
  if (!reason.empty()) text += ": " + reason;
  console_.event("session",
                 {{"state", state},
                  {"attempt", attempt},
                  {"reason", reason},
                  {"code", code}},
                 text);
}

void Runner::on_peer(const GstStructure* structure, bool joined) {
  guint64 session = 0;
  gst_structure_get_uint64(structure, "session-id", &session);
  const std::string user = text_field(structure, "user-id");
  std::string name = text_field(structure, "display-name");
  if (name.empty()) name = user;
  if (joined) {
    pipeline_.set_label(std::to_string(session), "user", user);
    pipeline_.set_label(std::to_string(session), "name", name);
    peers_[session] = name;
  } else {
    peers_.erase(session);
  }
  console_.event(joined ? "joined" : "left",
                 {{"session_id", std::to_string(session)},
                  {"user_id", user},
                  {"display_name", name}},
                 name + (joined ? " is here" : " left"));
}

void Runner::on_status() {
  if (stopping_) return;
  const int64_t others = session_seen_ ? int64_t(peers_.size()) : -1;
  const Reading reading = meters_->read(others);
  nlohmann::json fields = reading.fields();
  if (session_seen_) fields["connected"] = connected_;
  console_.status(
      fields, reading.text(options_.others_word) +
                  (session_seen_ && !connected_ ? "  (not connected)" : ""));
}

}  // namespace videocall::cli
