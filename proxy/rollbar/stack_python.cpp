// Python's tracebacks (Lib/traceback.py): causes are printed first, groups as an indented tree.
#include <algorithm>
#include <utility>

#include "rollbar/stack_languages.h"
#include "rollbar/stack_text.h"

namespace forager::rollbar {
namespace {

constexpr std::string_view traceback_line = "Traceback (most recent call last):";
constexpr std::string_view group_line = "Exception Group Traceback (most recent call last):";
constexpr std::string_view during_line =
    "During handling of the above exception, another exception occurred:";
constexpr std::string_view because_line =
    "The above exception was the direct cause of the following exception:";
constexpr std::size_t kept_max = 2 * chain_max;  ///< exceptions held beside each other
constexpr std::size_t depth_max = 32;            ///< Python itself prints 10 levels of groups

/// `  File "a.py", line 3, in f`; of a SyntaxError without the function.
std::optional<Frame> read_frame(std::string_view line) {
  constexpr std::string_view start = "  File \"";
  constexpr std::string_view middle = "\", line ";
  if (!line.starts_with(start)) return std::nullopt;
  const std::size_t end = line.rfind(middle);
  if (end == std::string_view::npos || end < start.size()) return std::nullopt;
  Frame frame;
  frame.filename = line.substr(start.size(), end - start.size());
  std::string_view rest = line.substr(end + middle.size());
  const std::size_t comma = std::min(rest.find(','), rest.size());
  frame.line = number(trimmed(rest.substr(0, comma)));
  rest.remove_prefix(comma);
  if (rest.starts_with(", in ")) frame.method = rest.substr(5);
  return frame;
}

/// `  [Previous line repeated 996 more times]`
std::optional<std::uint32_t> read_repeats(std::string_view line) {
  constexpr std::string_view start = "  [Previous line repeated ";
  if (!line.starts_with(start)) return std::nullopt;
  line.remove_prefix(start.size());
  return number(line.substr(0, line.find(' ')));
}

/// The carets under a source line.
bool is_marker(std::string_view line) {
  return line.find_first_not_of(" ~^") == std::string_view::npos;
}

struct Raised {
  Draft draft;
  bool quoted = false;                       ///< the traceback of another process, between """
  std::vector<std::vector<Raised>> parts{};  ///< of a group: the chain of each
};

/// One chain as it is read: the whole text's, or that of one exception in a group.
struct Level {
  std::size_t column = 0;  ///< where its margin stands
  std::vector<Raised> chain{1};
  enum class State { before, frames, message } state = State::before;
  bool wants_code = false;  ///< the line before was a frame's
};

/// A line without the margin that the tree of a group puts before it.
struct Margin {
  enum class Kind { none, text, opens, next, closes } kind = Kind::none;
  std::size_t column = 0;
  std::string_view text;
};

Margin read_margin(std::string_view line) {
  const std::size_t column = std::min(line.find_first_not_of(' '), line.size());
  const std::string_view rest = line.substr(column);
  if (column < 2) return {Margin::Kind::none, 0, line};
  if (rest == "|") return {Margin::Kind::text, column, {}};
  if (rest.starts_with("| ") || rest.starts_with("+ ")) {
    return {Margin::Kind::text, column, rest.substr(2)};
  }
  const bool titled = rest.find_first_not_of("+-") != std::string_view::npos;
  if (rest.starts_with("+-+---")) return {Margin::Kind::opens, column + 2, {}};
  if (rest.starts_with("+---")) {
    return {titled ? Margin::Kind::next : Margin::Kind::closes, column, {}};
  }
  return {Margin::Kind::none, 0, line};
}

class Reader {
 public:
  void read(std::string_view line) {
    if (!grouped_) grouped_ = trimmed(line).ends_with(group_line);
    if (!grouped_) return read_at(levels_.back(), line);
    const Margin margin = read_margin(line);
    const bool part = margin.kind == Margin::Kind::next || margin.kind == Margin::Kind::closes;
    close_above(part || margin.kind == Margin::Kind::opens ? margin.column - 1 : margin.column);
    if (margin.kind == Margin::Kind::opens || margin.kind == Margin::Kind::next) {
      if (levels_.size() < depth_max) levels_.push_back({.column = margin.column});
    } else if (margin.kind != Margin::Kind::closes) {
      read_at(levels_.back(), margin.text);
    }
  }

