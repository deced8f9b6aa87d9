// Any bytes as a segment of the disk journal: read to the end without harm, and nothing found lies
// outside of it. A valid header is put in front of every other input, so that frames are reached.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "journal/scan.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace forager::journal;
  std::string bytes(reinterpret_cast<const char*>(data), size);
  if (size % 2 == 0) {
    format::Header header;
    header.first = header.run = 1;
    header.mark = 0x5eed5eed;
    bytes = format::write_header(header) + bytes;
  }
  const Scan scan = scan_segment(bytes);
  if (scan.end > bytes.size()) std::abort();
  for (const Said& said : scan.said) {
    const auto* record = std::get_if<format::FoundRecord>(&said);
    if (record != nullptr && record->offset + record->record.stored_bytes > bytes.size())
      std::abort();
    const auto* quarantined = std::get_if<FoundQuarantined>(&said);
    if (quarantined == nullptr) continue;
    for (const format::QuarantinedItem& item : quarantined->what.items) {
      if (quarantined->offset + item.offset + item.bytes > bytes.size()) std::abort();
    }
  }
  return 0;
}
