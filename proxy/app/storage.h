// Where the journal is kept, decided before anything is built: the data directory, locked and
// listed, or memory and why.
#pragma once

#include <memory>
#include <string>

#include "base/secret.h"
#include "config/config.h"
#include "journal/journal.h"
#include "journal/posix_files.h"
#include "journal/recovery.h"

namespace forager::app {

struct Storage {
  std::unique_ptr<journal::PosixFiles> files;  ///< nullptr: memory
  journal::FoundSegments found;
  Secret salt;        ///< for the digests of keys
  std::string why;    ///< memory though it was not asked for
  std::string error;  ///< the process must not start
};
/// Also decides config.journal and config.journal_bytes.
Storage open_storage(config::Config& config);
journal::DiskSettings disk_settings(const Storage& storage, const config::Config& config);

}  // namespace forager::app
