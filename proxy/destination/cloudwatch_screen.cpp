#include "destination/cloudwatch_screen.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <vector>

#include <fmt/format.h>

#include "destination/json_size.h"

namespace forager::destination {
namespace {

using ledger::Reason;

enum Rule : int { size, window };  // of StretchList::quarantine; window: plus Place

/// A scalar of a resource attribute as text; empty for what has none.
std::string text_of(std::string_view any_value) {
  otlp::Fields fields(any_value);
  std::string text;
  while (const auto field = fields.next()) {
    const auto number = [&] {
      return otlp::read_varint(field->value.data(), field->value.data() + field->value.size())
          .value;
    };
    if (field->number == 1) text = field->value;
    if (field->number == 2) text = number() != 0 ? "true" : "false";
    if (field->number == 3) text = std::to_string(static_cast<std::int64_t>(number()));
    if (field->number == 4) {
      text = fmt::format("{}", std::bit_cast<double>(otlp::load_fixed64(field->value.data())));
    }
  }
  return text;
}

struct Attribute {
  std::string_view key;
  std::string_view value;  ///< AnyValue
};

Attribute attribute_of(std::string_view key_value) {
  Attribute made;
  otlp::Fields fields(key_value);
  while (const auto field = fields.next()) {
    if (field->number == 1) made.key = field->value;
    if (field->number == 2) made.value = field->value;
  }
  return made;
}

/// The record's own time, else when it was observed; 0: neither, and it will get that of its
/// arrival (otlp/log_time.h).
std::uint64_t time_of(std::string_view record) {
  const auto [own, observed] = times_in(record, 1, 11);
  return own != 0 ? own : observed;
}

/// Everything of a message but the children that hold the items.
std::size_t bound_of_envelope(std::string_view message) {
  std::size_t bytes = 0;
  otlp::Fields fields(message);
  while (const auto field = fields.next()) {
    if (field->number != 2) bytes += json_bound(field->whole);
  }
  return bytes;
}

/// The attributes that JSON repeats from a Resource (field 1) or a scope (field 3), to the byte.
std::size_t exact_envelope(std::string_view message, unsigned attributes) {
  std::size_t bytes = 0;
  otlp::Fields fields(message);
  while (const auto field = fields.next()) {
    if (field->number == 2) continue;
    if (field->number != 1) {
      bytes += json_bound(field->whole);
      continue;
    }
    bytes += json_size_of_attributes(field->value, attributes);
    otlp::Fields own(field->value);
    while (const auto other = own.next()) {
      if (other->number != attributes) bytes += json_bound(other->whole);
    }
  }
  return bytes;
}

std::size_t exact_record(std::string_view record) {
  std::size_t bytes = json_size_of_attributes(record, 6);
  otlp::Fields fields(record);
  while (const auto field = fields.next()) {
    if (field->number == 5) {
      bytes += json_size_of_value(field->value);
    } else if (field->number != 6 && field->type == otlp::WireType::bytes) {
      bytes += json_bound(field->whole);
    }
  }
  return bytes;
}

struct Look {
  const CloudWatchRules& rules;
  const LogNames& names;
  AwsWindow times;
  std::uint64_t now;
  StretchList list;
  std::string_view resource_message{};
  std::string_view scope_message{};
  std::size_t resource_weight = 0;
  std::size_t envelope_weight = 0;

  void resource(std::string_view message) {
    resource_message = message;
    resource_weight = rules.event_overhead + rules.event_frame + bound_of_envelope(message);
    if (!names.fixed()) list.lane(names.lane(message));
  }
  void scope(std::string_view message) {
    scope_message = message;
    envelope_weight = resource_weight + bound_of_envelope(message);
  }
  void item(std::string_view record) {
    const std::uint64_t own = time_of(record);
    const std::uint64_t time = own != 0 ? own : now;
    const auto place = times.place(time, time);
    if (place != AwsWindow::Place::inside) {
      list.quarantine(Reason::outside_window, Rule::window + static_cast<int>(place),
                      [&] { return times.why(place, "log record", time, time); });
      return;
    }
    std::size_t weight = envelope_weight + json_bound(record);
    if (weight > rules.event_bytes) weight = std::min(weight, exact_weight(record));
    if (weight > rules.event_bytes) {
      list.quarantine(Reason::over_item_limit, Rule::size, [&] {
        return fmt::format(
            "the log record with its resource and scope makes an event of {} "
            "bytes, over the {} that CloudWatch Logs takes",
            weight, rules.event_bytes);
      });
      return;
    }
    list.send(static_cast<std::int64_t>(time), static_cast<std::int64_t>(time), weight);
  }
  std::size_t exact_weight(std::string_view record) const {
    return rules.event_overhead + rules.event_frame + exact_envelope(resource_message, 1) +
           exact_envelope(scope_message, 3) + exact_record(record);
  }
};

}  // namespace

std::string LogNames::lane(std::string_view resource_logs) const {
  std::vector<std::string> of_group(group.keys().size());
  std::vector<std::string> of_stream(stream.keys().size());
  const auto fill = [](const std::vector<std::string>& keys, const Attribute& from,
                       std::vector<std::string>& to) {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (keys[i] == from.key && to[i].empty()) to[i] = text_of(from.value);
    }
  };
  otlp::Fields fields(resource_logs);
  while (const auto field = fields.next()) {
    if (field->number != 1) continue;
    otlp::Fields resource(field->value);
    while (const auto attribute = resource.next()) {
      if (attribute->number != 1) continue;
      const Attribute pair = attribute_of(attribute->value);
      fill(group.keys(), pair, of_group);
      fill(stream.keys(), pair, of_stream);
    }
  }
  return group.name(of_group) + lane_separator + stream.name(of_stream);
}

std::vector<Stretch> CloudWatchScreen::look(Signal /*signal*/, std::string_view body,
                                            WallTime now) {
  Look look{rules_, names_, AwsWindow(rules_, now), unix_nanos(now),
            StretchList(rules_.spread, rules_.request_weight)};
  look_at_items(body, rules_.envelope_bytes, look);
  return look.list.take();
}

}  // namespace forager::destination
