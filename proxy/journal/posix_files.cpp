#include "journal/posix_files.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <fmt/format.h>

namespace forager::journal {
namespace {

constexpr mode_t private_file = 0600;
constexpr mode_t private_directory = 0700;

/// `mkdir -p`.
int make_directories(const std::string& path) {
  for (std::size_t at = 1; at != std::string::npos;) {
    at = path.find('/', at);
    const std::string part = path.substr(0, at);
    if (::mkdir(part.c_str(), private_directory) != 0 && errno != EEXIST) {
      struct stat there{};  // a read-only parent that is there is no obstacle
      if (::stat(part.c_str(), &there) != 0) return errno;
    }
    if (at != std::string::npos) ++at;
  }
  return 0;
}

std::string holder(int lock) {
  std::array<char, 32> text{};
  const ssize_t got = ::pread(lock, text.data(), text.size() - 1, 0);
  std::string pid(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  while (!pid.empty() && pid.back() == '\n') pid.pop_back();
  return pid.empty() ? "another process" : "process " + pid;
}

}  // namespace

PosixFiles::~PosixFiles() {
  close_open();
  if (lock_ >= 0) ::close(lock_);
}

Fault PosixFiles::failed(const char* doing, const std::string& name, int error) const {
  return fault(fmt::format("can't {} {}: {}", doing, name.empty() ? directory_ : path(name),
                           std::strerror(error)));
}

Result<void> PosixFiles::lock() {
  if (const int error = make_directories(directory_)) return failed("make", "", error);
  lock_ = ::open(path("lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, private_file);
  if (lock_ < 0) return failed("open", "lock", errno);
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return failed("lock", "lock", errno);
    return fault(fmt::format(
        "the data directory {} is in use by {}; give each Forager its own (FORAGER_DATA_DIR)",
        directory_, holder(lock_)));
  }
  const std::string pid = fmt::format("{}\n", ::getpid());
  if (::ftruncate(lock_, 0) != 0 || ::pwrite(lock_, pid.data(), pid.size(), 0) < 0) {
    return failed("write", "lock", errno);
  }
  return {};
}

Result<std::vector<Files::Entry>> PosixFiles::list() {
  const auto close = [](DIR* directory) { ::closedir(directory); };
  const std::unique_ptr<DIR, decltype(close)> directory(::opendir(directory_.c_str()), close);
  if (!directory) return failed("list", "", errno);
  std::vector<Entry> found;
  while (const dirent* entry = ::readdir(directory.get())) {
    std::string name = entry->d_name;
    if (!name.ends_with(".segment")) continue;
    struct stat is{};
    if (::fstatat(::dirfd(directory.get()), entry->d_name, &is, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (!S_ISREG(is.st_mode)) continue;
    found.push_back({std::move(name), static_cast<std::size_t>(is.st_size)});
  }
  return found;
}

Result<void> PosixFiles::create(const std::string& name, std::size_t bytes) {
  close_open();
  ::unlink(path(name).c_str());  // a failed one may be there: a new file, never its pages again
  open_ = ::open(path(name).c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, private_file);
  if (open_ < 0) return failed("create", name, errno);
  open_name_ = name;
  int error = ::posix_fallocate(open_, 0, static_cast<off_t>(bytes));
  if (error == 0 && ::fsync(open_) != 0) error = errno;
  if (error != 0) {
    close_open();
    ::unlink(path(name).c_str());
    return failed("preallocate", name, error);
  }
  auto synced = sync_directory();
  if (!synced) {
    close_open();
    ::unlink(path(name).c_str());
  }
  return synced;
}

Result<void> PosixFiles::sync_directory() {
  const int directory = ::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return failed("open", "", errno);
  const int error = ::fsync(directory) == 0 ? 0 : errno;
  ::close(directory);
  if (error != 0) return failed("sync", "", error);
  return {};
}

Result<int> PosixFiles::open_for_writing(const std::string& name) {
  if (open_ >= 0 && open_name_ == name) return open_;
  close_open();
  open_ = ::open(path(name).c_str(), O_RDWR | O_CLOEXEC);
  if (open_ < 0) return failed("open", name, errno);
  open_name_ = name;
  return open_;
}

void PosixFiles::close_open() {
  if (open_ >= 0) ::close(open_);
  open_ = -1;
}

Result<void> PosixFiles::write(const std::string& name, std::size_t offset,
                               std::span<const std::string_view> parts) {
  const auto file = open_for_writing(name);
  if (!file) return file.error();
  constexpr std::size_t most = 1024;  // IOV_MAX
  std::array<iovec, most> vectors{};
  std::size_t skip = 0;  // bytes of parts.front() that are written
  while (!parts.empty()) {
    std::size_t count = 0;
    for (; count < std::min(most, parts.size()); ++count) {
      const std::string_view part = parts[count].substr(count == 0 ? skip : 0);
      vectors[count] = {const_cast<char*>(part.data()), part.size()};
    }
    const ssize_t wrote =
        ::pwritev(*file, vectors.data(), static_cast<int>(count), static_cast<off_t>(offset));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return failed("write", name, errno);
    offset += static_cast<std::size_t>(wrote);
    skip += static_cast<std::size_t>(wrote);
    while (!parts.empty() && skip >= parts.front().size()) {
      skip -= parts.front().size();
      parts = parts.subspan(1);
    }
  }
  return {};
}

Result<void> PosixFiles::sync(const std::string& name) {
  const auto file = open_for_writing(name);
  if (!file) return file.error();
  if (::fdatasync(*file) != 0) return failed("sync", name, errno);
  return {};
}

Result<Buffer> PosixFiles::read(const std::string& name, std::size_t offset, std::size_t bytes) {
  const int file = ::open(path(name).c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return failed("open", name, errno);
  Buffer buffer(bytes);
  std::size_t have = 0;
  int error = 0;
  while (have < bytes) {
    const ssize_t got =
        ::pread(file, buffer.data() + have, bytes - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) error = errno;
    if (got <= 0) break;
    have += static_cast<std::size_t>(got);
  }
  ::close(file);
  if (error != 0) return failed("read", name, error);
  buffer.shrink(have);
  return buffer;
}

Result<void> PosixFiles::remove(const std::string& name) {
  if (name == open_name_) close_open();
  return discard(name);
}

Result<void> PosixFiles::discard(const std::string& name) {
  if (::unlink(path(name).c_str()) != 0 && errno != ENOENT) return failed("remove", name, errno);
  return {};
}

Result<void> PosixFiles::set_aside(const std::string& name) {
  if (::rename(path(name).c_str(), path(name + ".unreadable").c_str()) != 0) {
    return failed("rename", name, errno);
  }
  return sync_directory();
}

Result<Files::Space> PosixFiles::space() {
  struct statvfs is{};
  if (::statvfs(directory_.c_str(), &is) != 0) return failed("look at", "", errno);
  return Space{std::uint64_t{is.f_bavail} * is.f_frsize, std::uint64_t{is.f_blocks} * is.f_frsize};
}

}  // namespace forager::journal
