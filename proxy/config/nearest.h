// The right name for a wrong one: what a person most likely meant by an unknown flag, variable, key
// or word.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace forager::config {

/// The candidate that `wrong` most likely means, or empty. Case, `-`, `_`, `.` and a FORAGER_ in
/// front make no difference.
std::string_view nearest(std::string_view wrong, std::span<const std::string_view> candidates);
/// ", did you mean NAME?"-like text for the middle of a sentence: " (did you mean honeycomb?)", or
/// empty.
std::string did_you_mean(std::string_view wrong, std::span<const std::string_view> candidates);

}  // namespace forager::config
