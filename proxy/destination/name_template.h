// Names made from resource attributes: "/ecs/{service.name}/{k8s.namespace.name:default}". For the
// log group and stream of CloudWatch; only the shape of a name is theirs.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace forager::destination {

/// What a name may hold (PROTOCOLS 3.6). Both go into headers, so nothing but visible ASCII.
enum class NameShape : std::uint8_t {
  log_group,   ///< [A-Za-z0-9_\-/.#], not starting with "aws/"
  log_stream,  ///< no ':' and no '*'
};
inline constexpr std::size_t aws_name_bytes_max = 512;

class NameTemplate {
 public:
  /// Stands in for an attribute that is missing or empty and has no fallback of its own.
  static constexpr std::string_view missing = "unknown";

  /// `{KEY}` is the resource's attribute KEY, `{KEY:TEXT}` the same with TEXT where it is missing.
  /// Faults say what is wrong with `text`, and where.
  static Result<NameTemplate> parse(std::string_view text, NameShape shape);

  /// No placeholders: the name is fixed.
  bool fixed() const { return keys_.empty(); }
  const std::string& fixed_name() const { return literals_.front(); }
  /// For each placeholder in order, the attribute it wants.
  const std::vector<std::string>& keys() const { return keys_; }

  /// `values`: of keys(), in order; empty ones are missing. What a name may not hold becomes '_',
  /// and it is cut at 512 bytes.
  std::string name(const std::vector<std::string>& values) const;
  /// The name with '*' for each placeholder, for IAM statements.
  std::string pattern() const;

 private:
  explicit NameTemplate(NameShape shape) : shape_(shape) {}

  NameShape shape_;
  std::vector<std::string> literals_;  ///< one more than keys: around and between them
  std::vector<std::string> keys_;
  std::vector<std::string> fallbacks_;
};

}  // namespace forager::destination
