// The loop of one destination: asks the delivery what is next, encodes, signs and sends it, and
// reports the verdict back. It decides nothing itself.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>

#include "base/async.h"
#include "base/budget.h"
#include "base/ledger.h"
#include "base/memory.h"
#include "destination/clock_skew.h"
#include "destination/destination.h"
#include "export/delivery.h"
#include "export/state_log.h"
#include "net/transport.h"

namespace forager::exporter {

struct ExporterSettings {
  Duration send_timeout = std::chrono::seconds(30);
  /// Raw bodies below it are compressed on the io thread: that takes 10 us at most, and the way to
  /// the pool and back alone takes 8 (measured).
  std::size_t inline_bytes = std::size_t{16} << 10U;
  /// Reads bodies back from disk; false: not now. True: what is still missing is gone. Empty: all
  /// are in memory.
  std::function<asio::awaitable<bool>(std::vector<journal::Position>)> load{};
  /// Why there are no credentials yet, with the fix, in one clause; empty: the app's key is meant.
  std::function<std::string()> no_credentials{};
  /// The destination says that the credentials are stale: newer ones are to be fetched, if any.
  std::function<void()> stale_credentials{};
  const ledger::Book* book = nullptr;  ///< where given, quarantined and rejected items are logged
};

/// io thread. All references outlive it; it outlives its run().
class Exporter {
 public:
  /// nullopt: the key of this group is not known (yet); what needs it is parked.
  using CredentialsOf = std::function<std::optional<destination::Credentials>(journal::GroupId)>;

  /// Takes the delivery's on_wake.
  Exporter(asio::any_io_executor executor, asio::thread_pool& pool, Delivery& delivery,
           const destination::Destination& destination, net::Transport& transport,
           CredentialsOf credentials_of, Budget& budget, ExporterSettings settings = {});
  Exporter(const Exporter&) = delete;
  Exporter& operator=(const Exporter&) = delete;
  ~Exporter();

  /// Sends until stop(); returns when no request is under way any more. To be called once.
  asio::awaitable<void> run();
  /// Look again: something changed that the delivery doesn't know of.
  void wake();
  /// No lingering any more; returns true when all is settled, false at `deadline`. run() goes on.
  asio::awaitable<bool> drained(Time deadline);
  /// Ends the loop and the exchanges under way (they count as failed and stay in the journal).
  void stop();
  /// How often the destination answered with which HTTP status, ever growing.
  const std::map<int, std::uint64_t>& answers() const { return answers_; }
  /// What a signature must say: this clock, corrected by what the destination's answers said of
  /// theirs.
  WallTime signing_time() const { return skew_.adjusted(std::chrono::system_clock::now()); }

 private:
  asio::awaitable<void> attempt(Attempt* what, Gate::Pass inside);
  asio::awaitable<bool> load(Attempt& what);
  asio::awaitable<void> encode(Attempt& what);
  using Answered = boost::system::result<destination::Verdict, net::TransportError>;
  destination::Verdict judged(const Attempt& what, const net::Response& answer) const;
  asio::awaitable<Answered> exchange(const Attempt& what, const destination::Credentials& with);
  asio::awaitable<Answered> prepare(destination::Prepare what, Signal signal,
                                    const destination::Credentials& with);
  void report();
  void return_memory();

  asio::any_io_executor executor_;
  asio::thread_pool& pool_;
  Delivery& delivery_;
  const destination::Destination& destination_;
  net::Transport& transport_;
  CredentialsOf credentials_of_;
  Budget& budget_;
  ExporterSettings settings_;
  Event changed_;
  Event progressed_;
  Gate gate_;
  StateLog log_;
  destination::ClockSkew skew_;
  Ebb held_;
  std::map<int, std::uint64_t> answers_;
  bool stopping_ = false;
};

}  // namespace forager::exporter
