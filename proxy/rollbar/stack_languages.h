// One parser a language. Each returns the exceptions that it finds, raised first, frames most
// recent last; empty when the text has no frame of its form. Internal to rollbar/stack*.cpp.
#pragma once

#include <string_view>
#include <vector>

#include "rollbar/stack.h"

namespace forager::rollbar {

using Chain = std::vector<Exception>;

Chain parse_python(std::string_view text);
Chain parse_java(std::string_view text);
Chain parse_javascript(std::string_view text);
Chain parse_dotnet(std::string_view text);
Chain parse_php(std::string_view text);
Chain parse_go(std::string_view text);
Chain parse_ruby(std::string_view text);

/// Does this line belong to a trace of that language and of no other?
bool is_python_line(std::string_view line);
bool is_java_line(std::string_view line);
bool is_javascript_line(std::string_view line);
bool is_dotnet_line(std::string_view line);
bool is_php_line(std::string_view line);
bool is_go_line(std::string_view line);
bool is_ruby_line(std::string_view line);

/// Java's form; `php`: as the OpenTelemetry SDK of PHP writes it, which has no modules.
Chain parse_java_form(std::string_view text, bool php);

}  // namespace forager::rollbar
