// Go: the goroutine that panicked or asked for its stack, with the panic's text before it; and the
// "%+v" of errors that carry a stack, which has the same pairs of lines.
#include <algorithm>
#include <utility>

#include "rollbar/stack_languages.h"
#include "rollbar/stack_text.h"

namespace forager::rollbar {
namespace {

constexpr std::size_t kept_max = 2 * chain_max;

/// `goroutine 1 [running]:`
bool is_goroutine(std::string_view line) {
  constexpr std::string_view start = "goroutine ";
  if (!line.starts_with(start) || !line.ends_with("]:")) return false;
  line.remove_prefix(start.size());
  const std::size_t space = line.find(' ');
  return space != std::string_view::npos && number(line.substr(0, space)).has_value() &&
         line.substr(space + 1).starts_with('[');
}

/// `\t/a/main.go:12 +0x1d`
std::optional<Frame> read_place(std::string_view line) {
  if (!line.starts_with('\t')) return std::nullopt;
  line = trimmed(line);
  const std::size_t offset = line.rfind(" +0x");
  if (offset != std::string_view::npos) line = line.substr(0, offset);
  Frame frame;
  frame.line = take_number_at_end(line);
  if (!frame.line || line.empty()) return std::nullopt;
  frame.filename = line;
  return frame;
}

/// `main.(*Shop).Pay(0x1, {0x2, 0x3})` without the arguments.
std::string_view function_name(std::string_view line) {
  const std::size_t routine = line.find(" in goroutine ");
  if (line.starts_with("created by ")) return line.substr(0, routine);
  if (line.ends_with(')')) line = line.substr(0, line.rfind('('));
  return line;
}

struct Panic {
  std::string type;
  std::string message;
};

/// `panic: first [recovered]` and below it, after a tab, the panic of a deferred function.
class PanicText {
 public:
  void read(std::string_view line) {
    const std::string_view content = trimmed(line);
    for (const std::string_view type : {"panic", "fatal error"}) {
      if (!content.starts_with(type) || !content.substr(type.size()).starts_with(": ")) continue;
      begin(type, content.substr(type.size() + 2));
      return;
    }
    if (content.starts_with("[signal ") || panics_.empty()) return;
    std::string_view more = line;
    if (more.starts_with('\t')) more.remove_prefix(1);  // Go indents what follows the first line
    add_line(panics_.back().message, without_recovered(more));
  }
  /// The last one is what the stack belongs to.
  std::vector<Panic> take() { return std::move(panics_); }

 private:
  static std::string_view without_recovered(std::string_view text) {
    for (const std::string_view end : {" [recovered]", " [recovered, repanicked]"}) {
      if (text.ends_with(end)) text.remove_suffix(end.size());
    }
    return text;
  }

  void begin(std::string_view type, std::string_view message) {
    message = without_recovered(message);
    if (!panics_.empty() && panics_.back().message == message) return;  // raised again as it was
    if (panics_.size() >= kept_max) panics_.erase(panics_.begin());
    panics_.push_back({std::string(type), std::string(message)});
  }

  std::vector<Panic> panics_;
};

Chain parse_goroutine(std::string_view text) {
  PanicText panic;
  FrameList frames;
  std::string_view name;
  bool started = false;
  for (Lines lines(text); !lines.done();) {
    const std::string_view line = lines.next();
    if (!started) {
      started = is_goroutine(line);
      if (!started) panic.read(line);
    } else if (line.empty() || is_goroutine(line)) {
      if (!frames.empty()) break;
    } else if (auto frame = read_place(line); frame && !name.empty()) {
      frame->method = function_name(name);
      frames.add(*std::move(frame));
      name = {};
    } else {
      name = line;
    }
  }
  if (frames.empty()) return {};
  std::vector<Panic> panics = panic.take();
  if (panics.empty()) panics.emplace_back();
  Chain chain;
  for (auto each = panics.rbegin(); each != panics.rend() && chain.size() < chain_max; ++each) {
    trim_end(each->message);
    chain.push_back({std::move(each->type), std::move(each->message), {}, {}});
  }
  chain.front().frames = taken(std::move(frames), true);
  return chain;
}

/// Message, pairs of lines; then what wrapped it, the same way.
Chain parse_pairs(std::string_view text) {
  std::vector<Draft> drafts;
  std::string_view before;  // a function, if a place follows
  bool waiting = false;
  const auto end_message = [&] {
    if (!waiting) return;
    if (drafts.empty() || !drafts.back().frames.empty()) {
      if (drafts.size() >= kept_max) drafts.erase(drafts.begin());
      drafts.emplace_back();
      drafts.back().message = before;
    } else {
      add_line(drafts.back().message, before);
    }
  };
  for (Lines lines(text); !lines.done();) {
    const std::string_view line = lines.next();
    if (auto frame = read_place(line); frame && waiting) {
      if (drafts.empty()) drafts.emplace_back();
      frame->method = function_name(before);
      drafts.back().frames.add(*std::move(frame));
      waiting = false;
      continue;
    }
    end_message();
    before = line;
    waiting = true;
  }
  Chain chain;
  for (auto draft = drafts.rbegin(); draft != drafts.rend() && chain.size() < chain_max; ++draft) {
    if (draft->frames.empty()) continue;
    chain.push_back(finished(std::move(*draft), true));
  }
  return chain;
}

}  // namespace

bool is_go_line(std::string_view line) {
  if (is_goroutine(line)) return true;
  const auto place = read_place(line);
  return place && place->filename.ends_with(".go");
}

Chain parse_go(std::string_view text) {
  Chain chain = parse_goroutine(text);
  return chain.empty() ? parse_pairs(text) : chain;
}

}  // namespace forager::rollbar
