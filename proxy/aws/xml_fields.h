// The few elements of an STS answer, read strictly: every leaf of a small XML document with the
// path to it. No DOCTYPE, so no entities but the five of XML; what isn't well formed is a Fault.
// Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

namespace forager::aws {

/// The text of an element that has no elements inside. Any of them may be a credential.
struct XmlField {
  std::string path;  ///< "ErrorResponse/Error/Code"
  Secret text;       ///< entities resolved, not trimmed
};

class XmlFields {
 public:
  explicit XmlFields(std::vector<XmlField> fields) : fields_(std::move(fields)) {}
  /// Empty where there is none. The first counts.
  std::string_view text(std::string_view path) const {
    for (const XmlField& f : fields_) {
      if (f.path == path) return f.text.reveal();
    }
    return {};
  }
  const std::vector<XmlField>& all() const { return fields_; }

 private:
  std::vector<XmlField> fields_;
};

/// At most 64 KiB, 16 levels, 256 leaves: an answer of STS has 10. The Fault names the offset and
/// never the text.
Result<XmlFields> read_xml(std::string_view text);

}  // namespace forager::aws
