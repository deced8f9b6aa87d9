// What the parsers of stack traces share: lines, numbers, the "type: message" of a header, and a
// list of frames that stays bounded whatever the text says. Internal to rollbar/stack_*.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rollbar/stack.h"

namespace forager::rollbar {

inline constexpr std::string_view unknown_file = "<unknown>";
inline constexpr std::size_t frames_max = 1024;  ///< of one exception; Java's own limit too
inline constexpr std::size_t chain_max = 32;     ///< exceptions of one text
inline constexpr std::size_t copied_bytes_max = 1 << 20;  ///< of frames a text only refers to

/// The lines of a text, without their "\n" or "\r\n". A last line needs no end.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) { read(); }

  bool done() const { return !at_line_; }
  std::string_view peek() const { return line_; }  ///< empty when done
  std::string_view next();                         ///< the line of peek(), which it leaves

 private:
  void read();

  std::string_view rest_;
  std::string_view line_;
  bool at_line_ = false;
};

/// Frames in the order of the text. In the middle of too many, frames go.
class FrameList {
 public:
  void add(Frame frame);
  std::size_t size() const { return head_.size() + tail_.size(); }
  bool empty() const { return head_.empty(); }
  const Frame& at(std::size_t index) const;
  Frame& last();  ///< only if there is one

 private:
  friend std::vector<Frame> taken(FrameList list, bool reversed);

  std::vector<Frame> head_;
  std::vector<Frame> tail_;  ///< a ring once it is full
  std::size_t oldest_ = 0;   ///< of tail_
};

std::vector<Frame> taken(FrameList list, bool reversed);

/// How much of copies (frames repeated or shared with another trace) one text may still cause.
class CopyBudget {
 public:
  bool take(const Frame& frame);

 private:
  std::size_t left_ = copied_bytes_max;
};

/// An exception while its text is read, in the order of the text.
struct Draft {
  std::string type;
  std::string message;
  FrameList frames;
};

/// "type: message" or "type" alone; type is empty where what is before the colon is no name.
struct Header {
  std::string_view type;
  std::string_view message;
};
Header read_header(std::string_view line);

/// Adds a further line to a message.
void add_line(std::string& message, std::string_view line);
/// Takes blank lines from a message's end.
void trim_end(std::string& message);

std::string_view trimmed(std::string_view text);
/// A whole text of 1 to 10 digits as a number; nullopt for others and what doesn't fit.
std::optional<std::uint32_t> number(std::string_view digits);
/// A word as code has them: letters, digits, "_", "$" and bytes of UTF-8, not a digit first.
bool is_name(std::string_view text, std::string_view also = {});

/// Takes ":NUMBER" from the end of `text`.
std::optional<std::uint32_t> take_number_at_end(std::string_view& text,
                                                std::string_view before = ":");

Exception finished(Draft draft, bool reversed);

}  // namespace forager::rollbar
