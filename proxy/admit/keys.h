// Which key and dataset a request's data goes out with (DESIGN, "Keys of apps"). Keys of apps are
// kept in memory alone, found by an HMAC of them, and leave only as Credentials. Lives on the io
// thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/secret.h"
#include "config/config.h"
#include "destination/destination.h"
#include "journal/format.h"
#include "journal/record.h"

namespace forager::admit {

/// A header pair that no group can be had for.
struct KeyRefused {
  enum class Kind : std::uint8_t { malformed, unauthenticated, too_many };
  Kind kind = Kind::malformed;
  std::string message;  ///< says the fix, never the key
};

class KeyRing {
 public:
  static constexpr std::size_t groups_max = 1000;
  static constexpr std::size_t header_max = 512;  ///< bytes of a key or a dataset

  /// `salt`: 32 random bytes of this process (`random_salt`). `own` may be empty: then own_group
  /// has no credentials.
  KeyRing(config::KeyPolicy policy, Secret own, Secret salt);
  static Secret random_salt();

  /// What the policy has against this pair, without taking it in. An empty header counts as none.
  std::optional<KeyRefused> objection(const std::optional<Secret>& key,
                                      const std::optional<std::string>& dataset) const;
  /// The group of this pair, begun if it is new.
  std::variant<journal::GroupId, KeyRefused> group_of(const std::optional<Secret>& key,
                                                      const std::optional<std::string>& dataset);
  /// nullopt: there is no such group, or it goes with our own key and there is none.
  std::optional<destination::Credentials> credentials(journal::GroupId group) const;
  /// The key of every group without one of an app's; from the next attempt on.
  void set_own(Secret own) { own_ = std::move(own); }
  /// For the disk: what it may know of a group.
  journal::format::Group on_disk(journal::GroupId group) const;
  /// A group of an earlier run. Without our salt or the key it has no credentials until an app
  /// brings that key; then `learned` is called.
  journal::GroupId adopt(const journal::format::Group& found);
  void on_learned(std::function<void()> learned) { learned_ = std::move(learned); }
  std::size_t groups() const { return groups_.size(); }

 private:
  using Digest = std::array<unsigned char, 32>;
  struct FirstBytes {  // of an HMAC: as good as any hash
    std::size_t operator()(const Digest& digest) const;
  };
  struct Group {
    std::optional<Secret> key;  ///< nullopt: our own
    std::string dataset;
    bool unknown = false;  ///< a key of an app that is not here
    Digest digest{};
  };
  std::function<void()> learned_;
  Digest digest_of(std::string_view key, std::string_view dataset) const;

  config::KeyPolicy policy_;
  Secret own_;
  Secret salt_;
  std::vector<Group> groups_;
  std::unordered_map<Digest, journal::GroupId, FirstBytes> known_;
};

}  // namespace forager::admit
