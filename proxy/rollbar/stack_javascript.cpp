// JavaScript: V8's err.stack, what Node prints around it (util.inspect: [cause], [errors]), pino's
// "caused by:", and the fn@file:line:column of Firefox and Safari.
#include <algorithm>
#include <utility>

#include "rollbar/stack_languages.h"
#include "rollbar/stack_text.h"

namespace forager::rollbar {
namespace {

constexpr std::size_t kept_max = 2 * chain_max;

/// `path:10:5`
bool read_place(std::string_view place, Frame& frame) {
  if (place.starts_with("address at ")) place.remove_prefix(11);  // Hermes
  frame.column = take_number_at_end(place);
  if (!frame.column) return false;
  frame.line = take_number_at_end(place);
  frame.filename = place;
  return frame.line && !place.empty();
}

/// Of `eval at f (eval at g (/a/b.js:10:5), <anonymous>:1:1), <anonymous>:2:3` what is in a file.
std::string_view eval_origin(std::string_view place) {
  while (place.starts_with("eval at ")) {
    const std::size_t open = place.find(" (");
    if (open == std::string_view::npos) return {};
    place.remove_prefix(open + 2);
  }
  return place.substr(0, place.find(')'));
}

/// `/a/b.js`, `file:///a/b.js`, `[eval]`, `REPL1`
bool is_source(std::string_view name) {
  return name.find_first_of("/\\.:<[") != std::string_view::npos || name.starts_with("REPL");
}

bool read_named_place(std::string_view place, Frame& frame) {
  if (place.starts_with("eval at ")) {
    if (!read_place(eval_origin(place), frame)) frame.filename = "<anonymous>";
    return true;
  }
  if (read_place(place, frame)) return true;
  frame.line.reset();
  frame.column.reset();
  if (place == "native" || place == "<anonymous>" || place.starts_with("index ")) {
    frame.filename = place == "native" ? "<native>" : "<anonymous>";
    return true;
  }
  frame.filename = place.substr(0, place.find(":wasm-function"));
  return place.starts_with("wasm://") || place.find("wasm-function[") != std::string_view::npos;
}

/// `at async Shop.pay [as charge] (file:///a/b.js:10:5)`, `at /a/b.js:10:5`
std::optional<Frame> read_v8(std::string_view line) {
  line = trimmed(line);
  if (!line.starts_with("at ")) return std::nullopt;
  line.remove_prefix(3);
  if (line.ends_with(" {")) line.remove_suffix(2);
  if (line.ends_with(',')) line.remove_suffix(1);
  if (line.starts_with("async ")) line.remove_prefix(6);
  Frame frame;
  const std::size_t open = line.find(" (");
  if (!line.ends_with(')') || open == std::string_view::npos) {
    if (line == "<anonymous>") {
      frame.filename = line;
      return frame;
    }
    // a time has the same form: "at 10:30:15"
    if (!read_place(line, frame) || !is_source(frame.filename)) return std::nullopt;
    return frame;
  }
  if (!read_named_place(line.substr(open + 2, line.size() - open - 3), frame)) return std::nullopt;
  const std::string_view name = line.substr(0, open);
  frame.method = name.substr(0, name.find(" [as "));
  return frame;
}

/// `fn@https://a/b.js:10:5`, `@https://a/b.js line 3 > eval:1:1`, `fn@[native code]`
std::optional<Frame> read_gecko(std::string_view line) {
  const std::size_t at = line.find('@');
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view place = line.substr(at + 1);
  Frame frame;
  frame.method = line.substr(0, at);
  if (place == "[native code]") {
    frame.filename = "<native>";
    return frame;
  }
  const bool known = place.find('/') != std::string_view::npos ||
                     place.find("eval code") != std::string_view::npos;
  if (!known || !read_place(place, frame)) return std::nullopt;
  const std::size_t evaluated = frame.filename.find(" > ");
  if (evaluated == std::string::npos) return frame;
  std::string_view outside = std::string_view(frame.filename).substr(0, evaluated);
  const auto outside_line = take_number_at_end(outside, " line ");
  if (!outside_line) return frame;
  frame.line = outside_line;
  frame.column.reset();
  frame.filename = std::string(outside);
  return frame;
}

std::optional<Frame> read_frame(std::string_view line) {
  auto frame = read_v8(line);
  if (!frame) frame = read_gecko(line);
  return frame;
}

/// `... 5 lines matching cause stack trace ...`
std::optional<std::uint32_t> read_common(std::string_view line) {
  if (!line.starts_with("... ") || !line.ends_with(" matching cause stack trace ...")) {
    return std::nullopt;
  }
  line.remove_prefix(4);
  return number(line.substr(0, line.find(' ')));
}

/// `TypeError [ERR_X]: message`, `[Error: without a stack]`
void read_header_into(std::string_view line, Draft& draft) {
  if (line.ends_with(" {")) line.remove_suffix(2);
  if (line.starts_with('[') && line.ends_with(']')) line = line.substr(1, line.size() - 2);
  for (const std::string_view prefix : {"Uncaught ", "(in promise) "}) {
    if (line.starts_with(prefix)) line.remove_prefix(prefix.size());
  }
  const std::size_t bracket = line.find(" [");
  const std::size_t end = line.find("]: ");
  if (bracket < line.find(':') && end != std::string_view::npos && bracket < end &&
      is_name(line.substr(0, bracket), ".")) {
    draft.type = line.substr(0, bracket);
    draft.message = line.substr(end + 3);
    return;
  }
  const Header header = read_header(line);
  draft.type = header.type;
  draft.message = header.message;
}

struct Part {
  Draft draft;
  bool grouped = false;
  std::size_t common_at = 0;    ///< before which frame some of the cause's are left out
  std::uint32_t common = 0;     ///< how many
  std::vector<Frame> frames{};  ///< all of them, in the order of the text
};

/// Fills in what Node left out of `part` because its cause has it.
void restore(Part& part, const Part& cause, CopyBudget& copies) {
  if (part.common == 0 || part.common_at == 0 || part.common_at > part.frames.size()) return;
  const Frame& before = part.frames[part.common_at - 1];
  auto from = std::find(cause.frames.begin(), cause.frames.end(), before);
  if (from == cause.frames.end() || cause.frames.end() - from <= part.common) return;
  std::vector<Frame> more;
  for (std::uint32_t i = 0; i < part.common && copies.take(*++from); ++i) more.push_back(*from);
  part.frames.insert(part.frames.begin() + static_cast<std::ptrdiff_t>(part.common_at),
                     more.begin(), more.end());
}

class Reader {
 public:
  void read(std::string_view line) {
    if (full_) return;
    const std::string_view content = trimmed(line);
    if (auto frame = read_frame(line)) {
      if (parts_.empty() || (properties_ && !property_.empty())) begin_nested();
      if (full_) return;
      message_open_ = false;
      parts_.back().draft.frames.add(*std::move(frame));
      properties_ = content.ends_with(" {") || content.ends_with(',');
    } else if (parts_.empty()) {
      if (!content.empty()) begin(content, false);
    } else if (starts_cause(content)) {
      begin(content.substr(content.find(':') + 2), false);
    } else if (const auto common = read_common(content)) {
      Part& part = parts_.back();
      if (part.common == 0) {
        part.common = *common;
        part.common_at = part.draft.frames.size();
      }
    } else {
      other(line, content);
    }
  }

