// The door: what a receiver hands in (raw bytes as they came) and what it is to answer. Both
// receivers use it, so HTTP and gRPC can't differ in what they accept.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include <boost/asio/awaitable.hpp>

#include "base/budget.h"
#include "base/bytes.h"
#include "base/inflate.h"
#include "base/ledger.h"
#include "base/secret.h"
#include "otlp/encoding.h"
#include "otlp/signal.h"

namespace forager::admit {

/// One request as it came in. Owns its bytes and their charge.
struct Offer {
  Signal signal = Signal::traces;
  otlp::Encoding encoding = otlp::Encoding::protobuf;
  ContentCoding coding = ContentCoding::identity;
  Buffer body;                         ///< as received; still compressed when `coding` says so
  Budget::Charge charge;               ///< for body.capacity()
  std::optional<Secret> key;           ///< x-honeycomb-team of the app, if it sent one
  std::optional<std::string> dataset;  ///< x-honeycomb-dataset of the app
  /// False: nobody waits for an answer (UDP), so it isn't kept waiting until it is delivered.
  bool answered = true;
  /// A destination that has the same data already, in a form of its own; static text.
  std::string_view not_for{};
};

/// Kept (DESIGN, invariant 1): answer full success. A `warning` is for partial_success with 0
/// rejected.
struct Accepted {
  std::string warning;
};

/// Not taken. The receiver turns it into google.rpc.Status in its own protocol.
struct Refused {
  enum class Kind : std::uint8_t {
    malformed,        ///< 400 INVALID_ARGUMENT: never to be sent again
    unauthenticated,  ///< 401 UNAUTHENTICATED: pass-through policy and no key
    too_large,        ///< 413 RESOURCE_EXHAUSTED without RetryInfo
    busy,             ///< 429 RESOURCE_EXHAUSTED with RetryInfo: memory budget
    unavailable,      ///< 503 UNAVAILABLE with RetryInfo: journal full, or stopping
  };
  Kind kind = Kind::malformed;
  std::string message;
  std::optional<std::chrono::seconds> retry_after;
};
using Outcome = std::variant<Accepted, Refused>;

/// io thread. Never throws for input.
class Door {
 public:
  Door() = default;
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;
  virtual ~Door() = default;

  /// Inflates, transcodes, validates, counts, repairs, enriches, applies the key policy, journals,
  /// and returns when the record is kept.
  virtual boost::asio::awaitable<Outcome> admit(Offer offer) = 0;
  /// For a receiver that must refuse before there is an offer (over the limit, no room): books it
  /// at the door and words it.
  virtual Refused turn_away(Signal signal, Refused::Kind kind, std::string message) = 0;
  /// Books a refusal that the receiver words itself, because only its protocol knows it (media
  /// type, aborted upload).
  virtual void book_refusal(Signal /*signal*/, ledger::Reason /*reason*/) {}
  /// Memory for a body about to be read; nullopt: answer turn_away(busy).
  virtual std::optional<Budget::Charge> room(std::size_t bytes) = 0;
  /// Makes a charge that `room` gave as large as `bytes`, or smaller; false: there is no room, and
  /// nothing changed. What the door lets go for it is given back at once, for the charge to take.
  bool extend(Budget::Charge& charge, std::size_t bytes) {
    if (charge.resize(bytes)) return true;
    if (!room(bytes - charge.bytes())) return false;
    return charge.resize(bytes);
  }
  /// Bytes to leave free in front of an uncompressed body, and to charge with it: so that what is
  /// added to it moves its beginning only.
  virtual std::size_t headroom() const { return 0; }
  /// Bytes a request may have, compressed and not: min(configured limit, budget / 4) (DESIGN,
  /// invariant 6).
  virtual std::size_t request_limit() const = 0;
};

}  // namespace forager::admit
