#include "otlp/json_tree.h"

namespace forager::otlp {
namespace {

std::string unescaped(std::string_view raw, bool plain) {
  if (plain) return std::string(raw);
  std::string value(raw.size(), '\0');
  value.resize(unescape(raw, value.data()));
  return value;
}

}  // namespace

class JsonTree::Reader {
 public:
  Reader(JsonTree& tree, std::size_t nodes) : tree_(tree), text_(tree.text_), nodes_max_(nodes) {}

  bool whole(int depth) { return value({}, depth) != none && text_.at_end(); }

 private:
  static constexpr std::uint32_t none = UINT32_MAX;

  std::uint32_t value(const JsonString& name, int depth) {
    if (depth < 0 || tree_.nodes_.size() >= nodes_max_) return none;
    const auto at = static_cast<std::uint32_t>(tree_.nodes_.size());
    tree_.nodes_.emplace_back();
    const char next = text_.peek();
    const std::size_t begin = text_.offset();
    Kind kind = Kind::none;
    JsonString string;
    if (next == '{' || next == '[') {
      kind = next == '{' ? Kind::object : Kind::array;
      if (!children(at, kind, depth)) return none;
    } else if (next == '"') {
      kind = Kind::string;
      if (!text_.string(string)) return none;
    } else if (next == 't' || next == 'f') {
      kind = Kind::boolean;
      if (!text_.literal(next == 't' ? "true" : "false")) return none;
    } else if (next == 'n') {
      kind = Kind::null;
      if (!text_.literal("null")) return none;
    } else {
      kind = Kind::number;
      std::string_view digits;
      if (!text_.number(digits)) return none;
    }
    Node& node = tree_.nodes_[at];
    node.kind = kind;
    node.raw = tree_.text_.substr(begin, text_.offset() - begin);
    node.plain = string.plain;
    node.name = name.raw;
    node.name_plain = name.plain;
    return at;
  }

  bool children(std::uint32_t parent, Kind kind, int depth) {
    const char end = kind == Kind::object ? '}' : ']';
    text_.take(kind == Kind::object ? '{' : '[');
    if (text_.take(end)) return true;
    std::uint32_t before = 0;
    do {
      JsonString name;
      if (kind == Kind::object && (text_.peek() != '"' || !text_.string(name) || !text_.take(':')))
        return false;
      const std::uint32_t at = value(name, depth - 1);
      if (at == none) return false;
      (before == 0 ? tree_.nodes_[parent].child : tree_.nodes_[before].next) = at;
      before = at;
    } while (text_.take(','));
    return text_.take(end);
  }

  JsonTree& tree_;
  JsonText text_;
  std::size_t nodes_max_;
};

std::optional<JsonTree> JsonTree::parse(std::string_view text, int depth, std::size_t nodes) {
  JsonTree tree;
  tree.text_ = text;
  if (!Reader(tree, nodes).whole(depth)) return std::nullopt;
  return tree;
}

JsonTree::Value JsonTree::Value::first() const {
  if (tree_ == nullptr || node().child == 0) return {};
  return {tree_, node().child};
}

JsonTree::Value JsonTree::Value::next() const {
  if (tree_ == nullptr || node().next == 0) return {};
  return {tree_, node().next};
}

JsonTree::Value JsonTree::Value::get(std::string_view name) const {
  Value found;
  if (!is(Kind::object)) return found;
  for (Value member = first(); member; member = member.next()) {
    const Node& node = member.node();
    if (node.name_plain ? node.name == name : member.name() == name) found = member;
  }
  return found;
}

std::string JsonTree::Value::name() const {
  return tree_ == nullptr ? std::string() : unescaped(node().name, node().name_plain);
}

std::string JsonTree::Value::text() const {
  if (!is(Kind::string)) return {};
  return unescaped(raw().substr(1, raw().size() - 2), node().plain);
}

}  // namespace forager::otlp