  Chain take() {
    for (Part& part : parts_) part.frames = taken(std::move(part.draft.frames), false);
    CopyBudget copies;
    for (std::size_t i = parts_.size(); i-- > 1;) restore(parts_[i - 1], parts_[i], copies);
    Chain out;
    for (const bool grouped : {false, true}) {
      for (Part& part : parts_) {
        const bool nothing = part.draft.type.empty() && part.frames.empty() && !out.empty();
        if (part.grouped != grouped || nothing || out.size() == chain_max) continue;
        std::reverse(part.frames.begin(), part.frames.end());
        trim_end(part.draft.message);
        out.push_back({std::move(part.draft.type),
                       std::move(part.draft.message),
                       std::move(part.frames),
                       {}});
      }
    }
    return out;
  }

 private:
  static bool starts_cause(std::string_view content) {
    return content.starts_with("[cause]: ") || content.starts_with("caused by: ") ||
           content.starts_with("Caused by: ");
  }

  /// The line before these frames was the header of an error in a list or in another property.
  void begin_nested() {
    std::string_view header = property_;
    if (!in_errors_) {
      const std::string_view value = read_header(header).message;  // of "original: Error: x"
      if (!read_header(value).type.empty()) header = value;
    }
    begin(header, !parts_.empty());
  }

  void begin(std::string_view header, bool grouped) {
    full_ = parts_.size() >= kept_max;
    if (full_) return;
    Part part;
    part.grouped = grouped || in_errors_;
    read_header_into(header, part.draft);
    message_open_ = !header.ends_with(" {") && !header.ends_with(']');
    properties_ = header.ends_with(" {");
    property_ = {};
    parts_.push_back(std::move(part));
  }

  void other(std::string_view line, std::string_view content) {
    Part& part = parts_.back();
    if (part.draft.frames.empty() && message_open_ && content != "}") {
      // Node shows the source of an uncaught error, then its header
      const bool caret =
          !content.empty() && content.find_first_not_of('^') == std::string_view::npos;
      if (caret && parts_.size() == 1) {
        parts_.clear();
        return;
      }
      add_line(part.draft.message, line);
      return;
    }
    if (content.starts_with("[errors]: [")) in_errors_ = true;
    if (content == "]" || content == "],") in_errors_ = false;
    property_ = content == "}" || content == "{" || content.ends_with('[') || content == "]" ||
                        content == "},"
                    ? std::string_view{}
                    : content;
  }

  std::vector<Part> parts_;
  std::string_view property_;  ///< the line before, where it may be the header of a nested error
  bool properties_ = false;    ///< between the braces after a stack
  bool in_errors_ = false;     ///< of an AggregateError
  bool message_open_ = false;
  bool full_ = false;
};

}  // namespace

bool is_javascript_line(std::string_view line) { return read_frame(line).has_value(); }

Chain parse_javascript(std::string_view text) {
  Reader reader;
  for (Lines lines(text); !lines.done();) reader.read(lines.next());
  return reader.take();
}

}  // namespace forager::rollbar
