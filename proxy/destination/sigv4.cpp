#include "destination/sigv4.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace forager::destination {
namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view date_header = "X-Amz-Date";
constexpr std::string_view token_header = "X-Amz-Security-Token";
constexpr std::string_view authorization_header = "Authorization";
constexpr std::size_t digest_bytes = 32;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string lower_case(std::string_view text) {
  std::string made(text);
  std::transform(made.begin(), made.end(), made.begin(), lower);
  return made;
}

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

std::string hex(std::string_view bytes) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string made;
  made.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    made += digits[byte >> 4U];
    made += digits[byte & 0xFU];
  }
  return made;
}

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new()) {
    if (context_ == nullptr || EVP_DigestInit_ex(context_, EVP_sha256(), nullptr) != 1) {
      throw std::runtime_error("OpenSSL has no SHA-256");
    }
  }
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  ~Sha256() { EVP_MD_CTX_free(context_); }

  void add(std::string_view bytes) { EVP_DigestUpdate(context_, bytes.data(), bytes.size()); }
  std::string hex_digest() {
    std::array<unsigned char, digest_bytes> out{};
    EVP_DigestFinal_ex(context_, out.data(), nullptr);
    return hex({reinterpret_cast<const char*>(out.data()), out.size()});
  }

 private:
  EVP_MD_CTX* context_;
};

Secret hmac(std::string_view key, std::string_view text) {
  std::string out(digest_bytes, '\0');
  unsigned int size = digest_bytes;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       reinterpret_cast<unsigned char*>(out.data()), &size);
  return Secret(std::move(out));
}

bool is_unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

void append_encoded(std::string_view text, std::string& to) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_unreserved(c)) {
      to += c;
    } else {
      to += '%';
      to += digits[byte >> 4U];
      to += digits[byte & 0xFU];
    }
  }
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char small = lower(c);
  return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

/// A query is encoded on the wire already; it is signed by what it says.
std::string decoded(std::string_view text) {
  std::string made;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 &&
                        hex_value(text[i + 2]) >= 0;
    made +=
        escape ? static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2])) : text[i];
    if (escape) i += 2;
  }
  return made;
}

std::string encoded(std::string_view text) {
  std::string made;
  append_encoded(decoded(text), made);
  return made;
}

/// Trimmed, inner runs of blanks one space.
void append_trimmed(std::string_view value, std::string& to) {
  bool begun = false;
  bool gap = false;
  for (const char c : value) {
    if (c == ' ' || c == '\t') {
      gap = begun;
      continue;
    }
    if (gap) to += ' ';
    to += c;
    begun = true;
    gap = false;
  }
}

struct SignedHeader {
  std::string name;  ///< lower case
  std::string_view value;
  std::size_t order = 0;  ///< repeats stay in theirs
};

/// What is signed, sorted by name.
std::vector<SignedHeader> to_sign(const net::Request& request, std::string_view authority) {
  std::vector<SignedHeader> all;
  all.reserve(request.headers.size() + request.secret_headers.size() + 1);
  const auto add = [&all](std::string_view name, std::string_view value) {
    all.push_back({lower_case(name), value, all.size()});
  };
  // The transport says Host, whatever the request has.
  const auto skip = [](std::string_view name) {
    return must_not_sign(name) || same_name(name, "host");
  };
  add("host", authority);
  for (const net::Header& h : request.headers) {
    if (!skip(h.name)) add(h.name, h.value);
  }
  for (const auto& [name, value] : request.secret_headers) {
    if (!skip(name)) add(name, value.reveal());
  }
  std::sort(all.begin(), all.end(), [](const SignedHeader& a, const SignedHeader& b) {
    return std::tie(a.name, a.order) < std::tie(b.name, b.order);
  });
  return all;
}

}  // namespace

bool must_not_sign(std::string_view name) {
  static constexpr std::array<std::string_view, 11> table{
      "authorization", "connection",        "content-length", "expect",     "keep-alive",     "te",
      "trailer",       "transfer-encoding", "upgrade",        "user-agent", "x-amzn-trace-id"};
  static constexpr std::string_view proxy = "proxy-";
  return std::any_of(table.begin(), table.end(),
                     [name](std::string_view known) { return same_name(name, known); }) ||
         same_name(name.substr(0, proxy.size()), proxy);
}

std::string amz_date(WallTime now) {
  const auto day = std::chrono::floor<std::chrono::days>(now);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(now - day));
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

