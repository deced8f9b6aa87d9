// Stack traces as text, as the languages print them and OpenTelemetry carries them in
// exception.stacktrace, taken apart into frames (PROTOCOLS 4.5). Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace forager::rollbar {

struct Frame {
  std::string filename;  ///< never empty: "<unknown>" when the text has none
  std::optional<std::uint32_t> line;
  std::optional<std::uint32_t> column;
  std::string method;      ///< the function that holds the line; empty: not said
  std::string code;        ///< the source line, where the text has it (Python)
  std::string class_name;  ///< Java and PHP: the class of the method

  bool operator==(const Frame&) const = default;
};

/// One exception of a chain.
struct Exception {
  std::string type;           ///< empty: the text doesn't say
  std::string message;        ///< may have several lines
  std::vector<Frame> frames;  ///< most recent call last
  std::string description{};  ///< what the text adds after the message: Python's notes
};

/// What a text could be read as.
struct Stack {
  /// What was raised first, then its causes, then what was suppressed or grouped; never empty.
  std::vector<Exception> chain;
  bool parsed = false;  ///< frames were found; false: chain has one without frames
};

/// `language`: telemetry.sdk.language ("python", "java", "nodejs", "webjs", "dotnet", "php", "go",
/// "ruby"); another or an empty one, or one whose format the text doesn't have, is guessed from the
/// text. `type` and `message` are those of the attributes and stand for the first of the chain
/// where they are not empty. Takes time linear in the text, which may be anything at all: at most
/// 32 exceptions are kept, of each at most 1,024 frames (the first and the last 512).
Stack parse_stack(std::string_view language, std::string_view text, std::string_view type,
                  std::string_view message);

}  // namespace forager::rollbar
