// The rows about what is kept, where and how long. Included by table.cpp only.
#pragma once

#include <array>

#include "config/fields.h"
#include "config/settings.h"
#include "config/units.h"

namespace forager::config {

inline constexpr std::array keeping_rows{
    Setting{"memory-limit",
            {"FORAGER_MEMORY_LIMIT"},
            "memory_limit",
            "SIZE",
            "half of the container's limit, at most 256MiB",
            "Everything Forager holds in memory together; above it apps get 429 or 503.",
            Group::keeping,
            false,
            size<&Config::memory_limit, 16 * mib, 1024 * gib>},
    Setting{"journal",
            {"FORAGER_JOURNAL"},
            "journal",
            "KIND",
            "",
            "Where accepted telemetry waits: auto (disk if its directory can be written), disk or "
            "memory.",
            Group::keeping,
            false,
            word<&Config::journal, journal_words>},
    Setting{"journal-bytes",
            {"FORAGER_JOURNAL_BYTES"},
            "journal_bytes",
            "SIZE",
            "1GiB on disk, half of the memory limit in memory",
            "The most that may wait.",
            Group::keeping,
            false,
            size<&Config::journal_bytes, 4 * mib, 16 * 1024 * gib>},
    Setting{"data-dir",
            {"FORAGER_DATA_DIR"},
            "data_dir",
            "PATH",
            "/var/lib/forager, else the state directory of the user",
            "Directory of the disk journal.",
            Group::keeping,
            false,
            text<&Config::data_dir, parse_absolute_path>},
    Setting{"retention",
            {"FORAGER_RETENTION"},
            "retention",
            "DURATION",
            "",
            "How old telemetry may get before it expires unsent; off: no limit.",
            Group::keeping,
            false,
            duration_or_off<&Config::retention, second, 8760 * hour>},
    Setting{"on-full",
            {"FORAGER_ON_FULL"},
            "on_full",
            "CHOICE",
            "",
            "When nothing more fits: refuse new telemetry, or expire the oldest.",
            Group::keeping,
            false,
            word<&Config::on_full, on_full_words>},
    Setting{"ack",
            {"FORAGER_ACK"},
            "ack",
            "CHOICE",
            "",
            "When an app gets its 200: kept, or delivered (every destination has it).",
            Group::keeping,
            false,
            word<&Config::ack, ack_words>},
};

}  // namespace forager::config
