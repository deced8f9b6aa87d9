#include "admin/pages.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>

#include "admin/render.h"

namespace forager::admin {

namespace {

constexpr std::string_view text_type = "text/plain; charset=utf-8";
constexpr std::string_view json_type = "application/json";
constexpr std::string_view metrics_type = "text/plain; version=0.0.4; charset=utf-8";

Page text(int status, std::string_view words) {
  return {status, std::string(text_type), std::string(words), {}};
}
Page json(std::string body) { return {200, std::string(json_type), std::move(body), {}}; }

struct Visit {
  std::string_view query;
  std::string_view accept;
  const AdminSource& source;
};

/// Reached at all means live: the thread that answers is the one that does everything.
Page livez(const Visit& /*visit*/) { return text(200, "live\n"); }

Page readyz(const Visit& visit) {
  const Phase phase = visit.source.phase();
  if (phase == Phase::serving) return text(200, "ready\n");
  return text(503, std::string("not ready: ") + std::string(name(phase)) + "\n");
}

Page healthz(const Visit& visit) {
  Page page = readyz(visit);
  page.body.insert(0, "live\n");
  return page;
}

Page status(const Visit& visit) { return json(render_status(visit.source.status())); }

bool has_parameter(std::string_view query, std::string_view wanted) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    if (pair == wanted) return true;
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
  }
  return false;
}

Page ledger_page(const Visit& visit) {
  const bool as_text = has_parameter(visit.query, "format=text") ||
                       (visit.accept.find("text/plain") != std::string_view::npos &&
                        !has_parameter(visit.query, "format=json"));
  const AdminSource& source = visit.source;
  if (as_text) return text(200, render_ledger_text(source.ledger(), source.held));
  return json(render_ledger(source.ledger(), source.held));
}

Page metrics(const Visit& visit) {
  const AdminSource& source = visit.source;
  return {200,
          std::string(metrics_type),
          render_metrics(source.status(), source.ledger(), source.held),
          {}};
}

Page recent(const Visit& visit) {
  if (!visit.source.recent) {
    return text(404, "The hive is not running: add \"hive\" to FORAGER_DESTINATIONS.\n");
  }
  auto list = visit.source.recent(visit.query);
  return list ? json(std::move(*list) + "\n") : text(400, list.error().what + "\n");
}

struct Route {
  std::string_view path;
  Page (*page)(const Visit&);
  std::string_view what;
};
constexpr std::array<Route, 7> routes{{
    {"/livez", livez, "200 while the process works"},
    {"/readyz", readyz, "200 while it takes telemetry, 503 while it starts or drains"},
    {"/healthz", healthz, "both"},
    {"/status", status, "journal, memory, listeners and destinations (JSON)"},
    {"/ledger", ledger_page, "where every item is (JSON; ?format=text for a table)"},
    {"/metrics", metrics, "for Prometheus"},
    {"/hive/recent", recent, "the last requests (JSON; ?limit=N&signal=traces)"},
}};

std::string path_list() {
  std::string list = "Forager answers at:\n";
  for (const Route& route : routes) {
    list += "  ";
    list += route.path;
    list.append(14 - route.path.size(), ' ');
    list += route.what;
    list += '\n';
  }
  return list;
}

std::optional<Page> refusal(const Ask& ask, const HostPolicy& hosts) {
  if (!ask.host && !hosts.any) return text(400, "A request needs exactly one Host header.\n");
  const std::string_view host = ask.host.value_or("");
  if (!host_allowed(host, hosts)) {
    return text(
        421,
        "Forager does not answer to this host name, so that no web page can point its own name "
        "here. Ask as localhost or by IP address.\n");
  }
  if (!origin_allowed(ask.origin, host)) {
    return text(403, "Forager does not answer web pages of other origins.\n");
  }
  return std::nullopt;
}

/// The paths that change something.
bool is_change(std::string_view path) {
  return path == "/journal/drop" || path == "/journal/release" ||
         path == "/journal/quarantined/replay" || path == "/journal/quarantined/drop";
}

Page not_allowed(std::string_view methods, std::string_view why) {
  Page page = text(405, why);
  page.allow = methods;
  return page;
}

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    const char* const end = text.data() + i + 3;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(text.data() + i + 1, end, value, 16).ptr == end) {
      out += static_cast<char>(value);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::optional<std::string> parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=')
      return decoded(pair.substr(name.size() + 1));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
  }
  return std::nullopt;
}

