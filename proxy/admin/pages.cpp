#include "admin/pages.h"

#include <array>

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
  if (ask.method != "GET" && ask.method != "HEAD") {
    Page page = text(405, "Only GET and HEAD: nothing can be changed here.\n");
    page.allow = "GET, HEAD";
    return page;
  }
  return std::nullopt;
}

}  // namespace

Page answer(const Ask& ask, const AdminSource& source, const HostPolicy& hosts) {
  if (auto refused = refusal(ask, hosts)) return *std::move(refused);
  const std::string_view path = ask.target.substr(0, ask.target.find('?'));
  const std::string_view query = ask.target.substr(std::min(ask.target.size(), path.size() + 1));
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
