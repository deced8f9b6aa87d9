// .NET's Exception.ToString: inner exceptions stand before the frames of the outer one. Mono's form
// of a frame too.
#include <algorithm>
#include <utility>

#include "rollbar/stack_languages.h"
#include "rollbar/stack_text.h"

namespace forager::rollbar {
namespace {

constexpr std::size_t kept_max = 2 * chain_max;
constexpr std::size_t type_max = 512;  ///< characters of a type's name that are looked at
constexpr std::string_view inner_arrow = " ---> ";

/// ` in C:\a.cs:line 5`, Mono's ` [0x00001] in /a.cs:5`
bool read_place(std::string_view rest, Frame& frame) {
  frame.filename = unknown_file;
  if (rest.empty()) return true;
  if (rest.starts_with(" [0x")) rest.remove_prefix(std::min(rest.find(']'), rest.size() - 1) + 1);
  if (rest.starts_with(" + ")) return true;  // an offset
  if (!rest.starts_with(" in ")) return rest.empty();
  rest.remove_prefix(4);
  frame.line = take_number_at_end(rest, ":line ");
  if (!frame.line) frame.line = take_number_at_end(rest);
  if (rest.starts_with('<')) {
    frame.line.reset();  // a module without symbols
  } else {
    frame.filename = rest;
  }
  return true;
}

/// `at Shop.Cart.Pay(Order order) in C:\a.cs:line 5`
std::optional<Frame> read_frame(std::string_view line) {
  line = trimmed(line);
  if (!line.starts_with("at ")) return std::nullopt;
  line.remove_prefix(3);
  if (line.starts_with("(wrapper ")) {
    line.remove_prefix(std::min(line.find(") "), line.size() - 2) + 2);
  }
  const std::size_t open = line.find('(');
  if (open == std::string_view::npos) return std::nullopt;
  const std::size_t close = line.find(')', open);
  if (close == std::string_view::npos) return std::nullopt;
  std::string_view name = line.substr(0, open);
  if (name.ends_with(' ')) name.remove_suffix(1);
  const std::string_view arguments = line.substr(open + 1, close - open - 1);
  if (name.find('.') == std::string_view::npos || name.find(' ') != std::string_view::npos ||
      arguments.find(':') != std::string_view::npos || arguments.starts_with('<') ||
      arguments == "Native Method" || arguments == "Unknown Source" || arguments == "native") {
    return std::nullopt;  // Java, JavaScript, or prose
  }
  Frame frame;
  if (!read_place(line.substr(close + 1), frame)) return std::nullopt;
  frame.method = name;
  frame.method += '(';
  frame.method += arguments;
  frame.method += ')';
  return frame;
}

bool is_typed(const Header& header) {
  return header.type.find('.') != std::string_view::npos || header.type.ends_with("Exception");
}

class Reader {
 public:
  void read(std::string_view line) {
    if (full_) return;
    const bool ends = trimmed(line).ends_with("<---");
    if (ends) line = trimmed(line).substr(0, trimmed(line).size() - 4);
    read_one(line);
    if (!ends || marks_.empty()) return;
    open_.resize(std::min(open_.size(), marks_.back()));
    marks_.pop_back();
  }

  /// The raised one and its inner ones, then the further inner ones of an AggregateException.
  Chain take() {
    Chain out;
    for (const bool further : {false, true}) {
      for (Part& part : parts_) {
        if (part.further != further || part.repeated || out.size() == chain_max) continue;
        out.push_back(finished(std::move(part.draft), true));
      }
    }
    return out;
  }

 private:
  struct Part {
    Draft draft;
    bool further = false;
    bool repeated = false;  ///< old runtimes print the first inner exception twice
  };

  void read_one(std::string_view line) {
    const std::string_view content = trimmed(line);
    if (auto frame = read_frame(content)) {
      if (parts_.empty()) begin({}, false, false);
      if (full_) return;
      message_open_ = false;
      parts_[open_.back()].draft.frames.add(*std::move(frame));
    } else if (content == "--- End of inner exception stack trace ---") {
      message_open_ = false;
      if (open_.size() > 1) open_.pop_back();
    } else if (content.starts_with("--- End of stack trace from previous location")) {
      message_open_ = false;
    } else if (content.starts_with("---> ") && !parts_.empty()) {
      begin_inner(content.substr(5));
    } else if (parts_.empty()) {
      if (!content.empty()) begin_all(content, false, false);
    } else if (message_open_) {
      continue_message(line);
    }
  }

  void begin_inner(std::string_view text) {
    bool further = !parts_.empty() && parts_[open_.back()].further;
    bool repeated = false;
    if (text.starts_with("(Inner Exception #")) {
      repeated = text.starts_with("(Inner Exception #0)") && parts_.size() > 1;
      further = true;
      if (marks_.size() < kept_max) marks_.push_back(open_.size());
      text.remove_prefix(std::min(text.find(") "), text.size() - 2) + 2);
    }
    begin_all(text, further, repeated);
  }

  /// A header, and the headers of inner exceptions that old runtimes put on the same line.
  void begin_all(std::string_view text, bool further, bool repeated) {
    for (std::size_t from = 0;;) {
      const std::size_t arrow = text.find(inner_arrow, from);
      if (arrow == std::string_view::npos) break;
      const std::string_view after = text.substr(arrow + inner_arrow.size(), type_max);
      const std::size_t colon = std::min(after.find(':'), after.size());
      from = arrow + inner_arrow.size();
      if (!is_typed(read_header(after.substr(0, colon)))) continue;
      begin(text.substr(0, arrow), further, repeated);
      text = text.substr(from);
      from = 0;
    }
    begin(text, further, repeated);
  }

  void continue_message(std::string_view line) {
    std::string& message = parts_[open_.back()].draft.message;
    const std::size_t arrow = line.find(inner_arrow);
    const bool inner = arrow != std::string_view::npos &&
                       is_typed(read_header(line.substr(arrow + inner_arrow.size())));
    add_line(message, inner ? line.substr(0, arrow) : line);
    if (inner) begin_inner(line.substr(arrow + inner_arrow.size()));
  }

  void begin(std::string_view text, bool further, bool repeated) {
    full_ = parts_.size() >= kept_max;
    if (full_) return;
    const Header header = read_header(text);
    Part part;
    part.draft.type = header.type;
    part.draft.message = header.message;
    part.further = further;
    part.repeated = repeated || (!open_.empty() && parts_[open_.back()].repeated);
    open_.push_back(parts_.size());
    parts_.push_back(std::move(part));
    message_open_ = true;
  }

  std::vector<Part> parts_;
  std::vector<std::size_t> open_;   ///< those whose frames are still to come, the innermost last
  std::vector<std::size_t> marks_;  ///< how many were open before each that ends with "<---"
  bool message_open_ = false;
  bool full_ = false;
};

}  // namespace

bool is_dotnet_line(std::string_view line) { return read_frame(line).has_value(); }

Chain parse_dotnet(std::string_view text) {
  Reader reader;
  for (Lines lines(text); !lines.done();) reader.read(lines.next());
  return reader.take();
}

}  // namespace forager::rollbar
