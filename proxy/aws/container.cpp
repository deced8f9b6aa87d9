#include "aws/container.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>

#include <fmt/format.h>

#include "aws/instant.h"
#include "aws/json_read.h"

namespace forager::aws {
namespace {

template <std::size_t Size>
std::optional<std::array<unsigned char, Size>> bytes_of(int family, const std::string& host) {
  std::array<unsigned char, Size> made{};
  if (::inet_pton(family, host.c_str(), made.data()) != 1) return std::nullopt;
  return made;
}

bool is_allowed_v4(const std::array<unsigned char, 4>& address) {
  using V4 = std::array<unsigned char, 4>;
  return address[0] == 127 || address == V4{169, 254, 170, 2} || address == V4{169, 254, 170, 23};
}

bool is_allowed_v6(const std::array<unsigned char, 16>& address) {
  std::array<unsigned char, 16> loopback{};
  loopback[15] = 1;
  std::array<unsigned char, 16> eks{};  // fd00:ec2::23
  eks[0] = 0xfd;
  eks[2] = 0x0e;
  eks[3] = 0xc2;
  eks[15] = 0x23;
  return address == loopback || address == eks;
}

/// "message" or "Message" of an error's JSON, in one line.
std::string message_of(std::string_view body) {
  otlp::JsonText from(body);
  std::string message;
  const bool read = each_member(from, [&](std::string_view name) {
    const bool wanted = name == "message" || name == "Message";
    return wanted && from.peek() == '"' ? read_string(from, message) : from.skip_value();
  });
  if (!read) return {};
  constexpr std::size_t longest = 200;
  for (char& c : message) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return message.substr(0, longest);
}

}  // namespace

Result<Address> split_url(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return fault("it is not a URL: write http://host/path");
  const auto plain = [](char c) { return c > 0x20 && c < 0x7f; };
  if (!std::all_of(url.begin(), url.end(), plain)) {
    return fault("it holds a space, a control or a non-ASCII character");
  }
  if (url.find('#') != std::string_view::npos) return fault("a fragment has no meaning here");
  const std::size_t path = url.find_first_of("/?", scheme + 3);
  Address made{std::string(url.substr(0, path)), "/"};
  if (path == std::string_view::npos) return made;
  made.target = url.substr(path);
  if (made.target.front() == '?') made.target.insert(0, "/");
  return made;
}

Result<std::optional<Container>> container_of(const Environment& with, std::string_view ecs) {
  if (with.container_relative_uri.empty() && with.container_full_uri.empty()) return std::nullopt;
  Container made;
  made.token_file = with.container_token_file;
  made.token = with.container_token;
  made.full_uri = with.container_relative_uri.empty();
  const std::string_view variable = made.full_uri ? "AWS_CONTAINER_CREDENTIALS_FULL_URI"
                                                  : "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
  // "@elsewhere/" behind the host would make it a user name
  if (!made.full_uri && with.container_relative_uri.front() != '/') {
    return fault(fmt::format("{}: it must begin with /", variable));
  }
  auto address = split_url(made.full_uri ? with.container_full_uri
                                         : std::string(ecs) + with.container_relative_uri);
  if (!address) return fault(fmt::format("{}: {}", variable, address.error().what));
  made.address = std::move(*address);
  return made;
}

std::optional<Fault> refused_host(const net::Origin& origin) {
  if (origin.tls || origin.host == "localhost") return std::nullopt;
  const auto v4 = bytes_of<4>(AF_INET, origin.host);
  if (v4 && is_allowed_v4(*v4)) return std::nullopt;
  const auto v6 = bytes_of<16>(AF_INET6, origin.host);
  if (v6 && is_allowed_v6(*v6)) return std::nullopt;
  return fault(fmt::format(
      "AWS_CONTAINER_CREDENTIALS_FULL_URI: {} may not be asked for credentials over plain http; "
      "use https, a loopback address, 169.254.170.2, 169.254.170.23 or [fd00:ec2::23]",
      origin.host));
}

Result<Secret> container_token(std::string text, std::string_view where) {
  Secret token(std::move(text));
  if (token.reveal().find_first_of("\r\n") != std::string_view::npos) {
    return fault(
        fmt::format("{} holds a line break: the token is sent in a header as it is; write "
                    "it without (printf %s, not echo)",
                    where));
  }
  if (token.empty()) return fault(fmt::format("{} is empty: a token is expected", where));
  return token;
}

net::Request container_request(const std::string& target, const Secret& token) {
  net::Request made;
  made.method = "GET";
  made.target = target;
  made.headers = {{"Accept", "application/json"}};
  if (!token.empty()) made.secret_headers.emplace_back("Authorization", token);
  return made;
}

Outcome container_answer(const net::Response& response) {
  if (response.status == 200) return keys_of_json(response.body);
  std::string said = message_of(response.body);
  if (!said.empty()) said.insert(0, ": ");
  const bool denied = response.status == 401 || response.status == 403;
  const bool unknown = response.status == 404 || response.status == 400;
  return Failure{
      fmt::format("the container's credential endpoint answered {}{}{}", response.status, said,
                  denied    ? "; is the token that belongs to it given, and does the task or pod "
                              "have a role?"
                  : unknown ? "; does the task or pod have a role?"
                            : ""),
      response.status >= 500 || response.status == 429};
}

Outcome keys_of_json(std::string_view text) {
  otlp::JsonText from(text);
  std::string code;
  std::string id;
  std::string secret;
  std::string token;
  std::string expiration;
  const bool read = each_member(from, [&](std::string_view name) {
    if (name == "Code") return read_string(from, code);
    if (name == "AccessKeyId") return read_string(from, id);
    if (name == "SecretAccessKey") return read_string(from, secret);
    if (name == "Token") return read_string(from, token);
    if (name == "Expiration") return read_string(from, expiration);
    return from.skip_value();
  });
  Fetched made{{std::move(id), Secret(std::move(secret)), Secret(std::move(token))}};
  if (!read || !from.at_end()) {
    return Failure{
        fmt::format("the answer is not the JSON that was expected: at byte {}: {}", from.offset(),
                    from.fault() != nullptr ? from.fault() : "something follows it"),
        true};
  }
  if (!code.empty() && code != "Success") {
    return Failure{fmt::format("the answer says {}: is the role of the instance there, and may EC2 "
                               "assume it?",
                               code.substr(0, 100)),
                   true};
  }
  if (!unfit_key_id(made.keys.id).empty() || made.keys.secret.empty()) {
    return Failure{"the answer lacks AccessKeyId or SecretAccessKey", true};
  }
  if (!expiration.empty()) {
    made.expires = parse_instant(expiration);
    if (!made.expires) return Failure{"the answer's Expiration is not an ISO 8601 time", true};
  }
  return made;
}

}  // namespace forager::aws
