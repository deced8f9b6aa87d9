#include "doctor/machine.h"

#include <map>

#include <gtest/gtest.h>

namespace forager::doctor {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t mib = std::size_t{1} << 20U;

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

config::Sources in(std::map<std::string, std::string, std::less<>> variables) {
  config::Sources made;
  made.env = [variables = std::move(variables)](std::string_view name) {
    const auto at = variables.find(name);
    return at == variables.end() ? std::nullopt : std::make_optional(at->second);
  };
  return made;
}

TEST(Memory, WithoutALimitIsFine) {
  EXPECT_EQ(judge_memory(std::nullopt, 256 * mib).level, Level::ok);
}

TEST(Memory, MustHoldTheBudgetAndWhatIsBesideIt) {
  EXPECT_EQ(judge_memory(80 * mib, 64 * mib).level, Level::ok);
  const Finding less = judge_memory(80 * mib - 1, 64 * mib);
  EXPECT_EQ(less.level, Level::failure);
  EXPECT_EQ(less.area, Area::machine);
  EXPECT_TRUE(has(less.what, "79MiB") && has(less.what, "80MiB")) << less.what;
  EXPECT_EQ(less.fix, "give the container 80MiB, or set FORAGER_MEMORY_LIMIT to 63MiB");
}

TEST(Memory, WhatTheFixSaysIsThenFine) {
  const Finding less = judge_memory(100 * mib, 96 * mib);
  EXPECT_TRUE(has(less.fix, "FORAGER_MEMORY_LIMIT to 84MiB")) << less.fix;
  EXPECT_EQ(judge_memory(100 * mib, 84 * mib).level, Level::ok);
}

TEST(Stop, IsStatedWithTheNumberNeeded) {
  const Finding any = judge_stop(Keeper::unknown, milliseconds(8000));
  EXPECT_EQ(any.level, Level::ok);
  EXPECT_TRUE(has(any.what, "must wait 10 s")) << any.what;
  EXPECT_TRUE(has(any.what, "terminationGracePeriodSeconds") && has(any.what, "stopTimeout"));
}

TEST(Stop, RoundsUpAndNamesTheSettingOfWhoStopsIt) {
  const Finding pod = judge_stop(Keeper::kubernetes, milliseconds(28'500));
  EXPECT_TRUE(has(pod.what, "terminationGracePeriodSeconds of the pod must be at least 31 s"))
      << pod.what;
  EXPECT_TRUE(has(pod.what, "default of 30 s is too short")) << pod.what;
  const Finding unit = judge_stop(Keeper::systemd, milliseconds(28'500));
  EXPECT_TRUE(has(unit.what, "default of 90 s is enough")) << unit.what;
}

TEST(Stop, WarnsOfMoreThanEcsEverGives) {
  EXPECT_EQ(judge_stop(Keeper::ecs, milliseconds(118'000)).level, Level::ok);
  const Finding more = judge_stop(Keeper::ecs, milliseconds(118'001));
  EXPECT_EQ(more.level, Level::warning);
  EXPECT_TRUE(has(more.fix, "118s")) << more.fix;
}

TEST(Stop, KnowsByTheEnvironmentWhoKeepsIt) {
  EXPECT_EQ(keeper_of(in({})), Keeper::unknown);
  EXPECT_EQ(keeper_of(in({{"KUBERNETES_SERVICE_HOST", ""}})), Keeper::unknown);
  EXPECT_EQ(keeper_of(in({{"KUBERNETES_SERVICE_HOST", "10.0.0.1"}})), Keeper::kubernetes);
  EXPECT_EQ(keeper_of(in({{"NOTIFY_SOCKET", "/run/systemd/notify"}})), Keeper::systemd);
  EXPECT_EQ(keeper_of(in({{"ECS_CONTAINER_METADATA_URI_V4", "http://169.254.170.2/v4/x"},
                          {"NOTIFY_SOCKET", "/run/systemd/notify"}})),
            Keeper::ecs);
}

TEST(Files, AreEnoughForConnectionsAndWhatIsBesideThem) {
  EXPECT_EQ(judge_files(1024 + 8 + 64, 1 << 20, 1024, 8).level, Level::ok);
  const Finding less = judge_files(1024 + 8 + 63, 1 << 20, 1024, 8);
  EXPECT_EQ(less.level, Level::warning);
  EXPECT_TRUE(has(less.fix, "ulimit -n 1096") && has(less.fix, "LimitNOFILE=1096")) << less.fix;
  EXPECT_TRUE(has(less.fix, "FORAGER_CONNECTIONS to 1023")) << less.fix;
  EXPECT_FALSE(has(less.fix, "root")) << less.fix;
}

TEST(Files, SayWhenOnlyRootCanRaiseTheLimit) {
  EXPECT_TRUE(has(judge_files(1000, 1000, 1024, 8).fix, "root"));
}

TEST(Files, FailWhenNotOneConnectionFits) {
  const Finding none = judge_files(64, 1 << 20, 1024, 8);
  EXPECT_EQ(none.level, Level::failure);
  EXPECT_FALSE(has(none.fix, "FORAGER_CONNECTIONS to")) << none.fix;
}

}  // namespace
}  // namespace forager::doctor
