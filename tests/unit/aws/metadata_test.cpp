#include "aws/metadata.h"

#include <gtest/gtest.h>

namespace forager::aws {
namespace {

constexpr std::string_view task = R"({
  "Cluster": "default", "TaskARN": "arn:aws:ecs:us-west-2:111122223333:task/default/158d1c8083dd49d6b527399fd6414f5c",
  "Family": "curltest", "Revision": "26", "DesiredStatus": "RUNNING", "LaunchType": "FARGATE",
  "AvailabilityZone": "us-west-2d", "Limits": {"CPU": 0.25, "Memory": 512}, "ServiceName": null,
  "Containers": [
    {"DockerId": "158d-1", "Name": "forager", "Image": "forager:1", "Networks": [{"IPv4Addresses": ["10.0.0.1"]}]},
    {"DockerId": "158d1c8083dd49d6b527399fd6414f5c-0123456789", "Name": "web", "DockerName": "ecs-web",
     "Image": "111122223333.dkr.ecr.us-west-2.amazonaws.com:443/team/web:v1.2", "ImageID": "sha256:25f3",
     "Labels": {"a": "b"}, "LogDriver": "awslogs",
     "LogOptions": {"awslogs-group": "/ecs/web", "awslogs-region": "us-east-1", "awslogs-stream": "web/1"},
     "ContainerARN": "arn:aws:ecs:us-west-2:111122223333:container/abb51bdd"}]})";

std::string value(const Attributes& in, std::string_view name) {
  std::string found;
  for (const auto& [key, text] : in) {
    if (key == name) found += found.empty() ? text : "|" + text;
  }
  return found;
}

TEST(EcsTask, DescribesTheTask) {
  const auto got = ecs_task(task, "");
  ASSERT_TRUE(got) << got.error().what;
  const Attributes expected{
      {"cloud.provider", "aws"},
      {"cloud.platform", "aws_ecs"},
      {"cloud.region", "us-west-2"},
      {"cloud.account.id", "111122223333"},
      {"cloud.availability_zone", "us-west-2d"},
      {"aws.ecs.cluster.arn", "arn:aws:ecs:us-west-2:111122223333:cluster/default"},
      {"aws.ecs.task.arn",
       "arn:aws:ecs:us-west-2:111122223333:task/default/158d1c8083dd49d6b527399fd6414f5c"},
      {"aws.ecs.task.id", "158d1c8083dd49d6b527399fd6414f5c"},
      {"aws.ecs.task.family", "curltest"},
      {"aws.ecs.task.revision", "26"},
      {"aws.ecs.launchtype", "fargate"}};
  EXPECT_EQ(got->found.attributes, expected);
  EXPECT_TRUE(got->found.lists.empty());
  EXPECT_TRUE(got->fargate);
  EXPECT_EQ(got->region, "us-west-2");
}

TEST(EcsTask, DescribesTheNamedContainerAlone) {
  const auto got = ecs_task(task, "web");
  ASSERT_TRUE(got);
  const Attributes& all = got->found.attributes;
  EXPECT_EQ(value(all, "container.id"), "158d1c8083dd49d6b527399fd6414f5c-0123456789");
  EXPECT_EQ(value(all, "container.name"), "web");
  EXPECT_EQ(value(all, "container.image.name"),
            "111122223333.dkr.ecr.us-west-2.amazonaws.com:443/team/web");
  EXPECT_EQ(value(all, "container.image.id"), "sha256:25f3");
  EXPECT_EQ(value(all, "aws.ecs.container.arn"),
            "arn:aws:ecs:us-west-2:111122223333:container/abb51bdd");
  EXPECT_EQ(value(all, "cloud.resource_id"),
            "arn:aws:ecs:us-west-2:111122223333:container/abb51bdd");
  const Attributes lists{
      {"container.image.tags", "v1.2"},
      {"aws.log.group.names", "/ecs/web"},
      {"aws.log.group.arns", "arn:aws:logs:us-east-1:111122223333:log-group:/ecs/web:*"},
      {"aws.log.stream.names", "web/1"},
      {"aws.log.stream.arns",
       "arn:aws:logs:us-east-1:111122223333:log-group:/ecs/web:log-stream:web/1"}};
  EXPECT_EQ(got->found.lists, lists);
}

