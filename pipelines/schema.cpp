// SPDX-License-Identifier: MIT
// From TOML to a Description, first table by table, then as a whole.
#include <toml++/toml.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "pipelines/description.h"
#include "pipelines/diagnostics.h"
#include "pipelines/launch.h"
#include "pipelines/nearest.h"
#include "pipelines/schema_check.h"
#include "pipelines/table_reader.h"
#include "pipelines/value.h"

namespace videocall::pipelines {
namespace {

constexpr size_t kMaxFileBytes = 1'000'000;
constexpr uint64_t kMaxQueueMs = 60'000;
constexpr uint64_t kMaxQueueBytes = 1'000'000'000;
constexpr uint64_t kMaxSettleMs = 10'000;

const std::vector<std::pair<std::string, Type>> kTypes = {
    {"string", Type::string}, {"int", Type::integer},
    {"uint", Type::uinteger}, {"bool", Type::boolean},
    {"number", Type::number}, {"enum", Type::enumeration},
    {"size", Type::size},     {"file", Type::file},
    {"secret", Type::secret}, {"url", Type::url},
};

class Schema {
 public:
  Schema(std::string_view text, std::string file)
      : diagnostics_(file), text_(text) {
    result_.file = std::move(file);
    result_.name = std::filesystem::path(result_.file).stem().string();
    for (size_t begin = 0; begin <= text.size();) {
      const size_t end = std::min(text.find('\n', begin), text.size());
      rows_.push_back(text.substr(begin, end - begin));
      begin = end + 1;
    }
  }

  Result<Description> run() {
    if (text_.size() > kMaxFileBytes) {
      return fault_at(result_.file, 0,
                      "larger than a description may be (1 MB)");
    }
    try {
      const toml::table root = toml::parse(text_, result_.file);
      read_root(root);
    } catch (const toml::parse_error& error) {
      return fault_at(result_.file, error.source().begin.line,
                      std::string(error.description()));
    }
    check_schema(result_, diagnostics_);
    if (!diagnostics_.empty()) return diagnostics_.error();
    return std::move(result_);
  }

 private:
  TableReader reader(const toml::table& table, std::string what) {
    return TableReader(table, std::move(what), rows_, diagnostics_);
  }

