// Java's Throwable.printStackTrace, which Kotlin, Scala and logback's printers share, and which the
// OpenTelemetry SDK of PHP imitates.
#include <algorithm>
#include <utility>

#include "rollbar/stack_languages.h"
#include "rollbar/stack_text.h"

namespace forager::rollbar {
namespace {

constexpr std::size_t kept_max = 4 * chain_max;
constexpr std::size_t depth_max = 64;  ///< of suppressed exceptions in suppressed ones

/// Without "loader/module@version/", which the class of a hidden lambda ("A$$Lambda/0x01") has not.
std::string_view without_module(std::string_view name) {
  for (std::size_t slash = name.rfind('/'); slash != std::string_view::npos;
       slash = slash == 0 ? std::string_view::npos : name.rfind('/', slash - 1)) {
    const std::string_view after = name.substr(slash + 1);
    if (!after.empty() && (after.front() < '0' || after.front() > '9')) return after;
  }
  return name;
}

/// What stands in the parentheses: `A.java:12`, `A.java`, `Native Method`, `Unknown Source`.
bool read_place(std::string_view place, Frame& frame) {
  if (place == "Native Method") {
    frame.filename = "<native>";
    return true;
  }
  if (place == "Unknown Source") {
    frame.filename = unknown_file;
    return true;
  }
  frame.line = take_number_at_end(place);
  frame.filename = place;
  // "a.cs:line 5" and "a.js:1:2" are other languages'
  if (place.empty() || place.find_first_of(":,") != std::string_view::npos) return false;
  if (frame.line || place.starts_with('<')) return true;  // "<generated>"
  return place.find('.') != std::string_view::npos && place.find(' ') == std::string_view::npos;
}

/// `at java.base/java.util.ArrayList.get(ArrayList.java:427) ~[lib.jar:1.0]`
std::optional<Frame> read_frame(std::string_view line, bool php) {
  line = trimmed(line);
  if (!line.starts_with("at ")) return std::nullopt;
  line.remove_prefix(3);
  // The name of an anonymous class of PHP goes on after a NUL, with the path of its file.
  const std::size_t open = line.find('(');
  const std::size_t close = line.find(')', open == std::string_view::npos ? 0 : open);
  if (close == std::string_view::npos || open == 0 || open > close) return std::nullopt;
  std::string_view name = line.substr(0, open);
  if (name.back() == ' ') return std::nullopt;  // JavaScript
  Frame frame;
  if (!read_place(line.substr(open + 1, close - open - 1), frame)) return std::nullopt;
  if (!php) name = without_module(name);
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) {
    if (!php && name.find(' ') != std::string_view::npos) return std::nullopt;
    frame.method = name;
  } else {
    frame.class_name = name.substr(0, std::min(dot, name.find('\0')));
    frame.method = name.substr(dot + 1);
  }
  return frame;
}

/// `... 5 more`, and logback's `... 5 common frames omitted`.
std::optional<std::uint32_t> read_common(std::string_view line) {
  line = trimmed(line);
  if (!line.starts_with("... ")) return std::nullopt;
  line.remove_prefix(4);
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const std::string_view what = line.substr(space + 1);
  if (what != "more" && !what.starts_with("common frames omitted")) return std::nullopt;
  return number(line.substr(0, space));
}

class Reader {
 public:
  explicit Reader(bool php) : php_(php) {}

  void read(std::string_view line) {
    if (full_) return;
    const std::size_t indent = std::min(line.find_first_not_of('\t'), line.size());
    const std::string_view content = line.substr(indent);
    if (content.starts_with("Caused by: ")) {
      begin(content.substr(11), indent, false);
    } else if (indent > 0 && content.starts_with("Suppressed: ")) {
      begin(content.substr(12), indent, true);
    } else if (auto frame = read_frame(line, php_)) {
      if (drafts_.empty()) begin({}, 0, false);
      drafts_.back().draft.frames.add(*std::move(frame));
    } else if (const auto common = read_common(line); common && !drafts_.empty()) {
      restore(*common);
    } else if (drafts_.empty()) {
      if (!trimmed(line).empty()) begin(without_thread(line), 0, false);
    } else if (drafts_.back().draft.frames.empty()) {
      add_line(drafts_.back().draft.message, line);
    }
  }

  /// The chain of causes first, then what was suppressed.
  Chain take() {
    Chain out;
    for (const bool suppressed : {false, true}) {
      for (Part& part : drafts_) {
        if (part.suppressed != suppressed || out.size() == chain_max) continue;
        out.push_back(finished(std::move(part.draft), true));
      }
    }
    return out;
  }

 private:
  struct Part {
    Draft draft;
    bool suppressed = false;          ///< or the cause of one that was
    std::size_t enclosing = no_part;  ///< whose frames `... 5 more` means
  };
  static constexpr std::size_t no_part = ~std::size_t{0};

  static std::string_view without_thread(std::string_view line) {
    constexpr std::string_view start = "Exception in thread \"";
    if (!line.starts_with(start)) return line;
    const std::size_t end = line.find("\" ", start.size());
    return end == std::string_view::npos ? line : line.substr(end + 2);
  }

  void begin(std::string_view text, std::size_t indent, bool suppresses) {
    if (text.starts_with("[CIRCULAR REFERENCE")) return;
    full_ = drafts_.size() >= kept_max;
    if (full_) return;
    indent = std::min(indent, depth_max);
    const std::size_t parent = suppresses ? indent - 1 : indent;
    Part part;
    part.suppressed = indent > 0;
    if (parent < open_.size()) part.enclosing = open_[parent];
    const Header header = read_header(text);
    part.draft.type = header.type;
    part.draft.message = header.message;
    open_.resize(indent + 1, no_part);
    open_[indent] = drafts_.size();
    drafts_.push_back(std::move(part));
  }

  void restore(std::uint32_t count) {
    Part& part = drafts_.back();
    if (part.enclosing == no_part) return;
    const FrameList& from = drafts_[part.enclosing].draft.frames;
    std::size_t i = from.size() - std::min<std::size_t>(count, from.size());
    for (; i < from.size() && copies_.take(from.at(i)); ++i) part.draft.frames.add(from.at(i));
    part.enclosing = no_part;  // a trace says it once
  }

  bool php_;
  bool full_ = false;  ///< more exceptions than any app has: what follows is left out
  std::vector<Part> drafts_;
  std::vector<std::size_t> open_;  ///< by indentation: the draft last begun there
  CopyBudget copies_;
};

}  // namespace

bool is_java_line(std::string_view line) { return read_frame(line, false).has_value(); }

Chain parse_java_form(std::string_view text, bool php) {
  Reader reader(php);
  for (Lines lines(text); !lines.done();) reader.read(lines.next());
  return reader.take();
}

Chain parse_java(std::string_view text) { return parse_java_form(text, false); }

}  // namespace forager::rollbar
