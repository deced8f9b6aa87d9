#include "aws/place.h"

#include <gtest/gtest.h>

#include "aws/caller_identity.h"
#include "unit/aws_live/loop.h"

namespace forager::aws {
namespace {

using Reply = Endpoint::Reply;

constexpr std::string_view task_json =
    R"({"Cluster":"c","TaskARN":"arn:aws:ecs:us-west-2:1:task/c/t","Family":"f","Revision":"1","LaunchType":"EC2",
        "Containers":[{"Name":"web","DockerId":"d"}]})";
constexpr std::string_view document =
    R"({"accountId":"1","availabilityZone":"us-west-2a","imageId":"ami-1","instanceId":"i-1","instanceType":"t3.micro","region":"us-west-2"})";

/// One server for both: the metadata of a task and an instance.
Reply both(const std::string& request) {
  if (request.starts_with("GET /v4/x/task ")) return {200, std::string(task_json)};
  if (request.starts_with("PUT /latest/api/token ")) return {200, "T"};
  if (request.find("x-aws-ec2-metadata-token: T\r\n") == std::string::npos) return {401};
  if (request.starts_with("GET /latest/dynamic/instance-identity/document "))
    return {200, std::string(document)};
  if (request.starts_with("GET /latest/meta-data/hostname ")) return {200, "ip-1.ec2.internal"};
  if (request.starts_with("GET /latest/meta-data/placement/region ")) return {200, "us-west-2"};
  return {404};
}

struct World {
  explicit World(Endpoint::Answer answer = both) : endpoint(std::move(answer)) {
    with.imds_endpoint = endpoint.url();
  }
  Place place(const std::string& app_container = {}, bool ask_instance = false) {
    return loop.run(find_place(net, with, read, app_container, ask_instance, hurried()));
  }
  Result<Region> region(bool ask_instance = false) {
    return loop.run(find_region(net, with, read, ask_instance, hurried()));
  }
  void on_ecs() { with.ecs_metadata = endpoint.url() + "/v4/x"; }
  void on_ec2() { read = files({{"/sys/class/dmi/id/sys_vendor", "Amazon EC2\n"}}); }

  Endpoint endpoint;
  Loop loop;
  Fetcher net{loop.io().get_executor(), loop.tls()};
  Environment with;
  ReadFile read = files({});
};

std::string value(const Detected& in, std::string_view name) {
  for (const auto& [key, text] : in.attributes) {
    if (key == name) return text;
  }
  return {};
}

TEST(Place, AsksNobodyWhereThereIsNoSignOfAws) {
  World w;
  const auto place = w.place();
  EXPECT_TRUE(place.found.attributes.empty());
  EXPECT_TRUE(place.notes.empty());
  EXPECT_EQ(w.endpoint.count(), 0U);
}

TEST(Place, AsksTheTaskAndTheInstanceBelowIt) {
  World w;
  w.on_ecs();
  w.on_ec2();
  const auto place = w.place("web");
  EXPECT_EQ(value(place.found, "cloud.platform"), "aws_ecs");
  EXPECT_EQ(value(place.found, "aws.ecs.task.family"), "f");
  EXPECT_EQ(value(place.found, "container.id"), "d");
  EXPECT_EQ(value(place.found, "host.id"), "i-1");
  EXPECT_EQ(value(place.found, "host.name"), "ip-1.ec2.internal");
  EXPECT_EQ(place.region, "us-west-2");
  EXPECT_TRUE(place.notes.empty());
}

TEST(Place, AsksAnInstanceOnlyByVendorOrByName) {
  World w;
  w.on_ecs();
  EXPECT_EQ(value(w.place().found, "host.id"), "");
  EXPECT_EQ(value(w.place({}, true).found, "host.id"), "i-1");
  w.with.imds_disabled = true;
  EXPECT_EQ(value(w.place({}, true).found, "host.id"), "");
}

TEST(Place, SaysWhatItAskedInVain) {
  World w([](const std::string&) { return Reply{500}; });
  w.on_ecs();
  w.on_ec2();
  const auto place = w.place();
  EXPECT_TRUE(place.found.attributes.empty());
  ASSERT_EQ(place.notes.size(), 2U);
  EXPECT_EQ(place.notes[0], "the ECS task metadata endpoint answered 500");
  World named;
  named.on_ecs();
  EXPECT_EQ(named.place("nobody").notes.front(), "the ECS task has no container 'nobody'");
}

