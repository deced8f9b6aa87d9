// The shared credentials and config files of AWS's tools (PROTOCOLS 3.3): one profile out of both.
// Plain keys, region and web identity are used; what would need another program or another call is
// refused by name. Pure: files come through a reader.
#pragma once

#include <optional>
#include <string>

#include "aws/environment.h"
#include "base/result.h"
#include "destination/destination.h"

namespace forager::aws {

struct Profile {
  std::string name;                          ///< AWS_PROFILE, or "default"
  std::string where;                         ///< "profile 'x' in /home/a/.aws/credentials"
  std::optional<destination::AwsKeys> keys;  ///< the credentials file's before the config file's
  std::string region;
  std::string role_arn;  ///< with web_identity_token_file alone
  std::string role_session_name;
  std::string web_identity_token_file;
  /// Why it can't be used, with the fix: half a pair, a kind that isn't supported, a file that
  /// can't be read, a profile that was asked for by name and isn't there. The region is good all
  /// the same.
  std::optional<Fault> trouble;
};

/// Missing files are none; missing HOME: no default places. Lines that are indented belong to a
/// nested value of the line above and are skipped, as AWS's tools do.
Profile read_profile(const Environment& with, const ReadFile& read);

}  // namespace forager::aws
