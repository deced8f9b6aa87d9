// FORAGER_ENRICH and what goes with it.
#include "config/enrich.h"

#include "unit/config/given.h"

namespace forager::config {
namespace {

std::string read(std::string_view text) {
  const auto made = parse_enrich(text);
  return made ? format_enrich(*made) : made.error().what;
}

TEST(EnrichFrom, IsReadAndWrittenAlike) {
  for (const std::string_view text : {"off", "env", "env,ecs,ec2,k8s", "ecs,k8s"}) {
    EXPECT_EQ(read(text), text);
  }
  EXPECT_EQ(read(" k8s , env "), "env,k8s");
  EXPECT_EQ(format_enrich({}), "env,ecs,ec2,k8s") << "opt out, not in";
}

TEST(EnrichFrom, SaysWhatIsWrong) {
  EXPECT_EQ(
      read("env1"),
      "names the unknown source \"env1\" (did you mean env?); known are off, env, ecs, ec2, k8s");
  EXPECT_EQ(read("off,env"), "says off and more; leave one of them out");
  EXPECT_EQ(read(","), "names nothing; write off, or some of env,ecs,ec2,k8s");
}

TEST(EnrichFrom, ComesFromPeoplesOwnVariables) {
  const auto loaded = Given{}
                          .with_env("OTEL_SERVICE_NAME", "shop")
                          .with_env("OTEL_RESOURCE_ATTRIBUTES", "a=b,c=%2C")
                          .with_env("FORAGER_APP_CONTAINER", "app")
                          .with_env("FORAGER_ENRICH", "env,k8s")
                          .fine();
  EXPECT_EQ(loaded.config.service_name, "shop");
  EXPECT_EQ(loaded.config.resource_attributes, "a=b,c=%2C");
  EXPECT_EQ(loaded.config.app_container, "app");
  EXPECT_TRUE(loaded.config.enrich.env && loaded.config.enrich.k8s);
  EXPECT_FALSE(loaded.config.enrich.ecs || loaded.config.enrich.ec2);
}

}  // namespace
}  // namespace forager::config
