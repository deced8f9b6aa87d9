// The judging half of disk_check.h: pure.
#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "doctor/disk_check.h"

namespace forager::doctor {
namespace {

using std::chrono::microseconds;

struct FileSystem {
  std::int64_t type;  ///< statfs(2), linux/magic.h
  std::string_view name;
  std::string_view why;  ///< it is no place for a journal; empty: it is one
  std::string_view fix;
};
constexpr std::string_view in_memory = "it is memory: what is kept there ends with the container";
constexpr std::string_view over_network =
    "locks and syncs go over the network, and stop with the server";
constexpr std::string_view use_volume = "mount a volume at the data directory (FORAGER_DATA_DIR)";
constexpr std::string_view use_local = "use a local disk (FORAGER_DATA_DIR)";
constexpr std::array<FileSystem, 15> file_systems{{
    {0x01021994, "tmpfs", in_memory, use_volume},
    {0x858458f6, "ramfs", in_memory, use_volume},
    {0x794c7630, "overlay", "it is the container's own layer, and goes with it", use_volume},
    {0x6969, "nfs", over_network, use_local},
    {0xff534d42, "cifs", over_network, use_local},
    {0xfe534d42, "smb2", over_network, use_local},
    {0x00c36400, "ceph", over_network, use_local},
    {0x01021997, "9p", "whether a sync reaches the disk is up to the host", use_volume},
    {0x65735546, "fuse", "whether a sync reaches a disk is up to its program", use_local},
    {0xef53, "ext4", {}, {}},
    {0x58465342, "xfs", {}, {}},
    {0x9123683e, "btrfs", {}, {}},
    {0x2fc12fc1, "zfs", {}, {}},
    {0xf2f52010, "f2fs", {}, {}},
    {0xca451a4e, "bcachefs", {}, {}},
}};

/// An answer waits for one sync; at this many a second apps begin to notice.
constexpr microseconds slow_sync{50'000};
constexpr std::uint64_t least_room = std::uint64_t{64} << 20U;

const FileSystem* known(std::int64_t type) {
  const auto at = std::ranges::find(file_systems, type, &FileSystem::type);
  return at == file_systems.end() ? nullptr : &*at;
}

Finding finding(Level level, std::string what, std::string fix = {}) {
  return {level, "journal", std::move(what), std::move(fix), Area::machine};
}

std::string fix_of_problem(const DiskFacts& facts) {
  return fmt::format(
      "let user {} write there (chown {} {}; fsGroup in Kubernetes; a volume with that owner), or "
      "name another directory with FORAGER_DATA_DIR",
      facts.us, facts.us, facts.directory);
}

double in_ms(microseconds time) { return static_cast<double>(time.count()) / 1000; }

}  // namespace

std::string file_system_name(std::int64_t type) {
  const FileSystem* const it = known(type);
  return it != nullptr ? std::string(it->name) : fmt::format("file system {:#x}", type);
}

Finding judge_directory(const DiskFacts& facts) {
  if (facts.holder) {
    const std::string who = *facts.holder != 0
                                ? fmt::format("process {}", *facts.holder)
                                : std::string("a process whose number can't be seen");
    return finding(Level::ok,
                   fmt::format("{} is kept by {}, a Forager that runs", facts.directory, who));
  }
  if (!facts.there)
    return finding(Level::ok, fmt::format("{} is not there yet, and can be made", facts.directory));
  std::string what = fmt::format("{} can be written (owner {}, mode {:04o}, we are user {})",
                                 facts.directory, facts.owner, facts.mode, facts.us);
  constexpr std::uint32_t others = 0007;
  if ((facts.mode & others) == 0) return finding(Level::ok, std::move(what));
  return finding(Level::warning, what + "; others may look into it, and telemetry may be private",
                 fmt::format("chmod o= {}", facts.directory));
}

Finding judge_space(const DiskFacts& facts, std::uint64_t cap) {
  const std::uint64_t room = facts.free_bytes + facts.journal_bytes;
  const std::string numbers =
      fmt::format("{} free, {} used of {} (FORAGER_JOURNAL_BYTES)", size_text(facts.free_bytes),
                  size_text(facts.journal_bytes), size_text(cap));
  if (room >= cap) return finding(Level::ok, numbers);
  const std::string fix =
      fmt::format("free {}, or set FORAGER_JOURNAL_BYTES to {}",
                  size_text(cap - room + (1U << 20U)), size_text(room / 10 * 9));
  if (room < std::min(cap, least_room)) {
    return finding(Level::failure, numbers + ": apps would soon be answered 503", fix);
  }
  return finding(Level::warning, numbers + ": the disk is full before the journal is", fix);
}

Finding judge_file_system(const DiskFacts& facts) {
  const FileSystem* const it = known(facts.file_system);
  if (it == nullptr || it->why.empty()) {
    return finding(Level::ok, "on " + file_system_name(facts.file_system));
  }
  return finding(Level::warning, fmt::format("on {}: {}", it->name, it->why), std::string(it->fix));
}

std::optional<Finding> judge_syncs(const DiskFacts& facts) {
  if (facts.syncs.empty()) return std::nullopt;
  auto sorted = facts.syncs;
  std::ranges::sort(sorted);
  const microseconds middle = sorted[sorted.size() / 2];
  const std::string what =
      fmt::format("a sync takes {:.1f} ms ({:.1f} ms at worst, of {}); each answer waits for one",
                  in_ms(middle), in_ms(sorted.back()), sorted.size());
  if (middle < slow_sync) return finding(Level::ok, what);
  return finding(Level::warning, what,
                 "use a faster disk, or FORAGER_JOURNAL=memory where losing what waits is fine");
}

std::vector<Finding> judge_disks(const std::vector<DiskFacts>& tried, config::JournalKind kind,
                                 std::uint64_t cap) {
  if (kind == config::JournalKind::memory) {
    return {
        finding(Level::ok, "in memory, as FORAGER_JOURNAL says: what waits is lost at a restart")};
  }
  std::vector<Finding> found;
  const DiskFacts* serves = nullptr;
  for (const DiskFacts& one : tried) {
    if (one.problem.empty()) serves = &one;
  }
  if (serves == nullptr) {
    for (const DiskFacts& one : tried) {
      const bool must = kind == config::JournalKind::disk;
      found.push_back(finding(must ? Level::failure : Level::warning,
                              one.problem + (must ? ", so Forager would not start"
                                                  : ", so what waits would be lost at a restart"),
                              fix_of_problem(one)));
    }
    return found;
  }
  found.push_back(judge_directory(*serves));
  found.push_back(judge_space(*serves, cap));
  found.push_back(judge_file_system(*serves));
  if (auto syncs = judge_syncs(*serves)) found.push_back(std::move(*syncs));
  return found;
}

}  // namespace forager::doctor
