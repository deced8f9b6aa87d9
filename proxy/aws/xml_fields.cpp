#include "aws/xml_fields.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

namespace forager::aws {
namespace {

constexpr std::size_t longest = std::size_t{64} << 10U;
constexpr std::size_t deepest = 16;
constexpr std::size_t most_leaves = 256;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool is_name_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
         c == '-' || c == '.' || c == ':';
}

void append_code_point(std::uint32_t code, std::string& to) {
  const auto tail = [code](unsigned shift) {
    return static_cast<char>(0x80U | ((code >> shift) & 0x3FU));
  };
  if (code < 0x80) {
    to += static_cast<char>(code);
  } else if (code < 0x800) {
    to += static_cast<char>(0xC0U | (code >> 6U));
    to += tail(0);
  } else if (code < 0x10000) {
    to += static_cast<char>(0xE0U | (code >> 12U));
    to += tail(6);
    to += tail(0);
  } else {
    to += static_cast<char>(0xF0U | (code >> 18U));
    to += tail(12);
    to += tail(6);
    to += tail(0);
  }
}

/// What stands between & and ;. False: nothing that XML knows without a DOCTYPE.
bool append_entity(std::string_view name, std::string& to) {
  constexpr std::pair<std::string_view, char> known[] = {
      {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
  for (const auto& [word, c] : known) {
    if (word != name) continue;
    to += c;
    return true;
  }
  if (name.size() < 2 || name.front() != '#') return false;
  const bool hex = name[1] == 'x';
  const std::string_view digits = name.substr(hex ? 2 : 1);
  std::uint32_t code = 0;
  const auto [end, ec] =
      std::from_chars(digits.data(), digits.data() + digits.size(), code, hex ? 16 : 10);
  const bool sound = ec == std::errc{} && end == digits.data() + digits.size() && code != 0 &&
                     code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
  if (sound) append_code_point(code, to);
  return sound;
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;
  }
  Result<XmlFields> read() {
    while (good() && (!root_seen_ || !open_.empty())) step();
    while (good() && at_ != text_.size()) {
      if (is_blank(text_[at_])) {
        ++at_;
      } else if (starts("<!--")) {
        comment();
      } else {
        fail("something stands behind the end of the document");
      }
    }
    if (trouble_) return *trouble_;
    return XmlFields(std::move(fields_));
  }

 private:
  struct Open {
    std::string name;
    std::string text;
    bool has_children = false;
  };
  bool good() const { return !trouble_; }
  void fail(std::string_view why) {
    if (good())
      trouble_ = fault(fmt::format("not the XML that was expected: at byte {}: {}", at_, why));
  }
  bool starts(std::string_view with) const { return text_.substr(at_).starts_with(with); }
  void skip_blanks() {
    while (at_ != text_.size() && is_blank(text_[at_])) ++at_;
  }
  /// Moves behind the next `end`.
  void skip_past(std::string_view end, std::string_view what) {
    const std::size_t found = text_.find(end, at_);
    if (found == std::string_view::npos) {
      fail(what);
    } else {
      at_ = found + end.size();
    }
  }
  void comment() { skip_past("-->", "a comment has no end"); }
  std::string_view name() {
    const std::size_t start = at_;
    while (at_ != text_.size() && is_name_char(text_[at_])) ++at_;
    if (at_ == start) fail("a name is expected");
    return text_.substr(start, at_ - start);
  }

  void step() {
    if (at_ == text_.size()) {
      fail(root_seen_ ? "an element has no end" : "there is no element");
    } else if (text_[at_] != '<') {
      characters();
    } else if (starts("<!--")) {
      comment();
    } else if (starts("<?") && !root_seen_) {
      skip_past("?>", "a declaration has no end");
    } else if (starts("</")) {
      close_element();
    } else if (starts("<!") || starts("<?")) {
      fail("only elements, text and comments are read");
    } else {
      open_element();
    }
  }

  void characters() {
    if (open_.empty()) {
      if (!is_blank(text_[at_])) return fail("text stands outside of the document");
      ++at_;
      return;
    }
    std::string& to = open_.back().text;
    while (good() && at_ != text_.size() && text_[at_] != '<') {
      if (text_[at_] != '&') {
        to += text_[at_++];
        continue;
      }
      const std::size_t end = text_.find(';', at_);
      if (end == std::string_view::npos ||
          !append_entity(text_.substr(at_ + 1, end - at_ - 1), to)) {
        return fail("an unknown entity");
      }
      at_ = end + 1;
    }
  }

  void open_element() {
    ++at_;
    Open made{std::string(name()), {}};
    while (good()) {
      skip_blanks();
      if (starts("/>") || starts(">")) break;
      name();  // an attribute: none of ours matters
      skip_blanks();
      if (!starts("=")) return fail("an attribute without value");
      ++at_;
      skip_blanks();
      const char quote = at_ == text_.size() ? '\0' : text_[at_];
      if (quote != '"' && quote != '\'') return fail("an attribute's value without quotes");
      ++at_;
      skip_past(std::string_view(&quote, 1), "an attribute's value has no end");
    }
    if (!good()) return;
    if (open_.size() == deepest) return fail("nested too deeply");
    if (!open_.empty()) open_.back().has_children = true;
    root_seen_ = true;
    const bool empty = starts("/>");
    at_ += empty ? 2 : 1;
    open_.push_back(std::move(made));
    if (empty) leave();
  }

  void close_element() {
    at_ += 2;
    const std::string_view ends = name();
    skip_blanks();
    if (!starts(">")) return fail("'>' is expected");
    if (open_.empty() || open_.back().name != ends) return fail("an end without its beginning");
    ++at_;
    leave();
  }

  void leave() {
    if (!open_.back().has_children) {
      std::string path;
      for (const Open& o : open_) {
        if (!path.empty()) path += '/';
        path += o.name;
      }
      if (fields_.size() == most_leaves) return fail("too many elements");
      fields_.push_back({std::move(path), Secret(std::move(open_.back().text))});
    }
    open_.pop_back();
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<Open> open_;
  std::vector<XmlField> fields_;
  std::optional<Fault> trouble_;
  bool root_seen_ = false;
};

}  // namespace

Result<XmlFields> read_xml(std::string_view text) {
  if (text.size() > longest) return fault("the XML is over 64 KiB long");
  return Reader(text).read();
}

}  // namespace forager::aws
