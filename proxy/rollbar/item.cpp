#include "rollbar/item.h"

#include <algorithm>

#include <fmt/format.h>

#include "rollbar/truncate.h"

namespace forager::rollbar {
namespace {

using Kind = Occurrence::Kind;

// Lengths of PROTOCOLS 4.2, in characters.
constexpr std::size_t name_characters = 255;
constexpr std::size_t version_characters = 40;
constexpr std::size_t person_characters = 40;
// Longer text than that never fits.
constexpr std::size_t text_bytes_max = item_bytes_max;

std::string name_of(std::string_view text) {
  return std::string(first_characters(text, name_characters));
}

/// 0 for what can't be the time of an error (before 2001, after 2286): Rollbar takes its own then.
std::uint64_t seconds_of(std::uint64_t nanos) {
  constexpr std::uint64_t digits10_min = 1'000'000'000;
  const std::uint64_t seconds = nanos / 1'000'000'000;
  return seconds >= digits10_min && seconds < 10 * digits10_min ? seconds : 0;
}

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes.substr(0, 16)) {
    fmt::format_to(std::back_inserter(text), "{:02x}", static_cast<unsigned char>(c));
  }
  return text;
}

std::string_view first_of(std::initializer_list<std::string_view> texts) {
  for (const std::string_view text : texts) {
    if (!text.empty()) return text;
  }
  return {};
}

/// The attributes of one message, out of which those with a place of their own are taken.
class Bag {
 public:
  /// Of two with the same key the first counts.
  Bag(std::string_view message, std::uint32_t number) {
    Keys keys;
    each_attribute(message, number, [&](const Attribute& a) {
      if (keys.is_new(a.key)) all_.push_back(a);
    });
  }
  /// The string, which is then not among the rest; empty: there is none.
  std::string_view take(std::string_view key) {
    const auto at = find(key);
    if (at == all_.end()) return {};
    const std::string_view text = first_string_of(at->value);
    if (!text.empty()) all_.erase(at);
    return text;
  }
  std::string_view look(std::string_view key) {
    const auto at = find(key);
    return at == all_.end() ? std::string_view{} : first_string_of(at->value);
  }
  void drop(std::string_view prefix) {
    std::erase_if(all_, [&](const Attribute& a) { return a.key.starts_with(prefix); });
  }
  const std::vector<Attribute>& all() const { return all_; }

 private:
  std::vector<Attribute>::iterator find(std::string_view key) {
    return std::ranges::find(all_, key, &Attribute::key);
  }
  std::vector<Attribute> all_;
};

std::string_view language_of(std::string_view sdk) {
  return sdk == "nodejs" || sdk == "webjs" ? "javascript" : sdk;
}

void add_resource(Item& item, Bag& resource, const ItemRules& rules) {
  const std::string_view new_name = resource.take("deployment.environment.name");
  const std::string_view old_name = resource.take("deployment.environment");
  item.environment = name_of(first_of({new_name, old_name, rules.environment, "production"}));
  item.code_version = first_characters(
      first_of({resource.take("service.version"), rules.code_version}), version_characters);
  item.service = resource.take("service.name");
  const std::string_view host = resource.take("host.name");
  item.host = name_of(
      first_of({host, resource.look("container.id").substr(0, 12), resource.look("k8s.pod.name")}));
  item.language = name_of(language_of(resource.take("telemetry.sdk.language")));
  item.platform = name_of(resource.look("os.type"));
  item.root = rules.root;
  item.branch = first_of({resource.look("vcs.ref.head.name"), rules.branch});
  item.framework = name_of(rules.framework);
}

void add_headers(RequestFacts& request, Bag& from, const Scrub& scrub) {
  constexpr std::string_view prefix = "http.request.header.";
  for (const Attribute& a : from.all()) {
    if (!a.key.starts_with(prefix)) continue;
    const bool hidden = scrub.hides(a.key);
    request.headers.emplace_back(a.key.substr(prefix.size()),
                                 hidden ? scrubbed : first_string_of(a.value));
  }
  from.drop(prefix);
  const std::string_view agent = from.take("user_agent.original");
  const std::string_view old_agent = from.take("http.user_agent");
  if (const auto found = first_of({agent, old_agent}); !found.empty()) {
    request.headers.emplace_back("User-Agent", found);
  }
}

/// Semantic conventions of HTTP, old and new. The attributes are those of a server's span; a
/// client's span has the URL of its peer there, which is as useful.
void add_request(Item& item, Bag& from, const Scrub& scrub) {
  RequestFacts& request = item.request;
  const std::string_view full = from.take("url.full");
  const std::string_view old_url = from.take("http.url");
  const std::string_view url = first_of({full, old_url});
  const std::string_view query = from.take("url.query");
  request.query_string = scrub.query(query);
  if (!url.empty()) {
    request.url = scrub.url(url);
  } else if (const auto path = first_of({from.look("url.path"), from.look("http.target")});
             !path.empty()) {
    const auto host =
        first_of({from.look("server.address"), from.look("http.host"), from.look("net.host.name")});
    const auto scheme = first_of({from.look("url.scheme"), from.look("http.scheme"), "http"});
    std::string made =
        host.empty() ? std::string(path) : fmt::format("{}://{}{}", scheme, host, path);
    if (!query.empty()) made.append("?").append(query);
    request.url = scrub.url(made);
  }
  const std::string_view method = from.take("http.request.method");
  request.method = name_of(first_of({method, from.take("http.method")}));
  const std::string_view client = from.take("client.address");
  request.user_ip = name_of(first_of({client, from.take("http.client_ip")}));
  add_headers(request, from, scrub);
}

