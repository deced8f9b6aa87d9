#include "rollbar/stack.h"

#include <algorithm>
#include <array>
#include <utility>

#include "rollbar/stack_languages.h"
#include "rollbar/stack_text.h"

namespace forager::rollbar {
namespace {

struct Language {
  std::array<std::string_view, 3> names;  ///< of telemetry.sdk.language
  Chain (*parse)(std::string_view);
  bool (*is_line)(std::string_view);
};

/// Those that are hardest to mistake first: a line is of the first that knows it.
constexpr std::array<Language, 7> languages{{
    {{"python", "python", "python"}, parse_python, is_python_line},
    {{"go", "go", "go"}, parse_go, is_go_line},
    {{"ruby", "ruby", "ruby"}, parse_ruby, is_ruby_line},
    {{"php", "php", "php"}, parse_php, is_php_line},
    {{"java", "kotlin", "android"}, parse_java, is_java_line},
    {{"nodejs", "webjs", "javascript"}, parse_javascript, is_javascript_line},
    {{"dotnet", "csharp", "fsharp"}, parse_dotnet, is_dotnet_line},
}};

bool has_frames(const Chain& chain) {
  return std::any_of(chain.begin(), chain.end(),
                     [](const Exception& exception) { return !exception.frames.empty(); });
}

/// By the first line that one of them knows; if that one finds no frames, by a later line.
Chain guessed(std::string_view text, std::array<bool, languages.size()> tried) {
  for (Lines lines(text); !lines.done();) {
    const std::string_view line = lines.next();
    for (std::size_t i = 0; i < languages.size(); ++i) {
      if (tried[i] || !languages[i].is_line(line)) continue;
      Chain chain = languages[i].parse(text);
      if (has_frames(chain)) return chain;
      tried[i] = true;
    }
  }
  return {};
}

Chain parse(std::string_view language, std::string_view text) {
  std::array<bool, languages.size()> tried{};
  for (std::size_t i = 0; i < languages.size(); ++i) {
    const auto& names = languages[i].names;
    if (std::find(names.begin(), names.end(), language) == names.end()) continue;
    Chain chain = languages[i].parse(text);
    if (has_frames(chain)) return chain;
    tried[i] = true;
  }
  return guessed(text, tried);
}

/// The attributes say it better than the text. What the text has beyond them is kept.
void apply_attributes(Exception& first, std::string_view type, std::string_view message) {
  if (!type.empty()) first.type = type;
  if (message.empty()) return;
  if (first.message.size() > message.size() + 1 && first.message.starts_with(message) &&
      first.message[message.size()] == '\n') {
    first.description = first.message.substr(message.size() + 1);
  }
  first.message = message;
}

}  // namespace

Stack parse_stack(std::string_view language, std::string_view text, std::string_view type,
                  std::string_view message) {
  Stack stack;
  stack.chain = parse(language, text);
  stack.parsed = !stack.chain.empty();
  if (!stack.parsed) stack.chain.push_back({});
  apply_attributes(stack.chain.front(), type, message);
  return stack;
}

}  // namespace forager::rollbar
