// SPDX-License-Identifier: MIT
// Runs one pipeline until it ends, fails, or a person has had enough.
#pragma once

#include <glib.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "cli/console.h"
#include "cli/meters.h"
#include "cli/trouble.h"
#include "pipelines/pipeline.h"

namespace videocall::cli {

struct RunOptions {
  // Stop in order after this long; 0: never.
  std::chrono::milliseconds duration{0};
  // Give up when the first connection took longer; 0: try for ever. Once
  // connected, a lost connection is restored for ever.
  std::chrono::milliseconds connect_timeout{15'000};
  std::string others_word = "others";  // "viewers" for who sends
  // The dynamic parts that write a file for each group.
  std::set<std::string> recordings;
};

class Runner {
 public:
  // |pipeline| and |console| are borrowed.
  Runner(pipelines::Pipeline& pipeline, Console& console, RunOptions options);
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  // Plays, and returns the exit code. Takes SIGINT and SIGTERM: the first
  // ends the stream in order (end of stream, leave, 0), a second leaves at
  // once.
  [[nodiscard]] int run();

 private:
  void start();
  void stop_in_order(const char* why);
  void end_stream();
  void finish(ExitCode code);
  void fail(const Trouble& trouble);
  void on_message(GstMessage* message);
  void on_element_message(GstMessage* message);
  void on_branch_failed(const GstStructure* structure);
  void on_session_state(const GstStructure* structure);
  void on_peer(const GstStructure* structure, bool joined);
  void on_status();
  void every(guint ms, GSourceFunc function);
  void take_signal(int signal);
  void on_signal();

  pipelines::Pipeline& pipeline_;
  Console& console_;
  RunOptions options_;
  GMainLoop* loop_;
  std::unique_ptr<Meters> meters_;
  std::map<guint64, std::string> peers_;
  bool session_seen_ = false;
  bool connected_ = false;
  bool ever_connected_ = false;
  bool stopping_ = false;
  bool finished_ = false;
  gint64 signalled_at_ = 0;  // 0: not yet
  std::string last_reason_;
  std::string last_state_;
  std::thread finisher_;  // ends the dynamic parts while the loop goes on
  ExitCode code_ = kOk;
  ExitCode failed_ = kOk;  // what an end in order is worth all the same
};

}  // namespace videocall::cli
