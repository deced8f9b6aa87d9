// Standard output as a sink that never blocks: the io thread must not wait for a paused terminal or
// a full pipe.
#pragma once

#include <string_view>

namespace forager::hive {

class Terminal {
 public:
  explicit Terminal(int fd) : fd_(fd) {}
  bool is_terminal() const;
  /// Writes the whole line, or nothing and false when there is no room now. Lines are cut at
  /// PIPE_BUF bytes, which a pipe with room takes in one piece. An error (the reader is gone)
  /// counts as written: nobody is left to tell.
  bool write_line(std::string_view line) const;

 private:
  int fd_;
};

}  // namespace forager::hive
