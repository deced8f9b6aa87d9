// Ruby's Exception#full_message, in both of its orders, and a bare backtrace.
#include <algorithm>
#include <utility>

#include "rollbar/stack_languages.h"
#include "rollbar/stack_text.h"

namespace forager::rollbar {
namespace {

constexpr std::size_t kept_max = 2 * chain_max;

/// `/a/b.rb:12:in 'Shop#pay'`, and what follows it after ": ".
struct Place {
  Frame frame;
  std::optional<std::string_view> message;
};

/// Up to Ruby 3.3 the label stands between ` and '.
std::optional<Place> read_place(std::string_view line) {
  std::size_t in = line.find(":in `");
  if (in == std::string_view::npos) in = line.find(":in '");
  if (in == std::string_view::npos) return std::nullopt;
  Place place;
  std::string_view path = line.substr(0, in);
  place.frame.line = take_number_at_end(path);
  if (!place.frame.line || path.empty()) return std::nullopt;
  place.frame.filename = path;
  const std::string_view rest = line.substr(in + 5);
  const std::size_t end = rest.find("': ");
  if (end != std::string_view::npos) {
    place.frame.method = rest.substr(0, end);
    place.message = rest.substr(end + 3);
  } else if (rest.ends_with('\'')) {
    place.frame.method = rest.substr(0, rest.size() - 1);
  } else {
    return std::nullopt;
  }
  return place;
}

/// `\tfrom a.rb:1:in 'x'`, `\t 9: from a.rb:1:in 'x'`; the label may be missing.
std::optional<Frame> read_from(std::string_view line, bool& numbered) {
  if (!line.starts_with('\t')) return std::nullopt;
  line = trimmed(line);
  const std::size_t colon = line.find(": from ");
  numbered = colon != std::string_view::npos && number(line.substr(0, colon)).has_value();
  if (numbered) line.remove_prefix(colon + 2);
  if (!line.starts_with("from ")) return std::nullopt;
  line.remove_prefix(5);
  if (auto place = read_place(line)) return std::move(place->frame);
  Frame frame;
  frame.line = take_number_at_end(line);
  frame.filename = line;
  return frame.line ? std::optional(std::move(frame)) : std::nullopt;
}

/// `message (Shop::Error)`
void read_message(std::string_view text, Draft& draft) {
  const std::size_t open = text.rfind('(');
  if (text.ends_with(')') && open != std::string_view::npos) {
    const std::string_view type = text.substr(open + 1, text.size() - open - 2);
    if (is_name(type, ":") && !(type.front() >= 'a' && type.front() <= 'z')) {
      draft.type = type;
      text = trimmed(text.substr(0, open));
    }
  }
  draft.message = text;
}

class Reader {
 public:
  void read(std::string_view line) {
    bool numbered = false;
    if (auto frame = read_from(line, numbered)) {
      if (numbered) oldest_first_ = true;
      if (drafts_.empty() || (numbered && headed_)) begin();
      drafts_.back().frames.add(*std::move(frame));
      message_open_ = false;
    } else if (auto place = read_place(line)) {
      located(*std::move(place));
    } else if (message_open_) {
      add_line(drafts_.back().message, line);
    } else if (line == "Traceback (most recent call last):") {
      oldest_first_ = true;
    }
  }

  /// With the oldest frame first, the cause is first too.
  Chain take() {
    if (oldest_first_) std::reverse(drafts_.begin(), drafts_.end());
    Chain out;
    for (Draft& draft : drafts_) {
      if (out.size() < chain_max) out.push_back(finished(std::move(draft), !oldest_first_));
    }
    return out;
  }

 private:
  void located(Place place) {
    const bool heads = place.message.has_value();
    if (drafts_.empty() || (heads && (!oldest_first_ || headed_))) begin();
    drafts_.back().frames.add(std::move(place.frame));
    if (!heads) return;
    read_message(*place.message, drafts_.back());
    headed_ = true;
    message_open_ = true;
  }

  void begin() {
    if (drafts_.size() >= kept_max)
      drafts_.erase(oldest_first_ ? drafts_.begin() : drafts_.end() - 1);
    drafts_.emplace_back();
    headed_ = false;
    message_open_ = false;
  }

  std::vector<Draft> drafts_;
  bool oldest_first_ = false;
  bool headed_ = false;  ///< the last draft has its message
  bool message_open_ = false;
};

}  // namespace

bool is_ruby_line(std::string_view line) {
  bool numbered = false;
  return read_from(line, numbered).has_value() || read_place(line).has_value();
}

Chain parse_ruby(std::string_view text) {
  Reader reader;
  for (Lines lines(text); !lines.done();) reader.read(lines.next());
  return reader.take();
}

}  // namespace forager::rollbar
