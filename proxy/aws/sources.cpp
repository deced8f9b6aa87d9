#include "aws/sources.h"

#include <algorithm>

#include <fmt/format.h>
#include <openssl/crypto.h>

#include "destination/retry_after.h"
#include "net/url.h"

namespace forager::aws {
namespace {

using std::chrono::system_clock;

/// No session of AWS lives longer: more is a clock that is wrong.
constexpr Duration longest_life = std::chrono::hours(36);

/// An answer's body that held keys isn't left in freed memory.
void wipe(net::Response& response) { OPENSSL_cleanse(response.body.data(), response.body.size()); }

/// The server's clock says when it said "Expiration"; ours may be wrong.
Brought brought(Outcome outcome, const net::Response& by) {
  Brought made{std::move(outcome)};
  if (!made.outcome || !made.outcome->expires) return made;
  const WallTime ours = system_clock::now();
  const auto date = by.header("Date");
  const auto theirs = date ? destination::parse_http_date(*date, ours) : std::nullopt;
  made.left = std::min<Duration>(longest_life, std::chrono::duration_cast<Duration>(
                                                   *made.outcome->expires - theirs.value_or(ours)));
  return made;
}

Failure no_answer(const net::TransportError& error) {
  return {error.what, error.kind != net::TransportError::Kind::stopped &&
                          error.kind != net::TransportError::Kind::protocol};
}

struct Question {
  std::string base;
  net::Request request;
  Duration timeout{};
};

/// `judge` is a plain function of the answer.
template <class Judge>
asio::awaitable<Brought> ask(Fetcher& net, Question question, Patience patience, Judge judge) {
  Brought last{Failure{}};
  for (int attempt = 1; attempt <= patience.attempts; ++attempt) {
    if (attempt > 1) {
      const bool go_on = co_await net.pause(patience.between);
      if (!go_on) break;
    }
    net::Request request = question.request;
    auto answer = co_await net.send(question.base, std::move(request), question.timeout);
    if (answer) {
      last = brought(judge(*answer), *answer);
      wipe(*answer);
    } else {
      last = Brought{no_answer(answer.error())};
    }
    if (last.outcome || !last.outcome.error().again) break;
  }
  co_return last;
}

Result<std::string> content_of(const ReadFile& read, const std::string& path,
                               std::string_view variable) {
  auto text = read(path);
  if (!text) return fault(fmt::format("{} ({}): {}", path, variable, text.error().what));
  if (!*text) return fault(fmt::format("{} ({}) does not exist", path, variable));
  return std::move(**text);
}

Result<Secret> token_for(const ReadFile& read, const Container& from) {
  if (!from.token_file.empty()) {
    auto text = content_of(read, from.token_file, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    if (!text) return text.error();
    return container_token(std::move(*text), from.token_file);
  }
  if (from.token.empty()) return Secret();
  return container_token(std::string(from.token.reveal()), "AWS_CONTAINER_AUTHORIZATION_TOKEN");
}

struct ImdsToken {
  boost::system::result<Secret, Failure> token;
  std::string without;  ///< why version 1 is used
};

asio::awaitable<ImdsToken> ask_token(Fetcher& net, const Imds& at, Duration timeout) {
  net::Request request = imds_token_request();
  auto answer = co_await net.send(at.base, std::move(request), timeout);
  TokenOutcome said = answer ? imds_token_answer(*answer, at) : imds_no_token(answer.error(), at);
  if (auto* token = std::get_if<Secret>(&said)) co_return ImdsToken{std::move(*token), {}};
  if (auto* old = std::get_if<UseV1>(&said)) co_return ImdsToken{Secret(), std::move(old->why)};
  co_return ImdsToken{std::get<Failure>(std::move(said)), {}};
}

asio::awaitable<net::Answer> get(Fetcher& net, const Imds& at, std::string path,
                                 const Secret& token, Duration timeout) {
  net::Request request = imds_request(std::move(path), token);
  co_return co_await net.send(at.base, std::move(request), timeout);
}

/// Without a token nothing at all came: what was wrong first is what helps.
Failure no_imds(const net::TransportError& error, const std::string& without) {
  return {without.empty() ? error.what
                          : fmt::format("{}, and without a token: {}", without, error.what),
          true};
}

}  // namespace

asio::awaitable<Brought> ask_web_identity(Fetcher& net, const ReadFile& read, WebIdentity who,
                                          std::string session_name, std::string sts,
                                          Patience patience) {
  auto text = content_of(read, who.token_file, "web identity token");
  if (!text) co_return Brought{Failure{text.error().what, false}};
  const auto token = web_identity_token(std::move(*text), who.token_file);
  if (!token) co_return Brought{Failure{token.error().what, false}};
  Question question{
      std::move(sts),
      web_identity_request(who, who.session_name.empty() ? session_name : who.session_name, *token),
      patience.sts_timeout};
  const auto judge = [&who](const net::Response& answer) {
    return web_identity_answer(answer, who);
  };
  co_return co_await ask(net, std::move(question), patience, judge);
}

asio::awaitable<Brought> ask_container(Fetcher& net, const ReadFile& read, Container from,
                                       Patience patience) {
  if (from.full_uri) {
    const auto origin = net::parse_origin(from.address.base);
    if (!origin) {
      co_return Brought{Failure{
          fmt::format("AWS_CONTAINER_CREDENTIALS_FULL_URI: {}", origin.error().what), false}};
    }
    // before the token is read: who may not be asked must not see it
    if (auto refused = refused_host(*origin)) co_return Brought{Failure{refused->what, false}};
  }
  const auto token = token_for(read, from);
  if (!token) co_return Brought{Failure{token.error().what, false}};
  Question question{from.address.base, container_request(from.address.target, *token),
                    patience.container_timeout};
  co_return co_await ask(net, std::move(question), patience, container_answer);
}

asio::awaitable<Brought> ask_imds(Fetcher& net, Imds at, Patience patience) {
  const Duration timeout = patience.imds_timeout;
  ImdsToken with = co_await ask_token(net, at, timeout);
  if (!with.token) co_return Brought{with.token.error()};
  auto named = co_await get(net, at, std::string(imds_role_path), *with.token, timeout);
  if (!named) co_return Brought{no_imds(named.error(), with.without)};
  auto role = imds_role_answer(*named);
  if (!role) co_return Brought{role.error()};
  auto answer = co_await get(net, at, std::string(imds_role_path) + *role, *with.token, timeout);
  if (!answer) co_return Brought{no_imds(answer.error(), with.without)};
  Brought made = brought(imds_keys_answer(*answer, *role), *answer);
  wipe(*answer);
  co_return made;
}

asio::awaitable<Text> ask_imds_path(Fetcher& net, Imds at, std::string path, Patience patience) {
  ImdsToken with = co_await ask_token(net, at, patience.imds_timeout);
  if (!with.token) co_return with.token.error();
  auto answer = co_await get(net, at, path, *with.token, patience.imds_timeout);
  if (!answer) co_return no_imds(answer.error(), with.without);
  if (answer->status != 200) {
    co_return Failure{
        fmt::format("the instance metadata service answered {} for {}", answer->status, path),
        false};
  }
  co_return std::move(answer->body);
}

}  // namespace forager::aws
