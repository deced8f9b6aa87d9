// Realistic request bodies for the bench: HTTP-server spans of about 526 bytes with 12 attributes
// under a resource of 8, random ids and paths so that compression is honest.
#pragma once

#include <cstdint>
#include <random>
#include <string>

#include <fmt/format.h>
#include <protozero/pbf_writer.hpp>

namespace bench {

class Payload {
 public:
  explicit Payload(std::uint64_t seed) : random_(seed) {}

  /// An ExportTraceServiceRequest with that many spans.
  std::string traces(unsigned spans) {
    std::string body;
    protozero::pbf_writer request(body);
    protozero::pbf_writer resource_spans(request, 1);
    {
      protozero::pbf_writer resource(resource_spans, 1);
      text(resource, 1, "service.name", "checkout");
      text(resource, 1, "service.namespace", "shop");
      text(resource, 1, "service.version", "2.14.3");
      text(resource, 1, "deployment.environment.name", "production");
      text(resource, 1, "telemetry.sdk.name", "opentelemetry");
      text(resource, 1, "telemetry.sdk.language", "python");
      text(resource, 1, "telemetry.sdk.version", "1.45.1");
      text(resource, 1, "host.name", "checkout-6d5f9c8b7-x2vqj");
    }
    protozero::pbf_writer scope_spans(resource_spans, 2);
    {
      protozero::pbf_writer scope(scope_spans, 1);
      scope.add_string(1, "opentelemetry.instrumentation.flask");
      scope.add_string(2, "0.66b1");
    }
    for (unsigned i = 0; i < spans; ++i) span(scope_spans);
    return body;
  }

 private:
  static void text(protozero::pbf_writer& to, unsigned field, const char* key,
                   const std::string& value) {
    protozero::pbf_writer attribute(to, field);
    attribute.add_string(1, key);
    protozero::pbf_writer any(attribute, 2);
    any.add_string(1, value);
  }
  static void number(protozero::pbf_writer& to, unsigned field, const char* key,
                     std::int64_t value) {
    protozero::pbf_writer attribute(to, field);
    attribute.add_string(1, key);
    protozero::pbf_writer any(attribute, 2);
    any.add_int64(3, value);
  }
  std::string bytes(unsigned count) {
    std::string made(count, '\0');
    for (char& c : made) c = static_cast<char>(random_() & 0xffU);
    return made;
  }
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }

  void span(protozero::pbf_writer& scope_spans) {
    static constexpr const char* routes[] = {"/api/v1/users/{id}", "/api/v1/orders/{id}/items",
                                             "/api/v2/search/{id}", "/cart/{id}/checkout"};
    static constexpr const char* agents[] = {
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/129.0.0.0", "okhttp/4.12.0",
        "python-requests/2.32.3"};
    const std::string route = routes[below(4)];
    protozero::pbf_writer one(scope_spans, 2);
    one.add_bytes(1, bytes(16));
    one.add_bytes(2, bytes(8));
    one.add_bytes(4, bytes(8));
    one.add_string(5, "GET " + route);
    one.add_enum(6, 2);
    const std::uint64_t start = 1795384308155000000ULL + below(1'000'000'000'000ULL);
    one.add_fixed64(7, start);
    one.add_fixed64(8, start + 1'000'000 + below(400'000'000));
    text(one, 9, "http.request.method", "GET");
    text(one, 9, "url.path", fmt::format("/api/v1/things/{}", below(10'000'000)));
    text(one, 9, "url.scheme", "https");
    text(one, 9, "http.route", route);
    number(one, 9, "http.response.status_code", below(20) == 0 ? 500 : 200);
    text(one, 9, "server.address", "checkout.shop.svc.cluster.local");
    number(one, 9, "server.port", 8080);
    text(one, 9, "client.address", fmt::format("10.{}.{}.{}", below(256), below(256), below(256)));
    text(one, 9, "user_agent.original", agents[below(3)]);
    text(one, 9, "network.protocol.version", "1.1");
    text(one, 9, "enduser.id", fmt::format("{}", below(1'000'000)));
    text(one, 9, "app.request_id", fmt::format("{:016x}", random_()));
    one.add_fixed32(16, 0x101);
  }

  std::mt19937_64 random_;
};

}  // namespace bench
