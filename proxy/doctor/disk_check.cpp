#include "doctor/disk_check.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <fmt/format.h>

#include "config/load.h"
#include "journal/posix_files.h"
#include "tools/place.h"

namespace forager::doctor {
namespace {

using std::chrono::steady_clock;

constexpr int syncs_wanted = 8;
constexpr std::size_t sync_bytes = 4096;
constexpr std::chrono::seconds sync_time{1};
constexpr std::uint64_t disk_default = std::uint64_t{1} << 30U;  // app/storage.cpp

/// Our own file in the directory, as a journal segment is one: made, preallocated, written, synced.
class Trial {
 public:
  explicit Trial(const std::string& directory)
      : path_(fmt::format("{}/.doctor-{}", directory, ::getpid())),
        fd_(::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)),
        error_(fd_ < 0 ? errno : 0) {
    if (fd_ >= 0) ::unlink(path_.c_str());  // at once: however this process ends, nothing stays
  }
  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;
  ~Trial() {
    if (fd_ >= 0) ::close(fd_);
  }
  int error() const { return error_; }

  std::vector<std::chrono::microseconds> measure() {
    std::vector<std::chrono::microseconds> took;
    if (fd_ < 0 || ::posix_fallocate(fd_, 0, syncs_wanted * sync_bytes) != 0) return took;
    if (::fsync(fd_) != 0) return took;
    const std::string block(sync_bytes, 'x');
    const auto begun = steady_clock::now();
    for (int i = 0; i < syncs_wanted && steady_clock::now() - begun < sync_time; ++i) {
      const auto from = steady_clock::now();
      const auto at = static_cast<off_t>(i) * static_cast<off_t>(sync_bytes);
      if (::pwrite(fd_, block.data(), block.size(), at) < 0 || ::fdatasync(fd_) != 0) break;
      took.push_back(
          std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - from));
    }
    return took;
  }

 private:
  std::string path_;
  int fd_;
  int error_;
};

std::string cannot(const char* doing, const std::string& what, int error) {
  return fmt::format("can't {} {}: {}", doing, what, std::strerror(error));
}

/// What is there of the way to `directory`: itself, or the nearest parent.
std::string nearest_there(const std::string& directory) {
  std::error_code ec;
  std::filesystem::path at = std::filesystem::absolute(directory, ec);
  while (!std::filesystem::exists(at, ec) && at.has_relative_path()) at = at.parent_path();
  return at.string();
}

std::optional<pid_t> holder_of(const std::string& directory) {
  const auto place = tools::find_place({directory});
  return place ? place->holder : std::nullopt;
}

std::uint64_t journal_bytes(const std::string& directory) {
  std::uint64_t bytes = 0;
  if (const auto listed = journal::PosixFiles(directory).list()) {
    for (const auto& entry : *listed) bytes += entry.bytes;
  }
  return bytes;
}

}  // namespace

DiskFacts read_disk(const std::string& directory) {
  DiskFacts facts;
  facts.directory = directory;
  facts.us = ::geteuid();
  struct stat is{};
  facts.there = ::stat(directory.c_str(), &is) == 0;
  const std::string at = facts.there ? directory : nearest_there(directory);
  struct statfs on{};
  if (::statfs(at.c_str(), &on) == 0) {
    facts.free_bytes = std::uint64_t{on.f_bavail} * static_cast<std::uint64_t>(on.f_frsize);
    facts.file_system = static_cast<std::int64_t>(on.f_type) & 0xffffffff;
  }
  if (!facts.there) {
    struct stat parent{};
    if (::stat(at.c_str(), &parent) == 0 && !S_ISDIR(parent.st_mode)) {
      facts.problem = cannot("make", directory, ENOTDIR);
    } else if (::faccessat(AT_FDCWD, at.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
      facts.problem = cannot("make", directory, errno);
    }
    return facts;
  }
  facts.owner = is.st_uid;
  facts.mode = is.st_mode & 07777U;
  if (!S_ISDIR(is.st_mode)) {
    facts.problem = cannot("keep a journal in", directory, ENOTDIR);
    return facts;
  }
  facts.holder = holder_of(directory);
  facts.journal_bytes = journal_bytes(directory);
  Trial trial(directory);
  // a full disk is judge_space's, which has the numbers
  if (trial.error() != 0 && trial.error() != ENOSPC) {
    facts.problem = cannot("write in", directory, trial.error());
    return facts;
  }
  facts.syncs = trial.measure();
  return facts;
}

std::vector<Finding> look_at_journal(const config::Config& from) {
  std::vector<DiskFacts> tried;
  if (from.journal != config::JournalKind::memory) {
    for (const std::string& directory : config::data_directories(from)) {
      tried.push_back(read_disk(directory));
      if (tried.back().problem.empty()) break;
    }
  }
  return judge_disks(tried, from.journal,
                     from.journal_bytes != 0 ? from.journal_bytes : disk_default);
}

}  // namespace forager::doctor
