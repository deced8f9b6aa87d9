// Whether the journal can be kept where it is meant to be: who may write, how much room, what kind
// of file system, how long a sync takes, and which process has it open.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "config/config.h"
#include "doctor/finding.h"

namespace forager::doctor {

/// What was read of one data directory.
struct DiskFacts {
  std::string directory;
  bool there = false;   ///< else `run` makes it
  std::string problem;  ///< why it can't be written, in words; empty: it can
  std::uint32_t owner = 0;
  std::uint32_t mode = 0;  ///< permission bits
  std::uint32_t us = 0;    ///< our effective user
  std::uint64_t free_bytes = 0;
  std::uint64_t journal_bytes = 0;  ///< of segments that are there
  std::int64_t file_system = 0;     ///< f_type of statfs(2)
  std::optional<pid_t> holder;      ///< the process that has it open; 0: number unknown
  /// Of small writes, each synced, in a file of its own; empty: not measured.
  std::vector<std::chrono::microseconds> syncs{};
};

/// Reads and measures: at most about a second. Leaves nothing behind; makes no directory.
DiskFacts read_disk(const std::string& directory);

/// "ext4", "tmpfs", or "file system 0x..." by statfs's number.
std::string file_system_name(std::int64_t type);

/// `cap`: bytes the journal may take. Only for a directory that can be written.
Finding judge_directory(const DiskFacts& facts);
Finding judge_space(const DiskFacts& facts, std::uint64_t cap);
Finding judge_file_system(const DiskFacts& facts);
std::optional<Finding> judge_syncs(const DiskFacts& facts);

/// `tried`: of all directories in the order in which `run` tries them, up to the first that serves.
std::vector<Finding> judge_disks(const std::vector<DiskFacts>& tried, config::JournalKind kind,
                                 std::uint64_t cap);

/// All for this configuration.
std::vector<Finding> look_at_journal(const config::Config& from);

}  // namespace forager::doctor
