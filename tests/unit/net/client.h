// The transport under test with its loop and pool: `send` runs the loop until the answer is there.
#pragma once

#include <optional>
#include <string>

#include <boost/asio/io_context.hpp>

#include "net/https.h"

namespace forager::net {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct ClientOptions {
  std::string ca_file;
  std::string certificate;  ///< ours
  std::string private_key;
  std::optional<Proxy> proxy;
  HttpsSettings settings;
};

class Client {
 public:
  explicit Client(const std::string& url, ClientOptions options = {})
      : tls_(io_.get_executor(), pool_,
             TlsFiles{.ca = options.ca_file,
                      .certificate = options.certificate,
                      .private_key = options.private_key}),
        transport_(std::in_place, io_.get_executor(), *parse_origin(url), std::move(options.proxy),
                   tls_, options.settings) {}
  ~Client() {
    transport_.reset();
    pool_.join();
  }

  Answer send(Request request = {}, Duration timeout = seconds(5)) {
    std::optional<Answer> answer;
    start(std::move(request), timeout, answer);
    while (!answer) io_.run_one();
    return *answer;
  }
  void start(Request request, Duration timeout, std::optional<Answer>& answer) {
    io_.restart();
    auto task = transport_->send(std::move(request), timeout);
    asio::co_spawn(io_, std::move(task), [&answer](std::exception_ptr error, Answer made) {
      if (error) std::rethrow_exception(error);
      answer.emplace(std::move(made));
    });
  }
  /// Runs the loop until `done` says so; false: not within 5 s.
  template <class Condition>
  bool run_until(Condition done) {
    io_.restart();
    const Time end = std::chrono::steady_clock::now() + seconds(5);
    while (!done() && std::chrono::steady_clock::now() < end) io_.run_one_for(milliseconds(20));
    return done();
  }
  Result<bool> reload() {
    std::optional<Result<bool>> done;
    io_.restart();
    asio::co_spawn(io_, tls_.reload(), [&done](std::exception_ptr error, Result<bool> made) {
      if (error) std::rethrow_exception(error);
      done.emplace(std::move(made));
    });
    while (!done) io_.run_one();
    return *done;
  }
  HttpsTransport& transport() { return *transport_; }
  asio::io_context& io() { return io_; }

 private:
  asio::io_context io_{1};
  asio::thread_pool pool_{1};
  Tls tls_;
  std::optional<HttpsTransport> transport_;
};

inline Request post(std::string body, std::string target = "/v1/traces") {
  Request made;
  made.target = std::move(target);
  made.body.push_back(Slice(std::move(body)));
  return made;
}

}  // namespace forager::net