  void read_root(const toml::table& root) {
    TableReader r = reader(root, "description");
    r.only({"format", "title", "purpose", "examples", "launch", "parameter",
            "choice", "fragment", "branch", "dynamic"});
    if (!r.has("format")) {
      diagnostics_.add(1, "the key \"format\" is missing; write format = 1");
    } else if (r.uinteger("format", 0, 1'000) != 1) {
      r.fault("format", "this program reads format 1 only");
    }
    result_.title = r.required_text("title");
    result_.purpose = r.text("purpose");
    result_.examples = r.texts("examples");
    result_.launch = r.launch("launch");
    for (const toml::table* table : r.tables("parameter"))
      result_.parameters.push_back(read_parameter(*table));
    for (const toml::table* table : r.tables("choice"))
      result_.choices.push_back(read_choice(*table));
    for (const toml::table* table : r.tables("fragment"))
      result_.fragments.push_back(read_fragment(*table));
    for (const toml::table* table : r.tables("branch"))
      result_.branches.push_back(read_branch(*table));
    for (const toml::table* table : r.tables("dynamic"))
      result_.dynamics.push_back(read_dynamic(*table));
  }

  Type read_type(TableReader& r) {
    const std::string word = r.required_text("type");
    std::vector<std::string> known;
    for (const auto& [name, type] : kTypes) {
      if (name == word) return type;
      known.push_back(name);
    }
    if (!word.empty())
      r.fault(
          "type",
          "no type \"" + word + "\"" + suggestion(word, known) +
              (nearest(word, known).empty() ? "" : "; types: " + join(known)));
    return Type::string;
  }

  Parameter read_parameter(const toml::table& table) {
    TableReader r = reader(table, "[[parameter]]");
    r.only({"name", "short", "type", "unit", "help", "default", "required",
            "min", "max", "choices", "access", "file-name", "device", "sets",
            "scale", "map"});
    Parameter p;
    p.line = r.line();
    p.name = r.name("name");
    p.short_name = r.text("short");
    p.type = read_type(r);
    p.unit = r.text("unit");
    p.help = r.required_text("help");
    p.default_text = r.scalar("default");
    p.required = r.boolean("required", false);
    p.min = r.number("min");
    p.max = r.number("max");
    p.choices = r.texts("choices");
    p.device = r.text("device");
    p.file_name = r.text("file-name");
    read_access(r, p);
    read_targets(r, p);
    check_parameter(r, p);
    return p;
  }

  void read_access(TableReader& r, Parameter& p) {
    if (!r.has("access")) return;
    const std::string word = r.text("access");
    if (word == "write") {
      p.access = FileAccess::write;
    } else if (word == "folder") {
      p.access = FileAccess::folder;
    } else if (word != "read") {
      r.fault("access", "\"" + word + "\" is none of read, write, folder");
    }
  }

  std::map<std::string, std::string> read_map(TableReader& r) {
    std::map<std::string, std::string> map;
    const toml::table* table = r.table("map");
    if (!table) return map;
    for (const auto& [key, node] : *table) {
      const auto text = scalar_text(node);
      if (text) {
        map[std::string(key.str())] = *text;
      } else {
        diagnostics_.add(line_of(node), r.what() + ": \"map\" wants texts");
      }
    }
    return map;
  }

  void read_targets(TableReader& r, Parameter& p) {
    Target common;
    common.scale = r.number("scale").value_or(1.0);
    common.map = read_map(r);
    const toml::array* items = r.array("sets");
    if (!items) return;
    for (const toml::node& item : *items) {
      Target target = common;
      target.line = line_of(item);
      std::string path;
      if (const auto text = item.value_exact<std::string>()) {
        path = *text;
      } else if (const toml::table* table = item.as_table()) {
        TableReader t = reader(*table, "\"sets\" of " + p.name);
        t.only({"property", "part", "scale", "map"});
        path = t.required_text("property");
        target.part = t.text("part");
        target.scale = t.number("scale").value_or(common.scale);
        if (t.has("map")) target.map = read_map(t);
      } else {
        r.fault("sets", "\"sets\" wants texts such as \"encoder.bitrate\"");
        continue;
      }
      split_target(r, path, target);
      p.sets.push_back(std::move(target));
    }
  }

  void split_target(TableReader& r, const std::string& path, Target& target) {
    const size_t dot = path.find('.');
    if (dot == std::string::npos || dot == 0 || dot + 1 == path.size()) {
      diagnostics_.add(target.line ? target.line : r.line(),
                       r.what() + ": \"" + path +
                           "\" is not ELEMENT.PROPERTY, such as "
                           "\"encoder.bitrate\"");
      return;
    }
    target.element = path.substr(0, dot);
    target.property = path.substr(dot + 1);
    const size_t second = target.property.find('.');
    if (second == std::string::npos) return;
    target.field = target.property.substr(second + 1);
    target.property.resize(second);
  }

  void check_parameter(TableReader& r, Parameter& p) {
    const bool ranged = p.type == Type::integer || p.type == Type::uinteger ||
                        p.type == Type::number;
    if ((p.min || p.max) && !ranged)
      r.fault(r.has("min") ? "min" : "max",
              "only numbers have \"min\" and \"max\"");
    if (p.min && p.max && *p.min > *p.max)
      r.fault("min", "\"min\" is larger than \"max\"");
    if (p.type == Type::enumeration && p.choices.empty())
      r.fault("type", "an enum wants choices = [\"…\", \"…\"]");
    if (p.type != Type::enumeration && !p.choices.empty())
      r.fault("choices", "only an enum has \"choices\"");
    if (r.has("access") && p.type != Type::file)
      r.fault("access", "only a file has \"access\"");
    if (p.required && p.default_text)
      r.fault("default", "a required parameter has no default");
    if (p.type == Type::secret && p.default_text)
      r.fault("default", "a secret has no default");
    if (!p.short_name.empty() &&
        (p.short_name.size() != 1 ||
         !std::isalpha(static_cast<unsigned char>(p.short_name[0]))))
      r.fault("short", "\"short\" is one letter");
    if (!p.file_name.empty() &&
        (p.type != Type::file || p.access != FileAccess::folder))
      r.fault("file-name", "only a folder has a \"file-name\"");
    check_default(r, p);
  }

  void check_default(TableReader& r, const Parameter& p) {
    // Whether a file is there is asked when it is used.
    if (!p.default_text || p.type == Type::file) return;
    const auto value = parse_value(p, *p.default_text);
    if (!value) r.fault("default", "default of " + value.error().message);
  }

  Choice read_choice(const toml::table& table) {
    TableReader r = reader(table, "[[choice]]");
    r.only({"name", "short", "help", "default", "alternative"});
    Choice choice;
    choice.line = r.line();
    choice.name = r.name("name");
    choice.short_name = r.text("short");
    choice.help = r.required_text("help");
    choice.default_name = r.required_text("default");
    std::vector<std::string> names;
    for (const toml::table* entry : r.tables("alternative")) {
      choice.alternatives.push_back(read_alternative(*entry));
      names.push_back(choice.alternatives.back().name);
    }
    if (choice.alternatives.empty()) {
      diagnostics_.add(choice.line,
                       "[[choice]]: it has no [[choice.alternative]]");
    } else if (!choice.default_name.empty() &&
               !choice.find(choice.default_name)) {
      r.fault("default", "no alternative \"" + choice.default_name + "\"" +
                             suggestion(choice.default_name, names));
    }
    return choice;
  }

  Alternative read_alternative(const toml::table& table) {
    TableReader r = reader(table, "[[choice.alternative]]");
    r.only({"name", "flag", "help", "launch", "parts", "parameter"});
    Alternative alternative;
    alternative.line = r.line();
    alternative.name = r.name("name", true);
    if (r.has("flag")) alternative.flag = r.name("flag");
    alternative.help = r.required_text("help");
    alternative.launch = r.launch("launch");
    if (const toml::table* parts = r.table("parts")) {
      for (const auto& [key, node] : *parts) {
        if (!node.is_string()) {
          diagnostics_.add(line_of(node),
                           "[[choice.alternative]]: a part is a launch text");
          continue;
        }
        alternative.parts[std::string(key.str())] = r.launch_of(node);
      }
    }
    for (const toml::table* entry : r.tables("parameter"))
      alternative.parameters.push_back(read_parameter(*entry));
    return alternative;
  }

  Fragment read_fragment(const toml::table& table) {
    TableReader r = reader(table, "[[fragment]]");
    r.only({"name", "repeat", "launch"});
    Fragment fragment;
    fragment.line = r.line();
    fragment.name = r.name("name");
    fragment.repeat = r.text("repeat");
    (void)r.required_text("launch");
    fragment.launch = r.launch("launch");
    return fragment;
  }

  Condition read_when(TableReader& r) {
    Condition when;
    when.name = r.text("when");
    const size_t equals = when.name.find('=');
    if (equals != std::string::npos) {
      when.value = when.name.substr(equals + 1);
      when.name.resize(equals);
    }
    return when;
  }

  Branch read_branch(const toml::table& table) {
    TableReader r = reader(table, "[[branch]]");
    r.only({"name", "help", "from", "when", "queue-ms", "queue-bytes", "launch",
            "parameter"});
    Branch branch;
    branch.line = r.line();
    branch.name = r.name("name");
    branch.help = r.text("help");
    const std::string from = r.required_text("from");
    const size_t dot = from.find('.');
    branch.element = from.substr(0, dot);
    if (dot != std::string::npos) branch.pad = from.substr(dot + 1);
    if (!from.empty() && (branch.element.empty() || branch.pad.empty()))
      r.fault("from",
              "\"" + from + "\" is not ELEMENT.PAD, such as \"router.tap_%u\"");
    branch.when = read_when(r);
    branch.queue_ms = r.uinteger("queue-ms", branch.queue_ms, kMaxQueueMs);
    branch.queue_bytes =
        r.uinteger("queue-bytes", branch.queue_bytes, kMaxQueueBytes);
    (void)r.required_text("launch");
    branch.launch = r.launch("launch");
    for (const toml::table* entry : r.tables("parameter"))
      branch.parameters.push_back(read_parameter(*entry));
    return branch;
  }

  Dynamic read_dynamic(const toml::table& table) {
    TableReader r = reader(table, "[[dynamic]]");
    r.only(
        {"name", "from", "when", "settle-ms", "launch", "pads", "parameter"});
    Dynamic dynamic;
    dynamic.line = r.line();
    dynamic.name = r.name("name");
    dynamic.element = r.required_text("from");
    dynamic.when = read_when(r);
    dynamic.settle_ms = r.uinteger("settle-ms", 0, kMaxSettleMs);
    dynamic.launch = r.launch("launch");
    const toml::table* pads = r.table("pads");
    if (!pads || pads->empty()) {
      diagnostics_.add(dynamic.line,
                       "[[dynamic]]: no pads; write for instance "
                       "pads = { \"video_*\" = \"decodebin ! fakesink\" }");
      return dynamic;
    }
    for (const auto& [key, node] : *pads) {
      if (node.is_string()) {
        dynamic.pads.emplace_back(key.str(), r.launch_of(node));
      } else {
        diagnostics_.add(line_of(node),
                         "[[dynamic]]: what a pad gets is a launch text");
      }
    }
    for (const toml::table* entry : r.tables("parameter"))
      dynamic.parameters.push_back(read_parameter(*entry));
    return dynamic;
  }

  Diagnostics diagnostics_;
  std::string_view text_;
  std::vector<std::string_view> rows_;
  Description result_;
};

}  // namespace

Result<Description> Description::parse(std::string_view text,
                                       std::string file) {
  return Schema(text, std::move(file)).run();
}

Result<Description> Description::load(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::error_code error;
  if (!in || std::filesystem::is_directory(path, error)) {
    return Error{Errc::io, path.string() +
                               ": cannot be read; is the path right, and may "
                               "you read it?"};
  }
  std::ostringstream text;
  text << in.rdbuf();
  return parse(text.str(), path.string());
}

}  // namespace videocall::pipelines
