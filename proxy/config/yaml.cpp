#include "config/yaml.h"

#include <algorithm>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "config/nearest.h"
#include "config/settings.h"
#include "config/values.h"

namespace forager::config {
namespace {

using Env = std::function<std::optional<std::string>(std::string_view)>;

class Reader {
 public:
  Reader(std::string_view file, const Env& env) : file_(file), env_(env) {}

  void map(const YAML::Node& node, const std::string& prefix) {
    std::vector<std::string> seen;
    for (const auto& entry : node) {
      if (!entry.first.IsScalar()) {
        wrong(entry.first, "", "is not a name; write name: value");
        continue;
      }
      const std::string name = entry.first.Scalar();
      const std::string path = prefix.empty() ? name : fmt::format("{}.{}", prefix, name);
      if (std::ranges::find(seen, name) != seen.end()) {
        wrong(entry.first, path, "stands there twice; keep one of them");
      } else {
        seen.push_back(name);
        child(entry.first, entry.second, path);
      }
    }
  }

  FileContent take() { return std::move(content_); }
  void wrong(const YAML::Node& at, const std::string& path, std::string_view what) {
    content_.errors.push_back(
        {at.Mark().line + 1, fmt::format("{} line {}: {}{}{}", file_, at.Mark().line + 1,
                                         path.empty() ? "this" : path, " ", what)});
  }

 private:
  void child(const YAML::Node& key, const YAML::Node& value, const std::string& path) {
    const auto known = key_names();
    if (std::ranges::find(known, path) != known.end()) return leaf(key, value, path);
    const std::string below = path + ".";
    const auto inside = [&](std::string_view name) { return name.starts_with(below); };
    if (std::ranges::any_of(known, inside)) {
      if (value.IsMap()) return map(value, path);
      if (value.IsNull()) return;
      return wrong(key, path, "holds settings of its own; write them indented below it");
    }
    const auto right = nearest(path, known);
    wrong(key, in_quotes(path),
          right.empty() ? "is no setting; see `forager config --reference` for all names"
                        : fmt::format("is no setting; did you mean {}?", right));
  }

  void leaf(const YAML::Node& key, const YAML::Node& value, const std::string& path) {
    FileValue made{path, {}, false, key.Mark().line + 1};
    if (value.IsMap()) {
      for (const auto& entry : value) {
        if (path.ends_with("log_group") || path.ends_with("log_stream")) {
          return wrong(key, path,
                       "begins with a brace, which is a map in YAML; write quotes around it");
        }
        if (!entry.first.IsScalar() || entry.second.IsMap()) {
          return wrong(key, path, "is nested too deep; write a value, or names with values");
        }
        if (!made.value.empty()) made.value += ';';
        const auto one = joined(entry.second, path, made);
        if (!one) return;
        made.value += fmt::format("{}={}", entry.first.Scalar(), *one);
      }
    } else {
      auto one = joined(value, path, made);
      if (!one) return;
      made.value = std::move(*one);
    }
    if (!trimmed(made.value).empty()) content_.values.push_back(std::move(made));
  }

  /// A scalar, or the scalars of a sequence at commas, variables replaced.
  std::optional<std::string> joined(const YAML::Node& value, const std::string& path,
                                    FileValue& made) {
    if (value.IsNull()) return "";
    if (value.IsScalar()) return replaced(value, path, made);
    std::string all;
    for (const auto& part : value) {
      if (!part.IsScalar()) {
        wrong(value, path, "is nested too deep; write a value or a list of values");
        return std::nullopt;
      }
      const auto one = replaced(part, path, made);
      if (!one) return std::nullopt;
      if (!all.empty()) all += ',';
      all += *one;
    }
    return all;
  }

  std::optional<std::string> replaced(const YAML::Node& node, const std::string& path,
                                      FileValue& made) {
    std::string_view rest = node.Scalar();
    std::string all;
    for (;;) {
      const auto begin = rest.find("${");
      all += rest.substr(0, begin);
      if (begin == std::string_view::npos) return all;
      rest.remove_prefix(begin);
      const auto end = rest.find('}');
      if (!rest.starts_with("${env:") || end == std::string_view::npos) {
        wrong(node, path, "has a ${ that isn't ${env:NAME}, the only form there is");
        return std::nullopt;
      }
      auto name = rest.substr(6, end - 6);
      std::optional<std::string> otherwise;
      if (const auto dash = name.find(":-"); dash != std::string_view::npos) {
        otherwise = name.substr(dash + 2);
        name = name.substr(0, dash);
      }
      auto value = env_(name);
      if (!value || value->empty()) value = otherwise;
      if (!value) {
        wrong(node, path,
              fmt::format("asks for the variable {}, which is not set; set it, or write a default "
                          "as in ${{env:NAME:-value}}",
                          in_quotes(name)));
        return std::nullopt;
      }
      all += *value;
      made.from_variable = true;
      rest.remove_prefix(end + 1);
    }
  }

  std::string_view file_;
  const Env& env_;
  FileContent content_;
};

}  // namespace

FileContent read_yaml(std::string_view text, std::string_view file, const Env& env) {
  try {
    const auto documents = YAML::LoadAll(std::string(text));
    if (documents.empty()) return {};
    Reader reader(file, env);
    if (documents.size() > 1) {
      reader.wrong(documents[1], "", "is a second document; keep one, without --- lines");
    }
    if (documents.front().IsMap()) {
      reader.map(documents.front(), "");
    } else if (!documents.front().IsNull()) {
      reader.wrong(documents.front(), "", "is not name: value; write settings as name: value");
    }
    return reader.take();
  } catch (const YAML::Exception& problem) {
    // The parser's words end with a piece of the text in some cases, after a colon.
    const std::string words = problem.msg.substr(0, problem.msg.find(':'));
    const auto line = problem.mark.is_null() ? 1 : problem.mark.line + 1;
    return {
        {},
        {{line, fmt::format("{} line {}: not valid YAML ({}); check indentation, and put quotes "
                            "around values with [ ] {{ }} or \": \" in them",
                            file, line, words)}}};
  }
}

}  // namespace forager::config
