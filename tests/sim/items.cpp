#include "sim/items.h"

#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>

#include "otlp/walk.h"
#include "sim/trace.h"

namespace forager::sim {
namespace {

constexpr std::uint32_t number_field = 1000;
constexpr std::uint32_t padding_field = 1001;

std::uint64_t hash_from(std::uint64_t hash, std::string_view bytes) {
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return hash;
}

std::string item_bytes(Number number, const Order& order) {
  std::string item;
  protozero::pbf_writer fields(item);
  fields.add_uint64(number_field, number);
  fields.add_string(padding_field,
                    std::string(order.padding + number % 7, static_cast<char>('a' + number % 26)));
  return item;
}

/// The bytes of an item apart from a log record's own time.
Seen read_item(Signal signal, std::string_view item) {
  Seen seen;
  seen.bytes = item.size();
  seen.hash = hash_of({});
  protozero::pbf_reader fields(item.data(), item.size());
  bool timed = false;
  while (fields.next()) {
    if (signal == Signal::logs && fields.tag() == 1) {
      hold(!timed, "a log record with two times");
      timed = true;
      seen.time = fields.get_fixed64();
      continue;
    }
    if (fields.tag() == number_field) {
      seen.number = static_cast<Number>(fields.get_uint64());
      seen.hash = (seen.hash ^ seen.number) * 0x100000001b3U;
    } else {
      hold(fields.tag() == padding_field, "an item with a field that nobody put there");
      const auto text = fields.get_view();
      seen.hash = hash_from(seen.hash, {text.data(), text.size()});
    }
  }
  return seen;
}

void collect(Signal signal, std::string_view message, const std::uint32_t* path, int depth,
             std::vector<Seen>& into) {
  if (depth == 0) {
    into.push_back(read_item(signal, message));
    return;
  }
  protozero::pbf_reader fields(message.data(), message.size());
  while (fields.next()) {
    if (fields.tag() != *path) {
      fields.skip();
      continue;
    }
    const auto inner = fields.get_view();
    collect(signal, {inner.data(), inner.size()}, path + 1, depth - 1, into);
  }
}

}  // namespace

std::uint64_t hash_of(std::string_view bytes) { return hash_from(0xcbf29ce484222325U, bytes); }

std::string make_request(const Order& order, std::vector<Truth>& truths) {
  std::string body;
  protozero::pbf_writer request(body);
  for (std::uint32_t i = 0; i < order.items;) {
    protozero::pbf_writer resources(request, 1);
    {
      protozero::pbf_writer resource(resources, 1);
      protozero::pbf_writer attribute(resource, 1);
      attribute.add_string(1, "service.name");
      protozero::pbf_writer value(attribute, 2);
      value.add_string(1, "sim");
    }
    protozero::pbf_writer scopes(resources, 2);
    for (std::uint32_t n = 0; n < order.per_scope && i < order.items; ++n, ++i) {
      const auto number = static_cast<Number>(truths.size());
      std::string item = item_bytes(number, order);
      Truth truth;
      truth.signal = order.signal;
      truth.hash = read_item(order.signal, item).hash;
      if (order.signal == Signal::logs && order.log_time) {
        truth.time = 1'700'000'000'000'000'000U + number;
        protozero::pbf_writer(item).add_fixed64(1, truth.time);
      }
      truths.push_back(truth);
      if (order.signal == Signal::metrics) {  // the point of a gauge is the item
        protozero::pbf_writer metric(scopes, 2);
        metric.add_string(1, "m");
        protozero::pbf_writer gauge(metric, 5);
        gauge.add_bytes(1, item);
      } else {
        scopes.add_bytes(2, item);
      }
    }
  }
  return body;
}

journal::Record admit(Signal signal, std::string_view body) {
  Buffer bytes = Buffer::copy_of(body);
  const auto shape = otlp::walk(signal, bytes.span());
  hold(shape.has_value(), "the walk refuses a request of the simulator");
  journal::Record record;
  record.signal = signal;
  record.items = shape->items;
  record.largest_item = shape->largest_item;
  record.log_time_missing = shape->log_time_missing;
  record.body = Slice(std::move(bytes));
  return record;
}

std::vector<Seen> read_items(Signal signal, std::string_view body) {
  constexpr std::uint32_t path[] = {1, 2, 2, 5, 1};
  std::vector<Seen> seen;
  try {
    collect(signal, body, path, signal == Signal::metrics ? 5 : 3, seen);
  } catch (const protozero::exception& e) {
    throw Broken(fmt::format("what was sent isn't valid: {}", e.what()));
  }
  return seen;
}

}  // namespace forager::sim
