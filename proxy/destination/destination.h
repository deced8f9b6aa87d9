// A destination is a table of limits and three pure functions: encode, sign, judge. Queueing,
// retry, TLS and metrics exist once, outside of it; nobody else knows a vendor's status code. No
// Asio, no clock, no file here.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/secret.h"
#include "base/time.h"
#include "destination/screen.h"
#include "net/message.h"
#include "otlp/signal.h"

namespace forager::destination {

/// How a body is compressed on the wire.
enum class Codec : std::uint8_t { zstd, gzip, none };
/// The Content-Encoding value; empty for none.
std::string_view content_encoding(Codec codec);

/// What one request may hold. Batches are cut to these before anything is sent (DESIGN, invariant
/// 4).
struct Limits {
  std::size_t request_bytes = 5'000'000;  ///< uncompressed
  std::uint32_t request_items = UINT32_MAX;
  std::size_t item_bytes = SIZE_MAX;      ///< one item with its envelope, uncompressed
  std::size_t request_weight = SIZE_MAX;  ///< sum of Stretch::weight
  /// From the oldest to the newest item of a request.
  std::chrono::nanoseconds spread = std::chrono::nanoseconds::max();
};

/// A merged body, already compressed, and the facts a vendor's headers need.
struct Encoded {
  Signal signal = Signal::traces;
  Codec codec = Codec::none;
  std::uint32_t items = 0;
  Chain body;              ///< as it goes on the wire
  std::string lane{};      ///< Stretch::lane of all that is in it
  std::uint32_t step = 0;  ///< which of Stretch::requests this is, from 0 on
  bool squeezed = false;   ///< refused as too large: TakeApart::squeeze
};

/// What a request to AWS is signed with.
struct AwsKeys {
  std::string id;  ///< AKIA..., ASIA...: no secret, but no need to show it either
  Secret secret;
  Secret token;  ///< of a session; empty: none
};

/// Names and values, where a destination is given whole headers.
using SecretHeaders = std::vector<std::pair<std::string, Secret>>;

/// What a request is signed with. Read anew for every attempt.
struct Credentials {
  Secret key;
  std::string
      dataset;  ///< the app's own dataset header, in the pass-through policies; empty otherwise
  std::optional<AwsKeys> aws = std::nullopt;
  std::shared_ptr<const SecretHeaders> headers = nullptr;  ///< nullptr: none
};

/// The destination has it. `rejected` items were refused by a partial success, `message` says why
/// (or is a warning).
struct Delivered {
  std::int64_t rejected = 0;
  std::string message;
  /// No further call is allowed before: nothing more is sent for so long.
  std::optional<Duration> after = std::nullopt;
};
/// Send the same again. `after`: what Retry-After or RateLimit asked for. `server_error`: a 500,
/// which the delivery takes apart after five in a row while others succeed (DESIGN, verdicts).
struct Retry {
  std::optional<Duration> after;
  std::string why;
  bool server_error = false;
};
/// Nothing is wrong with the data: credentials, address or configuration are. Hold everything,
/// probe now and then.
struct Park {
  std::string why;  ///< with the fix
  /// Newer credentials may help: whoever provides them is asked to fetch some now.
  bool stale_credentials = false;
};
/// Something must be made at the destination first (a log group, a stream): these requests, signed
/// and sent in this order; Destination::prepared says what each answer means. Then the same again.
struct Prepare {
  std::vector<net::Request> requests;
  std::string why;
};
/// Something in this batch is not taken. `too_large`: halve the learned limit first (413).
/// `squeeze`: a single item can be written smaller; it is sent so (Encoded::squeezed) before it is
/// given up.
struct TakeApart {
  std::string why;
  bool too_large = false;
  bool squeeze = false;
};
/// The codec is not understood: once again as gzip, and remember.
struct Recode {
  std::string why;
};
using Verdict = std::variant<Delivered, Retry, Park, TakeApart, Recode, Prepare>;

class Destination {
 public:
  Destination() = default;
  Destination(const Destination&) = delete;
  Destination& operator=(const Destination&) = delete;
  virtual ~Destination() = default;

  virtual std::string_view name()
      const = 0;  ///< its identity: in settings, ledger, metrics, journal
  virtual bool takes(Signal signal) const = 0;
  virtual Limits limits(Signal signal) const = 0;
  /// Honeycomb stores a log record without time_unix_nano at 1970: true asks for the observed time
  /// to be moved there.
  virtual bool wants_log_time() const { return false; }
  /// Compression it understands; `none` always.
  virtual bool takes_codec(Signal /*signal*/, Codec /*codec*/) const { return true; }
  /// What looks at records before they are sent; nullptr: all are sent as they are.
  virtual std::unique_ptr<Screen> make_screen() const { return nullptr; }
  /// The request without credentials.
  virtual net::Request encode(const Encoded& batch) const = 0;
  /// Adds what proves who we are; called again for each attempt.
  virtual void sign(net::Request& request, Signal signal, const Credentials& with,
                    WallTime now) const = 0;
  /// What an answer means for a batch sent with `codec`. `now` is for Retry-After dates.
  virtual Verdict judge(const net::Response& response, Signal signal, Codec codec,
                        WallTime now) const = 0;
  /// The same by whoever knows the batch's lane, for destinations that must be told it (Prepare).
  virtual Verdict judge_in_lane(const net::Response& response, Signal signal, Codec codec,
                                std::string_view /*lane*/, WallTime now) const {
    return judge(response, signal, codec, now);
  }
  /// What an answer to one of Prepare::requests means: Delivered (go on with the next), Retry or
  /// Park.
  virtual Verdict prepared(const net::Response& response, WallTime now) const;
};

}  // namespace forager::destination
