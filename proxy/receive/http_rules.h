// What the header of a request alone decides: which signal, or which refusal. Pure; the table of
// routes is otlp/signal.h.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/ledger.h"
#include "receive/http_head.h"

namespace forager::receive {

/// Go on: read the body and hand it in.
struct Take {
  Signal signal = Signal::traces;
  otlp::Encoding encoding = otlp::Encoding::protobuf;
  ContentCoding coding = ContentCoding::identity;
};

/// An answer without a look at the body. `message` becomes a google.rpc.Status in `encoding`.
struct Turned {
  int status = 400;
  std::string message{};
  std::string fields{};  ///< more header lines, each with its CRLF
  otlp::Encoding encoding = otlp::Encoding::json;
  std::optional<Signal> signal{};  ///< known: an app's telemetry was refused, which is booked
  std::optional<ledger::Reason> reason{};  ///< as what; nullopt: it is booked already
  std::optional<std::chrono::seconds> retry_after{};
  bool bodiless = false;    ///< 204
  bool body_begun = false;  ///< some of the body was read, so the next request can't be found
};

/// Browser origins that may send; empty: none (CORS off). "*" stands for all.
using Origins = std::vector<std::string>;

/// `limit`: bytes a body may have (413 before anything is read).
std::variant<Take, Turned> decide(const Head& head, std::size_t limit, const Origins& origins);

/// The header lines that let a browser's page see the answer; empty without an Origin, or with one
/// that isn't allowed.
std::string cors_fields(const Head& head, const Origins& origins);

}  // namespace forager::receive
