#include "tools/running.h"

#include <charconv>
#include <chrono>
#include <cstdint>
#include <string>

#include <fmt/format.h>

namespace forager::tools {
namespace {

constexpr std::chrono::seconds answer_limit{20};

/// Behind `"name":`, which can't be inside a string: there its quotes would have backslashes.
std::string_view behind(std::string_view line, std::string_view member) {
  const std::string name = fmt::format("\"{}\":", member);
  const auto at = line.find(name);
  return at == line.npos ? std::string_view() : line.substr(at + name.size());
}

}  // namespace

admin::PlainAddress address_of(const config::Listen& listen) {
  admin::PlainAddress at{listen.host, listen.port, listen.unix_path};
  if (at.host == "0.0.0.0") at.host = "127.0.0.1";
  if (at.host == "::") at.host = "::1";
  return at;
}

bool can_ask(const config::Listen& admin) {
  return !admin.off && (admin.port != 0 || !admin.unix_path.empty());
}

Result<void> each_of_running(const config::Listen& admin,
                             const std::function<Result<void>(std::string_view line)>& take) {
  for (std::uint64_t last = 0;;) {
    const std::string target = fmt::format("/journal/quarantined?after={}", last);
    admin::PlainRequest request;
    request.target = target;
    const auto answer = admin::plain_exchange(address_of(admin), request, answer_limit);
    if (!answer) {
      return fault(answer.error().what +
                   ": a Forager has this journal open; --admin-listen must say where it listens");
    }
    if (answer->status != 200) return fault(fmt::format("Forager refused: {}", answer->body));
    std::string_view rest = answer->body;
    if (rest.empty()) return {};
    while (!rest.empty()) {
      const auto end = rest.find('\n');
      const std::string_view line = rest.substr(0, end);
      const std::uint64_t number = number_of(line, "number");
      if (end == rest.npos || number <= last) {
        return fault("the answer of the admin port was cut off; try again");
      }
      last = number;
      if (auto taken = take(line); !taken) return taken;
      rest.remove_prefix(end + 1);
    }
  }
}

std::uint64_t number_of(std::string_view line, std::string_view member) {
  const std::string_view rest = behind(line, member);
  std::uint64_t number = 0;
  std::from_chars(rest.data(), rest.data() + rest.size(), number);
  return number;
}

std::string_view word_of(std::string_view line, std::string_view member) {
  std::string_view rest = behind(line, member);
  if (!rest.starts_with('"')) return {};
  rest.remove_prefix(1);
  return rest.substr(0, rest.find('"'));
}

std::string_view request_of(std::string_view line) {
  const std::string_view rest = behind(line, "request");
  return rest.empty() ? rest : rest.substr(0, rest.size() - 1);
}

}  // namespace forager::tools
