// Whether a file is another one than before: keys and certificates are replaced while we run.
#pragma once

#include <chrono>
#include <string>
#include <sys/stat.h>

namespace forager::app {

/// How often such a file is looked at. Polling survives every way secrets are replaced (rename,
/// symlink swap, remount).
inline constexpr std::chrono::seconds file_step{2};

struct FileStamp {
  ino_t inode = 0;  ///< 0: there is none
  off_t size = 0;
  timespec changed{};
  bool operator==(const FileStamp& other) const {
    return inode == other.inode && size == other.size && changed.tv_sec == other.changed.tv_sec &&
           changed.tv_nsec == other.changed.tv_nsec;
  }
};

inline FileStamp stamp_of(const std::string& path) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0) return {};
  return {found.st_ino, found.st_size, found.st_mtim};
}

}  // namespace forager::app
