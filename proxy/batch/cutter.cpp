#include "batch/cutter.h"

#include <algorithm>

namespace forager::batch {

const otlp::Cuts& Cutter::cuts_of(const journal::Record& record) {
  if (position_ != record.position) {
    cuts_ = otlp::index(record.signal, record.body.view());
    position_ = record.position;
  }
  return cuts_;
}

std::size_t Cutter::part_size(const journal::Record& record, std::uint32_t first,
                              std::uint32_t last) {
  if (first == 0 && last == record.items) return size(record);
  return otlp::part_size(cuts_of(record), first, last) + growth(record, last - first);
}

std::uint32_t Cutter::fit(const journal::Record& record, std::uint32_t first, std::size_t bytes,
                          std::uint32_t items) {
  const otlp::Cuts& cuts = cuts_of(record);
  std::uint32_t fits = std::clamp(items, 1U, record.items - first);
  while (true) {
    const std::size_t grown = growth(record, fits);
    const std::uint32_t fewer = otlp::fit(cuts, first, bytes > grown ? bytes - grown : 0, fits);
    if (fewer == fits) return part_size(record, first, first + fits) <= bytes ? fits : 0;
    fits = fewer;
  }
}

std::uint32_t Cutter::first_over(const journal::Record& record, std::uint32_t first,
                                 std::uint32_t last, std::size_t bytes) {
  if (part_size(record, first, last) <= bytes) return last;  // then none of its items is over
  if (last - first == 1) return first;
  const std::uint32_t middle = first + (last - first) / 2;
  const std::uint32_t found = first_over(record, first, middle, bytes);
  return found != middle ? found : first_over(record, middle, last, bytes);
}

Buffer Cutter::part(const journal::Record& record, std::uint32_t first, std::uint32_t last) {
  return otlp::part(record.signal, record.body.view(), cuts_of(record), first, last);
}

}  // namespace forager::batch
