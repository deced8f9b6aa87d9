#include "app/storage.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include "admit/keys.h"
#include "config/load.h"

namespace forager::app {
namespace {

constexpr std::size_t disk_bytes = std::size_t{1} << 30U;
constexpr std::size_t segment_most = std::size_t{16} << 20U;
constexpr std::size_t segments_least = 16;

}  // namespace

Storage open_storage(config::Config& config) {
  Storage made;
  const bool automatic = config.journal == config::JournalKind::automatic;
  for (const std::string& directory : config::data_directories(config)) {
    if (config.journal == config::JournalKind::memory || made.files) break;
    auto files = std::make_unique<journal::PosixFiles>(directory);
    if (auto locked = files->lock(); !locked) {
      const std::string& what = locked.error().what;
      made.why += (made.why.empty() ? "" : "; ") + what;
      if (what.find("is in use by") != std::string::npos) {  // silently keeping less is no choice
        made.error = what;
        return made;
      }
      continue;
    }
    auto found = journal::find_segments(*files);
    if (!found) {
      made.error = found.error().what;
      return made;
    }
    made.found = std::move(*found);
    if (const auto salt = journal::find_salt(*files, made.found)) {
      made.salt = Secret(std::string(salt->data(), salt->size()));
    }
    made.files = std::move(files);
  }
  if (!made.files && config.journal == config::JournalKind::disk) made.error = made.why;
  if (made.salt.empty()) made.salt = admit::KeyRing::random_salt();
  if (automatic)
    config.journal = made.files ? config::JournalKind::disk : config::JournalKind::memory;
  if (config.journal_bytes == 0) {
    config.journal_bytes = made.files ? disk_bytes : config.memory_limit / 2;
  }
  return made;
}

journal::DiskSettings disk_settings(const Storage& storage, const config::Config& config) {
  journal::DiskSettings made;
  made.bytes_max = config.journal_bytes;
  made.segment_bytes =
      std::min(segment_most, (config.journal_bytes / segments_least + 4095) / 4096 * 4096);
  made.run = storage.found.next_run;
  std::memcpy(made.salt.data(), storage.salt.reveal().data(), made.salt.size());
  made.seed = std::random_device{}() | std::uint64_t{std::random_device{}()} << 32U;
  made.created = static_cast<std::int64_t>(unix_nanos(std::chrono::system_clock::now()));
  made.created_at = std::chrono::steady_clock::now();
  return made;
}

}  // namespace forager::app
