// Files in memory that forget what was not synced, tear it, and fail when they are told to.
#pragma once

#include <functional>
#include <map>
#include <random>
#include <string>

#include "journal/files.h"

namespace forager::test {

class FaultyFiles final : public journal::Files {
 public:
  /// Called before each create, write, sync and remove with its number, from 1 on; true: it fails.
  std::function<bool(std::uint64_t call)> fails;
  std::uint64_t calls = 0;
  std::function<bool()> removes_fail;
  std::string unreadable;  ///< a file that reads of fail
  /// Thrown instead of, or after, this call: the process died in it.
  struct Died {};
  std::uint64_t dies_at = 0;
  bool dies_after = false;  ///< the call had its effect, though nothing of it is synced
  Space room{std::uint64_t{1} << 40U, std::uint64_t{1} << 40U};

  struct File {
    std::string synced;
    std::string now;
  };
  std::map<std::string, File> files;
  std::map<std::string, std::string> aside;  ///< of set_aside

  /// A power cut: each 512-byte sector of what was not synced is there or not.
  void crash(std::mt19937_64& random) {
    for (auto& [name, file] : files) {
      constexpr std::size_t sector = 512;
      for (std::size_t at = 0; at < file.now.size(); at += sector) {
        const std::size_t size = std::min(sector, file.now.size() - at);
        if (random() % 2 == 0) file.synced.replace(at, size, file.now, at, size);
      }
      file.now = file.synced;
    }
  }

  Result<void> lock() override { return {}; }
  Result<std::vector<Entry>> list() override {
    std::vector<Entry> made;
    for (const auto& [name, file] : files) made.push_back({name, file.now.size()});
    return made;
  }
  Result<void> create(const std::string& name, std::size_t bytes) override {
    if (failing()) return fault("no space (test)");
    files[name] = {std::string(bytes, '\0'), std::string(bytes, '\0')};
    die();
    return {};
  }
  Result<void> write(const std::string& name, std::size_t offset,
                     std::span<const std::string_view> parts) override {
    const bool fail = failing();
    std::string& to = files.at(name).now;
    for (const std::string_view part : parts) {
      if (offset + part.size() > to.size()) return fault("write behind the end (test)");
      to.replace(offset, part.size(), part);
      offset += part.size();
      if (fail) return fault("write error (test)");
    }
    die();
    return {};
  }
  Result<void> sync(const std::string& name) override {
    if (failing()) return fault("sync error (test)");
    files.at(name).synced = files.at(name).now;
    die();
    return {};
  }
  Result<Buffer> read(const std::string& name, std::size_t offset, std::size_t bytes) override {
    const auto at = files.find(name);
    if (at == files.end()) return fault("no such file (test)");
    if (name == unreadable) return fault("read error (test)");
    const std::string_view all = at->second.now;
    return Buffer::copy_of(offset < all.size() ? all.substr(offset, bytes) : std::string_view());
  }
  Result<void> remove(const std::string& name) override {
    if (failing() || (removes_fail && removes_fail())) return fault("remove error (test)");
    files.erase(name);
    die();
    return {};
  }
  Result<void> set_aside(const std::string& name) override {
    if (failing()) return fault("rename error (test)");
    aside[name] = std::move(files.at(name).now);
    files.erase(name);
    return {};
  }
  Result<Space> space() override { return room; }

 private:
  bool failing() {
    ++calls;
    if (!dies_after) die();
    return fails && fails(calls);
  }
  void die() const {
    if (calls == dies_at) throw Died{};
  }
};

}  // namespace forager::test
