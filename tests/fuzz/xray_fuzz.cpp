// Any datagrams to the X-Ray daemon's port: what is taken makes bodies that walk accepts, whatever
// the documents hold. The first byte says where one datagram ends and the next begins.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "otlp/walk.h"
#include "receive/xray_batch.h"

namespace {

using namespace forager;

void must(bool holds) {
  if (!holds) std::abort();
}

std::uint32_t items_of(Signal signal, std::string body) {
  const auto shape = otlp::walk(signal, body);
  must(shape.has_value());
  return shape->items;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const char end = static_cast<char>(data[0]);
  std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  receive::XrayCounters counters;
  receive::XrayBatch batch(
      true, std::size_t{64} << 10U, [](std::size_t) { return true; }, counters);
  // a header that is right, so that the document is what is tried, and then as it is
  batch.take("{\"format\":\"json\",\"version\":1}\n" + std::string(bytes));
  while (!bytes.empty()) {
    const std::string_view datagram = bytes.substr(0, bytes.find(end));
    batch.take(datagram);
    bytes.remove_prefix(std::min(bytes.size(), datagram.size() + 1));
  }
  must(items_of(Signal::segments, batch.body(Signal::segments)) ==
       batch.datagrams(Signal::segments));
  must(items_of(Signal::traces, batch.body(Signal::traces)) >= batch.datagrams(Signal::traces));
  must(items_of(Signal::metrics, batch.body(Signal::metrics)) >= batch.datagrams(Signal::metrics));
  must(items_of(Signal::traces, batch.spans()) == counters.spans_made);
  return 0;
}
