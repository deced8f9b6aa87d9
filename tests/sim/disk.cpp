#include "sim/disk.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "journal/format.h"

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

std::string SimDisk::damage() {
  if (files_.empty()) return "no segment to be damaged";
  auto at = files_.begin();
  std::advance(at, chance_.below(files_.size()));
  auto& [name, file] = *at;
  const std::size_t used = file.now.find_last_not_of('\0') + 1;  // npos: 0
  if (used == 0) return "a segment of zeros stays as it is";
  ever_troubled_ = true;
  const std::size_t from =
      chance_.one_in(6) ? chance_.below(std::min<std::size_t>(used, 200)) : chance_.below(used);
  std::size_t to = std::min<std::size_t>(used, from + chance_.between(1, 64));
  const char* what = "flipped bits";
  switch (chance_.below(6)) {
    case 0:
      what = "can't be read from now on";
      bad_.insert(name);
      damages_[name].push_back({0, SIZE_MAX});
      return name + " " + what;
    case 1:
      what = "was cut off";
      to = file.now.size();
      file.now.resize(from);
      break;
    case 2:
      what = "lost a piece";
      to = std::min(used, (from / 512 + 1) * 512);
      file.now.replace(from, to - from, to - from, '\0');
      break;
    default:
      for (std::size_t i = from; i < to; ++i)
        file.now[i] ^= static_cast<char>(1U << chance_.below(8));
  }
  file.synced = file.now;
  file.dirty.clear();
  damages_[name].push_back({from, to});
  return fmt::format("{} from {} to {}: {}", name, from, to, what);
}

std::size_t SimDisk::size_of(journal::Position segment) const {
  const auto at = files_.find(journal::format::segment_name(segment));
  return at == files_.end() ? 0 : at->second.now.size();
}

bool SimDisk::intact(journal::Position segment, std::size_t from, std::size_t to) const {
  const std::string name = journal::format::segment_name(segment);
  if (!files_.contains(name) || failed_.contains(name)) return false;
  const auto at = damages_.find(name);
  if (at == damages_.end()) return true;
  return std::none_of(at->second.begin(), at->second.end(),
                      [&](const Piece& piece) { return piece.from < to && from < piece.to; });
}

/// Of a whole segment, or of its head.
bool SimDisk::read_fails(const std::string& name) {
  if (bad_.contains(name)) return true;
  if (plan_.read_errors == 0 || calm_) return false;
  return mood_ == DiskMood::unreadable || fails() || chance_.one_in(plan_.read_errors);
}

void SimDisk::forget(const std::string& name) {
  files_.erase(name);
  damages_.erase(name);
  bad_.erase(name);
}

Result<std::vector<journal::Files::Entry>> SimDisk::list() {
  std::vector<Entry> made;
  for (const auto& [name, file] : files_) made.push_back({name, file.now.size()});
  return made;
}

Result<void> SimDisk::create(const std::string& name, std::size_t bytes) {
  if (gone() || fails()) return fault("the file can't be created");
  forget(name);
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
  if (offset == 0) {
    if (!read_fails(name)) return Buffer::copy_of(std::string_view(all).substr(0, bytes));
    failed_.insert(name);
    ever_troubled_ = true;
    return fault("input/output error");
  }
  if (mood_ == DiskMood::unreadable || fails() || bad_.contains(name)) {
    return fault("input/output error");
  }
  std::string part = offset < all.size() ? all.substr(offset, bytes) : std::string();
  if (plan_.rots && !calm_ && !part.empty() && chance_.one_in(12)) {
    part[chance_.below(part.size())] ^= static_cast<char>(1U << chance_.below(8));
    ++flips_;
  }
  return Buffer::copy_of(part);
}

Result<void> SimDisk::remove(const std::string& name) {
  if (gone() || fails()) return fault("the file can't be removed");
  forget(name);
  return {};
}

Result<void> SimDisk::set_aside(const std::string& name) {
  if (gone() || fails()) return fault("the file can't be renamed");
  forget(name);
  return {};
}

Result<journal::Files::Space> SimDisk::space() {
  constexpr std::uint64_t much = std::uint64_t{1} << 40U;
  return Space{mood_ == DiskMood::full ? 0 : much, much};
}

}  // namespace forager::sim
