// What ECS and EC2 say about where we run, as resource attributes of OpenTelemetry (PROTOCOLS 5.3,
// 5.5). Pure: JSON in, attributes out; asking is metadata_fetch's.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace forager::aws {

using Attributes = std::vector<std::pair<std::string, std::string>>;

/// `lists`: each an array of that one string, as aws.log.group.names must be.
struct Detected {
  Attributes attributes;
  Attributes lists;
};

struct EcsTask {
  Detected found;
  std::string region;
  bool fargate = false;         ///< where there is no instance to ask
  bool container_named = true;  ///< the app's container was found, or none was asked for
};

/// The answer of ${ECS_CONTAINER_METADATA_URI_V4}/task. We are a sidecar: container-level
/// attributes describe the app's container, so they come only for the one of that name; empty:
/// none.
Result<EcsTask> ecs_task(std::string_view json, std::string_view app_container);

struct Ec2Instance {
  Detected found;
  std::string region;
};
/// The instance identity document; `hostname` as the metadata service gives it, or empty.
Result<Ec2Instance> ec2_instance(std::string_view document, std::string_view hostname);

/// Adds what `more` has and `to` lacks.
void merge(Detected& to, Detected more);

/// The content of /sys/class/dmi/id/sys_vendor.
bool is_ec2_vendor(std::string_view text);

}  // namespace forager::aws
