// SPDX-License-Identifier: MIT
// Runs videocall-cli to its end and keeps what it said.
#pragma once

#include <check.h>
#include <glib.h>
#include <sys/wait.h>

#include <string>
#include <vector>

struct Ran {
  int code = -1;  // exit code; -1: ended by a signal
  std::string out;
  std::string err;

  [[nodiscard]] bool says(const char* text) const {
    return out.find(text) != std::string::npos ||
           err.find(text) != std::string::npos;
  }
};

inline Ran run_cli(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), VIDEOCALL_CLI);
  std::vector<char*> words;
  for (std::string& argument : arguments) words.push_back(argument.data());
  words.push_back(nullptr);
  char* out = nullptr;
  char* err = nullptr;
  int status = 0;
  GError* error = nullptr;
  const gboolean started =
      g_spawn_sync(nullptr, words.data(), nullptr, G_SPAWN_DEFAULT, nullptr,
                   nullptr, &out, &err, &status, &error);
  ck_assert_msg(started, "%s", error ? error->message : "");
  Ran ran{WIFEXITED(status) ? WEXITSTATUS(status) : -1, out, err};
  g_free(out);
  g_free(err);
  return ran;
}

inline void expect(const Ran& ran, int code, const char* text) {
  ck_assert_msg(ran.code == code && ran.says(text),
                "wanted %d and \"%s\", got %d\n%s%s", code, text, ran.code,
                ran.out.c_str(), ran.err.c_str());
}
