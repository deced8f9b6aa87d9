// The exceptions of a segment document with their stacks as text, in the form that the language
// prints: whoever reads exception.stacktrace knows those.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "otlp/segment_parts.h"

namespace forager::otlp::segments {
namespace {

using Kind = JsonTree::Kind;

constexpr std::size_t exceptions_max = 64;
constexpr std::size_t causes_max = 16;  ///< in a row; who names itself as its cause ends there, too
/// All stacks of a cause as text, by its own size: several may name the same large one as theirs.
constexpr std::size_t expansion_max = 16;

struct Named {
  std::string_view of;
  std::string_view language;
};

std::string_view language_of_file(std::string_view path) {
  constexpr std::array endings{
      Named{".py", "python"}, Named{".java", "java"},  Named{".kt", "java"},
      Named{".js", "nodejs"}, Named{".mjs", "nodejs"}, Named{".ts", "nodejs"},
      Named{".rb", "ruby"},   Named{".go", "go"},      Named{".cs", "dotnet"},
  };
  for (const Named& one : endings) {
    if (path.ends_with(one.of)) return one.language;
  }
  return {};
}

struct Frame {
  std::string path;
  std::string line;
  std::string label;
};

Frame frame_of(const Value& from) {
  Frame frame;
  frame.path = from.get("path").text();
  frame.line = from.get("line").is(Kind::number) ? std::string(from.get("line").raw())
                                                 : from.get("line").text();
  frame.label = from.get("label").text();
  return frame;
}

std::string place_of(const Frame& frame) {
  return frame.line.empty() ? frame.path : fmt::format("{}:{}", frame.path, frame.line);
}

std::string line_of(const Frame& frame, std::string_view language) {
  if (language == "python")
    return fmt::format("  File \"{}\", line {}, in {}\n", frame.path,
                       frame.line.empty() ? "0" : frame.line, frame.label);
  if (language == "java") return fmt::format("\tat {}({})\n", frame.label, place_of(frame));
  if (language == "ruby") return fmt::format("{}:in `{}'\n", place_of(frame), frame.label);
  if (language == "go") return fmt::format("{}(...)\n\t{}\n", frame.label, place_of(frame));
  if (language == "dotnet") {
    if (frame.path.empty()) return fmt::format("   at {}\n", frame.label);
    return fmt::format("   at {} in {}:line {}\n", frame.label, frame.path, frame.line);
  }
  if (frame.label.empty()) return fmt::format("    at {}\n", place_of(frame));
  return fmt::format("    at {} ({})\n", frame.label, place_of(frame));
}

std::string head_of(const Value& exception) {
  const std::string type = exception.get("type").text();
  const std::string message = exception.get("message").text();
  return type.empty() || message.empty() ? type + message : type + ": " + message;
}

/// The text of one, without its causes; empty: it has no frames.
std::string own_text(const Value& exception, std::string_view language) {
  std::string frames;
  const Value stack = exception.get("stack");
  for (Value frame = stack.first(); frame; frame = frame.next()) {
    if (frame.is(Kind::object)) frames += line_of(frame_of(frame), language);
  }
  if (frames.empty()) return {};
  if (language == "python")
    return "Traceback (most recent call last):\n" + frames + head_of(exception) + "\n";
  if (language == "go") return head_of(exception) + "\n\ngoroutine 1 [running]:\n" + frames;
  if (const Value left_out = exception.get("truncated");
      language == "java" && left_out.is(Kind::number) && left_out.raw() != "0")
    frames += fmt::format("\t... {} more\n", left_out.raw());
  return head_of(exception) + "\n" + frames;
}

Value with_id(const Value& exceptions, std::string_view id) {
  for (Value one = exceptions.first(); one; one = one.next()) {
    if (!id.empty() && one.get("id").text() == id) return one;
  }
  return {};
}

/// With its causes, outermost first; Python prints the innermost first. No cause is begun beyond
/// `room` bytes.
std::string text_of(Value exception, const Value& exceptions, std::string_view language,
                    std::size_t room) {
  std::string all = own_text(exception, language);
  for (std::size_t depth = 0; depth < causes_max && all.size() < room; ++depth) {
    exception = with_id(exceptions, exception.get("cause").text());
    if (!exception) break;
    std::string cause = own_text(exception, language);
    if (cause.empty()) cause = head_of(exception) + "\n";
    if (language == "python") {
      cause += "\nThe above exception was the direct cause of the following exception:\n\n";
      all.insert(0, cause);
    } else {
      all += "Caused by: " + cause;
    }
  }
  return all;
}

}  // namespace

std::string_view language_of(const Value& segment) {
  constexpr std::array names{
      Named{"Python", "python"}, Named{"Java", "java"}, Named{"Node", "nodejs"},
      Named{".NET", "dotnet"},   Named{"Go", "go"},     Named{"Ruby", "ruby"},
  };
  const std::string sdk = segment.get("aws").get("xray").get("sdk").text();
  for (const Named& one : names) {
    if (sdk.find(one.of) != sdk.npos) return one.language;
  }
  return {};
}

std::vector<ExceptionEvent> exceptions_of(const Value& segment, std::string_view language) {
  std::vector<ExceptionEvent> made;
  const Value cause = segment.get("cause");
  const Value exceptions = cause.get("exceptions");
  std::size_t room = cause.raw().size() * expansion_max;
  if (!exceptions.is(Kind::array)) return made;
  std::vector<std::string> causes;
  for (Value one = exceptions.first(); one; one = one.next()) {
    if (one.get("cause").is(Kind::string)) causes.push_back(one.get("cause").text());
  }
  for (Value one = exceptions.first(); one && made.size() < exceptions_max && room != 0;
       one = one.next()) {
    const std::string id = one.get("id").text();
    const bool is_cause = !id.empty() && std::ranges::find(causes, id) != causes.end() &&
                          one.get("cause").text() != id;
    if (is_cause || !one.is(Kind::object)) continue;
    const std::string_view of = !language.empty()
                                    ? language
                                    : language_of_file(one.get("stack").first().get("path").text());
    made.push_back({one.get("type").text(), one.get("message").text(),
                    text_of(one, exceptions, of, room), one.get("remote").is_true()});
    room -= std::min(room, made.back().stack.size());
  }
  return made;
}

}  // namespace forager::otlp::segments
