#include "rollbar/stack_text.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

namespace forager::rollbar {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}

}  // namespace

void Lines::read() {
  at_line_ = !rest_.empty();
  const std::size_t end = std::min(rest_.find('\n'), rest_.size());
  line_ = rest_.substr(0, end);
  rest_.remove_prefix(std::min(end + 1, rest_.size()));
  while (line_.ends_with('\r')) line_.remove_suffix(1);
}

std::string_view Lines::next() {
  const std::string_view line = line_;
  read();
  return line;
}

void FrameList::add(Frame frame) {
  if (frame.filename.empty()) frame.filename = unknown_file;
  if (head_.size() < frames_max / 2) {
    head_.push_back(std::move(frame));
    return;
  }
  if (tail_.size() < frames_max / 2) {
    tail_.push_back(std::move(frame));
    return;
  }
  tail_[oldest_] = std::move(frame);
  oldest_ = (oldest_ + 1) % tail_.size();
}

const Frame& FrameList::at(std::size_t index) const {
  if (index < head_.size()) return head_[index];
  return tail_[(oldest_ + index - head_.size()) % tail_.size()];
}

Frame& FrameList::last() {
  if (tail_.empty()) return head_.back();
  return tail_[(oldest_ + tail_.size() - 1) % tail_.size()];
}

std::vector<Frame> taken(FrameList list, bool reversed) {
  const auto oldest = list.tail_.begin() + static_cast<std::ptrdiff_t>(list.oldest_);
  std::rotate(list.tail_.begin(), oldest, list.tail_.end());
  std::vector<Frame> frames = std::move(list.head_);
  frames.insert(frames.end(), std::make_move_iterator(list.tail_.begin()),
                std::make_move_iterator(list.tail_.end()));
  if (reversed) std::reverse(frames.begin(), frames.end());
  return frames;
}

bool CopyBudget::take(const Frame& frame) {
  const std::size_t bytes = sizeof(Frame) + frame.filename.size() + frame.method.size() +
                            frame.code.size() + frame.class_name.size();
  if (bytes > left_) return false;
  left_ -= bytes;
  return true;
}

bool is_name(std::string_view text, std::string_view also) {
  return !text.empty() && !is_digit(text.front()) &&
         std::all_of(text.begin(), text.end(), [also](char c) {
           return is_name_byte(c) || also.find(c) != std::string_view::npos;
         });
}

Header read_header(std::string_view line) {
  // Names are dotted, with <locals> (Python), $ (Java), ` and [] (.NET), \\ and @ (PHP), :: (Ruby).
  constexpr std::string_view also = ".:<>`[]+\\@";
  std::size_t colon = line.find(": ");
  if (colon == std::string_view::npos && line.ends_with(':')) colon = line.size() - 1;
  const std::string_view type = trimmed(line.substr(0, colon));
  if (!is_name(type, also)) return {{}, line};
  if (colon == std::string_view::npos) return {type, {}};
  return {type, line.substr(std::min(colon + 2, line.size()))};
}

void add_line(std::string& message, std::string_view line) {
  message += '\n';
  message += line;
}

void trim_end(std::string& message) {
  const std::size_t last = message.find_last_not_of(" \t\r\n");
  message.resize(last == std::string::npos ? 0 : last + 1);
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::optional<std::uint32_t> number(std::string_view digits) {
  if (digits.empty() || digits.size() > 10 ||
      !std::all_of(digits.begin(), digits.end(), is_digit)) {
    return std::nullopt;
  }
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{}) return std::nullopt;
  return value;
}

std::optional<std::uint32_t> take_number_at_end(std::string_view& text, std::string_view before) {
  std::size_t start = text.size();
  while (start > 0 && text.size() - start < 11 && is_digit(text[start - 1])) --start;
  const auto value = number(text.substr(start));
  if (!value || !text.substr(0, start).ends_with(before)) return std::nullopt;
  text = text.substr(0, start - before.size());
  return value;
}

Exception finished(Draft draft, bool reversed) {
  trim_end(draft.message);
  return {std::move(draft.type),
          std::move(draft.message),
          taken(std::move(draft.frames), reversed),
          {}};
}

}  // namespace forager::rollbar
