// SPDX-License-Identifier: MIT
// A videocalld as a process of its own, its output in files.
#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "tests/server/temporary_folder.h"

namespace videocall::testing {

class Process {
 public:
  using Words = std::vector<std::string>;

  // Starts videocalld with |flags|; |environment| is NAME=VALUE words.
  explicit Process(const Words& flags, const Words& environment = {}) {
    Words words = {VIDEOCALLD_PROGRAM};
    words.insert(words.end(), flags.begin(), flags.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_ = fork();
    ck_assert_int_ge(pid_, 0);
    if (pid_ == 0) {
      for (const std::string& word : environment)
        putenv(const_cast<char*>(word.c_str()));
      if (!freopen(output_.file("out").c_str(), "w", stdout) ||
          !freopen(output_.file("err").c_str(), "w", stderr))
        _exit(126);
      execv(argv[0], argv.data());
      _exit(127);
    }
  }
  ~Process() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      wait();
    }
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // The same, listening on free ports with a state of its own, and ready.
  static Words quiet_flags(const TemporaryFolder& state) {
    return {"--listen-http=127.0.0.1:0",  "--listen-webtransport=127.0.0.1:0",
            "--listen-admin=127.0.0.1:0", "--state-dir=" + state.path(),
            "--node-id=node-1",           "--shards=2",
            "--drain-timeout=1"};
  }

  // http(s)://127.0.0.1:PORT, once it is served.
  std::string wait_until_ready() {
    const std::string start = "videocall is ready: open ";
    until([&] { return out().find('\n') != std::string::npos; });
    std::string line = out();
    ck_assert_msg(line.starts_with(start), "%s%s", line.c_str(), err().c_str());
    line = line.substr(start.size(), line.find('\n') - start.size() - 1);
    if (const size_t at = line.find("localhost"); at != std::string::npos)
      line.replace(at, 9, "127.0.0.1");
    return line;
  }

  void signal(int number) { ck_assert_int_eq(::kill(pid_, number), 0); }

  [[nodiscard]] pid_t pid() const { return pid_; }

  // The exit code, waited for.
  int wait() {
    int status = 0;
    ck_assert_int_eq(waitpid(pid_, &status, 0), pid_);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  // Waits for |condition|; fails with the output if it ends before that.
  template <typename Condition>
  void until(Condition condition) {
    const auto deadline =
        std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!condition()) {
      ck_assert_msg(std::chrono::steady_clock::now() < deadline, "waited: %s",
                    err().c_str());
      int status = 0;
      if (waitpid(pid_, &status, WNOHANG) == pid_) {
        pid_ = -1;
        if (condition()) return;
        ck_abort_msg("ended: %s", err().c_str());
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  std::string out() const { return read_file(output_.file("out")); }
  std::string err() const { return read_file(output_.file("err")); }

 private:
  TemporaryFolder output_;
  pid_t pid_ = -1;
};

}  // namespace videocall::testing