  std::vector<Raised> take() {
    close_above(0);
    end_exception(levels_.front());
    return std::move(levels_.front().chain);
  }

 private:
  using State = Level::State;

  void read_at(Level& level, std::string_view line) {
    if (line == during_line || line == because_line) {
      end_exception(level);
      if (level.chain.size() >= kept_max) level.chain.erase(level.chain.begin());
      level.chain.emplace_back();
      level.state = State::before;
      level.wants_code = false;
      return;
    }
    switch (level.state) {
      case State::before:
        return before(level, line);
      case State::frames:
        return frames(level, line);
      case State::message:
        return add_line(level.chain.back().draft.message, line);
    }
  }

  /// What stands before a traceback is an exception without one, or belongs to nobody.
  void before(Level& level, std::string_view line) {
    Raised& raised = level.chain.back();
    const bool header = line.starts_with(traceback_line) || line.starts_with(group_line);
    if (header || read_frame(line)) {
      raised.quoted = raised.draft.message.ends_with("\"\"\"");
      raised.draft.type.clear();
      raised.draft.message.clear();
      level.state = State::frames;
      if (!header) frames(level, line);
    } else if (!raised.draft.type.empty() || !raised.draft.message.empty()) {
      add_line(raised.draft.message, line);
    } else if (!line.empty()) {
      start_message(raised.draft, line);
    }
  }

  void frames(Level& level, std::string_view line) {
    FrameList& list = level.chain.back().draft.frames;
    if (auto frame = read_frame(line)) {
      list.add(*std::move(frame));
      level.wants_code = true;
    } else if (line.starts_with("    ")) {
      if (level.wants_code && !is_marker(line)) list.last().code = trimmed(line);
      level.wants_code = false;
    } else if (const auto repeats = read_repeats(line); repeats && !list.empty()) {
      const Frame again = list.last();
      for (std::uint32_t i = 0; i < *repeats && i < frames_max && copies_.take(again); ++i) {
        list.add(again);
      }
    } else if (!line.empty() && !line.starts_with("  ")) {
      start_message(level.chain.back().draft, line);
      level.state = State::message;
    }
  }

  static void start_message(Draft& draft, std::string_view line) {
    const Header header = read_header(line);
    draft.type = header.type;
    draft.message = header.message;
  }

  static void end_exception(Level& level) {
    Raised& raised = level.chain.back();
    trim_end(raised.draft.message);
    if (raised.quoted && raised.draft.message.ends_with("\"\"\"")) {
      raised.draft.message.resize(raised.draft.message.size() - 3);
    }
  }

  void close_above(std::size_t column) {
    while (levels_.size() > 1 && levels_.back().column > column) {
      Level level = std::move(levels_.back());
      levels_.pop_back();
      end_exception(level);
      auto& parts = levels_.back().chain.back().parts;
      if (parts.size() < kept_max) parts.push_back(std::move(level.chain));
    }
  }

  std::vector<Level> levels_{1};
  CopyBudget copies_;
  bool grouped_ = false;
};

/// Raised first, its causes, then the parts of groups among them. As deep as depth_max at most.
void flatten(std::vector<Raised>& chain, Chain& out) {
  std::vector<std::vector<Raised>> parts;
  for (auto raised = chain.rbegin(); raised != chain.rend() && out.size() < chain_max; ++raised) {
    std::move(raised->parts.begin(), raised->parts.end(), std::back_inserter(parts));
    Exception exception = finished(std::move(raised->draft), false);
    const bool says_nothing = exception.type.empty() && exception.frames.empty();
    if (says_nothing && !out.empty()) continue;  // the first may be what was cut off the text
    out.push_back(std::move(exception));
  }
  for (auto& part : parts) flatten(part, out);
}

}  // namespace

bool is_python_line(std::string_view line) {
  return line.starts_with(traceback_line) || trimmed(line).ends_with(group_line) ||
         read_frame(line).has_value();
}

Chain parse_python(std::string_view text) {
  Reader reader;
  for (Lines lines(text); !lines.done();) reader.read(lines.next());
  std::vector<Raised> chain = reader.take();
  Chain out;
  flatten(chain, out);
  return out;
}

}  // namespace forager::rollbar
