// Any bytes: walk never reads outside and never says yes to what the cut index, a cut, the log-time
// edit or enrichment then disagrees with. The first byte picks the signal, the second where to cut.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "otlp/enrich.h"
#include "otlp/log_time.h"
#include "otlp/take_apart.h"
#include "otlp/walk.h"

namespace {

using namespace forager;

void must(bool holds) {
  if (!holds) std::abort();
}

otlp::Shape walk_again(Signal signal, Buffer& body) {
  const auto shape = otlp::walk(signal, body.span());
  must(shape.has_value());
  must(shape->repaired == 0);  // once is enough
  return *shape;
}

void cut(Signal signal, std::string_view body, const otlp::Shape& shape, std::uint32_t where) {
  const otlp::Cuts cuts = otlp::index(signal, body);
  must(cuts.items() == shape.items);
  must(otlp::part(signal, body, cuts, 0, shape.items).view() == body);
  if (shape.items < 2) return;
  const std::uint32_t middle = 1 + where % (shape.items - 1);
  Buffer front = otlp::part(signal, body, cuts, 0, middle);
  Buffer back = otlp::part(signal, body, cuts, middle, shape.items);
  must(front.size() == otlp::part_size(cuts, 0, middle));
  must(back.size() == otlp::part_size(cuts, middle, shape.items));
  must(walk_again(signal, front).items == middle);
  must(walk_again(signal, back).items == shape.items - middle);
  must(otlp::part_size(cuts, middle, middle + 1) <= shape.largest_item);
  const std::uint32_t fits = otlp::fit(cuts, middle, front.size(), UINT32_MAX);
  must(fits == 1 || otlp::part_size(cuts, middle, middle + fits) <= front.size());
}

void give_times(std::string_view body, const otlp::Shape& shape) {
  const Slice before{std::string(body)};
  const Slice after = otlp::with_log_time(before, 42);
  must((after.view().data() == before.view().data()) != shape.log_time_missing);
  Buffer copy = Buffer::copy_of(after.view());
  const otlp::Shape now = walk_again(Signal::logs, copy);
  must(now.items == shape.items && !now.log_time_missing);
}

void collect_items(otlp::MessageId in, std::string_view message,
                   std::vector<std::string_view>& into) {
  otlp::Fields fields(message);
  while (const auto field = fields.next()) {
    const otlp::MessageId child = otlp::child_of(in, field->number);
    if (otlp::is_item(child)) {
      into.push_back(field->whole);
    } else if (child != otlp::MessageId::none) {
      collect_items(child, field->value, into);
    }
  }
}
std::vector<std::string_view> items_of(Signal signal, std::string_view body) {
  std::vector<std::string_view> items;
  collect_items(otlp::schema::request_of(signal), body, items);
  return items;
}

void enrich(Signal signal, std::string_view body, const otlp::Shape& shape) {
  static const std::vector<otlp::Attribute> attributes{
      {"service.name", "ours"}, {"a", ""}, {"host.id", "i-1"}, {"aws.log.group.names", "g", true}};
  static const otlp::Enrichment add(attributes);
  const otlp::Growth growth = add.look(signal, body);
  if (growth.edits == 0) return must(growth.size == body.size());
  must(shape.items != 0);
  Buffer copied = add.put_into(signal, Buffer::copy_of(body), growth);
  must(copied.size() == growth.size);
  Buffer roomy(body.size(), add.growth_max());
  std::memcpy(roomy.data(), body.data(), body.size());
  must(add.put_into(signal, std::move(roomy), growth).view() == copied.view());
  must(items_of(signal, copied.view()) == items_of(signal, body));
  const otlp::Shape now = walk_again(signal, copied);
  must(now.items == shape.items && now.log_time_missing == shape.log_time_missing);
  must(now.largest_item <= shape.largest_item + growth.item_growth);
  must(add.look(signal, copied.view()).edits == 0);  // once is enough
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const Signal signal = all_signals.at(data[0] % signal_count);
  Buffer body = Buffer::copy_of({reinterpret_cast<const char*>(data) + 2, size - 2});
  const auto shape = otlp::walk(signal, body.span());
  if (!shape) return 0;
  must(walk_again(signal, body).items == shape->items);
  cut(signal, body.view(), *shape, data[1]);
  enrich(signal, body.view(), *shape);
  if (signal == Signal::logs) give_times(body.view(), *shape);
  return 0;
}
