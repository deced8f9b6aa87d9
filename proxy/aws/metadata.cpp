#include "aws/metadata.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "aws/json_read.h"
#include "aws/region.h"

namespace forager::aws {
namespace {

void add(Attributes& to, std::string_view name, std::string value) {
  if (!value.empty()) to.emplace_back(name, std::move(value));
}

bool read_text(otlp::JsonText& from, std::string& into) {
  const char next = from.peek();
  return next == '"' || next == 'n' ? read_string(from, into) : from.skip_value();
}

struct EcsContainer {
  std::string docker_id;
  std::string name;
  std::string image;
  std::string image_id;
  std::string arn;
  std::string log_driver;
  std::string log_group;
  std::string log_region;
  std::string log_stream;
};

bool read_container(otlp::JsonText& from, EcsContainer& into) {
  return each_member(from, [&](std::string_view name) {
    if (name == "DockerId") return read_text(from, into.docker_id);
    if (name == "Name") return read_text(from, into.name);
    if (name == "Image") return read_text(from, into.image);
    if (name == "ImageID") return read_text(from, into.image_id);
    if (name == "ContainerARN") return read_text(from, into.arn);
    if (name == "LogDriver") return read_text(from, into.log_driver);
    if (name != "LogOptions") return from.skip_value();
    return each_member(from, [&](std::string_view option) {
      if (option == "awslogs-group") return read_text(from, into.log_group);
      if (option == "awslogs-region") return read_text(from, into.log_region);
      if (option == "awslogs-stream") return read_text(from, into.log_stream);
      return from.skip_value();
    });
  });
}

struct EcsJson {
  std::string cluster;
  std::string arn;
  std::string family;
  std::string revision;
  std::string zone;
  std::string launch_type;
  std::vector<EcsContainer> containers;
};

bool read_task(otlp::JsonText& from, EcsJson& into) {
  return each_member(from, [&](std::string_view name) {
    if (name == "Cluster") return read_text(from, into.cluster);
    if (name == "TaskARN") return read_text(from, into.arn);
    if (name == "Family") return read_text(from, into.family);
    if (name == "Revision") return read_text(from, into.revision);
    if (name == "AvailabilityZone") return read_text(from, into.zone);
    if (name == "LaunchType") return read_text(from, into.launch_type);
    if (name != "Containers") return from.skip_value();
    return each_element(from, [&] { return read_container(from, into.containers.emplace_back()); });
  });
}

Fault unreadable(std::string_view what, const otlp::JsonText& from) {
  return fault(fmt::format("{} is not the JSON that was expected: at byte {}: {}", what,
                           from.offset(), from.fault() != nullptr ? from.fault() : "more follows"));
}

/// "arn:aws:ecs:REGION:ACCOUNT" out of a longer one.
std::string_view up_to_account(std::string_view arn) {
  std::size_t end = 0;
  for (int colons = 0; colons < 5; ++colons) {
    end = arn.find(':', end + 1);
    if (end == std::string_view::npos) return {};
  }
  return arn.substr(0, end);
}

/// The tag of an image's name: behind the last colon that no slash follows.
std::pair<std::string, std::string> image_and_tag(std::string_view image) {
  const std::string_view name = image.substr(0, image.find('@'));
  const std::size_t colon = name.rfind(':');
  if (colon == std::string_view::npos || name.find('/', colon) != std::string_view::npos) {
    return {std::string(name), {}};
  }
  return {std::string(name.substr(0, colon)), std::string(name.substr(colon + 1))};
}

void add_container(Detected& to, const EcsContainer& c, std::string_view task_arn) {
  const auto [image, tag] = image_and_tag(c.image);
  add(to.attributes, "container.id", c.docker_id);
  add(to.attributes, "container.name", c.name);
  add(to.attributes, "container.image.name", image);
  add(to.lists, "container.image.tags", tag);
  add(to.attributes, "container.image.id", c.image_id);
  add(to.attributes, "aws.ecs.container.arn", c.arn);
  add(to.attributes, "cloud.resource_id", c.arn);
  if (c.log_driver != "awslogs") return;
  const std::string_view partition =
      task_arn.substr(0, std::min(task_arn.size(), task_arn.find(':', 4)));
  const std::string_view region =
      c.log_region.empty() ? region_of_arn(task_arn) : std::string_view(c.log_region);
  const std::string group = fmt::format("{}:logs:{}:{}:log-group:{}", partition, region,
                                        account_of_arn(task_arn), c.log_group);
  if (c.log_group.empty()) return;
  add(to.lists, "aws.log.group.names", c.log_group);
  add(to.lists, "aws.log.group.arns", group + ":*");
  if (c.log_stream.empty()) return;
  add(to.lists, "aws.log.stream.names", c.log_stream);
  add(to.lists, "aws.log.stream.arns", fmt::format("{}:log-stream:{}", group, c.log_stream));
}

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return text;
}

}  // namespace

