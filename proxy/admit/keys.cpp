#include "admit/keys.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <sys/random.h>

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace forager::admit {
namespace {

using config::KeyPolicy;
using Kind = KeyRefused::Kind;

std::string_view text_of(const std::optional<Secret>& key) {
  return key ? key->reveal() : std::string_view();
}
std::string_view text_of(const std::optional<std::string>& dataset) {
  return dataset ? std::string_view(*dataset) : std::string_view();
}

/// It goes into a header of ours later on.
bool fits_a_header(std::string_view text) {
  return text.size() <= KeyRing::header_max && std::none_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
         });
}

KeyRefused malformed(std::string_view header) {
  return {Kind::malformed, fmt::format("the header {} has control characters or more than {} bytes",
                                       header, KeyRing::header_max)};
}

}  // namespace

std::size_t KeyRing::FirstBytes::operator()(const Digest& digest) const {
  std::size_t first = 0;
  std::memcpy(&first, digest.data(), sizeof first);
  return first;
}

KeyRing::KeyRing(KeyPolicy policy, Secret own, Secret salt)
    : policy_(policy), own_(std::move(own)), salt_(std::move(salt)), groups_(1) {}

Secret KeyRing::random_salt() {
  std::string bytes(32, '\0');
  // the system's own: OpenSSL's generator would wake all of OpenSSL before there is anything to
  // sign
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    throw std::runtime_error("the system gives no random bytes");
  }
  Secret salt(bytes);
  OPENSSL_cleanse(bytes.data(), bytes.size());
  return salt;
}

KeyRing::Digest KeyRing::digest_of(std::string_view key, std::string_view dataset) const {
  // a 0 can be in neither, so the pairs can't run into one another
  std::string pair;
  pair.reserve(key.size() + 1 + dataset.size());
  pair.append(key).append(1, '\0').append(dataset);
  Digest digest{};
  unsigned int size = 0;
  const std::string_view salt = salt_.reveal();
  HMAC(EVP_sha256(), salt.data(), static_cast<int>(salt.size()),
       reinterpret_cast<const unsigned char*>(pair.data()), pair.size(), digest.data(), &size);
  OPENSSL_cleanse(pair.data(), pair.size());
  return digest;
}

std::optional<KeyRefused> KeyRing::objection(const std::optional<Secret>& key,
                                             const std::optional<std::string>& dataset) const {
  // an app with an old or wrong key of its own works: nobody looks at it
  if (policy_ == KeyPolicy::replace) return std::nullopt;
  if (!fits_a_header(text_of(key))) return malformed("x-honeycomb-team");
  if (!fits_a_header(text_of(dataset))) return malformed("x-honeycomb-dataset");
  if (policy_ == KeyPolicy::pass_through && text_of(key).empty()) {
    return KeyRefused{Kind::unauthenticated,
                      "there is no x-honeycomb-team: with FORAGER_KEY_POLICY=pass-through every "
                      "app sends its own key "
                      "(OTEL_EXPORTER_OTLP_HEADERS=x-honeycomb-team=...)"};
  }
  return std::nullopt;
}

std::variant<journal::GroupId, KeyRefused> KeyRing::group_of(
    const std::optional<Secret>& key, const std::optional<std::string>& dataset) {
  if (auto refused = objection(key, dataset)) return *std::move(refused);
  if (policy_ == KeyPolicy::replace) return journal::own_group;
  if (text_of(key).empty() && text_of(dataset).empty()) return journal::own_group;
  const Digest digest = digest_of(text_of(key), text_of(dataset));
  if (const auto found = known_.find(digest); found != known_.end()) {
    Group& group = groups_[found->second];
    if (group.unknown) {
      group.key = key;
      group.unknown = false;
      if (learned_) learned_();
    }
    return found->second;
  }
  if (groups_.size() >= groups_max) {
    return KeyRefused{Kind::too_many, fmt::format("more than {} pairs of key and dataset were sent "
                                                  "since the start; restart Forager, or let "
                                                  "apps share them",
                                                  groups_max)};
  }
  Group group;
  if (!text_of(key).empty()) group.key = key;
  group.dataset = text_of(dataset);
  group.digest = digest;
  groups_.push_back(std::move(group));
  const auto id = static_cast<journal::GroupId>(groups_.size() - 1);
  known_.emplace(digest, id);
  return id;
}

journal::format::Group KeyRing::on_disk(journal::GroupId group) const {
  const Group& from = groups_.at(group);
  journal::format::Group made;
  made.has_key = from.key.has_value() || from.unknown;
  std::memcpy(made.digest.data(), from.digest.data(), made.digest.size());
  made.dataset = from.dataset;
  return made;
}

journal::GroupId KeyRing::adopt(const journal::format::Group& found) {
  Digest digest{};
  std::memcpy(digest.data(), found.digest.data(), digest.size());
  if (const auto known = known_.find(digest); known != known_.end()) return known->second;
  Group group;
  group.dataset = found.dataset;
  group.unknown = found.has_key;
  group.digest = digest;
  groups_.push_back(std::move(group));
  const auto id = static_cast<journal::GroupId>(groups_.size() - 1);
  known_.emplace(digest, id);
  return id;
}

std::optional<destination::Credentials> KeyRing::credentials(journal::GroupId group) const {
  if (group >= groups_.size()) return std::nullopt;
  const Group& g = groups_[group];
  if (g.unknown) return std::nullopt;
  const Secret& key = g.key ? *g.key : own_;
  if (key.empty()) return std::nullopt;
  return destination::Credentials{key, g.dataset};
}

}  // namespace forager::admit
