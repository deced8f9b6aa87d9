// `forager demo`: sends the story to a running Forager over OTLP/HTTP and says where to look.
// Synchronous; for main alone.
#pragma once

#include <cstdint>
#include <cstdio>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace forager::demo {

struct Endpoint {
  std::string host;
  std::uint16_t port = 4318;
  std::string prefix;  ///< path in front of /v1/...
};
/// "http://localhost:4318", "localhost:4318", "http://[::1]:4318/prefix". The fault says what is
/// wrong with it.
Result<Endpoint> parse_endpoint(std::string_view url);

struct DemoOptions {
  std::string endpoint = "http://localhost:4318";
  std::string recent_url = "http://localhost:13133/hive/recent";  ///< named in the last line
};

/// Exit code: 0 when all three requests were answered 200, else 1 with one line on `err` that has
/// the fix; 64 for a bad endpoint.
int run_demo(const DemoOptions& options, WallTime now, std::mt19937_64& random,
             std::FILE* out = stdout, std::FILE* err = stderr);

}  // namespace forager::demo
