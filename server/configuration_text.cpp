// SPDX-License-Identifier: MIT
// The table of keys as text for people: --print-config and --help.
#include <algorithm>
#include <string>

#include "server/configuration.h"

namespace videocall::server {
namespace {

constexpr size_t kTextWidth = 76;
constexpr const char* kFlagIndent = "      ";

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      static constexpr char kHex[] = "0123456789ABCDEF";
      out += "\\u00";
      out += kHex[static_cast<unsigned char>(c) >> 4];
      out += kHex[c & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string toml_value(const Configuration& configuration, const Key& key) {
  struct Printer {
    const Configuration& from;
    std::string operator()(std::string Configuration::*member) const {
      return quoted(from.*member);
    }
    std::string operator()(bool Configuration::*member) const {
      return from.*member ? "true" : "false";
    }
    std::string operator()(int64_t Configuration::*member) const {
      return std::to_string(from.*member);
    }
    std::string operator()(
        std::vector<std::string> Configuration::*member) const {
      std::string list;
      for (const std::string& item : from.*member)
        list += (list.empty() ? "" : ", ") + quoted(item);
      return "[" + list + "]";
    }
  };
  return std::visit(Printer{configuration}, key.member);
}

// |text| in lines that begin with |indent| and hold at most kTextWidth.
std::string wrapped(const std::string& text, const std::string& indent) {
  std::string out;
  std::string line = indent;
  size_t from = 0;
  while (from < text.size()) {
    const size_t space = std::min(text.find(' ', from), text.size());
    const std::string word = text.substr(from, space - from);
    if (line.size() + 1 + word.size() > kTextWidth && line != indent) {
      out += line + "\n";
      line = indent;
    }
    if (line != indent) line += " ";
    line += word;
    from = space + 1;
  }
  return out + line + "\n";
}

std::string range_text(const Key& key) {
  if (!key.choices.empty()) return " One of " + choices_text(key) + ".";
  if (std::holds_alternative<int64_t Configuration::*>(key.member))
    return " From " + std::to_string(key.minimum) + " to " +
           std::to_string(key.maximum) + ".";
  return "";
}

std::string default_text(const Key& key) {
  if (*key.fallback == '\0') return "";
  return std::string(" Default: ") + key.fallback + ".";
}

const char* reload_text(const Key& key) {
  switch (reload_of(key)) {
    case Reload::taken:
      return "read again";
    case Reload::files:
      return "the file is read again; another name needs a restart";
    case Reload::restart:
      return "needs a restart";
  }
  return "";
}

constexpr const char* kHelpHead =
    "The videocall server: page, HTTP API and media relay.\n"
    "\n"
    "Usage: videocalld [--KEY VALUE]...\n"
    "       videocalld check-config [--KEY VALUE]...\n"
    "           Say whether a start would find everything right: keys, files,\n"
    "           certificates, the pipeline description. Starts nothing.\n"
    "\n"
    "  --config FILE\n"
    "      Read this TOML file. Environment: VIDEOCALL_CONFIG\n"
    "  --print-config\n"
    "      Print the configuration in effect as a commented TOML file.\n"
    "  --version\n"
    "  -h, --help\n";

constexpr const char* kHelpFoot =
    "\n"
    "Each key is also an environment variable (listen-http is\n"
    "VIDEOCALL_LISTEN_HTTP) and a key of the TOML file. A flag beats the\n"
    "environment, that beats the file, that beats the default. A list takes\n"
    "several values with commas, or the flag several times.\n"
    "\n"
    "Signals:\n"
    "  SIGTERM, SIGINT  end after the calls were handed on; twice: at once\n"
    "  SIGHUP           read the certificates and the configuration again;\n"
    "                   --print-config says which keys are taken\n"
    "\n"
    "Exit codes:\n"
    "  0  ended in order\n"
    "  1  could not start or go on (a port is in use, the state directory\n"
    "     cannot be written, a certificate is bad): one line says why\n"
    "  2  the configuration or the command line is wrong\n";

}  // namespace

std::string print_configuration(const Configuration& configuration) {
  std::string out =
      "# videocalld: each key is also a flag (--key VALUE) and an environment\n"
      "# variable; a flag beats the environment, that beats this file.\n";
  for (const Section& section : configuration_sections()) {
    out += std::string("\n# ---- ") + section.title + " ----\n";
    for (const Key& key : section.keys) {
      out += "\n" + wrapped(key.help + range_text(key), "# ");
      out += "# Environment: " + environment_name(key) + "\n";
      out += std::string("# On SIGHUP: ") + reload_text(key) + "\n";
      out +=
          std::string(key.name) + " = " + toml_value(configuration, key) + "\n";
    }
  }
  return out;
}

std::string print_help() {
  std::string out = kHelpHead;
  for (const Section& section : configuration_sections()) {
    out += std::string("\n") + section.title + "\n";
    for (const Key& key : section.keys) {
      const bool flag =
          std::holds_alternative<bool Configuration::*>(key.member);
      out +=
          std::string("  --") + key.name + (flag ? "" : " ") + key.value + "\n";
      out +=
          wrapped(key.help + range_text(key) + default_text(key), kFlagIndent);
    }
  }
  return out + kHelpFoot;
}

}  // namespace videocall::server
