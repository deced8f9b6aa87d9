// The hive: the embedded local destination. Keeps the last requests in memory for GET /hive/recent
// and tells them on the terminal. It is a Transport that never leaves the process, so batching,
// retry and ledger treat it like any other destination.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "base/budget.h"
#include "base/result.h"
#include "hive/screen.h"
#include "net/transport.h"

namespace forager::hive {

struct HiveOptions {
  std::size_t bytes = 4U << 20U;  ///< of recent requests
  std::size_t requests = 1'000;
  bool colour = false;
  Sink sink;  ///< Terminal(STDOUT_FILENO).write_line, and its answer; empty: nothing is printed
};

/// io thread. A batch of several records is shown as the requests it was merged from. Answers POST
/// /v1/<signal> with an uncompressed protobuf body: 200 and no body; 400 for bytes that are no
/// request of that signal; 404 and 415 with words for what the hive's destination never sends.
class HiveTransport : public net::Transport {
 public:
  /// What this takes at most, whatever it holds: to be charged once, for its whole life.
  static std::size_t memory(const HiveOptions& options);

  /// `charge`: for memory(options).
  HiveTransport(boost::asio::any_io_executor executor, HiveOptions options, Budget::Charge charge);
  ~HiveTransport() override;

  boost::asio::awaitable<net::Answer> send(net::Request request, Duration timeout) override;
  /// GET /hive/recent?limit=N&signal=traces; a fault is a 400.
  Result<std::string> recent_json(std::string_view query) const;
  /// At the end of the process: prints the traces that were waiting for more spans.
  void flush();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace forager::hive
