// The quarantine after an older Forager had the directory, which knew none on disk.
#include <gtest/gtest.h>

#include "journal/format_bytes.h"
#include "unit/journal/bin.h"

namespace forager::journal {
namespace {

using test::FaultyFiles;

/// All frames of these types get another one, so that an older reader is had, and back.
void retype(FaultyFiles& files, std::uint32_t from, std::uint32_t to, std::uint32_t count = 4) {
  for (auto& [name, file] : files.files) {
    const auto header = format::read_header(file.now).value();
    std::size_t at = header.bytes;
    while (const auto frame = format::frame_at(file.now, at, header.mark)) {
      const std::size_t length = format::frame_head + frame->payload.size();
      const auto type = static_cast<std::uint32_t>(frame->type);
      if (type >= from && type < from + count) {
        std::string bytes;
        format::put(bytes, to + type - from);
        file.now.replace(at + 8, 4, bytes);
        const std::string_view all = file.now;
        const std::uint32_t crc = crc32c(all.substr(at, format::frame_head - 4));
        bytes.clear();
        format::put(bytes, crc32c(all.substr(at + format::frame_head, frame->payload.size()), crc));
        file.now.replace(at + 12, 4, bytes);
      }
      at += format::padded(length);
    }
    file.synced = file.now;
  }
}

constexpr auto quarantine_types = static_cast<std::uint32_t>(format::Type::quarantined);
constexpr std::uint32_t unknown_types = 900;

/// A Forager that knew no quarantine on disk ran meanwhile: it held again what only a frame of the
/// quarantine had settled.
TEST(Downgrade, LeavesTheQuarantineAndItsNumbersToTheNextUpgrade) {
  FaultyFiles files;
  {
    Bin one(files);
    const Position pins = one.kept_record(9);
    for (std::uint64_t n = 1; n <= 3; ++n) one.quarantine(one.kept_record(n));
    one.confirm();
    ASSERT_EQ(one.positions(), std::vector<Position>{pins});
  }
  const std::string first = files.files.begin()->first;
  retype(files, quarantine_types, unknown_types);
  {
    Life older(files, bin_cap);
    ASSERT_EQ(older.positions().size(), 4U);
    for (std::size_t i = 0; i < 2; ++i) older.settle(older.positions().at(1));
    older.commit();
    older.append(20);
    older.confirm();
  }
  ASSERT_TRUE(files.files.contains(first));
  retype(files, quarantine_types, unknown_types + 100);  // its own empty list
  retype(files, unknown_types, quarantine_types);
  for (auto& [name, file] : files.files) {
    if (name == first) continue;
    auto header = format::read_header(file.now).value();
    header.minor = 0;
    file.now.replace(0, format::header_bytes, format::write_header(header));
    file.synced = file.now;
  }
  {
    Bin newer(files);
    EXPECT_EQ(newer.numbers(), (Numbers{1, 2}));
    EXPECT_EQ(newer.held(), (Bodies{body_of(9), body_of(3), body_of(20)})) << "once, not twice";
    newer.quarantine(newer.kept_record(21));
    EXPECT_EQ(newer.numbers(), (Numbers{1, 2, 4})) << "no number is used twice";
    EXPECT_EQ(newer.imbalance(), "");
    newer.confirm();
  }
  Bin last(files);
  EXPECT_EQ(last.numbers(), (Numbers{1, 2, 4}));
  EXPECT_EQ(last.quarantined(), (Bodies{body_of(1), body_of(2), body_of(21)}));
  EXPECT_EQ(last.lost(), 0U);
}

}  // namespace
}  // namespace forager::journal
