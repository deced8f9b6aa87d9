// The three shapes bytes take here. A body enters once as a Buffer, is frozen into a Slice, and
// from then on is only shared: journal, retries and every destination hold the same bytes.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace forager {

/// Mutable, right-sized, not initialised, owned by one. `capacity()` is what it costs in memory.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t size)
      : bytes_(std::make_unique_for_overwrite<char[]>(size)), size_(size), capacity_(size) {}
  /// With room for `headroom` bytes in front, which `grow_front` makes part of it: what is put into
  /// a body near its beginning then moves only what is before it.
  Buffer(std::size_t size, std::size_t headroom) : Buffer(size + headroom) {
    size_ = size;
    front_ = headroom;
  }
  static Buffer copy_of(std::string_view from) {
    Buffer made(from.size());
    if (!from.empty()) std::memcpy(made.data(), from.data(), from.size());
    return made;
  }

  char* data() { return bytes_.get() + front_; }
  const char* data() const { return bytes_.get() + front_; }
  std::size_t size() const { return size_; }
  std::size_t capacity() const { return capacity_; }
  std::size_t headroom() const { return front_; }
  bool empty() const { return size_ == 0; }
  std::string_view view() const { return {data(), size_}; }
  std::span<char> span() { return {data(), size_}; }

  /// `bytes` of the headroom, not initialised, become its beginning.
  void grow_front(std::size_t bytes) {
    assert(bytes <= front_);
    front_ -= bytes;
    size_ += bytes;
  }

  /// Forgets the bytes after `size`; memory stays as it is.
  void shrink(std::size_t size) {
    assert(size <= size_);
    size_ = size;
  }
  /// New capacity, the first min(size, capacity) bytes kept, and the headroom; size becomes `size`.
  void resize(std::size_t size) {
    Buffer grown(size, front_);
    if (const auto kept = std::min(size, size_); kept != 0) {
      std::memcpy(grown.data(), data(), kept);
    }
    *this = std::move(grown);
  }

 private:
  friend class Slice;
  std::unique_ptr<char[]> bytes_;
  std::size_t front_ = 0;  ///< bytes not in use yet, before the first
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

/// Immutable shared bytes: an owner and a view into what it owns. Cheap to copy, may be read by any
/// thread.
class Slice {
 public:
  Slice() = default;
  explicit Slice(Buffer&& from)
      : owner_(std::shared_ptr<const char[]>(std::move(from.bytes_))),
        view_(static_cast<const char*>(owner_.get()) + from.front_, from.size_) {}
  explicit Slice(std::string from) {
    auto kept = std::make_shared<const std::string>(std::move(from));
    view_ = *kept;
    owner_ = std::move(kept);
  }
  Slice(std::shared_ptr<const void> owner, std::string_view view)
      : owner_(std::move(owner)), view_(view) {}

  std::string_view view() const { return view_; }
  std::size_t size() const { return view_.size(); }
  bool empty() const { return view_.empty(); }
  /// A part of it that keeps the whole alive.
  Slice sub(std::size_t offset, std::size_t size) const {
    return {owner_, view_.substr(offset, size)};
  }

 private:
  std::shared_ptr<const void> owner_;
  std::string_view view_;
};

/// Slices in order, read as one body. Concatenation is how batches are merged.
class Chain {
 public:
  Chain() = default;
  explicit Chain(Slice only) { push_back(std::move(only)); }

  void push_back(Slice next) {
    size_ += next.size();
    slices_.push_back(std::move(next));
  }
  void append(const Chain& other) {
    for (const Slice& s : other.slices_) push_back(s);
  }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::span<const Slice> slices() const { return slices_; }
  /// All of it in one string: for tests and for small bodies only.
  std::string joined() const {
    std::string all;
    all.reserve(size_);
    for (const Slice& s : slices_) all.append(s.view());
    return all;
  }

 private:
  std::vector<Slice> slices_;
  std::size_t size_ = 0;
};

}  // namespace forager
