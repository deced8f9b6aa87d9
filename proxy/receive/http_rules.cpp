#include "receive/http_rules.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace forager::receive {
namespace {

using ledger::Reason;

/// Without query and without the scheme and host of an absolute form (RFC 9112, 3.2.2).
std::string_view path_of(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!target.starts_with(scheme)) continue;
    const std::size_t slash = target.find('/', scheme.size());
    target = slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  return target.substr(0, target.find_first_of("?#"));
}

/// A path as it may stand in a message: short and printable.
std::string shown(std::string_view path) {
  std::string text(path.substr(0, 80));
  std::replace_if(text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

/// The mistakes people make with OTEL_EXPORTER_OTLP_ENDPOINT (PROTOCOLS 1.8) and with the two
/// ports.
std::string hint_for(std::string_view path) {
  if (path == "/" || path.empty()) {
    return "; a per-signal endpoint (OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) is used as it is: give it "
           "the path too";
  }
  if (path.starts_with("/opentelemetry.proto."))
    return "; this is a gRPC method, and gRPC is on port 4317";
  if (path.starts_with("/v1development/profiles")) return "; profiles are not taken yet";
  for (const Signal signal : otlp_signals) {
    const std::string_view right = facts(signal).http_path;
    const std::size_t found = path.find(right);
    if (path == right.substr(0, right.size() - 1) ||
        (found == 0 && path.substr(right.size()) == "/")) {
      return fmt::format("; did you mean {}?", right);
    }
    if (found != std::string_view::npos && path.find(right, found + 1) != std::string_view::npos) {
      return fmt::format("; {} is there twice: OTEL_EXPORTER_OTLP_ENDPOINT is a base, without it",
                         right);
    }
    if (found != std::string_view::npos && path.ends_with(right)) {
      return "; the endpoint's own path must go: http://host:port alone is the base";
    }
  }
  return {};
}

bool allowed(const std::string& origin, const Origins& origins) {
  return std::any_of(origins.begin(), origins.end(),
                     [&](const std::string& o) { return o == "*" || o == origin; });
}

Turned unknown_path(const Head& head, std::string_view path) {
  Turned turned{.status = 404};
  turned.encoding = head.encoding.value_or(otlp::Encoding::json);
  turned.message = fmt::format("nothing is at {}; OTLP/HTTP is POST to {}, {} or {}{}", shown(path),
                               signal_table[0].http_path, signal_table[1].http_path,
                               signal_table[2].http_path, hint_for(path));
  return turned;
}

Turned preflight(const Head& head) {
  Turned turned{.status = 204};
  turned.bodiless = true;
  turned.fields = "Access-Control-Allow-Methods: POST\r\nAccess-Control-Max-Age: 7200\r\n";
  if (!head.requested_headers.empty()) {
    turned.fields += "Access-Control-Allow-Headers: " + head.requested_headers + "\r\n";
  }
  return turned;
}

/// Refusals of a POST to a signal's path, in the order in which they are looked for.
std::optional<Turned> refusal(const Head& head, std::size_t limit) {
  const auto turned = [&](int status, Reason reason, std::string message, std::string fields = {}) {
    Turned made{.status = status, .message = std::move(message), .fields = std::move(fields)};
    made.encoding = head.encoding.value_or(otlp::Encoding::json);
    made.reason = reason;
    return made;
  };
  if (!head.encoding) {
    return turned(
        415, Reason::unsupported_media_type,
        head.media_seen
            ? "this Content-Type is not taken; OTLP/HTTP is application/x-protobuf or "
              "application/json"
            : "there is no Content-Type; OTLP/HTTP is application/x-protobuf or application/json",
        "Accept: application/x-protobuf, application/json\r\n");
  }
  if (!head.coding) {
    return turned(415, Reason::unsupported_encoding,
                  "this Content-Encoding is not taken; use gzip, zstd, deflate or none",
                  "Accept-Encoding: gzip, zstd, deflate\r\n");
  }
  if (head.expects_other) {
    return turned(417, Reason::malformed, "of Expect only 100-continue is known");
  }
  if (head.transfer_unknown) {
    return turned(501, Reason::unsupported_encoding,
                  "of Transfer-Encoding only chunked is taken; compress with Content-Encoding");
  }
  if (!head.length && !head.chunked) {
    return turned(411, Reason::malformed,
                  "a POST needs Content-Length or Transfer-Encoding: chunked");
  }
  if (head.length.value_or(0) > limit) {
    return turned(413, Reason::too_large,
                  fmt::format("the request has {} bytes and the limit is {} "
                              "(FORAGER_REQUEST_LIMIT); send smaller batches",
                              *head.length, limit));
  }
  return std::nullopt;
}

}  // namespace

std::variant<Take, Turned> decide(const Head& head, std::size_t limit, const Origins& origins) {
  const std::string_view path = path_of(head.target);
  const std::optional<Signal> signal = signal_of_path(path);
  if (!signal) return unknown_path(head, path);
  const bool browser = !head.origin.empty() && allowed(head.origin, origins);
  if (head.method == Method::options && head.preflight && browser) return preflight(head);
  if (head.method != Method::post) {
    Turned turned{.status = 405};
    turned.encoding = head.encoding.value_or(otlp::Encoding::json);
    turned.message = fmt::format("{} takes POST only", path);
    turned.fields = origins.empty() ? "Allow: POST\r\n" : "Allow: POST, OPTIONS\r\n";
    return turned;
  }
  if (auto refused = refusal(head, limit)) {
    refused->signal = signal;
    return *std::move(refused);
  }
  return Take{*signal, *head.encoding, *head.coding};
}

std::string cors_fields(const Head& head, const Origins& origins) {
  if (origins.empty()) return {};
  // caches must know that the answer depends on who asks, also when the answer is no
  if (head.origin.empty() || !allowed(head.origin, origins)) return "Vary: Origin\r\n";
  return fmt::format("Access-Control-Allow-Origin: {}\r\nVary: Origin\r\n", head.origin);
}

}  // namespace forager::receive
