#include "demo/story.h"

#include <utility>

#include <fmt/format.h>

namespace forager::demo {

namespace {

enum Service : std::uint8_t { web, checkout, payments };
constexpr std::array<std::string_view, 3> service_names{"web-frontend", "checkout", "payments"};
constexpr std::array<std::string_view, 3> service_versions{"4.12.0", "2.3.1", "1.9.4"};

/// Microseconds from the start of the trace. Children lie within their parents, siblings follow one
/// another.
struct Scene {
  Service service;
  int parent;  ///< index of the parent's scene; -1 for the root
  std::string_view name;
  Kind kind;
  std::uint32_t start_us;
  std::uint32_t end_us;
  std::string_view error;
};
enum SceneIndex : std::uint8_t {
  root,
  session,
  call_checkout,
  orders,
  cart_items,
  insert_order,
  call_payments,
  charges,
  customers,
  charge_card,
  call_gateway,
  publish
};
constexpr std::array<Scene, 12> scenes{{
    {web, -1, "POST /cart/checkout", Kind::server, 0, 412'000, "checkout failed"},
    {web, root, "GET", Kind::client, 4'200, 6'900, ""},
    {web, root, "POST", Kind::client, 11'000, 405'000, "checkout answered 502"},
    {checkout, call_checkout, "POST /orders", Kind::server, 13'500, 402'000, "payment failed"},
    {checkout, orders, "SELECT shop.cart_items", Kind::client, 16'000, 27'500, ""},
    {checkout, orders, "INSERT shop.orders", Kind::client, 29'000, 41'000, ""},
    {checkout, orders, "POST", Kind::client, 44'000, 371'000, "payments answered 503"},
    {payments, call_payments, "POST /charges", Kind::server, 46'000, 369'000,
     "card gateway timed out"},
    {payments, charges, "SELECT payments.customers", Kind::client, 49'000, 56'000, ""},
    {payments, charges, "charge card", Kind::internal, 58'000, 366'000, "card gateway timed out"},
    {payments, charge_card, "POST", Kind::client, 61'000, 364'500, "read timed out after 300 ms"},
    {checkout, orders, "send order-events", Kind::producer, 374'000, 381'000, ""},
}};

constexpr std::string_view exception_type = "java.net.SocketTimeoutException";
constexpr std::string_view exception_message =
    "Read timed out after 300 ms: gateway.example.com:443";
constexpr std::string_view exception_stack =
    "java.net.SocketTimeoutException: Read timed out after 300 ms: gateway.example.com:443\n"
    "\tat com.example.payments.GatewayClient.post(GatewayClient.java:88)\n"
    "\tat com.example.payments.ChargeService.chargeCard(ChargeService.java:41)\n"
    "\tat com.example.payments.ChargeController.create(ChargeController.java:27)";

Attribute text(std::string_view key, std::string_view value) { return {key, std::string(value)}; }
Attribute number(std::string_view key, std::int64_t value) { return {key, value}; }

Attributes exception_attributes() {
  return {text("exception.type", exception_type), text("exception.message", exception_message),
          text("exception.stacktrace", exception_stack)};
}

Attributes http_server(std::string_view route, std::string_view host, std::int64_t status) {
  return {text("http.request.method", "POST"),
          text("url.scheme", "http"),
          text("url.path", route),
          text("http.route", route),
          text("server.address", host),
          number("server.port", 8080),
          text("network.protocol.version", "1.1"),
          number("http.response.status_code", status),
          text("error.type", std::to_string(status))};
}

Attributes http_client(std::string_view url, std::string_view host, std::int64_t port,
                       std::int64_t status) {
  Attributes all{text("http.request.method", "POST"), text("url.full", url),
                 text("server.address", host), number("server.port", port),
                 text("network.protocol.version", "1.1")};
  if (status != 0) {
    all.push_back(number("http.response.status_code", status));
    all.push_back(text("error.type", std::to_string(status)));
  } else {
    all.push_back(text("error.type", exception_type));
  }
  return all;
}

Attributes database(std::string_view operation, std::string_view table, std::string_view query) {
  return {text("db.system.name", "postgresql"), text("db.namespace", "shop"),
          text("db.operation.name", operation), text("db.collection.name", table),
          text("db.query.text", query),         text("server.address", "db.shop.internal"),
          number("server.port", 5432)};
}

Attributes attributes_of(std::size_t scene) {
  switch (scene) {
    case root:
      return http_server("/cart/checkout", "shop.example.com", 502);
    case session:
      return {text("db.system.name", "redis"), text("db.operation.name", "GET"),
              text("db.query.text", "GET session:?"),
              text("server.address", "sessions.shop.internal"), number("server.port", 6379)};
    case call_checkout:
      return http_client("http://checkout:8080/orders", "checkout", 8080, 502);
    case orders:
      return http_server("/orders", "checkout", 502);
    case cart_items:
      return database("SELECT", "cart_items",
                      "SELECT sku, quantity, price FROM cart_items WHERE cart_id = $1");
    case insert_order:
      return database("INSERT", "orders",
                      "INSERT INTO orders (cart_id, total, state) VALUES ($1, $2, $3)");
    case call_payments:
      return http_client("http://payments:8080/charges", "payments", 8080, 503);
    case charges:
      return http_server("/charges", "payments", 503);
    case customers:
      return database("SELECT", "customers", "SELECT gateway_token FROM customers WHERE id = $1");
    case charge_card:
      return {text("payment.provider", "example-pay"),
              text("payment.currency", "EUR"),
              {"payment.amount", 59.90},
              text("error.type", exception_type)};
    case call_gateway:
      return http_client("https://gateway.example.com/v1/charges", "gateway.example.com", 443, 0);
    case publish:
      return {text("messaging.system", "kafka"),
              text("messaging.operation.name", "send"),
              text("messaging.operation.type", "send"),
              text("messaging.destination.name", "order-events"),
              text("messaging.destination.partition.id", "3"),
              number("messaging.message.body.size", 412)};
    default:
      return {};
  }
}

/// Never all zero, which would be no id (PROTOCOLS 1.6).
std::string random_bytes(std::size_t size, std::mt19937_64& random) {
  std::string id;
  while (id.size() < size) {
    std::uint64_t bits = random();
    for (int i = 0; i < 8; ++i, bits >>= 8U) id += static_cast<char>(bits & 0xFFU);
  }
  id.resize(size);
  id.back() = static_cast<char>(id.back() | 1);
  return id;
}

std::string hex(std::string_view bytes) {
  std::string digits;
  for (const char c : bytes) digits += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return digits;
}

std::vector<Attributes> services(std::mt19937_64& random) {
  std::vector<Attributes> all;
  for (const Service service : {web, checkout, payments}) {
    all.push_back(
        {text("service.name", service_names[service]), text("service.namespace", "shop"),
         text("service.version", service_versions[service]),
         text("service.instance.id", hex(random_bytes(8, random))),
         text("deployment.environment.name", "demo"), text("telemetry.sdk.name", "forager-demo"),
         text("telemetry.sdk.language", "cpp"), text("telemetry.sdk.version", FORAGER_VERSION)});
  }
  return all;
}

/// Turns offsets of the scenes into points in time; one factor for all keeps every child within its
/// parent.
struct Clock {
  std::uint64_t start_nanos;
  double pace;
  std::uint64_t at(std::uint32_t us) const {
    return start_nanos + static_cast<std::uint64_t>(pace * 1'000.0 * us);
  }
};

std::vector<Span> spans(const Clock& clock, std::mt19937_64& random) {
  std::vector<Span> all;
  for (std::size_t i = 0; i < scenes.size(); ++i) {
    const Scene& scene = scenes[i];
    Span span;
    span.service = scene.service;
    span.id = random_bytes(8, random);
    if (scene.parent >= 0) {
      const Span& parent = all[static_cast<std::size_t>(scene.parent)];
      span.parent_id = parent.id;
      span.parent_is_remote = parent.service != span.service;
    }
    span.name = scene.name;
    span.kind = scene.kind;
    span.start_nanos = clock.at(scene.start_us);
    span.end_nanos = clock.at(scene.end_us);
    span.attributes = attributes_of(i);
    span.error = scene.error;
    if (i == charge_card)
      span.events.push_back({clock.at(365'500), "exception", exception_attributes()});
    all.push_back(std::move(span));
  }
  return all;
}

std::vector<Log> logs(const Clock& clock, const std::vector<Span>& spans, std::int64_t order) {
  constexpr std::uint32_t info = 9;
  constexpr std::uint32_t warn = 13;
  constexpr std::uint32_t error = 17;
  const Attributes about{number("order.id", order)};
  std::vector<Log> all{
      {web,
       spans[root].id,
       clock.at(1'200),
       info,
       "INFO",
       "checkout started, 3 items in the cart",
       "",
       {}},
      {checkout, spans[orders].id, clock.at(42'500), info, "INFO",
       fmt::format("order {} created", order), "", about},
      {payments, spans[charge_card].id, clock.at(59'000), info, "INFO",
       fmt::format("charging 59.90 EUR for order {}", order), "", about},
      {payments, spans[charge_card].id, clock.at(365'800), error, "ERROR",
       fmt::format("card gateway timed out, order {} is not paid", order), "exception",
       exception_attributes()},
      {checkout, spans[orders].id, clock.at(372'000), warn, "WARN",
       fmt::format("payment failed, order {} waits for another try", order), "", about},
      {web,
       spans[root].id,
       clock.at(408'000),
       warn,
       "WARN",
       "checkout answered 502, showing the retry page",
       "",
       {}},
  };
  return all;
}

std::vector<Metric> metrics(const Clock& clock) {
  const double took = static_cast<double>(clock.at(412'000) - clock.start_nanos) / 1e9;
  const auto request = [](std::string_view method, std::string_view route, std::int64_t status) {
    return Attributes{text("http.request.method", method), text("http.route", route),
                      number("http.response.status_code", status), text("url.scheme", "http")};
  };
  return {
      {web,
       Metric::Kind::histogram,
       "http.server.request.duration",
       "Duration of HTTP server requests.",
       "s",
       {{request("POST", "/cart/checkout", 502), 0, {took}},
        {request("GET", "/cart", 200), 0, {0.0041, 0.0083, 0.0127, 0.0318, 0.0064}}}},
      {checkout,
       Metric::Kind::sum,
       "checkout.orders",
       "Orders by outcome.",
       "{order}",
       {{{text("outcome", "created")}, 17, {}}, {{text("outcome", "failed")}, 1, {}}}},
      {checkout,
       Metric::Kind::gauge,
       "checkout.carts.open",
       "Carts that wait for their checkout.",
       "{cart}",
       {{{}, 23, {}}}},
  };
}

}  // namespace

Story tell(WallTime now, std::mt19937_64& random) {
  std::uniform_real_distribution<double> pace(0.8, 1.3);
  std::uniform_int_distribution<std::int64_t> order(10'000, 99'999);
  Story story;
  story.trace_id = random_bytes(16, random);
  story.end_nanos = unix_nanos(now);
  story.begin_nanos = story.end_nanos - 60'000'000'000U;
  Clock clock{story.end_nanos, pace(random)};
  clock.start_nanos -= clock.at(scenes[root].end_us) - story.end_nanos;
  story.services = services(random);
  story.spans = spans(clock, random);
  story.logs = logs(clock, story.spans, order(random));
  story.metrics = metrics(clock);
  return story;
}

}  // namespace forager::demo
