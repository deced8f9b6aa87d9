// Any body that walk accepts: the screen names every item once, and each item that it lets pass
// becomes JSON within the limit. The first byte picks the signal, the second the switches.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "destination/rollbar.h"
#include "otlp/json_text.h"
#include "otlp/take_apart.h"
#include "otlp/walk.h"

namespace {

using namespace forager;

void must(bool holds) {
  if (!holds) std::abort();
}

void check_json(std::string_view json, std::size_t limit) {
  must(json.size() <= limit);
  for (const char* at = json.data(); at < json.data() + json.size();) {
    const std::size_t length = otlp::utf8_length(at, json.data() + json.size());
    must(length != 0);
    at += length;
  }
  otlp::JsonText text(json);
  must(text.skip_value() && text.at_end());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const Signal signal = data[0] % 2 == 0 ? Signal::traces : Signal::logs;
  Buffer body = Buffer::copy_of({reinterpret_cast<const char*>(data) + 2, size - 2});
  const auto shape = otlp::walk(signal, body.span());
  if (!shape) return 0;

  destination::RollbarConfig config;
  config.read = {(data[1] & 1U) != 0, (data[1] & 2U) != 0};
  config.rate = {(data[1] & 4U) != 0 ? 3U : 0U, (data[1] & 8U) != 0 ? 2U : 0U};
  config.item_bytes = rollbar::item_bytes_min;
  const destination::RollbarDestination rollbar(config);
  const auto cuts = otlp::index(signal, body.view());
  std::uint32_t items = 0;
  for (const auto& stretch : rollbar.make_screen()->look(signal, body.view(), WallTime{})) {
    must(stretch.first == items && stretch.last > stretch.first);
    items = stretch.last;
    if (stretch.fate != destination::Stretch::Fate::send) continue;
    must(stretch.last == stretch.first + 1 && stretch.requests > 0);
    for (std::uint32_t step = 0; step < stretch.requests; ++step) {
      const auto request = rollbar.encode(
          {signal, destination::Codec::none, 1,
           Chain(Slice(otlp::part(signal, body.view(), cuts, stretch.first, stretch.last))),
           stretch.lane, step});
      check_json(request.body.joined(), config.item_bytes);
    }
  }
  must(items == shape->items);
  return 0;
}
