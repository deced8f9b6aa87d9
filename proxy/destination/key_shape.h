// What kind of Honeycomb key a text looks like, and how much of it may be shown (PROTOCOLS 2.4).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace forager::destination {

enum class KeyShape : std::uint8_t {
  classic_config,      ///< 32 lower-case hex digits
  classic_ingest,      ///< hc?ic_ and 58 more
  environment_config,  ///< 20 to 23 letters and digits, or hc?lk_...
  environment_ingest,  ///< hc?ik_ and 58 more
  management,          ///< hc?mk_...: can't send events
  unknown,             ///< warned about, sent all the same
};

KeyShape classify(std::string_view key);

/// In words, for messages: "a classic ingest key".
std::string_view describe(KeyShape shape);

/// Classic keys need a dataset for every signal.
inline bool is_classic(KeyShape shape) {
  return shape == KeyShape::classic_config || shape == KeyShape::classic_ingest;
}

/// "hcaik_ab12...": the prefix up to its `_` and at most four characters. A key too short to hide
/// anything shows nothing but "...".
std::string printable_key(std::string_view key);

/// `text` with every word that could be a key shown as printable_key does: answers may quote the
/// key they refuse.
std::string without_keys(std::string_view text);

}  // namespace forager::destination
