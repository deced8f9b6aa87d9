#include "journal/format.h"

#include <cassert>
#include <charconv>
#include <cstring>

#include <fmt/format.h>

#include "journal/format_bytes.h"

namespace forager::journal::format {
namespace {

constexpr std::string_view magic = "FORAGER\n";
constexpr std::string_view suffix = ".segment";
constexpr std::string_view zeros("\0\0\0\0\0\0\0", 7);
constexpr std::size_t header_checked = header_bytes - 4;
constexpr std::size_t header_most = 4096;  ///< a later version may add to it
// flags of a record
constexpr std::uint32_t log_time_missing = 1;
constexpr std::uint32_t for_one = 2;
constexpr std::uint32_t for_all_but_one = 4;
constexpr std::size_t commit_head = 16;

}  // namespace

std::string segment_name(Position first) { return fmt::format("{:016x}{}", first, suffix); }

std::optional<Position> first_of(std::string_view name) {
  if (!name.ends_with(suffix) || name.size() != 16 + suffix.size()) return std::nullopt;
  Position first = 0;
  const auto [stop, error] = std::from_chars(name.data(), name.data() + 16, first, 16);
  if (error != std::errc() || stop != name.data() + 16 || first == 0) return std::nullopt;
  if (segment_name(first) != name) return std::nullopt;  // capitals
  return first;
}

std::string write_header(const Header& header) {
  std::string to(magic);
  put(to, header.version);
  put(to, header.bytes);
  put(to, header.first);
  put(to, header.run);
  put(to, header.mark);
  put(to, header.minor);
  put(to, header.file_bytes);
  put(to, static_cast<std::uint64_t>(header.created));
  to.append(header.salt.data(), header.salt.size());
  put(to, std::uint32_t{0});
  put(to, crc32c(to));
  return to;
}

std::optional<Header> read_header(std::string_view bytes) {
  if (bytes.size() < header_bytes || !bytes.starts_with(magic)) return std::nullopt;
  Header header;
  header.version = get<std::uint32_t>(bytes, 8);
  if (crc32c(bytes.substr(0, header_checked)) != get<std::uint32_t>(bytes, header_checked)) {
    return std::nullopt;
  }
  if (header.version > version) return header;
  header.bytes = get<std::uint32_t>(bytes, 12);
  if (header.bytes < header_bytes || header.bytes > header_most || header.bytes % 8 != 0) {
    return std::nullopt;
  }
  header.first = get<std::uint64_t>(bytes, 16);
  header.run = get<std::uint64_t>(bytes, 24);
  header.mark = get<std::uint32_t>(bytes, 32);
  header.minor = get<std::uint32_t>(bytes, 36);
  header.file_bytes = get<std::uint64_t>(bytes, 40);
  header.created = static_cast<std::int64_t>(get<std::uint64_t>(bytes, 48));
  std::memcpy(header.salt.data(), bytes.data() + 56, header.salt.size());
  return header;
}

void put_record(std::string& to, std::uint32_t mark, const Record& record, std::uint32_t group,
                const Audience& audience, std::uint64_t quarantined) {
  assert(audience.cursor <= UINT16_MAX);
  const std::size_t more = quarantined != 0 ? replay_head : 0;
  const std::size_t at = begin(to, mark, quarantined != 0 ? Type::replayed : Type::record,
                               more + record_head + record.body.size());
  if (quarantined != 0) put(to, quarantined);
  std::uint32_t flags = record.log_time_missing ? log_time_missing : 0;
  if (audience.who == Audience::Who::only) flags |= for_one;
  if (audience.who == Audience::Who::all_but) flags |= for_all_but_one;
  put(to, record.position);
  put(to, unix_nanos(record.arrived));
  put(to, record.items);
  put(to, record.largest_item);
  put(to, group);
  put(to, static_cast<std::uint8_t>(record.signal));
  put(to, static_cast<std::uint8_t>(flags));
  put(to, static_cast<std::uint16_t>(audience.cursor));
  check(to, at, record.body.view());
}

std::string_view padding_after(std::size_t body) {
  return zeros.substr(0, record_frame(body) - frame_head - record_head - body);
}

void put_destination(std::string& to, std::uint32_t mark, std::uint32_t id, std::uint32_t takes,
                     Position first, std::string_view name) {
  const std::size_t at = begin(to, mark, Type::destination, 16 + name.size());
  put(to, id);
  put(to, takes);
  put(to, first);
  to.append(name);
  end(to, at);
}

void put_ranges(std::string& to, std::uint32_t mark, Type type, std::uint32_t id,
                std::optional<Position> watermark, std::span<const Range> ranges) {
  const std::size_t at =
      begin(to, mark, type, 8 + (watermark ? 8 : 0) + ranges.size() * 2 * sizeof(Position));
  if (type == Type::voided) {
    put(to, static_cast<std::uint32_t>(ranges.size()));
    put(to, std::uint32_t{0});
  } else {
    put(to, id);
    put(to, static_cast<std::uint32_t>(ranges.size()));
  }
  if (watermark) put(to, *watermark);
  for (const Range& range : ranges) {
    put(to, range.first);
    put(to, range.last);
  }
  end(to, at);
}

void put_snapshot_end(std::string& to, std::uint32_t mark, std::uint32_t snapshots) {
  const std::size_t at = begin(to, mark, Type::snapshot_end, 4);
  put(to, snapshots);
  end(to, at);
}

void put_group(std::string& to, std::uint32_t mark, std::uint32_t id, const Group& group) {
  const std::size_t at =
      begin(to, mark, Type::group, 8 + group.digest.size() + group.dataset.size());
  put(to, id);
  put(to, std::uint32_t{group.has_key ? 1U : 0U});
  to.append(group.digest.data(), group.digest.size());
  to.append(group.dataset);
  end(to, at);
}

void put_removed(std::string& to, std::uint32_t mark, std::string_view name) {
  const std::size_t at = begin(to, mark, Type::removed, name.size());
  to.append(name);
  end(to, at);
}

void put_commit(std::string& to, std::uint32_t mark, const CommitHead& head) {
  const std::size_t at =
      begin(to, mark, Type::commit, commit_head + head.voided.size() * 2 * sizeof(Position));
  put(to, head.through);
  put(to, head.destinations);
  put(to, static_cast<std::uint32_t>(head.voided.size()));
  for (const Range& range : head.voided) {
    put(to, range.first);
    put(to, range.last);
  }
  end(to, at);
}

std::optional<Frame> frame_at(std::string_view segment, std::size_t offset, std::uint32_t mark) {
  if (offset > segment.size() || segment.size() - offset < frame_head) return std::nullopt;
  const std::string_view here = segment.substr(offset);
  if (get<std::uint32_t>(here, 0) != mark) return std::nullopt;
  const std::size_t length = get<std::uint32_t>(here, 4);
  if (length > here.size() - frame_head) return std::nullopt;
  const std::string_view payload = here.substr(frame_head, length);
  const std::uint32_t crc = crc32c(payload, crc32c(here.substr(0, frame_head - 4)));
  if (crc != get<std::uint32_t>(here, frame_head - 4)) return std::nullopt;
  return Frame{static_cast<Type>(get<std::uint32_t>(here, 8)), offset, payload};
}

std::optional<FoundRecord> read_record(const Frame& frame) {
  std::string_view from = frame.payload;
  FoundRecord found;
  if (frame.type == Type::replayed && from.size() > replay_head) {
    found.quarantined = get<std::uint64_t>(from, 0);
    from.remove_prefix(replay_head);
  }
  if (from.size() <= record_head || frame.offset > UINT32_MAX) return std::nullopt;
  Record& record = found.record;
  record.position = get<std::uint64_t>(from, 0);
  const auto arrived =
      std::chrono::nanoseconds(static_cast<std::int64_t>(get<std::uint64_t>(from, 8)));
  record.arrived = WallTime(std::chrono::duration_cast<WallTime::duration>(arrived));
  record.items = get<std::uint32_t>(from, 16);
  record.largest_item = get<std::uint32_t>(from, 20);
  record.group = get<std::uint32_t>(from, 24);
  const auto signal = static_cast<std::uint8_t>(from[28]);
  if (signal >= signal_count || record.items == 0 || record.position == 0) return std::nullopt;
  record.signal = static_cast<Signal>(signal);
  const auto flags = static_cast<std::uint8_t>(from[29]);
  record.log_time_missing = (flags & log_time_missing) != 0;
  const CursorId of = get<std::uint16_t>(from, 30);
  if ((flags & for_one) != 0) {
    found.audience = Audience::only(of);
  } else if ((flags & for_all_but_one) != 0) {
    found.audience = Audience::all_but(of);
  }
  record.stored_bytes = static_cast<std::uint32_t>(from.size() - record_head);
  found.offset = static_cast<std::uint32_t>(frame.offset);
  return found;
}

std::optional<Destination> read_destination(std::string_view from) {
  if (from.size() <= 16) return std::nullopt;
  return Destination{get<std::uint32_t>(from, 0), get<std::uint32_t>(from, 4),
                     get<std::uint64_t>(from, 8), std::string(from.substr(16))};
}

namespace {
/// All of `from`; nullopt: not `count` sound ranges.
std::optional<std::vector<Range>> ranges_in(std::string_view from, std::uint32_t count) {
  if (from.size() != std::size_t{count} * 16) return std::nullopt;
  std::vector<Range> made;
  made.reserve(count);
  for (std::size_t at = 0; at < from.size(); at += 16) {
    const Range range{get<std::uint64_t>(from, at), get<std::uint64_t>(from, at + 8)};
    if (range.first == 0 || range.last < range.first || range.last == UINT64_MAX)
      return std::nullopt;
    made.push_back(range);
  }
  return made;
}
}  // namespace

std::optional<CursorRanges> read_ranges(Type type, std::string_view from) {
  const std::size_t head = type == Type::snapshot ? 16 : 8;
  if (from.size() < head) return std::nullopt;
  CursorRanges made;
  const auto count = get<std::uint32_t>(from, type == Type::voided ? 0 : 4);
  if (type != Type::voided) made.id = get<std::uint32_t>(from, 0);
  if (type == Type::snapshot) made.watermark = get<std::uint64_t>(from, 8);
  auto ranges = ranges_in(from.substr(head), count);
  if (!ranges) return std::nullopt;
  made.ranges = std::move(*ranges);
  return made;
}

std::optional<CommitHead> read_commit(std::string_view from) {
  if (from.size() < commit_head) return std::nullopt;
  auto ranges = ranges_in(from.substr(commit_head), get<std::uint32_t>(from, 12));
  if (!ranges) return std::nullopt;
  return CommitHead{get<std::uint64_t>(from, 0), get<std::uint32_t>(from, 8), std::move(*ranges)};
}

std::optional<std::uint32_t> read_snapshot_end(std::string_view from) {
  if (from.size() != 4) return std::nullopt;
  return get<std::uint32_t>(from, 0);
}

std::optional<std::pair<std::uint32_t, Group>> read_group(std::string_view from) {
  Group group;
  if (from.size() < 8 + group.digest.size()) return std::nullopt;
  group.has_key = get<std::uint32_t>(from, 4) != 0;
  std::memcpy(group.digest.data(), from.data() + 8, group.digest.size());
  group.dataset = from.substr(8 + group.digest.size());
  return std::pair{get<std::uint32_t>(from, 0), std::move(group)};
}

}  // namespace forager::journal::format
