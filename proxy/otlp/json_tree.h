// A small JSON document as a tree of views into its text, for readers that need members in any
// order and numbers as they were written. One flat list of nodes; nothing is copied or converted
// before it is asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "otlp/json_text.h"

namespace forager::otlp {

/// Holds views: the text must stay. Pure; any thread.
class JsonTree {
 public:
  enum class Kind : std::uint8_t { none, null, boolean, number, string, array, object };

 private:
  struct Node {
    Kind kind = Kind::none;
    bool plain = true;  ///< of a string: its raw text between the quotes is its value
    bool name_plain = true;
    std::uint32_t child = 0;  ///< 0: none, since the root is nobody's child
    std::uint32_t next = 0;
    std::string_view name;
    std::string_view raw;
  };

 public:
  /// A place in a tree, cheap to copy; `none` where there is nothing, and then all it says is
  /// empty.
  class Value {
   public:
    Value() = default;
    Kind kind() const { return tree_ == nullptr ? Kind::none : node().kind; }
    explicit operator bool() const { return tree_ != nullptr; }
    bool is(Kind kind) const { return this->kind() == kind; }
    /// The member of that name, the last if there are several; `none` if there is none, or this is
    /// no object.
    Value get(std::string_view name) const;
    /// The first member or element; `next` goes on to its sibling.
    Value first() const;
    Value next() const;
    /// The name of a member, unescaped.
    std::string name() const;
    /// A string's value, unescaped, with '?' for what isn't UTF-8; empty for all else.
    std::string text() const;
    /// As written, whatever it is.
    std::string_view raw() const { return tree_ == nullptr ? std::string_view() : node().raw; }
    bool is_true() const { return is(Kind::boolean) && raw() == "true"; }

   private:
    friend class JsonTree;
    Value(const JsonTree* tree, std::uint32_t at) : tree_(tree), at_(at) {}
    const Node& node() const { return tree_->nodes_[at_]; }
    const JsonTree* tree_ = nullptr;
    std::uint32_t at_ = 0;
  };

  /// nullopt: not one JSON value and nothing else, nested deeper than `depth`, or of more than
  /// `nodes` values.
  static std::optional<JsonTree> parse(std::string_view text, int depth = 64,
                                       std::size_t nodes = 100'000);
  Value root() const { return {this, 0}; }

 private:
  class Reader;
  std::vector<Node> nodes_;
  std::string_view text_;
};

}  // namespace forager::otlp
