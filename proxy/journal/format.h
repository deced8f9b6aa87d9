// The bytes of the disk journal (docs/journal-format.md): segment headers and frames, written and
// read. Pure; reading takes any bytes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "journal/audience.h"
#include "journal/ranges.h"
#include "journal/record.h"

namespace forager::journal::format {

inline constexpr std::uint32_t version = 1;
/// 1: snapshots list what is in quarantine.
inline constexpr std::uint32_t minor = 1;
inline constexpr std::size_t header_bytes = 96;
inline constexpr std::size_t frame_head = 16;
inline constexpr std::size_t record_head = 32;  ///< payload before the body
inline constexpr std::size_t replay_head = 8;   ///< before that, of a replayed record
inline constexpr std::size_t salt_bytes = 32;

using Salt = std::array<char, salt_bytes>;
using Digest = std::array<char, 32>;

enum class Type : std::uint32_t {
  record = 1,
  destination,
  settled,
  snapshot,
  snapshot_end,
  voided,
  group,
  removed,
  commit,
  quarantined,
  quarantine_list,
  quarantine_gone,
  replayed,
};

struct Header {
  std::uint32_t version = format::version;
  std::uint32_t bytes = header_bytes;
  Position first = 0;
  Position run = 0;
  std::uint32_t mark = 0;
  std::uint32_t minor = format::minor;
  std::uint64_t file_bytes = 0;
  std::int64_t created = 0;  ///< ns since 1970
  Salt salt{};
};

/// The key and dataset of a record's group, as far as the disk may know them.
struct Group {
  bool has_key = false;  ///< of an app; else Forager's own
  Digest digest{};
  std::string dataset;
  bool operator==(const Group&) const = default;
};

std::string segment_name(Position first);
/// nullopt: not the name of a segment.
std::optional<Position> first_of(std::string_view name);
inline std::size_t padded(std::size_t bytes) { return (bytes + 7) / 8 * 8; }
/// What a record takes on disk; `replayed`: from quarantine.
inline std::size_t record_frame(std::size_t body, bool replayed = false) {
  return padded(frame_head + (replayed ? replay_head : 0) + record_head + body);
}

std::string write_header(const Header& header);
/// nullopt: damaged. A newer version is returned with `version` alone to be trusted.
std::optional<Header> read_header(std::string_view bytes);

/// Appends the frame's bytes up to the body, with the checksum over both; the body and
/// padding_after(body) are to follow. `quarantined`: the number that it had there; 0: none.
void put_record(std::string& to, std::uint32_t mark, const Record& record, std::uint32_t group,
                const Audience& audience = {}, std::uint64_t quarantined = 0);
std::string_view padding_after(std::size_t body);
void put_destination(std::string& to, std::uint32_t mark, std::uint32_t id, std::uint32_t takes,
                     Position begin, std::string_view name);
void put_ranges(std::string& to, std::uint32_t mark, Type type, std::uint32_t id,
                std::optional<Position> watermark, std::span<const Range> ranges);
void put_snapshot_end(std::string& to, std::uint32_t mark, std::uint32_t snapshots);
void put_group(std::string& to, std::uint32_t mark, std::uint32_t id, const Group& group);
void put_removed(std::string& to, std::uint32_t mark, std::string_view name);
/// What each commit begins with. It is written only after all earlier ones ended, so it proves that
/// whatever lies before it was durable.
struct CommitHead {
  Position through = 0;            ///< all records up to here were durable or void
  std::uint32_t destinations = 0;  ///< declared in this segment, this commit included
  std::vector<Range> voided;
};
void put_commit(std::string& to, std::uint32_t mark, const CommitHead& head);

/// A frame whose checksum holds.
struct Frame {
  Type type{};
  std::size_t offset = 0;  ///< of the frame in the segment
  std::string_view payload;
};
/// nullopt: no valid frame here.
std::optional<Frame> frame_at(std::string_view segment, std::size_t offset, std::uint32_t mark);

struct FoundRecord {
  Record record;  ///< without its body; group as numbered in this segment
  std::uint32_t offset = 0;
  Audience audience{};            ///< its cursor is the destination's number in this segment
  std::uint64_t quarantined = 0;  ///< the number it had in quarantine; 0: it wasn't there
};
struct Destination {
  std::uint32_t id = 0;
  std::uint32_t takes = 0;
  Position begin = 0;
  std::string name;
};
struct CursorRanges {
  std::uint32_t id = 0;
  Position watermark = 0;
  std::vector<Range> ranges;
};
/// nullopt: the payload is not what its type says. For records and replayed ones.
std::optional<FoundRecord> read_record(const Frame& frame);
std::optional<Destination> read_destination(std::string_view payload);
std::optional<CursorRanges> read_ranges(Type type, std::string_view payload);
std::optional<std::uint32_t> read_snapshot_end(std::string_view payload);
std::optional<std::pair<std::uint32_t, Group>> read_group(std::string_view payload);
std::optional<CommitHead> read_commit(std::string_view payload);

}  // namespace forager::journal::format