TEST(Region, IsAskedForOnlyWhereNobodySaysIt) {
  World w;
  w.on_ecs();
  w.with.region = "eu-west-1";
  EXPECT_EQ(w.region()->from, "AWS_REGION");
  EXPECT_EQ(w.endpoint.count(), 0U);
  w.with.region.clear();
  EXPECT_EQ(w.region()->name, "us-west-2");
  EXPECT_EQ(w.region()->from, "the ECS task");
}

TEST(Region, ComesFromTheInstance) {
  World w;
  w.on_ec2();
  EXPECT_EQ(w.region()->name, "us-west-2");
  EXPECT_EQ(w.region()->from, "the instance");
}

TEST(Region, SaysWhatToSet) {
  World w([](const std::string&) { return Reply{404}; });
  const auto none = w.region();
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().what, "the AWS region is not known: set AWS_REGION");
  w.on_ecs();
  EXPECT_EQ(w.region().error().what,
            "the AWS region is not known: set AWS_REGION; asked in vain: the ECS task metadata "
            "endpoint answered 404");
}

TEST(Region, CanBeAskedForBeforeThereIsALoop) {
  World w;
  EXPECT_FALSE(find_region_now(w.with, w.read));
  EXPECT_EQ(w.endpoint.count(), 0U);
  w.on_ec2();
  EXPECT_EQ(find_region_now(w.with, w.read)->name, "us-west-2");
  w.endpoint.answer_with([](const std::string&) { return Reply{200, "", "", true}; });
  const Time begun = std::chrono::steady_clock::now();
  EXPECT_FALSE(find_region_now(w.with, w.read, milliseconds(50)));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, milliseconds(900));
}

constexpr std::string_view identity =
    "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::1:user/a</Arn>"
    "<UserId>U</UserId><Account>1</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";

TEST(CallerIdentity, IsAskedForWithASignature) {
  World w([](const std::string&) { return Reply{200, std::string(identity)}; });
  const auto got = w.loop.run(get_caller_identity(w.net, {"AKIDEXAMPLE", Secret("s"), Secret("t")},
                                                  w.endpoint.url(), "eu-west-1", hurried()));
  ASSERT_TRUE(got.who) << got.who.error().what;
  EXPECT_EQ(got.who->arn, "arn:aws:iam::1:user/a");
  EXPECT_FALSE(got.clock_skew);
  const auto request = w.endpoint.requests().front();
  EXPECT_NE(request.find("Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"),
            std::string::npos);
  EXPECT_NE(request.find("/eu-west-1/sts/aws4_request"), std::string::npos);
  EXPECT_NE(request.find("\r\n\r\nAction=GetCallerIdentity&Version=2011-06-15"), std::string::npos);
}

/// A server an hour ahead refuses our time, and takes its own.
TEST(CallerIdentity, SeesAndCorrectsAWrongClock) {
  const auto an_hour_ahead = [] {
    return std::chrono::system_clock::now() + std::chrono::hours(1);
  };
  World w([&](const std::string& request) {
    const std::string ahead = iso_time(an_hour_ahead());
    // "2026-11-24T14" as X-Amz-Date has it
    std::string hour = ahead.substr(0, 13);
    std::erase(hour, '-');
    const auto now = std::chrono::system_clock::to_time_t(an_hour_ahead());
    std::string date(40, '\0');
    std::tm utc{};
    date.resize(std::strftime(date.data(), date.size(), "%a, %d %b %Y %H:%M:%S GMT",
                              ::gmtime_r(&now, &utc)));
    const bool good = request.find("X-Amz-Date: " + hour) != std::string::npos;
    return good
               ? Reply{200, std::string(identity), "Date: " + date + "\r\n"}
               : Reply{403,
                       "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>Signature "
                       "expired</Message></Error></ErrorResponse>",
                       "Date: " + date + "\r\n"};
  });
  const auto got = w.loop.run(get_caller_identity(w.net, {"AKIDEXAMPLE", Secret("s"), {}},
                                                  w.endpoint.url(), "", hurried()));
  ASSERT_TRUE(got.who) << got.who.error().what;
  ASSERT_TRUE(got.clock_skew);
  EXPECT_NEAR(std::chrono::duration<double>(*got.clock_skew).count(), 3600, 5);
  EXPECT_EQ(w.endpoint.count(), 2U);
}

}  // namespace
}  // namespace forager::aws