Result<EcsTask> ecs_task(std::string_view json, std::string_view app_container) {
  otlp::JsonText from(json);
  EcsJson task;
  if (!read_task(from, task) || !from.at_end()) return unreadable("the ECS task metadata", from);
  const std::string_view prefix = up_to_account(task.arn);
  if (prefix.empty()) return fault("the ECS task metadata has no TaskARN");
  EcsTask made;
  made.region = region_of_arn(task.arn);
  made.fargate = lower(task.launch_type) == "fargate";
  Attributes& to = made.found.attributes;
  add(to, "cloud.provider", "aws");
  add(to, "cloud.platform", "aws_ecs");
  add(to, "cloud.region", made.region);
  add(to, "cloud.account.id", std::string(account_of_arn(task.arn)));
  add(to, "cloud.availability_zone", task.zone);
  const bool whole = task.cluster.empty() || task.cluster.starts_with("arn:");
  add(to, "aws.ecs.cluster.arn",
      whole ? task.cluster : fmt::format("{}:cluster/{}", prefix, task.cluster));
  add(to, "aws.ecs.task.arn", task.arn);
  add(to, "aws.ecs.task.id", task.arn.substr(task.arn.rfind('/') + 1));
  add(to, "aws.ecs.task.family", task.family);
  add(to, "aws.ecs.task.revision", task.revision);
  add(to, "aws.ecs.launchtype", lower(task.launch_type));
  if (app_container.empty()) return made;
  const auto found = std::find_if(task.containers.begin(), task.containers.end(),
                                  [&](const EcsContainer& c) { return c.name == app_container; });
  made.container_named = found != task.containers.end();
  if (made.container_named) add_container(made.found, *found, task.arn);
  return made;
}

Result<Ec2Instance> ec2_instance(std::string_view document, std::string_view hostname) {
  otlp::JsonText from(document);
  std::string region;
  std::string zone;
  std::string account;
  std::string id;
  std::string image;
  std::string type;
  const bool read = each_member(from, [&](std::string_view name) {
    if (name == "region") return read_text(from, region);
    if (name == "availabilityZone") return read_text(from, zone);
    if (name == "accountId") return read_text(from, account);
    if (name == "instanceId") return read_text(from, id);
    if (name == "imageId") return read_text(from, image);
    if (name == "instanceType") return read_text(from, type);
    return from.skip_value();
  });
  if (!read || !from.at_end()) return unreadable("the instance identity document", from);
  if (id.empty() || region.empty()) {
    return fault("the instance identity document has no instanceId or no region");
  }
  Ec2Instance made;
  made.region = region;
  Attributes& to = made.found.attributes;
  add(to, "cloud.provider", "aws");
  add(to, "cloud.platform", "aws_ec2");
  add(to, "cloud.region", region);
  add(to, "cloud.availability_zone", zone);
  add(to, "cloud.account.id", account);
  add(to, "host.id", id);
  add(to, "host.image.id", image);
  add(to, "host.type", type);
  add(to, "host.name", std::string(hostname.substr(0, hostname.find_first_of("\r\n"))));
  return made;
}

void merge(Detected& to, Detected more) {
  const auto add_missing = [](Attributes& into, Attributes from) {
    for (auto& each : from) {
      const bool there = std::any_of(into.begin(), into.end(),
                                     [&](const auto& has) { return has.first == each.first; });
      if (!there) into.push_back(std::move(each));
    }
  };
  add_missing(to.attributes, std::move(more.attributes));
  add_missing(to.lists, std::move(more.lists));
}

bool is_ec2_vendor(std::string_view text) { return text.starts_with("Amazon EC2"); }

}  // namespace forager::aws
