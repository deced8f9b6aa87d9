// What CloudWatch Logs' OTLP endpoint takes of a record of logs (PROTOCOLS 3.1, 3.6), how much it
// counts for it, and into which group and stream each resource goes.
#pragma once

#include <string>
#include <string_view>

#include "destination/aws_rules.h"
#include "destination/name_template.h"
#include "destination/screen.h"

namespace forager::destination {

struct CloudWatchRules : AwsRules {
  std::size_t event_bytes = 1'000'000;     ///< one LogEvent
  std::size_t request_weight = 1'048'576;  ///< sum of messages + 26 for each
  std::size_t event_overhead = 26;         ///< counted for each event
  /// Names of fields, quotes, ids, times and numbers of the JSON that a record becomes.
  std::size_t event_frame = 600;
};

/// Group and stream from the resource of what is sent. Both fixed: one lane with no name.
struct LogNames {
  NameTemplate group;
  NameTemplate stream;

  bool fixed() const { return group.fixed() && stream.fixed(); }
  /// Of a ResourceLogs.
  std::string lane(std::string_view resource_logs) const;
};
inline constexpr char lane_separator = '\n';  ///< group, separator, stream

/// CloudWatch makes each log record an event whose message is JSON with resource, scope and record
/// in it. Its exact form isn't published: weights are a bound on that text (json_bound of the three
/// and a frame), and an event that seems too large is measured exactly before it is held back.
class CloudWatchScreen final : public Screen {
 public:
  CloudWatchScreen(CloudWatchRules rules, LogNames names)
      : rules_(rules), names_(std::move(names)) {}
  std::vector<Stretch> look(Signal signal, std::string_view body, WallTime now) override;
  Duration good_for() const override { return aws_good_for; }

 private:
  CloudWatchRules rules_;
  LogNames names_;
};

}  // namespace forager::destination
