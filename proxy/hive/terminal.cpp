#include "hive/terminal.h"

#include <limits.h>
#include <poll.h>
#include <string>
#include <unistd.h>

namespace forager::hive {

bool Terminal::is_terminal() const { return isatty(fd_) == 1; }

bool Terminal::write_line(std::string_view line) const {
  std::string cut;
  if (line.size() > PIPE_BUF) {
    cut = line.substr(0, PIPE_BUF - 1);
    cut += '\n';
    line = cut;
  }
  // poll says "writable" for a pipe only while PIPE_BUF bytes have room, and for a terminal not
  // while it is paused (^S)
  pollfd asked{fd_, POLLOUT, 0};
  if (poll(&asked, 1, 0) != 1) return false;
  if ((asked.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) return true;
  [[maybe_unused]] const auto written = write(fd_, line.data(), line.size());
  return true;
}

}  // namespace forager::hive
