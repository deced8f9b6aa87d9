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

Buffer joined(grpc::ByteBuffer& message, std::size_t headroom = 0) {
  std::vector<grpc::Slice> slices;
  if (!message.Dump(&slices).ok()) return {};
  Buffer body(message.Length(), headroom);
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
    ++shared_.counters.calls;
    shared_.last_began = std::chrono::steady_clock::now();
  }
  OpenCall(const OpenCall&) = delete;
  OpenCall& operator=(const OpenCall&) = delete;
  ~OpenCall() { --shared_.open; }

 private:
  GrpcShared& shared_;
};

/// Keeps what calls share: the receiver may be gone once the answer is given.
asio::awaitable<void> serve(std::shared_ptr<GrpcShared> shared, ExportCall* call) {
  const OpenCall open(*shared);
  admit::Door& door = *shared->door;
  const std::size_t headroom = door.headroom();
  auto charge = door.room(call->body_size() + headroom);
  if (!charge) {
    call->refuse(door.turn_away(call->signal(), admit::Refused::Kind::busy,
                                "no memory left for this request; it is safe to send it again"));
    co_return;
  }
  admit::Offer offer;
  offer.signal = call->signal();
  offer.body = call->take_body(headroom);
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
  if (ok) {
    asio::post(shared_.io, [this] {
      spawn(shared_.io, serve(shared_.shared_from_this(), this), "otlp/grpc call");
    });
    return;
  }
  // The client closed its side without a message, or it left, or gRPC refuses the message for its
  // size and says so itself (RESOURCE_EXHAUSTED without RetryInfo). Only OnDone knows which.
  without_message_ = true;
  constexpr auto code = grpc::StatusCode::INVALID_ARGUMENT;
  const std::string why = "no Export request message came";
  Finish({code, why, otlp::status_body(otlp::Encoding::protobuf, code, why, std::nullopt)});
}

void ExportCall::OnDone() {
  if (without_message_) {
    const bool cut = context_.IsCancelled();
    asio::post(shared_.io, [shared = shared_.shared_from_this(), signal = signal_, cut] {
      const OpenCall open(*shared);
      shared->count(cut ? grpc::StatusCode::CANCELLED : grpc::StatusCode::INVALID_ARGUMENT);
      const auto reason = cut ? ledger::Reason::aborted_upload : ledger::Reason::malformed;
      shared->door->book_refusal(signal, reason);
    });
  }
  delete this;
}

Buffer ExportCall::take_body(std::size_t headroom) { return joined(message_, headroom); }

std::optional<std::string> ExportCall::metadata(std::string_view key) const {
  const auto& all = context_.client_metadata();
  const auto found = all.find(grpc::string_ref(key.data(), key.size()));
  if (found == all.end()) return std::nullopt;
  return std::string(found->second.data(), found->second.size());
}

void ExportCall::answer(std::string_view reply) {
  shared_.count(grpc::StatusCode::OK);
  reply_ = bytes_of(reply);
  StartWriteAndFinish(&reply_, {}, grpc::Status::OK);
}

void ExportCall::refuse(const admit::Refused& why) {
  const grpc::StatusCode code = code_of(why.kind);
  shared_.count(code);
  Finish({code, why.message,
          otlp::status_body(otlp::Encoding::protobuf, code, why.message, why.retry_after)});
}

EndedCall::EndedCall(GrpcShared& shared, grpc::Status status) {
  asio::post(shared.io, [this, &shared, status = std::move(status)] {
    ++shared.counters.calls;
    shared.count(status.error_code());
    Finish(status);
  });
}

HealthCall::HealthCall(GrpcShared& shared, bool watch) : shared_(shared), watch_(watch) {
  StartRead(&message_);
}

void HealthCall::OnReadDone(bool ok) {
  asio::post(shared_.io, [this, ok] { asked(ok); });
}
void HealthCall::OnWriteDone(bool ok) {
  asio::post(shared_.io, [this, ok] { written(ok); });
}
void HealthCall::OnCancel() {
  asio::post(shared_.io, [this] { finish({grpc::StatusCode::CANCELLED, "the watcher left"}); });
}
/// The last callback: what was posted before it has run when this does.
void HealthCall::OnDone() {
  asio::post(shared_.io,
             [shared = shared_.shared_from_this(), self = std::unique_ptr<HealthCall>(this)] {
               shared->watchers.erase(self.get());
             });
}

void HealthCall::asked(bool ok) {
  if (!ok) {
    finish({grpc::StatusCode::INVALID_ARGUMENT, "no HealthCheckRequest came"});
    return;
  }
  const Buffer request = joined(message_);
  std::string service;  // HealthCheckRequest{1 service} (PROTOCOLS 1.7)
  try {
    protozero::pbf_reader reader(request.data(), request.size());
    while (reader.next()) {
      if (reader.tag() == 1) {
        service = reader.get_string();
      } else {
        reader.skip();
      }
    }
  } catch (const protozero::exception&) {
    finish({grpc::StatusCode::INVALID_ARGUMENT, "HealthCheckRequest can't be read"});
    return;
  }
  known_ = service.empty();
  for (const Signal s : otlp_signals) {
    const std::string_view method = facts(s).grpc_method;
    known_ = known_ || method.substr(1, method.rfind('/') - 1) == service;
  }
  if (!known_ && !watch_) {
    finish({grpc::StatusCode::NOT_FOUND, "no service of that name is here"});
    return;
  }
  answered_ = true;
  if (watch_) shared_.watchers.insert(this);
  look_again();
}

HealthCall::Health HealthCall::health() const {
  if (!known_) return Health::service_unknown;
  return shared_.serving ? Health::serving : Health::not_serving;
}

void HealthCall::look_again() {
  if (!answered_ || finished_ || writing_) return;
  if (health() != said_) {
    said_ = health();
    reply_bytes_[1] = static_cast<char>(said_);
    reply_ = bytes_of({reply_bytes_, sizeof reply_bytes_});
    if (!watch_) {
      finished_ = true;
      StartWriteAndFinish(&reply_, {}, grpc::Status::OK);
      return;
    }
    writing_ = true;
    StartWrite(&reply_);
  } else if (shared_.closing) {
    finish({grpc::StatusCode::UNAVAILABLE, "Forager is stopping"});
  }
}

void HealthCall::written(bool ok) {
  writing_ = false;
  if (!ok) {
    finish({grpc::StatusCode::CANCELLED, "the watcher left"});
  } else {
    look_again();
  }
}

void HealthCall::finish(grpc::Status status) {
  if (finished_) return;
  finished_ = true;
  Finish(std::move(status));
}

}  // namespace forager::receive
