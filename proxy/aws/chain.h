// Which source of credentials is configured: environment, profile, web identity, container,
// instance, in this order (PROTOCOLS 3.3). The first that is configured is the one: a failure of it
// is reported and tried again, never passed over. Pure: files come through a reader.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "aws/container.h"
#include "aws/environment.h"
#include "aws/imds.h"
#include "aws/profile.h"
#include "aws/sts.h"
#include "base/result.h"

namespace forager::aws {

/// Nothing to ask for: they are there.
struct Plain {
  destination::AwsKeys keys;
  bool from_file = false;  ///< which may change
};

struct Source {
  std::variant<Plain, WebIdentity, Container, Imds> what;
  std::string
      name;  ///< for log and status: "environment variables", "profile 'x' in /a/credentials"
};

/// `ecs`: scheme and host of AWS_CONTAINER_CREDENTIALS_RELATIVE_URI. Fault: the first that is
/// configured is so wrongly, or none is and the instance may not be asked.
Result<Source> choose(const Environment& with, const Profile& profile, std::string_view ecs);

/// What to do when there are none at all, for whoever asked the instance in vain.
std::string how_to_configure();

}  // namespace forager::aws
