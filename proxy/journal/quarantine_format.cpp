#include "journal/quarantine_format.h"

#include <algorithm>

#include "journal/format_bytes.h"

namespace forager::journal::format {
namespace {

constexpr std::size_t frame_fields = 24;
constexpr std::size_t item_fields = 52;
constexpr std::size_t list_fields = 16;
constexpr std::size_t run_fields = 32;
constexpr std::uint32_t settles = 1;
/// More numbers than any list has.
constexpr std::uint64_t numbers_most = 1U << 24U;

std::size_t size_of(const QuarantinedItem& item) {
  return item_fields + item.reason.size() + item.why.size() + item.bytes;
}

std::size_t payload_of(const QuarantineFrame& frame) {
  std::size_t bytes = frame_fields + frame.destination.size();
  for (const QuarantinedItem& item : frame.items) bytes += size_of(item);
  return bytes;
}

void put_item(std::string& to, const QuarantinedItem& item) {
  put(to, item.number);
  put(to, static_cast<std::uint64_t>(item.when));
  put(to, unix_nanos(item.arrived));
  put(to, item.first);
  put(to, item.last);
  put(to, item.group);
  put(to, std::uint32_t{static_cast<std::uint8_t>(item.signal)});
  put(to, static_cast<std::uint32_t>(item.reason.size()));
  put(to, static_cast<std::uint32_t>(item.why.size()));
  put(to, static_cast<std::uint32_t>(item.bytes));
  to.append(item.reason);
  to.append(item.why);
}

WallTime wall_at(std::uint64_t nanos) {
  return WallTime(std::chrono::duration_cast<WallTime::duration>(
      std::chrono::nanoseconds(static_cast<std::int64_t>(nanos))));
}

}  // namespace

std::size_t size_on_disk(const QuarantineFrame& frame) {
  return padded(frame_head + payload_of(frame));
}

std::size_t size_on_disk(std::string_view destination, const QuarantinedItem& item) {
  return padded(frame_head + frame_fields + destination.size() + size_of(item));
}

void put_quarantined(std::string& to, std::uint32_t mark, const QuarantineFrame& frame,
                     const std::function<std::string_view(std::size_t)>& body) {
  const std::size_t length = payload_of(frame);
  const std::size_t at = begin(to, mark, Type::quarantined, length);
  std::uint32_t crc = crc32c(std::string_view(to).substr(at, frame_head - 4));
  std::size_t from = to.size();
  put(to, frame.position);
  put(to, frame.settles ? settles : 0U);
  put(to, static_cast<std::uint32_t>(frame.items.size()));
  put(to, static_cast<std::uint32_t>(frame.destination.size()));
  put(to, std::uint32_t{0});
  to.append(frame.destination);
  for (std::size_t i = 0; i < frame.items.size(); ++i) {
    put_item(to, frame.items[i]);
    crc = crc32c(std::string_view(to).substr(from), crc);
    crc = crc32c(body(i), crc);
    from = to.size();
  }
  crc = crc32c(std::string_view(to).substr(from), crc);
  put_checksum(to, at, crc);
  to.append(padded(frame_head + length) - frame_head - length, '\0');
}

std::optional<QuarantineFrame> read_quarantined(std::string_view from) {
  if (from.size() < frame_fields) return std::nullopt;
  QuarantineFrame frame;
  frame.position = get<std::uint64_t>(from, 0);
  frame.settles = (get<std::uint32_t>(from, 8) & settles) != 0;
  const auto count = get<std::uint32_t>(from, 12);
  const std::size_t name = get<std::uint32_t>(from, 16);
  std::size_t at = frame_fields;
  if (frame.position == 0 || frame.position == UINT64_MAX || name == 0 || name > from.size() - at) {
    return std::nullopt;
  }
  frame.destination = from.substr(at, name);
  at += name;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (from.size() - at < item_fields) return std::nullopt;
    const std::string_view head = from.substr(at, item_fields);
    at += item_fields;
    QuarantinedItem item;
    item.number = get<std::uint64_t>(head, 0);
    item.when = static_cast<std::int64_t>(get<std::uint64_t>(head, 8));
    item.arrived = wall_at(get<std::uint64_t>(head, 16));
    item.first = get<std::uint32_t>(head, 24);
    item.last = get<std::uint32_t>(head, 28);
    item.group = get<std::uint32_t>(head, 32);
    const auto signal = get<std::uint32_t>(head, 36);
    const std::size_t reason = get<std::uint32_t>(head, 40);
    const std::size_t why = get<std::uint32_t>(head, 44);
    item.bytes = get<std::uint32_t>(head, 48);
    const bool sound = item.number != 0 && item.number < UINT64_MAX / 4 && item.first < item.last &&
                       signal < signal_count;
    if (!sound || reason + why + item.bytes > from.size() - at) return std::nullopt;
    item.signal = static_cast<Signal>(signal);
    item.reason = from.substr(at, reason);
    item.why = from.substr(at + reason, why);
    item.offset = at + reason + why;
    at = item.offset + item.bytes;
    frame.items.push_back(std::move(item));
  }
  return frame;
}

void QuarantineList::add(std::uint64_t number, std::uint32_t destination, std::uint32_t items,
                         Signal signal) {
  if (!runs.empty()) {
    Run& run = runs.back();
    if (run.last + 1 == number && run.destination == destination && run.items == items &&
        run.signal == signal) {
      ++run.last;
      return;
    }
  }
  runs.push_back({number, number, destination, items, signal});
}

std::size_t QuarantineList::size_on_disk() const {
  return padded(frame_head + list_fields + runs.size() * run_fields);
}

void put_quarantine_list(std::string& to, std::uint32_t mark, const QuarantineList& list) {
  const std::size_t at =
      begin(to, mark, Type::quarantine_list, list_fields + list.runs.size() * run_fields);
  put(to, list.last);
  put(to, static_cast<std::uint32_t>(list.runs.size()));
  put(to, std::uint32_t{0});
  for (const QuarantineList::Run& run : list.runs) {
    put(to, run.first);
    put(to, run.last);
    put(to, run.destination);
    put(to, run.items);
    put(to, std::uint64_t{static_cast<std::uint8_t>(run.signal)});
  }
  end(to, at);
}

std::optional<QuarantineList> read_quarantine_list(std::string_view from) {
  if (from.size() < list_fields) return std::nullopt;
  QuarantineList list;
  list.last = get<std::uint64_t>(from, 0);
  const std::size_t count = get<std::uint32_t>(from, 8);
  if (from.size() != list_fields + count * run_fields || list.last >= UINT64_MAX / 4)
    return std::nullopt;
  std::uint64_t numbers = 0;
  for (std::size_t at = list_fields; at < from.size(); at += run_fields) {
    QuarantineList::Run run{get<std::uint64_t>(from, at), get<std::uint64_t>(from, at + 8),
                            get<std::uint32_t>(from, at + 16), get<std::uint32_t>(from, at + 20),
                            Signal::traces};
    const auto signal = get<std::uint64_t>(from, at + 24);
    if (run.first == 0 || run.last < run.first || run.last > list.last || signal >= signal_count)
      return std::nullopt;
    numbers += std::min(run.last - run.first, numbers_most) + 1;
    if (numbers > numbers_most) return std::nullopt;
    run.signal = static_cast<Signal>(signal);
    list.runs.push_back(run);
  }
  return list;
}

}  // namespace forager::journal::format