void add_person(Item& item, Bag& from) {
  const std::string_view id = first_of({from.look("user.id"), from.look("enduser.id")});
  // A shortened id could be somebody else's.
  if (id.empty() || first_characters(id, person_characters).size() != id.size()) return;
  item.person = {std::string(id), name_of(from.look("user.name")),
                 name_of(from.look("user.email"))};
}

/// Python's SDK shortens exceptions of log records: no module of the class, and of the arguments
/// only the first. The traceback says it all; it is believed where it says more of the same.
void prefer_python(const Stack& told, std::vector<Exception>& chain) {
  if (!told.parsed || told.chain.empty() || chain.empty()) return;
  const Exception& full = told.chain.front();
  Exception& first = chain.front();
  const bool same = full.type == first.type || full.type.ends_with("." + first.type);
  if (!same || full.message.find(first.message) == std::string::npos) return;
  first.type = full.type;
  first.message = full.message;
}

void add_exception(Item& item, const Occurrence& error, std::string_view sdk, Bag& own, Bag& span) {
  const auto type = first_of({error.type, own.look("error.type"), span.look("error.type")});
  const std::string_view stacktrace = first_bytes(error.stacktrace, 2 * text_bytes_max);
  Stack stack = parse_stack(sdk, stacktrace, type, error.message);
  if (error.signal == Signal::logs && sdk == "python") {
    prefer_python(parse_stack(sdk, stacktrace, {}, {}), stack.chain);
  }
  if (!stack.parsed) item.stacktrace = stacktrace;
  item.chain = std::move(stack.chain);
  if (item.chain.empty()) item.chain.push_back({std::string(type), std::string(error.message), {}});
  for (Exception& each : item.chain) {
    if (each.type.empty()) each.type = "Error";
    each.type = name_of(each.type);
    if (each.frames.empty()) each.frames.push_back({"<unknown>", {}, {}, {}, {}, {}});
  }
}

void add_message(Item& item, const Occurrence& error, std::string words) {
  item.message = true;
  if (error.kind == Kind::span_error) {
    item.text = error.message.empty() ? std::string(error.name)
                                      : fmt::format("{}: {}", error.name, error.message);
  } else {
    item.text = words.empty() ? std::string(error.name) : std::move(words);
  }
  if (item.text.empty()) item.text = "an error without words";
}

}  // namespace

std::string_view level_of(const Occurrence& error) {
  if (error.signal != Signal::logs || error.severity == 0) return "error";
  if (error.severity >= severity_fatal) return "critical";
  if (error.severity >= severity_error) return "error";
  if (error.severity >= 13) return "warning";
  return error.severity >= 9 ? "info" : "debug";
}

Item make_item(const Occurrence& error, const Envelope& around, const ItemRules& rules,
               const Scrub& scrub, std::uint64_t held_back) {
  Item item;
  const bool is_log = error.signal == Signal::logs;
  Bag resource(around.resource, 1);
  Bag own(is_log ? error.item : error.event, is_log ? 6 : 3);
  Bag span(is_log ? std::string_view{} : error.item, 9);
  item.level = level_of(error);
  item.timestamp = seconds_of(error.time);
  item.held_back = held_back;
  const std::string_view sdk = resource.look("telemetry.sdk.language");
  const std::string_view instance = resource.look("service.instance.id");
  add_resource(item, resource, rules);
  item.uuid = uuid_of(error, item.service, instance, item.host);

  std::string words = words_of(error.body, text_bytes_max, scrub);
  if (error.kind == Kind::exception) {
    add_exception(item, error, sdk, own, span);
    own.drop("exception.");
    if (words != error.message) item.description = std::move(words);
    if (item.description.empty()) item.description = item.chain.front().description;
  } else {
    add_message(item, error, std::move(words));
  }
  Bag& about_request = is_log ? own : span;
  add_request(item, about_request, scrub);
  add_person(item, about_request);

  item.trace_id = hex(error.trace_id);
  item.span_id = hex(error.span_id);
  item.scope = name_of(bytes_field(around.scope, 1));
  item.span = is_log ? std::string() : name_of(error.name);
  item.severity = is_log ? name_of(bytes_field(error.item, 3)) : std::string();
  item.context = name_of(first_of({item.span, about_request.look("http.route"), item.scope}));
  item.attributes = own.all();
  item.span_attributes = span.all();
  item.resource = resource.all();
  return item;
}

}  // namespace forager::rollbar
