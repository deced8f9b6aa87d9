#include "destination/verdict.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "destination/key_shape.h"
#include "destination/retry_after.h"
#include "otlp/reply.h"

namespace forager::destination {
namespace {

enum class Meaning : std::uint8_t { retry, park, credentials, take_apart, too_large };

struct Row {
  int status;
  Meaning meaning;
  std::string_view reason;
  std::string_view fix = {};  ///< for what parks
};

constexpr std::string_view address_fix =
    "the address or a proxy in between is wrong: check the endpoint";

constexpr std::array<Row, 22> table{{
    {301, Meaning::park, "Moved Permanently",
     "redirects are never followed: set the endpoint to where it leads"},
    {302, Meaning::park, "Found",
     "redirects are never followed: set the endpoint to where it leads"},
    {307, Meaning::park, "Temporary Redirect",
     "redirects are never followed: set the endpoint to where it leads"},
    {308, Meaning::park, "Permanent Redirect",
     "redirects are never followed: set the endpoint to where it leads"},
    {400, Meaning::take_apart, "Bad Request"},
    {401, Meaning::credentials, "Unauthorized"},
    {403, Meaning::credentials, "Forbidden"},
    {404, Meaning::park, "Not Found", address_fix},
    {405, Meaning::park, "Method Not Allowed", address_fix},
    {407, Meaning::park, "Proxy Authentication Required",
     "put the proxy's user and password into HTTPS_PROXY"},
    {408, Meaning::retry, "Request Timeout"},
    {413, Meaning::too_large, "Content Too Large"},
    {415, Meaning::park, "Unsupported Media Type",
     "this is not an OTLP/HTTP endpoint: check the endpoint"},
    {421, Meaning::retry, "Misdirected Request"},
    {422, Meaning::take_apart, "Unprocessable Content"},
    {425, Meaning::retry, "Too Early"},
    {429, Meaning::retry, "Too Many Requests"},
    {500, Meaning::retry, "Internal Server Error"},
    {501, Meaning::park, "Not Implemented", address_fix},
    {502, Meaning::retry, "Bad Gateway"},
    {503, Meaning::retry, "Service Unavailable"},
    {504, Meaning::retry, "Gateway Timeout"},
}};

/// Statuses without a row: what is theirs to mend is retried, all else waits for a person.
Row row_of(int status) {
  const auto* const found = std::find_if(table.begin(), table.end(),
                                         [&](const Row& row) { return row.status == status; });
  if (found != table.end()) return *found;
  if (status >= 300 && status < 400) {
    return {status, Meaning::park, "", "redirects are never followed: check the endpoint"};
  }
  if (status >= 400 && status < 500) return {status, Meaning::park, "", address_fix};
  return {status, Meaning::retry, ""};
}

Verdict delivered(std::string_view host, const net::Response& response) {
  const auto read = otlp::read_export_response(response.body);
  if (!read) {
    return Delivered{
        0, fmt::format("{} answered {}, but {}", host, response.status, read.error().what)};
  }
  // A negative count can only be a mistake of theirs.
  return Delivered{std::max<std::int64_t>(read->rejected, 0), without_keys(read->message)};
}

std::string with_fix(std::string words, std::string_view fix) {
  if (!fix.empty()) words.append("; ").append(fix);
  return words;
}

}  // namespace

std::string answer_in_words(std::string_view host, const net::Response& response) {
  const std::string_view reason = row_of(response.status).reason;
  const std::string words = without_keys(
      otlp::read_error_message(response.header("Content-Type").value_or(""), response.body));
  return fmt::format("{} answered {}{}{}{}{}", host, response.status, reason.empty() ? "" : " ",
                     reason, words.empty() ? "" : ": ", words);
}

Verdict verdict_of(const net::Response& response, Codec codec, WallTime now, std::string_view host,
                   std::string_view park_fix) {
  const int status = response.status;
  if (status >= 200 && status < 300) return delivered(host, response);
  std::string words = answer_in_words(host, response);
  if (codec == Codec::zstd && (status == 400 || status == 415)) {
    return Recode{
        with_fix(std::move(words), "sent as zstd, which it may not read: once again as gzip")};
  }
  const Row row = row_of(status);
  switch (row.meaning) {
    case Meaning::park:
      return Park{with_fix(std::move(words), row.fix)};
    case Meaning::credentials:
      return Park{with_fix(std::move(words), park_fix)};
    case Meaning::take_apart:
      return TakeApart{std::move(words), false};
    case Meaning::too_large:
      return TakeApart{std::move(words), true};
    case Meaning::retry:
      break;
  }
  return Retry{retry_after(response, now), std::move(words), status == 500};
}

}  // namespace forager::destination
