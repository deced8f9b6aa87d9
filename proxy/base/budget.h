// Memory is a number (DESIGN, invariant 6): whoever keeps bytes holds a Charge for them, and the
// sum never passes the limit. Lives on the io thread; not synchronised.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>

namespace forager {

class Budget {
 public:
  explicit Budget(std::size_t limit) : limit_(limit) {}
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;

  /// Bytes taken from a budget until this is destroyed. The budget outlives its charges.
  class Charge {
   public:
    Charge() = default;
    Charge(Charge&& other) noexcept
        : budget_(std::exchange(other.budget_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
    Charge& operator=(Charge&& other) noexcept {
      if (this != &other) {
        release();
        budget_ = std::exchange(other.budget_, nullptr);
        bytes_ = std::exchange(other.bytes_, 0);
      }
      return *this;
    }
    ~Charge() { release(); }
    std::size_t bytes() const { return bytes_; }
    /// Gives back or asks for the difference; false: there is no room, and nothing changed. Empty
    /// charges only shrink.
    bool resize(std::size_t bytes) {
      if (budget_ == nullptr) return bytes == 0;
      if (bytes > bytes_ && bytes - bytes_ > budget_->left()) return false;
      budget_->used_ = budget_->used_ - bytes_ + bytes;
      bytes_ = bytes;
      return true;
    }
    void release() {
      if (budget_ != nullptr) budget_->used_ -= bytes_;
      budget_ = nullptr;
      bytes_ = 0;
    }

   private:
    friend class Budget;
    Charge(Budget& budget, std::size_t bytes) : budget_(&budget), bytes_(bytes) {}
    Budget* budget_ = nullptr;
    std::size_t bytes_ = 0;
  };

  /// nullopt: no room now; the caller refuses or waits, and never takes the bytes all the same.
  std::optional<Charge> take(std::size_t bytes) {
    if (bytes > left()) return std::nullopt;
    used_ += bytes;
    return Charge(*this, bytes);
  }
  /// For what can't be refused (a connection that is already open): may pass the limit, which then
  /// refuses others.
  Charge take_anyway(std::size_t bytes) {
    used_ += bytes;
    return {*this, bytes};
  }
  std::size_t limit() const { return limit_; }
  std::size_t used() const { return used_; }
  std::size_t left() const { return used_ < limit_ ? limit_ - used_ : 0; }

 private:
  std::size_t limit_;
  std::size_t used_ = 0;
};

}  // namespace forager
