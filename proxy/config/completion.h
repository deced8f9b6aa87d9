// What shells read to complete `forager`'s commands, flags and values, made of the command line's
// own description and the table of settings.
#pragma once

#include <string>
#include <string_view>

namespace forager::config {

/// `shell` is bash, zsh or fish (parse_command_line lets no other through).
std::string completion(std::string_view shell);

std::string bash_completion();
std::string zsh_completion();
std::string fish_completion();

}  // namespace forager::config