std::string hex_sha256(std::string_view text) {
  Sha256 hash;
  hash.add(text);
  return hash.hex_digest();
}

std::string hex_sha256(const Chain& body) {
  Sha256 hash;
  for (const Slice& slice : body.slices()) hash.add(slice.view());
  return hash.hex_digest();
}

std::string canonical_path(std::string_view path) {
  std::vector<std::string_view> kept;
  std::string_view rest = path;
  while (!rest.empty()) {
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    const std::string_view segment = rest.substr(0, slash);
    rest.remove_prefix(std::min(slash + 1, rest.size()));
    if (segment.empty() || segment == ".") continue;
    if (segment != "..") {
      kept.push_back(segment);
    } else if (!kept.empty()) {
      kept.pop_back();
    }
  }
  std::string made;
  for (const std::string_view segment : kept) {
    made += '/';
    append_encoded(segment, made);
  }
  if (kept.empty() || path.ends_with('/')) made += '/';
  return made;
}

std::string canonical_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> pairs;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    pairs.emplace_back(encoded(pair.substr(0, equals)),
                       encoded(pair.substr(std::min(equals + 1, pair.size()))));
  }
  std::sort(pairs.begin(), pairs.end());
  std::string made;
  for (const auto& [name, value] : pairs) {
    if (!made.empty()) made += '&';
    made.append(name).append("=").append(value);
  }
  return made;
}

std::string signed_headers(const net::Request& request) {
  std::string made;
  std::string last;
  for (auto& header : to_sign(request, {})) {
    if (header.name == last) continue;
    made.append(made.empty() ? "" : ";").append(header.name);
    last = std::move(header.name);
  }
  return made;
}

std::string canonical_request(const net::Request& request, std::string_view authority) {
  const std::string_view target = request.target;
  const std::size_t mark = std::min(target.find('?'), target.size());
  std::string made = request.method + '\n' + canonical_path(target.substr(0, mark)) + '\n' +
                     canonical_query(target.substr(std::min(mark + 1, target.size()))) + '\n';
  std::string last;
  for (auto& header : to_sign(request, authority)) {
    if (header.name == last) {
      made.back() = ',';  // instead of the line's end
    } else {
      made.append(header.name).append(":");
    }
    append_trimmed(header.value, made);
    made += '\n';
    last = std::move(header.name);
  }
  return made + '\n' + signed_headers(request) + '\n' + hex_sha256(request.body);
}

const Secret& SigV4::signing_key(const Secret& secret, std::string_view day) {
  if (day_ == day && secret_ == secret && !key_.empty()) return key_;
  std::string first;
  first.reserve(4 + secret.reveal().size());  // no copy left behind by growing
  first.append("AWS4").append(secret.reveal());
  const Secret begun(std::move(first));
  const Secret of_day = hmac(begun.reveal(), day);
  const Secret of_region = hmac(of_day.reveal(), scope_.region);
  const Secret of_service = hmac(of_region.reveal(), scope_.service);
  key_ = hmac(of_service.reveal(), "aws4_request");
  secret_ = secret;
  day_ = day;
  return key_;
}

void SigV4::sign(net::Request& request, const AwsKeys& keys, WallTime now) {
  const auto is_ours = [](std::string_view name) {
    return same_name(name, authorization_header) || same_name(name, date_header) ||
           same_name(name, token_header);
  };
  std::erase_if(request.headers, [&](const net::Header& h) { return is_ours(h.name); });
  std::erase_if(request.secret_headers, [&](const auto& h) { return is_ours(h.first); });
  const std::string time = amz_date(now);
  const std::string_view day = std::string_view(time).substr(0, 8);
  request.headers.push_back({std::string(date_header), time});
  if (!keys.token.empty()) {
    request.secret_headers.emplace_back(std::string(token_header), keys.token);
  }
  const std::string scope =
      fmt::format("{}/{}/{}/aws4_request", day, scope_.region, scope_.service);
  const std::string text = fmt::format("{}\n{}\n{}\n{}", algorithm, time, scope,
                                       hex_sha256(canonical_request(request, scope_.authority)));
  const Secret signature = hmac(signing_key(keys.secret, day).reveal(), text);
  request.secret_headers.emplace_back(
      std::string(authorization_header),
      Secret(fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", algorithm, keys.id,
                         scope, signed_headers(request), hex(signature.reveal()))));
}

}  // namespace forager::destination
