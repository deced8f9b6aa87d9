// PHP's Throwable::__toString (the cause is printed first, then "Next"), and the java-like form of
// the OpenTelemetry SDK. PHP names what was called at a line; here a frame names the function that
// holds the line, as in every other language.
#include <algorithm>
#include <utility>

#include "rollbar/stack_languages.h"
#include "rollbar/stack_text.h"

namespace forager::rollbar {
namespace {

constexpr std::size_t kept_max = 2 * chain_max;

/// `#0 /a.php(12): Shop->pay(1)`: where, and what was called there.
struct Call {
  Frame place;  ///< without its method
  std::string_view callee;
};

/// Where the arguments of a call start; the name of a closure of PHP 8.4 has parentheses itself.
std::size_t end_of_name(std::string_view call) {
  std::size_t depth = 0;
  for (std::size_t i = 0; i < call.size(); ++i) {
    if (call[i] == '{') ++depth;
    if (call[i] == '}' && depth > 0) --depth;
    if (call[i] == '(' && depth == 0) return i;
  }
  return std::min(call.find('('), call.size());
}

std::optional<Call> read_call(std::string_view line) {
  if (!line.starts_with('#')) return std::nullopt;
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos || !number(line.substr(1, space - 1))) return std::nullopt;
  line.remove_prefix(space + 1);
  Call call;
  if (line == "{main}") {
    call.callee = line;
    return call;
  }
  constexpr std::string_view internal = "[internal function]: ";
  if (line.starts_with(internal)) {
    call.place.filename = "<internal>";
    call.callee = line.substr(internal.size());
    return call;
  }
  for (std::size_t end = line.find("): "); end != std::string_view::npos;
       end = line.find("): ", end + 1)) {
    std::string_view place = line.substr(0, end);
    call.place.line = take_number_at_end(place, "(");
    if (!call.place.line) continue;
    call.place.filename = place;
    call.callee = line.substr(end + 3);
    return call;
  }
  return std::nullopt;
}

void name_frame(Frame& frame, std::string_view callee) {
  callee = callee.substr(0, end_of_name(callee));
  for (const std::string_view arrow : {"->", "::"}) {
    const std::size_t found = callee.find(arrow);
    if (found == std::string_view::npos ||
        callee.substr(0, found).find('{') != std::string_view::npos)
      continue;
    frame.class_name = callee.substr(0, found);
    frame.method = callee.substr(found + 2);
    return;
  }
  frame.method = callee;
}

/// `message in /a.php:12`: takes the place off.
std::optional<Frame> take_place(std::string& header) {
  const std::size_t in = header.rfind(" in ");
  if (in == std::string::npos) return std::nullopt;
  std::string_view place = std::string_view(header).substr(in + 4);
  Frame frame;
  frame.line = take_number_at_end(place);
  if (!frame.line) return std::nullopt;
  frame.filename = place;
  header.resize(in);
  return frame;
}

std::string_view without_severity(std::string_view line) {
  const std::size_t uncaught = line.find("Uncaught ");
  return uncaught < 40 ? line.substr(uncaught + 9) : line;
}

class Reader {
 public:
  void read(std::string_view line) {
    if (const auto call = read_call(line)) {
      if (state_ != State::frames) start_frames();
      name_frame(place_, call->callee);
      drafts_.back().frames.add(std::move(place_));
      place_ = call->place;
      open_ = call->callee != "{main}";
    } else if (state_ == State::frames && line.starts_with("Next ")) {
      end_frames();
      header_ = line.substr(5);
      state_ = State::header;
    } else if (state_ == State::header && line == "Stack trace:") {
      start_frames();
    } else if (state_ == State::header) {
      if (!header_.empty()) {
        add_line(header_, line);
      } else {
        header_ = without_severity(line);
      }
    }
  }

  Chain take() {
    if (state_ == State::frames) end_frames();
    Chain out;
    for (auto draft = drafts_.rbegin(); draft != drafts_.rend() && out.size() < chain_max;
         ++draft) {
      out.push_back(finished(std::move(*draft), true));
    }
    return out;
  }

 private:
  enum class State { header, frames };

  void start_frames() {
    if (drafts_.size() >= kept_max) drafts_.erase(drafts_.begin());
    Draft draft;
    trim_end(header_);
    place_ = take_place(header_).value_or(Frame{});
    const Header header = read_header(std::string_view(header_).substr(0, header_.find('\n')));
    draft.type = header.type;
    draft.message = std::string_view(header_).substr(
        header.type.empty() ? 0 : std::min(header.type.size() + 2, header_.size()));
    header_.clear();
    open_ = true;
    drafts_.push_back(std::move(draft));
    state_ = State::frames;
  }

  /// The text may end before "{main}".
  void end_frames() {
    if (open_ && !place_.filename.empty()) drafts_.back().frames.add(std::move(place_));
    open_ = false;
  }

  State state_ = State::header;
  std::string header_;
  Frame place_;        ///< the line whose function the next call names
  bool open_ = false;  ///< it waits for that
  std::vector<Draft> drafts_;
};

}  // namespace

bool is_php_line(std::string_view line) { return read_call(line).has_value(); }

Chain parse_php(std::string_view text) {
  Reader reader;
  for (Lines lines(text); !lines.done();) reader.read(lines.next());
  Chain chain = reader.take();
  if (std::any_of(chain.begin(), chain.end(),
                  [](const Exception& e) { return !e.frames.empty(); })) {
    return chain;
  }
  return parse_java_form(text, true);
}

}  // namespace forager::rollbar
