// The loop, pool and TLS that the live parts need, the endpoints as servers of this test, and keys
// in each endpoint's own words.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "aws/provider.h"
#include "base/iso_time.h"
#include "support/tls_server.h"
#include "unit/aws/texts.h"

namespace forager::aws {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Loop {
 public:
  ~Loop() { pool_.join(); }

  /// Runs a task to its end.
  template <class T>
  T run(asio::awaitable<T> task) {
    std::optional<T> made;
    asio::co_spawn(io_, std::move(task), [&made](std::exception_ptr error, T value) {
      if (error) std::rethrow_exception(error);
      made.emplace(std::move(value));
    });
    run_until([&] { return made.has_value(); });
    return std::move(made.value());
  }
  /// False: not within 10 s.
  template <class Condition>
  bool run_until(Condition done) {
    io_.restart();
    const Time end = std::chrono::steady_clock::now() + seconds(10);
    while (!done() && std::chrono::steady_clock::now() < end) io_.run_one_for(milliseconds(20));
    return done();
  }
  asio::io_context& io() { return io_; }
  net::Tls& tls() { return tls_; }

 private:
  asio::io_context io_{1};
  asio::thread_pool pool_{1};
  net::Tls tls_{io_.get_executor(), pool_, {}};
};

/// An endpoint: answers each request by a function that the test may swap, and keeps all requests.
class Endpoint {
 public:
  struct Reply {
    int status = 200;
    std::string body{};
    std::string headers{};
    bool silent = false;  ///< no answer at all, until the client goes
  };
  using Answer = std::function<Reply(const std::string& request)>;
  explicit Endpoint(Answer answer)
      : answer_(std::move(answer)), server_(nullptr, [this](test::Peer& peer) { serve(peer); }) {}

  std::string url(const std::string& host = "127.0.0.1") const {
    return fmt::format("http://{}:{}", host, server_.port());
  }
  void answer_with(Answer answer) {
    const std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
  }
  std::vector<std::string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  std::size_t count() const { return requests().size(); }

 private:
  void serve(test::Peer& peer) {
    while (true) {
      const std::string request = peer.read_request();
      if (request.empty()) return;
      Answer answer;
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
        answer = answer_;
      }
      const Reply reply = answer(request);
      if (reply.silent) return peer.wait_closed();
      peer.reply(reply.status, reply.body, reply.headers);
    }
  }
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  Answer answer_;
  test::Server server_;
};

inline std::string in(Duration time) {
  return iso_time(std::chrono::system_clock::now() +
                  std::chrono::duration_cast<WallTime::duration>(time));
}

/// Key ids are longer than 12 characters, so /status shows both ends.
inline std::string json_keys(const std::string& id, const std::string& expires) {
  return fmt::format(
      R"({{"Code":"Success","AccessKeyId":"{}","SecretAccessKey":"secret of {}","Token":"token of {}","Expiration":"{}"}})",
      id, id, id, expires);
}

inline std::string sts_keys(const std::string& id, const std::string& expires) {
  return fmt::format(
      "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>"
      "<AccessKeyId>{}</AccessKeyId><SecretAccessKey>secret of {}</SecretAccessKey><SessionToken>"
      "token of {}</SessionToken><Expiration>{}</Expiration></Credentials>"
      "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>",
      id, id, id, expires);
}

/// Waits a tenth of what the product does, and retries at once.
inline Patience hurried() {
  Patience made;
  made.container_timeout = milliseconds(300);
  made.imds_timeout = milliseconds(150);
  made.between = milliseconds(10);
  return made;
}

/// The schedule in milliseconds.
inline ScheduleConfig fast() {
  ScheduleConfig made;
  made.retry_initial = milliseconds(10);
  made.retry_max = milliseconds(40);
  made.retry_max_advisory = milliseconds(80);
  made.expired_least = milliseconds(50);
  made.expired_most = milliseconds(100);
  made.ask_interval = milliseconds(100);
  return made;
}

}  // namespace forager::aws
