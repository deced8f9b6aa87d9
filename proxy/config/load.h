// From sources to the configuration that counts: read, check every value and every relation, fill
// in what follows from the machine. All errors are found in one go. main calls `load` once; app
// gets the result.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/system/result.hpp>

#include "config/config.h"
#include "config/routes.h"
#include "config/settings.h"
#include "config/sources.h"

namespace forager::config {

/// Later ones count more.
enum class Level : std::uint8_t { automatic, file, environment, flag };

/// Where the effective value of one setting comes from.
struct Origin {
  Level level = Level::automatic;
  std::string text;  ///< "default", "flag --ack", "environment FORAGER_ACK", "forager.yaml line 3",
                     ///< or a reason
};

struct Loaded {
  Config config;  ///< effective: no field is left at "decide for me" but journal and compression
  Routes routes;  ///< what config.destinations means
  std::vector<Origin> origins;        ///< in the order of settings()
  std::vector<std::string> warnings;  ///< whole sentences; log each once at the start

  const Origin& origin(std::string_view flag) const { return origins[index_of(setting(flag))]; }
};

/// Everything that is wrong, each a whole sentence with place and fix and without secrets.
struct Errors {
  std::vector<std::string> all;
};

using Outcome = boost::system::result<Loaded, Errors>;
[[noreturn]] void throw_exception_from_error(const Errors& errors,
                                             const boost::source_location& where);

/// Reads flags, environment, file, key file, CA file and the cgroup's limit through `sources`.
Outcome load(const Sources& sources);

/// Where `healthcheck` asks: at `url` (http://host:port) if there is one, else at the admin
/// address. Other settings may be wrong or their files unreadable.
Result<Listen> load_admin_listen(const Sources& sources, std::string_view url = {});

/// Where the journal is kept: the first of them that can be written.
std::vector<std::string> data_directories(const Config& config);

/// Where the journal may be and where a Forager that runs is asked, for `forager journal`. Other
/// settings may be wrong.
struct JournalPlace {
  std::vector<std::string> directories;  ///< those that `run` tries, in its order
  Listen admin;
  Listen otlp_http;
  std::size_t journal_bytes = 0;  ///< 0: not set, or wrong; the disk's default
};
Result<JournalPlace> load_journal_place(const Sources& sources);

}  // namespace forager::config
