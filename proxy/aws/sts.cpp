#include "aws/sts.h"

#include <memory>

#include <fmt/format.h>

#include "aws/instant.h"
#include "aws/xml_fields.h"

namespace forager::aws {
namespace {

constexpr std::size_t token_longest = 20'000;  // STS's model of WebIdentityToken
constexpr std::string_view version = "2011-06-15";

/// The bytes are wiped with the last who holds them.
Slice wiped_later(std::string text) {
  auto owner = std::make_shared<const Secret>(std::move(text));
  const std::string_view view = owner->reveal();
  return {std::move(owner), view};
}

net::Request form(std::string body) {
  net::Request made;
  made.headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"},
                  {"Accept", "application/xml"}};
  made.body = Chain(wiped_later(std::move(body)));
  return made;
}

struct Said {
  std::string code;
  std::string message;
};

/// ErrorResponse/Error, or what little can be said without it.
Said error_of(const net::Response& response) {
  const auto fields = read_xml(response.body);
  if (!fields) return {};
  return {std::string(fields->text("ErrorResponse/Error/Code")),
          std::string(fields->text("ErrorResponse/Error/Message"))};
}

std::string words_of(const net::Response& response, const Said& said) {
  if (said.code.empty()) return fmt::format("STS answered with status {}", response.status);
  return fmt::format("STS answered {} {}: {}", response.status, said.code, said.message);
}

std::string fix_for(const Said& said, const WebIdentity& who) {
  if (said.code == "AccessDenied") {
    return fmt::format(
        "; the trust policy of {} must allow sts:AssumeRoleWithWebIdentity to this "
        "service account",
        who.role_arn);
  }
  if (said.code == "ExpiredTokenException" || said.code == "InvalidIdentityToken") {
    return fmt::format(
        "; {} is read again at each try: is it kept fresh, and does the role trust "
        "its issuer?",
        who.token_file);
  }
  if (said.code == "RegionDisabledException") return "; turn STS on in this region, or use another";
  if (said.code == "ValidationError") return "; check AWS_ROLE_ARN and AWS_ROLE_SESSION_NAME";
  return {};
}

/// PROTOCOLS 3.3: these pass by themselves.
bool passes(int status, std::string_view code) {
  return status >= 500 || status == 429 || code == "IDPCommunicationError" ||
         code == "InvalidIdentityToken" || code == "Throttling";
}

}  // namespace

void append_form_encoded(std::string_view text, std::string& to) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      to += c;
      continue;
    }
    to += '%';
    to += digits[static_cast<unsigned char>(c) >> 4U];
    to += digits[static_cast<unsigned char>(c) & 0xFU];
  }
}

std::string_view dns_suffix(std::string_view region) {
  if (region.starts_with("cn-")) return "amazonaws.com.cn";
  if (region.starts_with("eusc-")) return "amazonaws.eu";
  return "amazonaws.com";
}

std::string sts_url(const Environment& with, std::string_view region) {
  if (!with.sts_endpoint.empty()) return with.sts_endpoint;
  if (region.empty()) return "https://sts.amazonaws.com";
  const std::string_view fips = with.fips ? "-fips" : "";
  const bool dual = with.dual_stack && dns_suffix(region) == "amazonaws.com";
  return fmt::format("https://sts{}.{}.{}", fips, region, dual ? "api.aws" : dns_suffix(region));
}

Result<Secret> web_identity_token(std::string text, std::string_view where) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  Secret whole(std::move(text));
  std::string_view token = whole.reveal();
  while (!token.empty() && blank(token.front())) token.remove_prefix(1);
  while (!token.empty() && blank(token.back())) token.remove_suffix(1);
  if (token.empty())
    return fault(fmt::format("{} is empty: a web identity token is expected", where));
  if (token.size() > token_longest) {
    return fault(fmt::format("{} is over {} characters long: a web identity token is expected",
                             where, token_longest));
  }
  return Secret(std::string(token));
}

net::Request web_identity_request(const WebIdentity& who, std::string_view session_name,
                                  const Secret& token) {
  std::string body;
  // room for all of it: growing would leave copies of the token behind
  body.reserve(200 + 3 * (who.role_arn.size() + session_name.size() + token.reveal().size()));
  body = "Action=AssumeRoleWithWebIdentity&Version=";
  body += version;
  body += "&RoleArn=";
  append_form_encoded(who.role_arn, body);
  body += "&RoleSessionName=";
  append_form_encoded(session_name, body);
  body += "&WebIdentityToken=";
  append_form_encoded(token.reveal(), body);
  return form(std::move(body));
}

Outcome web_identity_answer(const net::Response& response, const WebIdentity& who) {
  if (response.status != 200) {
    const Said said = error_of(response);
    return Failure{words_of(response, said) + fix_for(said, who),
                   passes(response.status, said.code)};
  }
  const auto fields = read_xml(response.body);
  if (!fields) {
    return Failure{
        fmt::format("STS's answer is {}; is AWS_ENDPOINT_URL_STS right?", fields.error().what),
        true};
  }
  const std::string at =
      "AssumeRoleWithWebIdentityResponse/AssumeRoleWithWebIdentityResult/Credentials/";
  Fetched made;
  made.keys = {std::string(fields->text(at + "AccessKeyId")),
               Secret(std::string(fields->text(at + "SecretAccessKey"))),
               Secret(std::string(fields->text(at + "SessionToken")))};
  made.expires = parse_instant(fields->text(at + "Expiration"));
  const bool whole = unfit_key_id(made.keys.id).empty() && !made.keys.secret.empty() &&
                     !made.keys.token.empty() && made.expires;
  if (!whole) {
    return Failure{
        "STS's answer lacks one of AccessKeyId, SecretAccessKey, SessionToken and Expiration; is "
        "AWS_ENDPOINT_URL_STS right?",
        true};
  }
  return made;
}

net::Request caller_identity_request() {
  return form(fmt::format("Action=GetCallerIdentity&Version={}", version));
}

Result<CallerIdentity> caller_identity_answer(const net::Response& response) {
  if (response.status != 200) return fault(words_of(response, error_of(response)));
  const auto fields = read_xml(response.body);
  if (!fields) return fault(fmt::format("STS's answer is {}", fields.error().what));
  const std::string at = "GetCallerIdentityResponse/GetCallerIdentityResult/";
  CallerIdentity made{std::string(fields->text(at + "Account")),
                      std::string(fields->text(at + "Arn")),
                      std::string(fields->text(at + "UserId"))};
  if (made.arn.empty()) return fault("STS's answer to GetCallerIdentity has no Arn");
  return made;
}

}  // namespace forager::aws
