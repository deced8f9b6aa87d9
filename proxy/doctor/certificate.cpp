#include "doctor/certificate.h"

#include <algorithm>
#include <array>
#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace forager::doctor {
namespace {

/// Products that open TLS and sign anew, as they name their authority by default.
constexpr std::array<std::string_view, 26> interceptors{
    "zscaler",   "netskope",  "blue coat",   "bluecoat", "fortinet",    "fortigate",
    "palo alto", "umbrella",  "mcafee",      "skyhigh",  "sophos",      "forcepoint",
    "websense",  "squid",     "mitmproxy",   "charles",  "fiddler",     "portswigger",
    "kaspersky", "avast",     "bitdefender", "eset ssl", "check point", "checkpoint",
    "barracuda", "watchguard"};

/// Organisations of public authorities that cloud vendors use (Mozilla's root program).
constexpr std::array<std::string_view, 20> public_authorities{"amazon",
                                                              "starfield",
                                                              "digicert",
                                                              "let's encrypt",
                                                              "internet security research group",
                                                              "isrg",
                                                              "google trust services",
                                                              "globalsign",
                                                              "sectigo",
                                                              "usertrust",
                                                              "comodo",
                                                              "godaddy",
                                                              "go daddy",
                                                              "entrust",
                                                              "baltimore",
                                                              "microsoft corporation",
                                                              "identrust",
                                                              "ssl.com",
                                                              "certum",
                                                              "buypass"};

/// Vendors whose certificates are public for certain.
constexpr std::array<std::string_view, 3> vendors{".honeycomb.io", ".amazonaws.com",
                                                  ".rollbar.com"};
constexpr std::int64_t a_day = 86'400;
constexpr std::int64_t soon = 7 * a_day;

std::string lower(std::string_view text) {
  std::string made(text);
  std::ranges::transform(made, made.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return made;
}

/// What people know it by. Control characters are left out: it comes from outside.
std::string name_of(const X509_NAME* name) {
  std::string made;
  for (const int part : {NID_organizationName, NID_commonName}) {
    const int at = X509_NAME_get_index_by_NID(name, part, -1);
    if (at < 0) continue;
    unsigned char* text = nullptr;
    const int size =
        ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    if (size < 0) continue;
    if (!made.empty()) made += ", ";
    for (int i = 0; i < std::min(size, 100); ++i) {
      if (text[i] >= 0x20 && text[i] < 0x7f) made += static_cast<char>(text[i]);
    }
    OPENSSL_free(text);
  }
  return made.empty() ? "somebody without a name" : made;
}

bool is_vendor(std::string_view host) {
  return std::ranges::any_of(vendors, [&](std::string_view one) { return host.ends_with(one); });
}

std::string day_of(std::int64_t at) {
  const std::time_t time = at;
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  return fmt::format("{:%Y-%m-%d}", parts);
}

Finding finding(Level level, std::string_view of, std::string what, std::string fix = {}) {
  return {level, std::string(of), std::move(what), std::move(fix), Area::network};
}

}  // namespace

std::optional<Certificate> certificate_of(const SSL* ssl) {
  if (ssl == nullptr) return std::nullopt;
  const STACK_OF(X509)* const chain = SSL_get0_verified_chain(ssl);
  if (chain == nullptr || sk_X509_num(chain) == 0) return std::nullopt;
  const X509* const leaf = sk_X509_value(chain, 0);
  const X509* const root = sk_X509_value(chain, sk_X509_num(chain) - 1);
  Certificate made;
  made.version = SSL_get_version(ssl);
  made.signer = name_of(X509_get_issuer_name(leaf));
  made.root = name_of(X509_get_subject_name(root));
  std::tm until{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &until) == 1) made.until = ::timegm(&until);
  return made;
}

Authority authority_of(std::string_view names) {
  const std::string in = lower(names);
  const auto has = [&](std::string_view one) { return in.find(one) != in.npos; };
  if (std::ranges::any_of(interceptors, has)) return Authority::intercepting;
  if (std::ranges::any_of(public_authorities, has)) return Authority::known_public;
  return Authority::own;
}

Finding judge_certificate(std::string_view named, std::string_view host, const Certificate& shown,
                          WallTime now) {
  std::string what =
      fmt::format("{}, the certificate is signed by {}", shown.version, shown.signer);
  if (shown.root != shown.signer) what += fmt::format(" (root {})", shown.root);
  what += fmt::format(", good until {}", day_of(shown.until));
  const Authority who = authority_of(shown.signer + ", " + shown.root);
  if (who == Authority::intercepting) {
    return finding(Level::warning, named,
                   what + ": a proxy that opens TLS, and reads keys and telemetry",
                   fmt::format("if that isn't wanted, have {} exempted there", host));
  }
  if (who == Authority::own && is_vendor(host)) {
    return finding(Level::warning, named,
                   what + ": no public authority, so a proxy between opens TLS and reads along",
                   fmt::format("if that isn't wanted, have {} exempted there", host));
  }
  if (who == Authority::own) what += "; a private authority, which is trusted here";
  const auto left =
      shown.until -
      std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  if (left < soon) {
    return finding(Level::warning, named, what + fmt::format(": in {} days", left / a_day),
                   fmt::format("have the certificate of {} renewed", host));
  }
  return finding(Level::ok, named, std::move(what));
}

Finding judge_tls_failure(std::string_view named, std::string_view why,
                          std::string_view ca_setting) {
  // the files that we bring, before anything is said to the server
  for (const std::string_view ours : {"cannot load", "no CA certificates", "the key in"}) {
    if (!why.starts_with(ours)) continue;
    Finding found = finding(Level::failure, named, std::string(why),
                            fmt::format("see that the file is there, is PEM, and can be read by "
                                        "this user; {} names the CA",
                                        ca_setting));
    found.area = Area::settings;
    return found;
  }
  std::string fix;
  if (why.find("issuer") != why.npos && why.find("clock") == why.npos) {
    fix = fmt::format("if you trust that issuer, name a PEM file with its CA in {}", ca_setting);
    if (authority_of(why) == Authority::intercepting)
      fix += "; it is a proxy that opens TLS: its administrators have that file";
  } else if (why.find("another host") != why.npos) {
    fix = "see that the endpoint has the name that is in the certificate";
  } else if (why.find("clock") != why.npos) {
    fix = "set this machine's clock (NTP); if it is right, the certificate has to be renewed";
  } else {
    fix = "see that the port speaks TLS 1.2 or later, and that no firewall ends it";
  }
  // behind a semicolon the words have a fix of their own, which doesn't know our settings
  return finding(Level::failure, named, "TLS: " + std::string(why.substr(0, why.rfind("; "))),
                 std::move(fix));
}

}  // namespace forager::doctor