TEST(EcsTask, KeepsThePartitionAndAWholeClusterArn) {
  const auto got = ecs_task(
      R"({"Cluster":"arn:aws-cn:ecs:cn-north-1:1:cluster/c","TaskARN":"arn:aws-cn:ecs:cn-north-1:1:task/c/t","LaunchType":"EC2",
          "Containers":[{"Name":"a","LogDriver":"awslogs","LogOptions":{"awslogs-group":"g"}}]})",
      "a");
  ASSERT_TRUE(got) << got.error().what;
  EXPECT_FALSE(got->fargate);
  EXPECT_EQ(value(got->found.attributes, "aws.ecs.cluster.arn"),
            "arn:aws-cn:ecs:cn-north-1:1:cluster/c");
  EXPECT_EQ(value(got->found.lists, "aws.log.group.arns"),
            "arn:aws-cn:logs:cn-north-1:1:log-group:g:*");
}

TEST(EcsTask, NamesLogsOfTheLogDriverAlone) {
  const auto got = ecs_task(
      R"({"TaskARN":"arn:aws:ecs:us-west-2:1:task/c/t","Containers":[{"Name":"a","Image":"host:443/web",
          "LogDriver":"json-file","LogOptions":{"awslogs-group":"g"}}]})",
      "a");
  ASSERT_TRUE(got) << got.error().what;
  EXPECT_TRUE(got->found.lists.empty());  // and a port is no tag
  EXPECT_EQ(value(got->found.attributes, "container.image.name"), "host:443/web");
}

TEST(EcsTask, SaysThatTheContainerIsNotThere) {
  const auto got = ecs_task(task, "nobody");
  ASSERT_TRUE(got);
  EXPECT_FALSE(got->container_named);
  EXPECT_EQ(value(got->found.attributes, "container.id"), "");
}

TEST(EcsTask, RefusesWhatIsNotATask) {
  for (std::size_t size = 0; size < task.size(); ++size) {
    EXPECT_FALSE(ecs_task(task.substr(0, size), "web")) << size;
  }
  EXPECT_FALSE(ecs_task("{}", ""));
  EXPECT_FALSE(ecs_task("<html>", ""));
  EXPECT_FALSE(ecs_task(R"({"TaskARN":"nonsense"})", ""));
}

TEST(Ec2, DescribesTheInstance) {
  const auto got = ec2_instance(
      R"({"accountId":"1","architecture":"x86_64","availabilityZone":"us-east-1a","devpayProductCodes":null,
          "imageId":"ami-1","instanceId":"i-1","instanceType":"t3.micro","region":"us-east-1"})",
      "ip-10-0-0-1.ec2.internal\n");
  ASSERT_TRUE(got) << got.error().what;
  const Attributes expected{{"cloud.provider", "aws"},
                            {"cloud.platform", "aws_ec2"},
                            {"cloud.region", "us-east-1"},
                            {"cloud.availability_zone", "us-east-1a"},
                            {"cloud.account.id", "1"},
                            {"host.id", "i-1"},
                            {"host.image.id", "ami-1"},
                            {"host.type", "t3.micro"},
                            {"host.name", "ip-10-0-0-1.ec2.internal"}};
  EXPECT_EQ(got->found.attributes, expected);
  EXPECT_FALSE(ec2_instance("{}", ""));
  EXPECT_FALSE(ec2_instance("x", ""));
}

TEST(Place, TheTaskGoesBeforeTheInstance) {
  Detected to{{{"cloud.platform", "aws_ecs"}}, {}};
  merge(to, {{{"cloud.platform", "aws_ec2"}, {"host.id", "i-1"}}, {{"l", "1"}}});
  const Attributes expected{{"cloud.platform", "aws_ecs"}, {"host.id", "i-1"}};
  EXPECT_EQ(to.attributes, expected);
  EXPECT_EQ(to.lists.size(), 1U);
}

TEST(Place, KnowsTheVendor) {
  EXPECT_TRUE(is_ec2_vendor("Amazon EC2\n"));
  EXPECT_FALSE(is_ec2_vendor("QEMU\n"));
  EXPECT_FALSE(is_ec2_vendor(""));
}

}  // namespace
}  // namespace forager::aws
