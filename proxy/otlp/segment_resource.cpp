// Where a segment ran and which service it is of, as attributes of a resource.
#include <array>

#include "otlp/segment_parts.h"

namespace forager::otlp::segments {
namespace {

constexpr std::array ecs{
    Renamed{"container", "container.name"},
    Renamed{"container_id", "container.id"},
    Renamed{"container_arn", "aws.ecs.container.arn"},
    Renamed{"cluster_arn", "aws.ecs.cluster.arn"},
    Renamed{"task_arn", "aws.ecs.task.arn"},
    Renamed{"task_family", "aws.ecs.task.family"},
    Renamed{"launch_type", "aws.ecs.launchtype"},
};
constexpr std::array ec2{
    Renamed{"instance_id", "host.id"},
    Renamed{"availability_zone", "cloud.availability_zone"},
    Renamed{"instance_size", "host.type"},
    Renamed{"ami_id", "host.image.id"},
};
constexpr std::array eks{
    Renamed{"cluster_name", "k8s.cluster.name"},
    Renamed{"pod", "k8s.pod.name"},
    Renamed{"container_id", "container.id"},
};
constexpr std::array beanstalk{
    Renamed{"environment_name", "deployment.environment.name"},
    Renamed{"deployment_id", "service.instance.id"},
};
constexpr std::array sdk{
    Renamed{"sdk", "telemetry.sdk.name"},
    Renamed{"sdk_version", "telemetry.sdk.version"},
};

std::string_view platform_of(std::string_view origin) {
  constexpr std::array platforms{
      Renamed{"AWS::EC2", "aws_ec2"},
      Renamed{"AWS::ECS", "aws_ecs"},
      Renamed{"AWS::EKS", "aws_eks"},
      Renamed{"AWS::ElasticBeanstalk", "aws_elastic_beanstalk"},
      Renamed{"AWS::AppRunner", "aws_app_runner"},
      Renamed{"AWS::Lambda", "aws_lambda"},
  };
  for (const Renamed& one : platforms) {
    if (origin.starts_with(one.from)) return one.to;
  }
  return {};
}

void put_log_groups(Attributes& to, const Value& logs) {
  std::vector<std::string> names;
  std::vector<std::string> arns;
  for (Value group = logs.first(); group; group = group.next()) {
    if (group.get("log_group")) names.push_back(group.get("log_group").text());
    if (group.get("arn")) arns.push_back(group.get("arn").text());
  }
  to.texts("aws.log.group.names", names);
  to.texts("aws.log.group.arns", arns);
}

}  // namespace

void put_resource(Attributes to, const Value& segment) {
  // a subsegment by itself doesn't say of which service it is
  if (segment.get("type").text() != "subsegment")
    to.text("service.name", segment.get("name").text());
  const Value aws = segment.get("aws");
  const Value service = segment.get("service");
  const Value version = service.get("version");
  to.value("service.version",
           version ? version : aws.get("elastic_beanstalk").get("version_label"));
  to.value("process.runtime.name", service.get("runtime"));
  to.value("process.runtime.version", service.get("runtime_version"));
  const std::string origin = segment.get("origin").text();
  if (aws || origin.starts_with("AWS::")) to.text("cloud.provider", "aws");
  to.text("cloud.platform", platform_of(origin));
  to.value("cloud.account.id", aws.get("account_id"));
  if (segment.get("type").text() != "subsegment") to.value("cloud.region", aws.get("region"));
  to.value("cloud.resource_id", segment.get("resource_arn"));
  put_renamed(to, aws.get("ecs"), ecs);
  put_renamed(to, aws.get("ec2"), ec2);
  put_renamed(to, aws.get("eks"), eks);
  put_renamed(to, aws.get("elastic_beanstalk"), beanstalk);
  put_renamed(to, aws.get("xray"), sdk);
  to.text("telemetry.sdk.language", language_of(segment));
  put_log_groups(to, aws.get("cloudwatch_logs"));
}

}  // namespace forager::otlp::segments
