#include "admin/healthcheck.h"

#include <string>

#include <fmt/format.h>

#include "admin/plain_http.h"

namespace forager::admin {

namespace {

PlainAddress address_of(const config::Listen& where) {
  PlainAddress at{where.host, where.port, where.unix_path};
  if (at.host == "0.0.0.0") at.host = "127.0.0.1";
  if (at.host == "::") at.host = "::1";
  return at;
}

/// The first line of a small answer, without its line end.
std::string_view first_line(std::string_view body) { return body.substr(0, body.find('\n')); }

struct Finding {
  bool good = false;
  std::string why;
};

Finding look(const config::Listen& where, Probe probe, std::chrono::milliseconds limit) {
  if (where.off || (where.port == 0 && where.unix_path.empty())) {
    return {false, "FORAGER_ADMIN_LISTEN is off or has no fixed port, so there is nothing to ask"};
  }
  const PlainAddress at = address_of(where);
  PlainRequest request;
  request.target = probe == Probe::live ? "/livez" : "/readyz";
  const auto response = plain_exchange(at, request, limit);
  if (!response) {
    return {false, response.error().what + ": is Forager running? FORAGER_ADMIN_LISTEN says where"};
  }
  const std::string url = at.unix_path.empty()
                              ? fmt::format("http://{}{}", at.text(), request.target)
                              : fmt::format("{}{}", at.text(), request.target);
  std::string why = fmt::format("{} answered {}", url, response->status);
  if (response->status == 200) return {true, std::move(why)};
  if (const auto words = first_line(response->body); !words.empty())
    why += fmt::format(" ({})", words);
  return {false, std::move(why)};
}

}  // namespace

int healthcheck(const config::Listen& where, Probe probe, std::chrono::milliseconds limit,
                std::FILE* out) {
  const Finding finding = look(where, probe, limit);
  const std::string line = fmt::format("{}{}: {}\n", finding.good ? "" : "not ",
                                       probe == Probe::live ? "live" : "ready", finding.why);
  std::fputs(line.c_str(), out);
  std::fflush(out);
  return finding.good ? 0 : 1;
}

}  // namespace forager::admin
