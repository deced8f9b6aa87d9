#include "config/cgroup.h"

#include "unit/config/given.h"

namespace forager::config {
namespace {

constexpr const char* v2 = "/sys/fs/cgroup/memory.max";
constexpr const char* v1 = "/sys/fs/cgroup/memory/memory.limit_in_bytes";

std::optional<std::size_t> limit(const Given& given) {
  return cgroup_memory_limit(given.sources().read_file);
}

TEST(CgroupLimit, IsReadFromEitherVersion) {
  EXPECT_EQ(limit(Given{}.with_file(v2, "536870912\n")), 512U << 20U);
  EXPECT_EQ(limit(Given{}.with_file(v1, "209715200\n")), 200U << 20U);
}

TEST(CgroupLimit, IsNoneWhereThereIsNone) {
  EXPECT_EQ(limit(Given{}), std::nullopt);
  EXPECT_EQ(limit(Given{}.with_file(v2, "max\n")), std::nullopt);
  EXPECT_EQ(limit(Given{}.with_file(v1, "9223372036854771712\n")), std::nullopt);
  EXPECT_EQ(limit(Given{}.with_file(v1, "garbage")), std::nullopt);
  EXPECT_EQ(limit(Given{}.with_file(v2, "0")), std::nullopt);
}

}  // namespace
}  // namespace forager::config
