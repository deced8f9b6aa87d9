// Any bytes: walk never reads outside and never says yes to what the cut index, a cut or the
// log-time edit then disagrees with. The first byte picks the signal, the second where to cut.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const Signal signal = all_signals.at(data[0] % signal_count);
  Buffer body = Buffer::copy_of({reinterpret_cast<const char*>(data) + 2, size - 2});
  const auto shape = otlp::walk(signal, body.span());
  if (!shape) return 0;
  must(walk_again(signal, body).items == shape->items);
  cut(signal, body.view(), *shape, data[1]);
  if (signal == Signal::logs) give_times(body.view(), *shape);
  return 0;
}
