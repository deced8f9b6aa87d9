#include "destination/otlp_http.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "destination/verdict.h"
#include "otlp/encoding.h"

namespace forager::destination {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

OtlpHttpDestination::OtlpHttpDestination(OtlpHttpConfig config) : config_(std::move(config)) {}

bool OtlpHttpDestination::takes(Signal signal) const {
  return config_.routed[static_cast<std::size_t>(signal)] && !facts(signal).http_path.empty();
}

bool OtlpHttpDestination::takes_codec(Signal /*signal*/, Codec codec) const {
  if (codec == Codec::zstd) return config_.zstd;
  return codec == Codec::none || config_.gzip;
}

net::Request OtlpHttpDestination::encode(const Encoded& batch) const {
  const std::string& own = config_.paths[static_cast<std::size_t>(batch.signal)];
  return otlp_request(batch, own.empty() ? otlp_target(config_.path_prefix, batch.signal) : own);
}

void OtlpHttpDestination::sign(net::Request& request, Signal /*signal*/, const Credentials& with,
                               WallTime /*now*/) const {
  request.secret_headers.clear();
  if (with.headers == nullptr) return;
  std::erase_if(request.headers, [&](const net::Header& h) {  // a User-Agent of their own, say
    return std::any_of(with.headers->begin(), with.headers->end(),
                       [&](const auto& ours) { return same_name(ours.first, h.name); });
  });
  request.secret_headers = *with.headers;
}

Verdict OtlpHttpDestination::judge(const net::Response& response, Signal /*signal*/, Codec codec,
                                   WallTime now) const {
  return verdict_of(response, codec, now, config_.host,
                    config_.credentials_fix + "; what was accepted is kept meanwhile");
}

net::Request otlp_request(const Encoded& batch, std::string target) {
  net::Request request;
  request.target = std::move(target);
  // Some backends compare it as an exact text: no parameters (PROTOCOLS 2.2).
  request.headers.push_back(
      {"Content-Type", std::string(otlp::content_type(otlp::Encoding::protobuf))});
  if (const auto coding = content_encoding(batch.codec); !coding.empty()) {
    request.headers.push_back({"Content-Encoding", std::string(coding)});
  }
  request.headers.push_back({"User-Agent", "forager/" FORAGER_VERSION});
  request.body = batch.body;
  return request;
}

std::string otlp_target(std::string_view prefix, Signal signal) {
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  return std::string(prefix) + std::string(facts(signal).http_path);
}

std::string header_value(std::string_view from) {
  std::string value;
  value.reserve(from.size());  // it may be a secret: no copy left behind by growing
  for (const char c : from) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7F) value += c;
  }
  value.erase(value.find_last_not_of(' ') + 1);
  value.erase(0, std::min(value.find_first_not_of(' '), value.size()));
  return value;
}

}  // namespace forager::destination
