#include "config/resolve.h"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/values.h"

namespace forager::config {
namespace {

constexpr std::size_t mib = 1U << 20U;
constexpr std::size_t memory_most = 256 * mib;
constexpr std::size_t memory_least = 16 * mib;
constexpr std::size_t request_most = 64 * mib;

class Resolver {
 public:
  Resolver(Gathered gathered, std::optional<std::size_t> memory_bound)
      : in_(std::move(gathered)), c_(in_.config), bound_(memory_bound) {}

  Outcome run() {
    memory();
    request_limit();
    journal_bytes();
    times();
    listeners();
    const Routes routes = destinations();
    if (!in_.errors.empty()) return Errors{std::move(in_.errors)};
    return Loaded{std::move(c_), routes, std::move(in_.origins), std::move(in_.warnings)};
  }

 private:
  bool given(std::string_view flag) const { return in_.level(flag) != Level::automatic; }
  bool judged(std::initializer_list<std::string_view> flags) const {
    return std::ranges::none_of(flags, [&](std::string_view f) { return in_.is_wrong(f); });
  }
  std::string place(std::string_view flag) const {
    return in_.origins[index_of(setting(flag))].text;
  }
  void derive(std::string_view flag, std::string why) {
    in_.origins[index_of(setting(flag))] = Origin{Level::automatic, std::move(why)};
  }
  void wrong(std::string text) { in_.errors.push_back(std::move(text)); }
  void warn(std::string text) { in_.warnings.push_back(std::move(text)); }

  void memory() {
    if (!judged({"memory-limit"})) {
      // Something sound to judge the others by is not to be had.
      return;
    }
    if (c_.memory_limit != 0) {
      if (bound_ && c_.memory_limit > *bound_) {
        wrong(
            fmt::format("{}: {} is more than the container's limit of {}, where the kernel ends "
                        "the process; set FORAGER_MEMORY_LIMIT to {} or less, or leave it out",
                        place("memory-limit"), format_size(c_.memory_limit), format_size(*bound_),
                        format_size(*bound_ / 2)));
      }
      return;
    }
    c_.memory_limit = memory_most;
    if (!bound_) return derive("memory-limit", "default, no container limit");
    if (*bound_ / 2 >= memory_most) return derive("memory-limit", "default");
    c_.memory_limit = *bound_ / 2;
    derive("memory-limit", fmt::format("half of the cgroup limit of {}", format_size(*bound_)));
    if (c_.memory_limit < memory_least) {
      wrong(fmt::format("the container's memory limit of {} is too small; give it at least {}",
                        format_size(*bound_), format_size(2 * memory_least)));
    }
  }

  void request_limit() {
    if (!judged({"memory-limit", "request-limit"})) return;
    const std::size_t most = c_.memory_limit / 4;
    if (given("request-limit")) {
      if (c_.request_limit <= most) return;
      return wrong(fmt::format(
          "{}: {} is more than a quarter of the memory limit of {} ({}); set FORAGER_REQUEST_LIMIT "
          "to {} or less, or FORAGER_MEMORY_LIMIT to {} or more",
          place("request-limit"), format_size(c_.request_limit), format_size(c_.memory_limit),
          place("memory-limit"), format_size(most), format_size(c_.request_limit * 4)));
    }
    c_.request_limit = std::min(request_most, most);
    derive("request-limit", most < request_most ? fmt::format("a quarter of the memory limit of {}",
                                                              format_size(c_.memory_limit))
                                                : "default");
  }

  void journal_bytes() {
    if (!judged({"memory-limit", "journal-bytes"})) return;
    if (!given("journal-bytes") && c_.journal != JournalKind::memory) {
      return derive("journal-bytes", "1GiB on disk, half of the memory limit in memory");
    }
    if (!given("journal-bytes")) {
      c_.journal_bytes = c_.memory_limit / 2;
      return derive("journal-bytes",
                    fmt::format("half of the memory limit of {}", format_size(c_.memory_limit)));
    }
    if (c_.journal != JournalKind::memory || c_.journal_bytes <= c_.memory_limit) return;
    wrong(fmt::format(
        "{}: {} is more than the memory limit of {} ({}), and the journal is in "
        "memory; set FORAGER_JOURNAL_BYTES to {} or less, or leave it out",
        place("journal-bytes"), format_size(c_.journal_bytes), format_size(c_.memory_limit),
        place("memory-limit"), format_size(c_.memory_limit / 2)));
  }

  void ordered(std::string_view less, milliseconds a, std::string_view more, milliseconds b) {
    if (a <= b || !judged({less, more})) return;
    wrong(
        fmt::format("--{} ({}, {}) is longer than --{} ({}, {}); lower the first or raise the "
                    "second",
                    less, format_duration(a), place(less), more, format_duration(b), place(more)));
  }
  void times() {
    ordered("retry-initial", c_.retry_initial, "retry-max", c_.retry_max);
    ordered("stop-quiet", c_.stop_quiet, "stop-grace", c_.stop_grace);
  }

