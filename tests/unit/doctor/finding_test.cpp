#include "doctor/finding.h"

#include <gtest/gtest.h>

namespace forager::doctor {
namespace {

using config::ExitCode;

Finding failed(Area area) { return {Level::failure, "x", "broken", "mend it", area}; }

TEST(ExitCodeOfDoctor, IsOkWithWarnings) {
  Finding warning = failed(Area::machine);
  warning.level = Level::warning;
  EXPECT_EQ(show({warning}, false).code, ExitCode::ok);
  EXPECT_EQ(show({}, true).code, ExitCode::ok);
}

TEST(ExitCodeOfDoctor, SaysWhichAreaFailed) {
  EXPECT_EQ(show({failed(Area::settings)}, false).code, ExitCode::usage);
  EXPECT_EQ(show({failed(Area::machine)}, false).code, ExitCode::machine);
  EXPECT_EQ(show({failed(Area::network)}, true).code, ExitCode::network);
  EXPECT_EQ(show({failed(Area::credentials), failed(Area::credentials)}, true).code,
            ExitCode::credentials);
}

TEST(ExitCodeOfDoctor, IsOneWhenSeveralAreasFailed) {
  EXPECT_EQ(show({failed(Area::network), failed(Area::machine)}, false).code, ExitCode::failure);
  EXPECT_EQ(show({failed(Area::network), failed(Area::machine), failed(Area::machine)}, true).code,
            ExitCode::failure);
}

TEST(Lines, HaveLevelWhoWhatAndTheFixBelow) {
  EXPECT_EQ(show({failed(Area::machine)}, false).out,
            "failure  x           broken\n                     fix: mend it\n");
}

TEST(Json, NamesTheArea) {
  EXPECT_EQ(show({failed(Area::machine)}, true).out,
            R"({"findings":[{"level":"failure","area":"machine","of":"x","what":"broken",)"
            R"("fix":"mend it"}]})"
            "\n");
}

TEST(Sizes, AreRoundedDownToWholeOnes) {
  EXPECT_EQ(size_text(1001), "1001");
  EXPECT_EQ(size_text((std::uint64_t{5} << 20U) + 4711), "5MiB");
  EXPECT_EQ(size_text(std::uint64_t{3} << 30U), "3GiB");
  EXPECT_EQ(size_text((std::uint64_t{17} << 30U) - 1), "16GiB");
}

}  // namespace
}  // namespace forager::doctor
