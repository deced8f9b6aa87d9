#include "doctor/trial.h"

#include <chrono>
#include <cstdlib>

#include <fmt/format.h>
#include <protozero/pbf_writer.hpp>

#include "destination/clock_skew.h"
#include "destination/json_members.h"
#include "destination/retry_after.h"

namespace forager::doctor {
namespace {

using destination::Verdict;

constexpr std::chrono::minutes skew_shown{1};

template <class... Of>
struct Cases : Of... {
  using Of::operator()...;
};

Finding finding(Level level, std::string_view of, std::string what, std::string fix = {}) {
  return {level, std::string(of), std::move(what), std::move(fix)};
}

/// What of GET /1/auth a person wants to know.
struct Key {
  std::string team;
  std::string environment;
  std::string type;
  bool events = true;
};

std::string name_of(otlp::JsonText& from) {
  std::string name;
  destination::each_member(from, [&](std::string_view member) {
    if (member != "name") return from.skip_value();
    name = destination::take_string(from).value_or("");
    return true;
  });
  return name;
}

Key read_key(std::string_view body) {
  Key made;
  otlp::JsonText from(body);
  destination::each_member(from, [&](std::string_view member) {
    if (member == "team") {
      made.team = name_of(from);
    } else if (member == "environment") {
      made.environment = name_of(from);
    } else if (member == "type") {
      made.type = destination::take_string(from).value_or("");
    } else if (member == "api_key_access") {
      return destination::each_member(from, [&](std::string_view access) {
        if (access == "events") made.events = from.peek() != 'f';
        return from.skip_value();
      });
    } else {
      return from.skip_value();
    }
    return true;
  });
  return made;
}

std::string_view usual_fix(net::TransportError::Kind kind) {
  using Kind = net::TransportError::Kind;
  switch (kind) {
    case Kind::proxy:
      return "correct HTTPS_PROXY, or name the host in NO_PROXY";
    case Kind::tls:
      return "see that the address is right, and that the certificates are in SSL_CERT_FILE";
    case Kind::timeout:
    case Kind::reset:
      return "see that the address is right, and that no firewall or proxy is in between";
    case Kind::resolve:
    case Kind::connect:
    case Kind::protocol:
    case Kind::stopped:
      break;
  }
  return "see that the address is right";
}

}  // namespace

destination::Encoded empty_request(Signal signal, std::string lane) {
  return {signal, destination::Codec::none, 0, {}, std::move(lane), 0};
}

std::string sample_logs(std::string_view service, WallTime now) {
  std::string value;
  protozero::pbf_writer(value).add_string(1, service.data(), service.size());
  std::string attribute;
  protozero::pbf_writer to(attribute);
  to.add_string(1, "service.name");
  to.add_message(2, value);
  std::string resource;
  protozero::pbf_writer(resource).add_message(1, attribute);
  std::string record;
  protozero::pbf_writer(record).add_fixed64(1, unix_nanos(now));
  std::string scope;
  protozero::pbf_writer(scope).add_message(2, record);
  std::string resource_logs;
  protozero::pbf_writer of(resource_logs);
  of.add_message(1, resource);
  of.add_message(2, scope);
  std::string request;
  protozero::pbf_writer(request).add_message(1, resource_logs);
  return request;
}

Finding judge_trial(std::string_view named, Signal signal, const Verdict& verdict) {
  const std::string_view what = facts(signal).name;
  return std::visit(
      Cases{
          [&](const destination::Delivered&) {
            return finding(Level::ok, named, fmt::format("takes {}", what));
          },
          [&](const destination::Retry& one) {
            return finding(Level::warning, named,
                           fmt::format("does not take {} now: {}", what, one.why),
                           "nothing, if it passes: Forager keeps and repeats");
          },
          [&](const destination::Park& one) {
            return finding(Level::failure, named, fmt::format("refuses {}: {}", what, one.why));
          },
          [&](const destination::Prepare& one) {
            return finding(
                Level::ok, named,
                fmt::format("takes {}; {} with the first record. Whether it may make them was "
                            "not tried: forager doctor --create does, and leaves them there",
                            what, one.why));
          },
          [&](const destination::TakeApart& one) {
            return finding(Level::warning, named,
                           fmt::format("did not like a request without {}, which says nothing of "
                                       "one with some: {}",
                                       facts(signal).items, one.why));
          },
          [&](const destination::Recode& one) { return finding(Level::warning, named, one.why); },
      },
      verdict);
}

Finding unreachable(std::string_view named, const net::TransportError& error) {
  // its words end with the fix, where one is known
  const auto cut = error.what.rfind("; ");
  Finding made = finding(
      Level::failure, named, error.what.substr(0, cut),
      cut == std::string::npos ? std::string(usual_fix(error.kind)) : error.what.substr(cut + 2));
  made.area = Area::network;
  return made;
}

Finding honeycomb_key(const net::Response& response) {
  constexpr std::string_view of = "honeycomb";
  if (response.status == 401) {
    return finding(Level::failure, of, "does not know the key",
                   "copy the key anew from Honeycomb, Environment, API keys, and see that its "
                   "region is that of HONEYCOMB_API_ENDPOINT");
  }
  if (response.status != 200) {
    return finding(Level::warning, of,
                   fmt::format("answered {} to the question what the key may do", response.status));
  }
  const Key key = read_key(response.body);
  const std::string where = key.environment.empty()
                                ? "Honeycomb Classic"
                                : fmt::format("environment {}", key.environment);
  if (!key.events) {
    return finding(
        Level::failure, of,
        fmt::format("knows the key (team {}, {}), but it may not send events", key.team, where),
        "give the key the permission to send events, or use an ingest key");
  }
  return finding(Level::ok, of, fmt::format("knows the key: team {}, {}", key.team, where));
}

Finding rollbar_token(const net::Response& response) {
  constexpr std::string_view of = "rollbar";
  switch (response.status) {
    case 401:
    case 403:
      return finding(Level::failure, of, "does not take the token",
                     "use a project access token with the scope post_server_item (Rollbar, "
                     "project, Settings, Project Access Tokens)");
    case 200:
    case 400:
    case 422:
      return finding(Level::ok, of, "takes the token");
    default:
      return finding(Level::warning, of,
                     fmt::format("answered {} to a request without an item", response.status));
  }
}

std::optional<Finding> clock_of(std::string_view named, const net::Response& response,
                                WallTime now) {
  const auto text = response.header("date");
  const auto date = text ? destination::parse_http_date(*text, now) : std::nullopt;
  if (!date) return std::nullopt;
  const auto off = std::chrono::duration_cast<std::chrono::seconds>(*date - now);
  if (std::chrono::abs(off) <= skew_shown) return std::nullopt;
  const bool refused = std::chrono::abs(off) > destination::ClockSkew::tolerated;
  return Finding{
      Level::warning, std::string(named),
      fmt::format("its clock is {} s {} of ours{}", std::abs(off.count()),
                  off.count() > 0 ? "ahead" : "behind",
                  refused ? "; Forager signs with its time, once it has learned it" : ""),
      "set this machine's clock (NTP)", Area::machine};
}

}  // namespace forager::doctor