  static bool same_place(const Listen& a, const Listen& b) {
    if (a.off || b.off) return false;
    if (!a.unix_path.empty() || !b.unix_path.empty()) return a.unix_path == b.unix_path;
    const auto everywhere = [](const Listen& l) {
      return l.all_interfaces || l.host == "0.0.0.0" || l.host == "::";
    };
    return a.port == b.port && a.port != 0 && (a.host == b.host || everywhere(a) || everywhere(b));
  }
  void listeners() {
    struct One {
      std::string_view flag;
      const Listen& listen;
    };
    const std::array<One, 4> all{{{"otlp-http-listen", c_.otlp_http},
                                  {"otlp-grpc-listen", c_.otlp_grpc},
                                  {"admin-listen", c_.admin},
                                  {"xray-daemon-listen", c_.xray_daemon}}};
    if (!judged({all[0].flag, all[1].flag, all[2].flag, all[3].flag})) return;
    for (std::size_t i = 0; i < all.size(); ++i) {
      for (std::size_t j = i + 1; j < all.size(); ++j) {
        if (!same_place(all[i].listen, all[j].listen)) continue;
        wrong(
            fmt::format("--{} ({}, {}) and --{} ({}, {}) are the same address; give one of them "
                        "another port",
                        all[i].flag, format_listen(all[i].listen), place(all[i].flag), all[j].flag,
                        format_listen(all[j].listen), place(all[j].flag)));
      }
    }
    if (c_.otlp_http.off && c_.otlp_grpc.off) {
      wrong(
          fmt::format("both OTLP listeners are off ({}, {}), so nothing could come in; leave one "
                      "of them on",
                      place("otlp-http-listen"), place("otlp-grpc-listen")));
    }
  }

  /// One destination: whether it has what it needs, and what that is.
  struct Credential {
    std::string_view destination;
    bool set = false;
    std::string_view what;                ///< "a Honeycomb key is set"
    std::vector<std::string_view> flags;  ///< where it is from
    std::string_view need;                ///< what honeycomb needs, with the fix
  };
  std::vector<Credential> credentials() const {
    const bool key = !c_.honeycomb_key.empty() || !c_.honeycomb_key_file.empty();
    const bool aws = !c_.aws_credentials.empty() && !c_.aws_region.empty();
    const bool rollbar = !c_.rollbar_token.empty() || !c_.rollbar_token_file.empty();
    constexpr std::string_view region = "a region; set AWS_REGION";
    return {{"honeycomb",
             key || c_.key_policy != KeyPolicy::replace,
             key ? "a Honeycomb key is set" : "apps bring their own keys",
             {"honeycomb-api-key", "honeycomb-api-key-file", "key-policy"},
             "a key; set HONEYCOMB_API_KEY or HONEYCOMB_API_KEY_FILE"},
            {"xray", aws, "AWS credentials are set", {"aws-region"}, region},
            {"cloudwatch", aws, {}, {"aws-region"}, region},
            {"rollbar",
             rollbar,
             "a Rollbar token is set",
             {"rollbar-access-token", "rollbar-access-token-file"},
             "a token; set ROLLBAR_ACCESS_TOKEN or ROLLBAR_ACCESS_TOKEN_FILE"},
            {"otlp",
             !c_.otlp_endpoint.empty(),
             "an OTLP endpoint is set",
             {"otlp-endpoint"},
             "an address; set FORAGER_OTLP_ENDPOINT"}};
  }

  /// Nobody said who gets what: whoever has credentials.
  void automatic_destinations(const std::vector<Credential>& all) {
    std::string why;
    bool sure = true;
    for (const Credential& one : all) {
      for (const std::string_view flag : one.flags) sure = sure && judged({flag});
      if (!one.set) continue;
      c_.destinations.emplace_back(one.destination);
      if (!one.what.empty()) why += fmt::format("{}{}", why.empty() ? "" : ", ", one.what);
    }
    if (!c_.aws_credentials.empty() && c_.aws_region.empty() && judged({"aws-region"})) {
      warn(
          fmt::format("AWS credentials are set ({}) but no region: nothing goes to X-Ray and "
                      "CloudWatch Logs; set AWS_REGION, or FORAGER_DESTINATIONS if that is meant",
                      c_.aws_credentials));
    }
    if (!c_.destinations.empty()) return derive("destinations", why);
    c_.destinations = {"hive"};
    derive("destinations", "no key is set");
    if (!sure) return;
    warn(
        "no HONEYCOMB_API_KEY is set: telemetry goes to the local hive only, and stays on this "
        "machine");
  }

