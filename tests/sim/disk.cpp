#include "sim/disk.h"

#include <algorithm>

namespace forager::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;

Duration SimDisk::latency() {
  if (mood_ == DiskMood::slow) return milliseconds(50) + chance_.up_to(milliseconds(3000));
  return microseconds(20) + chance_.about(plan_.latency);
}

bool SimDisk::fails() {
  switch (mood_) {
    case DiskMood::broken:
      return true;
    case DiskMood::failing:
      return chance_.one_in(4);
    case DiskMood::well:
    case DiskMood::slow:
    case DiskMood::full:
    case DiskMood::unreadable:
      break;
  }
  return false;
}

/// The order in which the kernel writes pages is its own.
void SimDisk::keep_some(File& file) {
  constexpr std::size_t sector = 512;
  const std::uint64_t one_in = chance_.between(1, 4);
  for (const auto& [from, to] : file.dirty) {
    for (std::size_t at = from; at < to;) {
      const std::size_t end = std::min(to, (at / sector + 1) * sector);
      if (chance_.one_in(one_in)) file.synced.replace(at, end - at, file.now, at, end - at);
      at = end;
    }
  }
  file.dirty.clear();
}

void SimDisk::power_cut() {
  for (auto& [name, file] : files_) {
    keep_some(file);
    file.now = file.synced;
  }
}

std::size_t SimDisk::bytes() const {
  std::size_t sum = 0;
  for (const auto& [name, file] : files_) sum += file.now.size();
  return sum;
}

Result<std::vector<journal::Files::Entry>> SimDisk::list() {
  std::vector<Entry> made;
  for (const auto& [name, file] : files_) made.push_back({name, file.now.size()});
  return made;
}

Result<void> SimDisk::create(const std::string& name, std::size_t bytes) {
  if (gone() || fails()) return fault("the file can't be created");
  files_[name] = {std::string(bytes, '\0'), std::string(bytes, '\0'), {}};
  return {};
}

Result<void> SimDisk::write(const std::string& name, std::size_t offset,
                            std::span<const std::string_view> parts) {
  File& file = files_.at(name);
  std::size_t all = 0;
  for (const std::string_view part : parts) all += part.size();
  if (offset + all > file.now.size()) return fault("written behind the end of a segment");
  const bool fail = gone() || fails();
  std::size_t left = fail ? chance_.below(all + 1) : all;
  const std::size_t from = offset;
  for (std::string_view part : parts) {
    part = part.substr(0, left);
    file.now.replace(offset, part.size(), part);
    offset += part.size();
    left -= part.size();
  }
  file.dirty.emplace_back(from, offset);
  if (fail) return fault("input/output error");
  return {};
}

Result<void> SimDisk::sync(const std::string& name) {
  File& file = files_.at(name);
  if (gone()) return fault("the process is gone");
  if (fails()) {
    keep_some(file);
    return fault("input/output error");
  }
  for (const auto& [from, to] : file.dirty) {
    file.synced.replace(from, to - from, file.now, from, to - from);
  }
  file.dirty.clear();
  return {};
}

/// Whole segments, and their heads, are read from the beginning; bodies never are.
Result<Buffer> SimDisk::read(const std::string& name, std::size_t offset, std::size_t bytes) {
  const auto at = files_.find(name);
  if (at == files_.end()) return fault("there is no such file");
  const std::string& all = at->second.now;
  if (offset == 0) return Buffer::copy_of(std::string_view(all).substr(0, bytes));
  if (mood_ == DiskMood::unreadable || fails()) return fault("input/output error");
  std::string part = offset < all.size() ? all.substr(offset, bytes) : std::string();
  if (plan_.rots && !calm_ && !part.empty() && chance_.one_in(12)) {
    part[chance_.below(part.size())] ^= static_cast<char>(1U << chance_.below(8));
    ++flips_;
  }
  return Buffer::copy_of(part);
}

Result<void> SimDisk::remove(const std::string& name) {
  if (gone() || fails()) return fault("the file can't be removed");
  files_.erase(name);
  return {};
}

Result<void> SimDisk::set_aside(const std::string& name) {
  if (gone() || fails()) return fault("the file can't be renamed");
  files_.erase(name);
  return {};
}

Result<journal::Files::Space> SimDisk::space() {
  constexpr std::uint64_t much = std::uint64_t{1} << 40U;
  return Space{mood_ == DiskMood::full ? 0 : much, much};
}

}  // namespace forager::sim
