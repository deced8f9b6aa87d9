#include "tools/place.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <string_view>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <fmt/format.h>

#include "journal/posix_files.h"

namespace forager::tools {
namespace {

pid_t number_in(const std::string& lock) {
  pid_t pid = 0;
  std::ifstream(lock) >> pid;
  return pid;
}

/// One line of /proc/locks: "1: FLOCK  ADVISORY  WRITE 4711 fe:00:131 0 EOF".
struct LockLine {
  pid_t pid = 0;
  unsigned major = 0;
  unsigned minor = 0;
  unsigned long long inode = 0;
};
std::optional<LockLine> parse(const std::string& text) {
  std::istringstream words(text);
  std::string number, kind, advice, access, file;
  LockLine made;
  words >> number >> kind >> advice >> access >> made.pid >> file;
  if (!words || kind != "FLOCK" || access != "WRITE") return std::nullopt;
  if (std::sscanf(file.c_str(), "%x:%x:%llu", &made.major, &made.minor, &made.inode) != 3)
    return std::nullopt;
  return made;
}

/// Asked of the kernel's list rather than by trying the lock: a Forager that starts meanwhile would
/// find it taken. On stacked file systems the device differs from stat's, so the number in the file
/// may stand for it.
std::optional<pid_t> holder_of(const std::string& lock) {
  struct stat is{};
  if (::stat(lock.c_str(), &is) != 0) return std::nullopt;
  const pid_t written = number_in(lock);
  std::ifstream list("/proc/locks");
  if (list) {
    for (std::string text; std::getline(list, text);) {
      const auto line = parse(text);
      if (!line || line->inode != is.st_ino) continue;
      const bool same = line->major == major(is.st_dev) && line->minor == minor(is.st_dev);
      if (same || line->pid == written) return line->pid;
    }
    return std::nullopt;
  }
  const int file = ::open(lock.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return std::nullopt;
  const bool taken = ::flock(file, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(file);
  return taken ? std::optional(written) : std::nullopt;
}

}  // namespace

Result<Place> find_place(const std::vector<std::string>& directories) {
  std::string tried;
  for (const std::string& directory : directories) {
    const std::string lock = directory + "/lock";
    struct stat is{};
    const bool locked = ::stat(lock.c_str(), &is) == 0;
    const int error = locked ? 0 : errno;
    const auto listed = journal::PosixFiles(directory).list();
    if (listed && (locked || !listed->empty())) return Place{directory, holder_of(lock)};
    if (!listed && error != ENOENT) return fault(listed.error().what + "; run it as the same user");
    tried += (tried.empty() ? "" : " or ") + directory;
  }
  return fault(
      fmt::format("no journal in {}; name its directory with --data-dir (a memory journal leaves "
                  "nothing on disk)",
                  tried));
}

}  // namespace forager::tools
