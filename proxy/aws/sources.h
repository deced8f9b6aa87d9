// Asking each source of credentials once, with the timeouts and attempts that it deserves
// (PROTOCOLS 3.3). Coroutines; the decisions are in sts, container and imds.
#pragma once

#include <optional>
#include <string>

#include "aws/chain.h"
#include "aws/fetcher.h"
#include "aws/schedule.h"

namespace forager::aws {

struct Patience {
  Duration sts_timeout = std::chrono::seconds(5);  ///< with name lookup and TLS handshake
  Duration container_timeout = std::chrono::seconds(2);
  Duration imds_timeout = std::chrono::seconds(1);
  int attempts = 3;  ///< STS and container; IMDS gets one
  Duration between = std::chrono::seconds(1);
};

/// Keys, and how long they will live by the clock of who gave them.
struct Brought {
  Outcome outcome;
  std::optional<Duration> left = std::nullopt;
};

/// Files are read anew. `session_name` for who gave none; `sts` is a URL without path.
asio::awaitable<Brought> ask_web_identity(Fetcher& net, const ReadFile& read, WebIdentity who,
                                          std::string session_name, std::string sts,
                                          Patience patience);
asio::awaitable<Brought> ask_container(Fetcher& net, const ReadFile& read, Container from,
                                       Patience patience);
asio::awaitable<Brought> ask_imds(Fetcher& net, Imds at, Patience patience);

/// A path of the metadata service with a token of its own; for region and identity document.
using Text = boost::system::result<std::string, Failure>;
asio::awaitable<Text> ask_imds_path(Fetcher& net, Imds at, std::string path, Patience patience);

}  // namespace forager::aws
