#include "destination/xray_screen.h"

#include <algorithm>

#include <fmt/format.h>

namespace forager::destination {
namespace {

using ledger::Reason;

enum Rule : int { size, duration, window };  // of StretchList::quarantine; window: plus Place

struct Look {
  const XRayRules& rules;
  AwsWindow times;
  StretchList list;

  void resource(std::string_view /*message*/) {}
  void scope(std::string_view /*message*/) {}
  void item(std::string_view span) {
    if (span.size() > rules.span_bytes) {
      list.quarantine(Reason::over_item_limit, Rule::size, [&] {
        return fmt::format("the span has {} bytes, over the {} that X-Ray takes", span.size(),
                           rules.span_bytes);
      });
      return;
    }
    const auto [start, end] = times_in(span, 7, 8);  // start_time_unix_nano, end_time_unix_nano
    const auto place = times.place(start, end);
    if (place != AwsWindow::Place::inside) {
      list.quarantine(Reason::outside_window, Rule::window + static_cast<int>(place),
                      [&] { return times.why(place, "span", start, end); });
      return;
    }
    const auto oldest = static_cast<std::int64_t>(std::min(start, end));
    const auto newest = static_cast<std::int64_t>(std::max(start, end));
    if (newest - oldest > rules.spread.count()) {
      list.quarantine(Reason::outside_window, Rule::duration, [&] {
        return fmt::format(
            "the span lasts {} hours: X-Ray takes no request with times over {} "
            "hours apart",
            (newest - oldest) / std::chrono::nanoseconds(std::chrono::hours(1)).count(),
            std::chrono::duration_cast<std::chrono::hours>(rules.spread).count());
      });
      return;
    }
    list.send(oldest, newest, 0);
  }
};

std::vector<Stretch> all_of(std::string_view body) {
  Stretch all;
  otlp::Fields fields(body);
  while (const auto field = fields.next()) {
    if (field->number == 1) ++all.last;
  }
  return {all};
}

}  // namespace

std::vector<Stretch> XRayScreen::look(Signal signal, std::string_view body, WallTime now) {
  if (signal != Signal::traces) return all_of(body);
  Look look{rules_, AwsWindow(rules_, now), StretchList(rules_.spread, SIZE_MAX)};
  look_at_items(body, rules_.envelope_bytes, look);
  return look.list.take();
}

}  // namespace forager::destination
