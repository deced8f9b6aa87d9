#include "destination/aws_rules.h"

#include <fmt/format.h>

#include "base/iso_time.h"

namespace forager::destination {
namespace {

std::string shown(std::uint64_t nanos) {
  // Years that iso_time and the clock can hold
  constexpr std::uint64_t end = 7'258'118'400'000'000'000;  // 2200
  if (nanos > end) return "after the year 2200";
  return iso_time(WallTime(std::chrono::duration_cast<WallTime::duration>(
      std::chrono::nanoseconds(static_cast<std::int64_t>(nanos)))));
}

}  // namespace

AwsWindow::AwsWindow(const AwsRules& rules, WallTime now)
    : oldest_(unix_nanos(now - rules.past + aws_good_for + aws_margin)),
      newest_(unix_nanos(now + rules.ahead - aws_margin)),
      past_days_(std::chrono::duration_cast<std::chrono::days>(rules.past).count()),
      ahead_hours_(std::chrono::duration_cast<std::chrono::hours>(rules.ahead).count()) {}

std::string AwsWindow::why(Place place, std::string_view what, std::uint64_t start,
                           std::uint64_t end) const {
  switch (place) {
    case Place::missing:
      return fmt::format("the {} has no time: AWS takes nothing older than {} days", what,
                         past_days_);
    case Place::too_old:
      return fmt::format("the time of the {} is {}: AWS takes nothing older than {} days", what,
                         shown(start < end ? start : end), past_days_);
    case Place::too_new:
      return fmt::format("the time of the {} is {}: AWS takes nothing over {} hours ahead", what,
                         shown(start < end ? end : start), ahead_hours_);
    case Place::inside:
      break;
  }
  return {};
}

TwoTimes times_in(std::string_view message, unsigned first_number, unsigned second_number) {
  constexpr unsigned type_bits = 3;
  const std::uint64_t first_tag = (first_number << type_bits) | 1U;
  const std::uint64_t second_tag = (second_number << type_bits) | 1U;
  TwoTimes found;
  const char* at = message.data();
  const char* const end = at + message.size();
  while (at != end) {
    std::uint64_t tag = static_cast<unsigned char>(*at++);
    if (tag >= 0x80) {
      const auto read = otlp::read_varint(at - 1, end);
      if (read.next == nullptr) return found;
      at = read.next;
      tag = read.value;
    }
    std::uint64_t size = 0;
    switch (static_cast<otlp::WireType>(tag & 7U)) {
      case otlp::WireType::bytes: {
        const auto length = otlp::read_varint(at, end);
        if (length.next == nullptr) return found;
        at = length.next;
        size = length.value;
        break;
      }
      case otlp::WireType::fixed64:
        if (end - at < 8) return found;
        if (tag == first_tag) found.first = otlp::load_fixed64(at);
        if (tag == second_tag) found.second = otlp::load_fixed64(at);
        size = 8;
        break;
      case otlp::WireType::fixed32:
        size = 4;
        break;
      default:
        at = otlp::read_varint(at, end).next;
        if (at == nullptr) return found;
        break;
    }
    if (size > static_cast<std::uint64_t>(end - at)) return found;
    at += size;
  }
  return found;
}

std::size_t envelope_size(std::string_view message) {
  std::size_t bytes = 0;
  otlp::Fields fields(message);
  while (const auto field = fields.next()) {
    if (field->number == 1) bytes += field->whole.size();
  }
  return bytes;
}

std::string envelope_words(std::string_view what, std::size_t bytes, std::size_t limit) {
  return fmt::format(
      "its {} has {} bytes, over the {} that AWS takes: move large attributes to "
      "the items that need them",
      what, bytes, limit);
}

}  // namespace forager::destination
