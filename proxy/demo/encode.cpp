#include "demo/encode.h"

#include <algorithm>

#include <fmt/format.h>
#include <protozero/pbf_writer.hpp>

namespace forager::demo {

namespace {

using protozero::pbf_writer;

/// Bounds that the semantic conventions advise for http.server.request.duration, in seconds.
constexpr std::array<double, 14> duration_bounds{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25,
                                                 0.5,   0.75, 1,     2.5,  5,     7.5, 10};
constexpr std::int32_t cumulative = 2;
constexpr std::int32_t status_error = 2;
constexpr std::uint32_t flag_sampled = 0x001;
constexpr std::uint32_t flag_has_is_remote = 0x100;
constexpr std::uint32_t flag_is_remote = 0x200;

void add_text(pbf_writer& to, std::uint32_t field, std::string_view text) {
  if (!text.empty()) to.add_bytes(field, text.data(), text.size());
}

void add_attributes(pbf_writer& to, std::uint32_t field, const Attributes& attributes) {
  for (const Attribute& attribute : attributes) {
    pbf_writer key_value(to, field);
    add_text(key_value, 1, attribute.key);
    pbf_writer value(key_value, 2);
    if (const auto* text = std::get_if<std::string>(&attribute.value)) {
      value.add_bytes(1, text->data(), text->size());
    } else if (const auto* whole = std::get_if<std::int64_t>(&attribute.value)) {
      value.add_int64(3, *whole);
    } else {
      value.add_double(4, std::get<double>(attribute.value));
    }
  }
}

void write(pbf_writer span, const Span& from, std::string_view trace_id) {
  add_text(span, 1, trace_id);
  add_text(span, 2, from.id);
  add_text(span, 4, from.parent_id);
  add_text(span, 5, from.name);
  span.add_enum(6, static_cast<std::int32_t>(from.kind));
  span.add_fixed64(7, from.start_nanos);
  span.add_fixed64(8, from.end_nanos);
  add_attributes(span, 9, from.attributes);
  for (const Event& event : from.events) {
    pbf_writer to(span, 11);
    to.add_fixed64(1, event.at_nanos);
    add_text(to, 2, event.name);
    add_attributes(to, 3, event.attributes);
  }
  if (!from.error.empty()) {
    pbf_writer status(span, 15);
    add_text(status, 2, from.error);
    status.add_enum(3, status_error);
  }
  span.add_fixed32(
      16, flag_sampled | flag_has_is_remote | (from.parent_is_remote ? flag_is_remote : 0U));
}

void write(pbf_writer record, const Log& from, std::string_view trace_id) {
  record.add_fixed64(1, from.at_nanos);
  record.add_enum(2, static_cast<std::int32_t>(from.severity));
  add_text(record, 3, from.severity_text);
  {
    pbf_writer body(record, 5);
    add_text(body, 1, from.text);
  }
  add_attributes(record, 6, from.attributes);
  record.add_fixed32(8, flag_sampled);
  add_text(record, 9, trace_id);
  add_text(record, 10, from.span_id);
  record.add_fixed64(11, from.at_nanos);
  add_text(record, 12, from.event_name);
}

void write_number(pbf_writer point, const Point& from, const Story& story) {
  point.add_fixed64(2, story.begin_nanos);
  point.add_fixed64(3, story.end_nanos);
  point.add_sfixed64(6, from.value);
  add_attributes(point, 7, from.attributes);
}

void write_histogram(pbf_writer point, const Point& from, const Story& story) {
  std::array<std::uint64_t, duration_bounds.size() + 1> buckets{};
  double sum = 0;
  for (const double seconds : from.seconds) {
    const auto bound = std::ranges::lower_bound(duration_bounds,
                                                seconds);  // a bound belongs to the bucket below it
    ++buckets[static_cast<std::size_t>(bound - duration_bounds.begin())];
    sum += seconds;
  }
  point.add_fixed64(2, story.begin_nanos);
  point.add_fixed64(3, story.end_nanos);
  point.add_fixed64(4, from.seconds.size());
  point.add_double(5, sum);
  point.add_packed_fixed<std::uint64_t>(6, buckets.begin(), buckets.end());
  point.add_packed_fixed<double>(7, duration_bounds.begin(), duration_bounds.end());
  add_attributes(point, 9, from.attributes);
  const auto [least, most] = std::ranges::minmax(from.seconds);
  point.add_double(11, least);
  point.add_double(12, most);
}

void write(pbf_writer metric, const Metric& from, const Story& story) {
  add_text(metric, 1, from.name);
  add_text(metric, 2, from.description);
  add_text(metric, 3, from.unit);
  const bool is_histogram = from.kind == Metric::Kind::histogram;
  const std::uint32_t field = is_histogram ? 9 : from.kind == Metric::Kind::sum ? 7 : 5;
  pbf_writer content(metric, field);
  for (const Point& point : from.points) {
    pbf_writer to(content, 1);
    if (is_histogram) {
      write_histogram(std::move(to), point, story);
    } else {
      write_number(std::move(to), point, story);
    }
  }
  if (from.kind != Metric::Kind::gauge) content.add_enum(2, cumulative);
  if (from.kind == Metric::Kind::sum) content.add_bool(3, true);
}

/// One resource and scope for each service that has something to say; `write_item(writer, item)`
/// for each of its items.
template <class Item, class WriteItem>
std::string request_of(const Story& story, const std::vector<Item>& items, WriteItem write_item) {
  std::string bytes;
  pbf_writer request(bytes);
  for (std::size_t service = 0; service < story.services.size(); ++service) {
    const auto is_here = [service](const Item& item) { return item.service == service; };
    if (std::ranges::none_of(items, is_here)) continue;
    pbf_writer resource_items(request, 1);
    {
      pbf_writer resource(resource_items, 1);
      add_attributes(resource, 1, story.services[service]);
    }
    pbf_writer scope_items(resource_items, 2);
    {
      pbf_writer scope(scope_items, 1);
      add_text(scope, 1, "forager.demo");
      add_text(scope, 2, FORAGER_VERSION);
    }
    for (const Item& item : items) {
      if (is_here(item)) write_item(pbf_writer(scope_items, 2), item);
    }
  }
  return bytes;
}

}  // namespace

DemoRequests encode(const Story& story) {
  DemoRequests made;
  made.traces = request_of(story, story.spans, [&](pbf_writer to, const Span& span) {
    write(std::move(to), span, story.trace_id);
  });
  made.logs = request_of(story, story.logs, [&](pbf_writer to, const Log& log) {
    write(std::move(to), log, story.trace_id);
  });
  made.metrics = request_of(story, story.metrics, [&](pbf_writer to, const Metric& metric) {
    write(std::move(to), metric, story);
  });
  made.spans = static_cast<std::uint32_t>(story.spans.size());
  made.log_records = static_cast<std::uint32_t>(story.logs.size());
  for (const Metric& metric : story.metrics)
    made.data_points += static_cast<std::uint32_t>(metric.points.size());
  for (const char c : story.trace_id)
    made.trace_id += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return made;
}

DemoRequests make_demo(WallTime now, std::mt19937_64& random) { return encode(tell(now, random)); }

}  // namespace forager::demo
