#include "receive/grpc_call.h"

#include <chrono>
#include <cstring>
#include <utility>
#include <vector>

#include <protozero/pbf_reader.hpp>

#include "base/async.h"
#include "otlp/reply.h"

namespace forager::receive {
namespace {

grpc::ByteBuffer bytes_of(std::string_view from) {
  const grpc::Slice slice(from.data(), from.size());
  return {&slice, 1};
}

Buffer joined(grpc::ByteBuffer& message) {
  std::vector<grpc::Slice> slices;
  if (!message.Dump(&slices).ok()) return {};
  Buffer body(message.Length());
  char* to = body.data();
  for (const grpc::Slice& slice : slices) {
    std::memcpy(to, slice.begin(), slice.size());
    to += slice.size();
  }
  message.Clear();
  return body;
}

/// gRPC leaves compressed messages as they are (see grpc.h) and does not say so. gzip's first byte,
/// 0x1f, would be a protobuf tag of wire type 7, which does not exist, so the magic is proof
/// enough.
ContentCoding coding_of(std::string_view message) {
  return message.starts_with("\x1f\x8b") ? ContentCoding::gzip : ContentCoding::identity;
}

grpc::StatusCode code_of(admit::Refused::Kind kind) {
  switch (kind) {
    case admit::Refused::Kind::malformed:
      return grpc::StatusCode::INVALID_ARGUMENT;
    case admit::Refused::Kind::unauthenticated:
      return grpc::StatusCode::UNAUTHENTICATED;
    case admit::Refused::Kind::too_large:
    case admit::Refused::Kind::busy:
      return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case admit::Refused::Kind::unavailable:
      break;
  }
  return grpc::StatusCode::UNAVAILABLE;
}

class OpenCall {
 public:
  explicit OpenCall(GrpcShared& shared) : shared_(shared) {
    ++shared_.open;
    shared_.last_began = std::chrono::steady_clock::now();
  }
  OpenCall(const OpenCall&) = delete;
  OpenCall& operator=(const OpenCall&) = delete;
  ~OpenCall() { --shared_.open; }

 private:
  GrpcShared& shared_;
};

asio::awaitable<void> serve(GrpcShared& shared, ExportCall* call) {
  const OpenCall open(shared);
  admit::Door& door = *shared.door;
  auto charge = door.room(call->body_size());
  if (!charge) {
    call->refuse(door.turn_away(call->signal(), admit::Refused::Kind::busy,
                                "no memory left for this request; it is safe to send it again"));
    co_return;
  }
  admit::Offer offer;
  offer.signal = call->signal();
  offer.body = call->take_body();
  offer.charge = std::move(*charge);
  offer.coding = coding_of(offer.body.view());
  if (auto key = call->metadata("x-honeycomb-team")) offer.key = Secret(std::move(*key));
  offer.dataset = call->metadata("x-honeycomb-dataset");
  const Signal signal = offer.signal;
  const admit::Outcome outcome = co_await door.admit(std::move(offer));
  if (const auto* refused = std::get_if<admit::Refused>(&outcome)) {
    call->refuse(*refused);
    co_return;
  }
  const auto& accepted = std::get<admit::Accepted>(outcome);
  call->answer(
      accepted.warning.empty()
          ? otlp::success_body(otlp::Encoding::protobuf)
          : otlp::partial_success_body(signal, otlp::Encoding::protobuf, 0, accepted.warning));
}

}  // namespace

ExportCall::ExportCall(GrpcShared& shared, grpc::GenericCallbackServerContext& context,
                       Signal signal)
    : shared_(shared), context_(context), signal_(signal) {
  StartRead(&message_);
}

void ExportCall::OnReadDone(bool ok) {
  if (!ok) {  // the client left, or closed its side without a message
    Finish({grpc::StatusCode::INVALID_ARGUMENT, "no Export request message came"});
    return;
  }
  asio::post(shared_.io, [this] { spawn(shared_.io, serve(shared_, this), "otlp/grpc call"); });
}

Buffer ExportCall::take_body() { return joined(message_); }

std::optional<std::string> ExportCall::metadata(std::string_view key) const {
  const auto& all = context_.client_metadata();
  const auto found = all.find(grpc::string_ref(key.data(), key.size()));
  if (found == all.end()) return std::nullopt;
  return std::string(found->second.data(), found->second.size());
}

void ExportCall::answer(std::string_view reply) {
  reply_ = bytes_of(reply);
  StartWriteAndFinish(&reply_, {}, grpc::Status::OK);
}

void ExportCall::refuse(const admit::Refused& why) {
  const grpc::StatusCode code = code_of(why.kind);
  Finish({code, why.message,
          otlp::status_body(otlp::Encoding::protobuf, code, why.message, why.retry_after)});
}

HealthCall::HealthCall(const GrpcShared& shared, bool watch) : shared_(shared), watch_(watch) {
  StartRead(&message_);
}

void HealthCall::OnReadDone(bool ok) {
  if (!ok) {
    finish_once({grpc::StatusCode::INVALID_ARGUMENT, "no HealthCheckRequest came"});
    return;
  }
  // HealthCheckRequest{1 service}; HealthCheckResponse{1 status}: 1 SERVING, 2 NOT_SERVING, 3
  // SERVICE_UNKNOWN (PROTOCOLS 1.7)
  const Buffer request = joined(message_);
  std::string service;
  try {
    protozero::pbf_reader reader(request.data(), request.size());
    while (reader.next(1)) service = reader.get_string();
  } catch (const protozero::exception&) {
    finish_once({grpc::StatusCode::INVALID_ARGUMENT, "HealthCheckRequest can't be read"});
    return;
  }
  bool known = service.empty();
  for (const Signal s : all_signals) {
    const std::string_view method = facts(s).grpc_method;
    known = known || method.substr(1, method.rfind('/') - 1) == service;
  }
  if (!known && !watch_) {
    finish_once({grpc::StatusCode::NOT_FOUND, "no service of that name is here"});
    return;
  }
  const bool serving = shared_.serving.load(std::memory_order_relaxed);
  const char status = !known ? '\x03' : serving ? '\x01' : '\x02';
  const char reply[] = {'\x08', status};
  reply_ = bytes_of({reply, 2});
  if (watch_) {
    StartWrite(&reply_);
  } else if (!finished_.exchange(true)) {
    StartWriteAndFinish(&reply_, {}, grpc::Status::OK);
  }
}

void HealthCall::OnWriteDone(bool ok) {
  if (!ok) finish_once({grpc::StatusCode::CANCELLED, "the watcher left"});
}

void HealthCall::OnCancel() { finish_once({grpc::StatusCode::CANCELLED, "the watcher left"}); }

void HealthCall::finish_once(grpc::Status status) {
  if (!finished_.exchange(true)) Finish(std::move(status));
}

}  // namespace forager::receive