  Routes destinations() {
    const std::vector<Credential> all = credentials();
    const bool automatic = c_.destinations.empty();
    if (automatic) automatic_destinations(all);
    Routes routes = routes_of(c_.destinations);
    const auto used = routes.all();
    for (const Credential& one : all) {
      const bool wanted = std::ranges::find(used, one.destination) != used.end();
      const bool sound =
          std::ranges::all_of(one.flags, [&](std::string_view flag) { return judged({flag}); });
      const bool aws = one.destination == "xray" || one.destination == "cloudwatch";
      const bool complete = aws ? !c_.aws_region.empty() : one.set;
      if (wanted && !complete && sound) {
        wrong(fmt::format("{}: {} needs {}, or take {} out", place("destinations"), one.destination,
                          one.need, one.destination));
      }
      const bool ours = one.set && !one.what.empty() && one.what != "apps bring their own keys";
      if (!wanted && ours && judged({"destinations"})) {
        warn(fmt::format("{}, but no signal goes to {} ({})", sentence(one.what), one.destination,
                         place("destinations")));
      }
    }
    if (used.empty() && judged({"destinations"})) {
      warn(fmt::format("{}: no signal has a destination; everything is answered 200 and filtered",
                       place("destinations")));
    }
    for (const Signal signal : routes.forgotten) {
      warn(
          fmt::format("{0}: {1} have no destination and will be filtered; add {1}=honeycomb, or "
                      "{1}=none if that is meant",
                      place("destinations"), facts(signal).name));
    }
    if (std::ranges::find(used, "honeycomb") != used.end()) honeycomb_facts();
    plain_http(used);
    otlp_client();
    return routes;
  }
  static std::string sentence(std::string_view words) {
    std::string made(words);
    made[0] = made[0] == 'a' ? 'A' : made[0];
    return made;
  }

  /// Keys and telemetry in the clear, but to this machine.
  void plain_http(const std::vector<std::string>& used) {
    struct One {
      std::string_view destination;
      std::string_view flag;
      const std::string& endpoint;
    };
    for (const One& one : {One{"honeycomb", "honeycomb-api-endpoint", c_.honeycomb_endpoint},
                           One{"xray", "xray-endpoint", c_.xray_endpoint},
                           One{"cloudwatch", "cloudwatch-endpoint", c_.cloudwatch_endpoint},
                           One{"rollbar", "rollbar-endpoint", c_.rollbar_endpoint},
                           One{"otlp", "otlp-endpoint", c_.otlp_endpoint}}) {
      if (std::ranges::find(used, one.destination) == used.end()) continue;
      if (!one.endpoint.starts_with("http://") || one.endpoint.starts_with("http://localhost") ||
          one.endpoint.starts_with("http://127.") || one.endpoint.starts_with("http://[::1]")) {
        continue;
      }
      warn(fmt::format("{}: key and telemetry travel unencrypted over http; use https",
                       place(one.flag)));
    }
  }

  void otlp_client() {
    if (c_.otlp_certificate.empty() == c_.otlp_private_key.empty()) return;
    const bool key = c_.otlp_certificate.empty();
    wrong(fmt::format("{}: a client {} goes with its {}; set {} too, or leave both out",
                      place(key ? "otlp-client-key" : "otlp-client-certificate"),
                      key ? "key" : "certificate", key ? "certificate" : "key",
                      key ? "FORAGER_OTLP_CLIENT_CERTIFICATE" : "FORAGER_OTLP_CLIENT_KEY"));
  }

  void honeycomb_facts() {
    if (c_.honeycomb_key.empty() || !judged({"honeycomb-api-key", "honeycomb-api-key-file"}))
      return;
    const std::string from =
        place(c_.honeycomb_key_file.empty() ? "honeycomb-api-key" : "honeycomb-api-key-file");
    switch (kind_of(c_.honeycomb_key)) {
      case KeyKind::classic:
        // PROTOCOLS 2.3: without the dataset header a classic key's traces and metrics get 401.
        if (c_.honeycomb_dataset.empty() && c_.key_policy == KeyPolicy::replace) {
          wrong(
              fmt::format("{}: the key is a Honeycomb Classic key, which needs a dataset; set "
                          "HONEYCOMB_DATASET",
                          from));
        }
        return;
      case KeyKind::management:
        return wrong(
            fmt::format("{}: the key is a management key, which can't send telemetry; make "
                        "an ingest key in Honeycomb under Environment, API keys",
                        from));
      case KeyKind::unknown:
        return warn(
            fmt::format("{}: the key has none of the known shapes of Honeycomb keys; if "
                        "nothing arrives, look there first",
                        from));
      case KeyKind::configuration:
      case KeyKind::ingest:
        return;
    }
  }

  Gathered in_;
  Config& c_;
  std::optional<std::size_t> bound_;
};

}  // namespace

void throw_exception_from_error(const Errors& errors, const boost::source_location& /*where*/) {
  throw std::runtime_error(fmt::format("{}", fmt::join(errors.all, "\n")));
}

Outcome resolve(Gathered gathered, std::optional<std::size_t> memory_bound) {
  return Resolver(std::move(gathered), memory_bound).run();
}

}  // namespace forager::config