/// nullopt: it is none.
std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || at != end) return std::nullopt;
  return number;
}

Page change_quarantined(std::string_view path, std::string_view query, const AdminSource& source) {
  if (!source.change_quarantined) return text(404, "There is no journal to change.\n");
  QuarantineChange wanted;
  wanted.replay = path == "/journal/quarantined/replay";
  wanted.destination = parameter(query, "destination").value_or("");
  const auto after = number_in(parameter(query, "after").value_or("0"));
  if (!after) return text(400, "after= is a number.\n");
  wanted.after = *after;
  const std::string numbers = parameter(query, "numbers").value_or("");
  for (std::string_view rest = numbers; !rest.empty();) {
    const std::string_view one = rest.substr(0, rest.find(','));
    const auto number = number_in(one);
    if (!number) return text(400, "numbers= has numbers with commas between them.\n");
    wanted.numbers.push_back(*number);
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
  }
  auto done = source.change_quarantined(wanted);
  return done ? json(std::move(*done)) : text(409, done.error().what + "\n");
}

/// Bodies of apps: for this machine alone, and no page.
Page quarantined(const Ask& ask, std::string_view query, const AdminSource& source) {
  if (ask.method != "GET") return not_allowed("GET", "Only GET: nothing can be changed here.\n");
  if (ask.origin || ask.by_page || !ask.local)
    return text(403, "Shown to forager journal on this machine only.\n");
  if (!source.quarantined) return text(404, "There is no journal.\n");
  const auto after = number_in(parameter(query, "after").value_or("0"));
  if (!after) return text(400, "after= is a number.\n");
  return {200, "application/x-ndjson", source.quarantined(*after), {}};
}

/// Only for `forager journal` on this machine: no page of any origin, and nobody else on the
/// network, may give data up.
Page change(const Ask& ask, std::string_view path, std::string_view query,
            const AdminSource& source) {
  if (ask.method != "POST") return not_allowed("POST", "Only POST: this changes something.\n");
  if (ask.origin || ask.by_page) return text(403, "Web pages may not change anything here.\n");
  if (!ask.local) {
    return text(403,
                "Changes are taken from this machine only: run forager journal beside Forager, in "
                "its container.\n");
  }
  if (path.starts_with("/journal/quarantined/")) return change_quarantined(path, query, source);
  if (!source.change) return text(404, "There is no journal to change.\n");
  JournalChange wanted;
  wanted.release = path == "/journal/release";
  const auto destination = parameter(query, "destination");
  if (!destination || destination->empty()) return text(400, "destination=NAME is missing.\n");
  wanted.destination = *destination;
  if (const auto before = parameter(query, "before")) {
    std::uint64_t nanos = 0;
    const char* const end = before->data() + before->size();
    const auto [at, error] = std::from_chars(before->data(), end, nanos);
    if (error != std::errc{} || at != end || nanos > INT64_MAX)
      return text(400, "before= is in nanoseconds since 1970.\n");
    wanted.before = WallTime(std::chrono::nanoseconds(static_cast<std::int64_t>(nanos)));
  }
  auto done = source.change(wanted);
  return done ? json(std::move(*done)) : text(409, done.error().what + "\n");
}

}  // namespace

Page answer(const Ask& ask, const AdminSource& source, const HostPolicy& hosts) {
  if (auto refused = refusal(ask, hosts)) return *std::move(refused);
  const std::string_view path = ask.target.substr(0, ask.target.find('?'));
  const std::string_view query = ask.target.substr(std::min(ask.target.size(), path.size() + 1));
  if (path == "/journal/quarantined") return quarantined(ask, query, source);
  if (is_change(path)) return change(ask, path, query, source);
  if (ask.method != "GET" && ask.method != "HEAD")
    return not_allowed("GET, HEAD", "Only GET and HEAD: nothing can be changed here.\n");
  for (const Route& route : routes) {
    if (route.path == path) return route.page({query, ask.accept, source});
  }
  return text(404, path_list());
}

std::vector<std::pair<std::string_view, std::string_view>> guard_headers() {
  return {{"Content-Security-Policy",
           "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
          {"X-Content-Type-Options", "nosniff"},
          {"Cache-Control", "no-store"},
          {"Referrer-Policy", "no-referrer"},
          {"Cross-Origin-Resource-Policy", "same-origin"}};
}

}  // namespace forager::admin
