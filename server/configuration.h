// SPDX-License-Identifier: MIT
// What an operator can set. One table describes every key: its name is the key
// in the TOML file, the flag (--name) and, in capitals with underscores after
// VIDEOCALL_, the environment variable. A flag beats the environment, that
// beats the file, that beats the default.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "libvideocall/base/result.h"

namespace videocall::server {

struct Configuration {
  std::vector<std::string> listen_http;
  std::vector<std::string> listen_webtransport;
  std::vector<std::string> listen_admin;
  std::string public_url;
  std::string public_webtransport_url;
  std::vector<std::string> allowed_origins;
  bool behind_proxy = false;
  bool insecure_http = false;
  bool guests = false;

  std::string tls_certificate;
  std::string tls_key;
  std::string webtransport_certificate;
  std::string webtransport_key;

  std::string state_dir;
  std::string node_id;

  std::vector<std::string> nats_urls;
  std::string nats_credentials;
  std::string nats_ca;
  std::string token_key_file;
  std::string resume_key_file;

  std::string relay_description;
  int64_t shards = 0;
  std::string congestion_control;

  int64_t join_rate = 0;
  int64_t join_burst = 0;
  int64_t max_sessions = 0;
  int64_t max_sessions_per_address = 0;
  int64_t max_handshakes = 0;
  int64_t max_members = 0;
  int64_t max_packets_in = 0;
  int64_t max_bytes_in = 0;
  int64_t max_bytes_out = 0;
  int64_t max_cpu = 0;
  int64_t max_speakers = 0;
  int64_t max_cameras = 0;
  int64_t http_connections = 0;
  int64_t worker_threads = 0;

  int64_t drain_timeout_s = 0;

  std::string log_level;
  std::string log_format;

  bool operator==(const Configuration&) const = default;
};

using Member = std::variant<std::string Configuration::*, bool Configuration::*,
                            int64_t Configuration::*,
                            std::vector<std::string> Configuration::*>;

// One row of the table.
struct Key {
  const char* name;
  Member member;
  const char* fallback;    // the default; of a list: separated by commas
  const char* help;        // whole sentences; lines are broken by the printer
  const char* value = "";  // what stands for the value in --help
  std::vector<const char*> choices = {};  // of a text; empty: any
  int64_t minimum = 0;                    // of a number
  int64_t maximum = 0;
};

struct Section {
  const char* title;
  std::vector<Key> keys;
};

std::span<const Section> configuration_sections();

// nullptr if no key has that name.
const Key* find_key(std::string_view name);

// The known key that is most like |name|; nullptr if none is so near that at
// most |slips| letters are wrong. Without |slips|: about a third of them.
const Key* nearest_key(std::string_view name,
                       std::optional<size_t> slips = std::nullopt);

std::string environment_name(const Key& key);

// What SIGHUP does about a key whose value has changed.
enum class Reload {
  taken,    // it holds from then on
  files,    // the files are read again; other names need a restart
  restart,  // it needs a restart
};
Reload reload_of(const Key& key);

// The keys in which the two differ.
std::vector<const Key*> changed_keys(const Configuration& a,
                                     const Configuration& b);

// Sets |key| of |to| as it is in |from|.
void copy_value(Configuration& to, const Configuration& from, const Key& key);

// "text, json"; empty if any value goes.
std::string choices_text(const Key& key);

// Sets |key|. A list takes all of |values|, each of which may hold several
// separated by commas; the others take exactly one. Errors: invalid_argument
// with what would be right; it does not name where the value came from.
Result<void> set_value(Configuration& configuration, const Key& key,
                       const std::vector<std::string>& values);

// Every key at its default.
Configuration default_configuration();

// What no single key can tell: addresses, pairs and what is unsafe together.
Result<void> check_configuration(const Configuration& configuration);

// The whole configuration as a commented TOML file that can be read back.
std::string print_configuration(const Configuration& configuration);

// What --help prints.
std::string print_help();

}  // namespace videocall::server
