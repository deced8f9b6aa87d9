#include "config/sources.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

namespace forager::config {
namespace {

constexpr std::size_t file_most = 8U << 20U;

Fault why(int error) {
  if (error == ENOENT) return fault("does not exist");
  if (error == EACCES) return fault("is not readable for the user that Forager runs as");
  if (error == EISDIR) return fault("is a directory, not a file");
  return fault(fmt::format("can't be read ({})", std::strerror(error)));
}

Result<std::string> read_whole(const std::string& path) {
  const auto close = [](std::FILE* file) { std::fclose(file); };
  // not blocking, and regular files only: a pipe that took a file's place must not hold up the
  // process
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return why(errno);
  const std::unique_ptr<std::FILE, decltype(close)> file(::fdopen(fd, "r"), close);
  if (!file) return why(errno);
  struct stat found{};
  if (::fstat(fd, &found) != 0) return why(errno);
  if (S_ISDIR(found.st_mode)) return why(EISDIR);
  if (!S_ISREG(found.st_mode)) return fault("is not a regular file");
  std::string content;
  std::array<char, 4096> part{};
  for (;;) {
    const std::size_t got = std::fread(part.data(), 1, part.size(), file.get());
    content.append(part.data(), got);
    if (content.size() > file_most) return fault("is larger than 8MiB");
    if (got < part.size()) break;
  }
  if (std::ferror(file.get()) != 0) return why(errno);
  return content;
}

}  // namespace

Sources system_sources(std::vector<FlagValue> flags) {
  Sources made;
  made.flags = std::move(flags);
  made.env = [](std::string_view name) -> std::optional<std::string> {
    const char* value = std::getenv(std::string(name).c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  };
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view both(*entry);
    made.env_names.emplace_back(both.substr(0, both.find('=')));
  }
  made.read_file = read_whole;
  return made;
}

}  // namespace forager::config
