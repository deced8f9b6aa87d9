// A value that must never be seen. It prints as [secret], is wiped when it goes, and says its
// content only to who asks by name.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <openssl/crypto.h>

namespace forager {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept : value_(std::move(other.value_)) { other.wipe(); }
  Secret& operator=(const Secret& other) {
    if (this != &other) {
      wipe();
      value_ = other.value_;
    }
    return *this;
  }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      wipe();
      value_ = std::move(other.value_);
      other.wipe();
    }
    return *this;
  }
  ~Secret() { wipe(); }

  bool empty() const { return value_.empty(); }
  /// The only way to the content: for the header that goes out, and nothing else.
  std::string_view reveal() const { return value_; }
  friend bool operator==(const Secret& a, const Secret& b) {
    return a.value_.size() == b.value_.size() &&
           CRYPTO_memcmp(a.value_.data(), b.value_.data(), a.value_.size()) == 0;
  }

 private:
  void wipe() {
    value_.resize(value_.capacity());  // a moved-from string keeps its short text beyond its size
    OPENSSL_cleanse(value_.data(), value_.size());
    value_.clear();
  }
  std::string value_;
};

}  // namespace forager

template <>
struct fmt::formatter<forager::Secret> : fmt::formatter<std::string_view> {
  template <class Context>
  auto format(const forager::Secret& /*hidden*/, Context& context) const {
    return fmt::formatter<std::string_view>::format("[secret]", context);
  }
};
