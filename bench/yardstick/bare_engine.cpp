// The floor of the yardstick: what this disk takes for the same groups when nothing else is done.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "yardstick/engine.h"

namespace forager::bench {
namespace {

constexpr std::size_t file_bytes = std::size_t{64} << 20U;
constexpr std::size_t parts_most = 1024;

class BareEngine final : public Engine {
 public:
  explicit BareEngine(std::string directory) : directory_(std::move(directory)) {}
  ~BareEngine() override {
    if (file_ >= 0) ::close(file_);
  }

  void open() override {
    ::mkdir(directory_.c_str(), 0700);
    const std::string path = directory_ + "/bare";
    file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file_ < 0) give_up(fmt::format("can't open {}: {}", path, std::strerror(errno)));
    // written once, so that later writes change no metadata at all
    const std::vector<char> zeros(std::size_t{1} << 20U);
    for (std::size_t at = 0; at < file_bytes; at += zeros.size()) {
      if (::pwrite(file_, zeros.data(), zeros.size(), static_cast<off_t>(at)) < 0)
        give_up(fmt::format("can't write {}: {}", path, std::strerror(errno)));
    }
    ::fsync(file_);
  }
  std::size_t recover() override { return 0; }
  std::size_t read_back() override { return 0; }
  void append(const Slice& body) override { waiting_.push_back(body); }
  Job take_group() override {
    if (waiting_.empty()) return {};
    group_.swap(waiting_);
    return [this] { write(); };
  }
  std::size_t finish_group() override {
    const std::size_t count = group_.size();
    group_.clear();
    return count;
  }
  void settle(std::size_t /*records*/) override {}

 private:
  void write() {
    std::size_t bytes = 0;
    for (const Slice& body : group_) bytes += body.size();
    if (at_ + bytes > file_bytes) at_ = 0;
    for (std::size_t from = 0; from < group_.size(); from += parts_most) {
      std::array<iovec, parts_most> parts{};
      const std::size_t count = std::min(parts_most, group_.size() - from);
      std::size_t size = 0;
      for (std::size_t i = 0; i < count; ++i) {
        const std::string_view body = group_[from + i].view();
        parts[i] = {const_cast<char*>(body.data()), body.size()};
        size += body.size();
      }
      const ssize_t wrote =
          ::pwritev(file_, parts.data(), static_cast<int>(count), static_cast<off_t>(at_));
      if (wrote != static_cast<ssize_t>(size))
        give_up(fmt::format("can't write: {}", std::strerror(errno)));
      at_ += size;
    }
    if (::fdatasync(file_) != 0) give_up(fmt::format("can't sync: {}", std::strerror(errno)));
  }

  std::string directory_;
  int file_ = -1;
  std::size_t at_ = 0;
  std::vector<Slice> waiting_;
  std::vector<Slice> group_;
};

}  // namespace

std::unique_ptr<Engine> bare_engine(std::string directory) {
  return std::make_unique<BareEngine>(std::move(directory));
}

}  // namespace forager::bench
