#include "destination/hive.h"

#include "destination/verdict.h"
#include "otlp/encoding.h"

namespace forager::destination {

Limits HiveDestination::limits(Signal /*signal*/) const {
  Limits limits;
  // As large as a record can be (DESIGN, invariant 6), so nothing is ever cut or set aside for the
  // hive.
  limits.request_bytes = 64U << 20U;
  return limits;
}

net::Request HiveDestination::encode(const Encoded& batch) const {
  net::Request request;
  request.target = facts(batch.signal).http_path;
  request.headers.push_back(
      {"Content-Type", std::string(otlp::content_type(otlp::Encoding::protobuf))});
  if (const auto coding = content_encoding(batch.codec); !coding.empty()) {
    request.headers.push_back({"Content-Encoding", std::string(coding)});
  }
  request.body = batch.body;
  return request;
}

Verdict HiveDestination::judge(const net::Response& response, Signal /*signal*/, Codec codec,
                               WallTime now) const {
  return verdict_of(response, codec, now, "hive", "the hive asks for no credentials: report this");
}

}  // namespace forager::destination
