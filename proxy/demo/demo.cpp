#include "demo/demo.h"

#include <charconv>

#include <fmt/format.h>
#include <protozero/pbf_reader.hpp>

#include "admin/plain_http.h"
#include "demo/encode.h"
#include "otlp/encoding.h"
#include "otlp/signal.h"

namespace forager::demo {

namespace {

constexpr auto request_limit = std::chrono::seconds(10);
constexpr int exit_usage = 64;

/// The message of a google.rpc.Status (PROTOCOLS 1.4), fit for a terminal.
std::string words_of(std::string_view body) {
  std::string words;
  try {
    protozero::pbf_reader status(body.data(), body.size());
    while (status.next()) {
      if (status.tag_and_type() ==
          protozero::tag_and_type(2, protozero::pbf_wire_type::length_delimited)) {
        words = status.get_string();
      } else {
        status.skip();
      }
    }
  } catch (const protozero::exception&) {
    words = body.substr(0, 200);  // not a Forager: whatever it says
  }
  for (char& c : words) {
    if (c < 0x20 || c == 0x7F) c = '?';
  }
  return words;
}

std::string no_answer(const Fault& why) {
  return fmt::format(
      "the demo was not sent: {}. Start Forager with `forager` in another terminal, or say with "
      "--endpoint where it is.\n",
      why.what);
}

struct Part {
  Signal signal;
  const std::string& body;
};

/// Empty when it was taken, else the line for the person.
std::string send(const Endpoint& to, const Part& part) {
  const admin::PlainAddress at{to.host, to.port, {}};
  const std::string target = to.prefix + std::string(facts(part.signal).http_path);
  admin::PlainRequest request;
  request.method = "POST";
  request.target = target;
  request.content_type = otlp::content_type(otlp::Encoding::protobuf);
  request.body = part.body;
  const auto response = admin::plain_exchange(at, request, request_limit);
  if (!response) return no_answer(response.error());
  if (response->status == 200) return {};
  const std::string words = words_of(response->body);
  const std::string_view fix =
      response->status == 404 ? " Is this the OTLP/HTTP port (FORAGER_OTLP_HTTP_LISTEN)?" : "";
  return fmt::format("{} were not taken: {}{} answered {}{}{}.{}\n", facts(part.signal).items,
                     at.text(), target, response->status, words.empty() ? "" : ": ", words, fix);
}

int complain(std::FILE* err, const std::string& line, int code) {
  std::fputs(line.c_str(), err);
  return code;
}

}  // namespace

Result<Endpoint> parse_endpoint(std::string_view url) {
  constexpr std::string_view scheme = "http://";
  const auto wrong = [url](std::string_view why) {
    return fault(fmt::format("--endpoint {}: {}; for example http://localhost:4318", url, why));
  };
  std::string_view rest = url;
  if (rest.starts_with("https://")) return wrong("the demo speaks plain HTTP to a Forager nearby");
  if (rest.starts_with(scheme)) rest.remove_prefix(scheme.size());
  Endpoint made;
  const std::string_view authority = rest.substr(0, rest.find('/'));
  made.prefix = rest.substr(authority.size());
  while (made.prefix.ends_with('/')) made.prefix.pop_back();
  const auto bracket = authority.find(']');
  const auto colon = authority.find(':', bracket == authority.npos ? 0 : bracket);
  std::string_view host = authority.substr(0, colon);
  if (colon != authority.npos) {
    const std::string_view digits = authority.substr(colon + 1);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), made.port);
    const bool whole = error == std::errc{} && end == digits.data() + digits.size();
    if (!whole || made.port == 0) return wrong("the port is no number from 1 to 65535");
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const bool plain = host.find_first_of("[]@ \t\r\n") == host.npos &&
                     made.prefix.find_first_of(" \t\r\n?#") == std::string::npos;
  if (host.empty() || !plain) return wrong("this is not http://host:port");
  made.host = host;
  return made;
}

int run_demo(const DemoOptions& options, WallTime now, std::mt19937_64& random, std::FILE* out,
             std::FILE* err) {
  const auto to = parse_endpoint(options.endpoint);
  if (!to) return complain(err, to.error().what + "\n", exit_usage);
  const DemoRequests made = make_demo(now, random);
  for (const Part& part : {Part{Signal::traces, made.traces}, Part{Signal::logs, made.logs},
                           Part{Signal::metrics, made.metrics}}) {
    if (const std::string failed = send(*to, part); !failed.empty())
      return complain(err, failed, 1);
  }
  const std::string line = fmt::format(
      "sent 1 trace of {} spans, {} log records, {} data points to {} - look at Forager's terminal "
      "or {}\n"
      "trace id {}\n",
      made.spans, made.log_records, made.data_points, options.endpoint, options.recent_url,
      made.trace_id);
  std::fputs(line.c_str(), out);
  return 0;
}

}  // namespace forager::demo
