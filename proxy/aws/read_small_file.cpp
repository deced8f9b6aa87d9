#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>
#include <openssl/crypto.h>

#include "aws/environment.h"

namespace forager::aws {
namespace {

constexpr std::size_t longest = std::size_t{1} << 20U;

class Open {
 public:
  // NONBLOCK: a pipe without a writer would hold the io thread
  explicit Open(const std::string& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {}
  Open(const Open&) = delete;
  Open& operator=(const Open&) = delete;
  ~Open() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

Result<std::optional<std::string>> read_small_file(const std::string& path) {
  const Open file(path);
  if (file.fd() < 0 && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  if (file.fd() < 0) return fault(fmt::format("cannot be read: {}", std::strerror(errno)));
  struct stat facts{};
  if (::fstat(file.fd(), &facts) != 0 || !S_ISREG(facts.st_mode)) {
    return fault("is not a regular file");
  }
  std::string text;
  // at once, so that growing leaves no copies of a secret behind
  text.reserve(std::min(longest, static_cast<std::size_t>(facts.st_size)) + 1);
  std::array<char, 4096> piece;  // NOLINT: filled before it is read
  while (true) {
    const ssize_t got = ::read(file.fd(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fault(fmt::format("cannot be read: {}", std::strerror(errno)));
    if (got == 0) break;
    text.append(piece.data(), static_cast<std::size_t>(got));
    OPENSSL_cleanse(piece.data(), piece.size());
    if (text.size() > longest) return fault("is over 1 MiB long");
  }
  return std::make_optional(std::move(text));
}

}  // namespace forager::aws
