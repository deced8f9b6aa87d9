// Random valid OTLP requests over the whole schema: fields in any order, missing, repeated and
// unknown, numbers packed or not, tags and lengths padded. The schema is a second transcription of
// PROTOCOLS 1.6, on purpose not the one of proxy/otlp.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "otlp/signal.h"

namespace forager::test {

/// What may be odd in a request. All of it is valid for protobuf, but bad text.
struct Oddities {
  bool unknown_fields = true;
  bool duplicates = true;       ///< singular fields more than once; never a metric's data oneof
  bool padded_varints = true;   ///< longer than need be
  bool empty_envelopes = true;  ///< resources, scopes and metrics without an item
  bool bad_text = false;        ///< strings that are not UTF-8
};

namespace random_detail {

/// v varint, F fixed64, f fixed32, s string, b bytes, m message, P and V repeated fixed64 and
/// varint; `many`: repeated.
struct Spec {
  char kind;
  std::uint32_t number;
  std::string_view of = {};
  bool many = false;
};
using Specs = std::vector<Spec>;

inline Spec list(std::uint32_t number, std::string_view of = "KeyValue") {
  return {'m', number, of, true};
}

/// Without the children of divisible messages: those are placed by Generator::divisible.
inline const Specs& specs(std::string_view message) {
  static const std::map<std::string_view, Specs> all{
      {"Request", {}},
      {"Resources", {{'m', 1, "Resource"}, {'s', 3}}},
      {"Scopes", {{'m', 1, "Scope"}, {'s', 3}}},
      {"Metric", {{'s', 1}, {'s', 2}, {'s', 3}, list(12)}},
      {"Gauge", {}},
      {"Sum", {{'v', 2}, {'v', 3}}},
      {"Histogram", {{'v', 2}}},
      {"Summary", {}},
      {"Span",
       {{'b', 1},
        {'b', 2},
        {'s', 3},
        {'b', 4},
        {'s', 5},
        {'v', 6},
        {'F', 7},
        {'F', 8},
        list(9),
        {'v', 10},
        list(11, "Event"),
        {'v', 12},
        list(13, "Link"),
        {'v', 14},
        {'m', 15, "Status"},
        {'f', 16}}},
      {"Event", {{'F', 1}, {'s', 2}, list(3), {'v', 4}}},
      {"Link", {{'b', 1}, {'b', 2}, {'s', 3}, list(4), {'v', 5}, {'f', 6}}},
      {"Status", {{'s', 2}, {'v', 3}}},
      {"LogRecord",
       {{'F', 1},
        {'v', 2},
        {'s', 3},
        {'m', 5, "AnyValue"},
        list(6),
        {'v', 7},
        {'f', 8},
        {'b', 9},
        {'b', 10},
        {'F', 11},
        {'s', 12}}},
      {"NumberPoint",
       {{'F', 2}, {'F', 3}, {'F', 4}, list(5, "Exemplar"), {'F', 6}, list(7), {'v', 8}}},
      {"HistogramPoint",
       {{'F', 2},
        {'F', 3},
        {'F', 4},
        {'F', 5},
        {'P', 6},
        {'P', 7},
        list(8, "Exemplar"),
        list(9),
        {'v', 10},
        {'F', 11},
        {'F', 12}}},
      {"ExponentialPoint",
       {list(1),
        {'F', 2},
        {'F', 3},
        {'F', 4},
        {'F', 5},
        {'v', 6},
        {'F', 7},
        {'m', 8, "Buckets"},
        {'m', 9, "Buckets"},
        {'v', 10},
        list(11, "Exemplar"),
        {'F', 12},
        {'F', 13},
        {'F', 14}}},
      {"SummaryPoint",
       {{'F', 2}, {'F', 3}, {'F', 4}, {'F', 5}, list(6, "Quantile"), list(7), {'v', 8}}},
      {"Buckets", {{'v', 1}, {'V', 2}}},
      {"Quantile", {{'F', 1}, {'F', 2}}},
      {"Exemplar", {{'F', 2}, {'F', 3}, {'b', 4}, {'b', 5}, {'F', 6}, list(7)}},
      {"Resource", {list(1), {'v', 2}, list(3, "EntityRef")}},
      {"EntityRef", {{'s', 1}, {'s', 2}, {'s', 3, {}, true}, {'s', 4, {}, true}}},
      {"Scope", {{'s', 1}, {'s', 2}, list(3), {'v', 4}}},
      {"KeyValue", {{'s', 1}, {'m', 2, "AnyValue"}}},
      {"AnyValue",
       {{'s', 1},
        {'v', 2},
        {'v', 3},
        {'F', 4},
        {'m', 5, "ArrayValue"},
        {'m', 6, "KeyValueList"},
        {'b', 7}}},
      {"ArrayValue", {list(1, "AnyValue")}},
      {"KeyValueList", {list(1)}},
  };
  return all.at(message);
}

/// Where a divisible message keeps its children.
struct Children {
  std::uint32_t number;
  std::string_view of;
};

class Generator {
 public:
  Generator(std::mt19937_64& random, const Oddities& oddities)
      : random_(random), oddities_(oddities) {}

  std::string divisible(Signal signal, std::string_view message, std::size_t items) {
    std::vector<std::string> fields = fields_of(message, 0);
    const Children child = children(signal, message);
    const bool holds_items = items_of(child.of);
    if (items == 0 && message == "Metric" && one_in(2)) {
      fields.push_back(sub(child.number, divisible(signal, child.of, 0)));
    }
    while (items > 0) {
      const std::size_t share = holds_items || message == "Metric" ? items : 1 + below(items);
      if (holds_items) {
        for (std::size_t i = 0; i < items; ++i)
          fields.push_back(sub(child.number, plain(child.of, 0)));
      } else {
        fields.push_back(sub(child.number, divisible(signal, child.of, share)));
      }
      items -= share;
      while (oddities_.empty_envelopes && !holds_items && message != "Metric" && below(6) == 0) {
        fields.push_back(sub(child.number, divisible(signal, child.of, 0)));
      }
    }
    return shuffled(std::move(fields));
  }

 private:
  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }

  static bool items_of(std::string_view message) {
    return message == "Span" || message == "LogRecord" || message.ends_with("Point");
  }

  Children children(Signal signal, std::string_view message) {
    if (message == "Request") return {1, "Resources"};
    if (message == "Resources") return {2, "Scopes"};
    if (message == "Scopes") {
      return {2, signal == Signal::traces ? "Span"
                 : signal == Signal::logs ? "LogRecord"
                                          : "Metric"};
    }
    // Gauge, Sum, Histogram, ExponentialHistogram (whose fields are those of Histogram), Summary
    static constexpr std::array<std::uint32_t, 5> numbers{5, 7, 9, 10, 11};
    static constexpr std::array<std::string_view, 5> data{"Gauge", "Sum", "Histogram", "Histogram",
                                                          "Summary"};
    static constexpr std::array<std::string_view, 5> points{
        "NumberPoint", "NumberPoint", "HistogramPoint", "ExponentialPoint", "SummaryPoint"};
    if (message != "Metric") return {1, points.at(data_)};
    data_ = below(5);
    return {numbers.at(data_), data.at(data_)};
  }

  std::string plain(std::string_view message, int depth) {
    return shuffled(fields_of(message, depth));
  }

  std::vector<std::string> fields_of(std::string_view message, int depth) {
    std::vector<std::string> fields;
    for (const Spec& spec : specs(message)) {
      if (one_in(3) || (spec.kind == 'm' && depth > 8)) continue;
      std::uint64_t times = spec.many ? below(3) : 1;
      if (oddities_.duplicates && one_in(12)) ++times;
      for (; times > 0; --times) fields.push_back(field(spec, depth));
    }
    while (oddities_.unknown_fields && one_in(8)) fields.push_back(unknown());
    return fields;
  }

  std::string field(const Spec& spec, int depth) {
    switch (spec.kind) {
      case 'v':
        return tag(spec.number, 0) + varint(number(), 10);
      case 'F':
        return tag(spec.number, 1) + fixed(8);
      case 'f':
        return tag(spec.number, 5) + fixed(4);
      case 's':
        return sub(spec.number, text());
      case 'b':
        return sub(spec.number, bytes(below(20)));
      case 'm':
        return sub(spec.number, plain(spec.of, depth + 1));
      default:
        return numbers(spec);
    }
  }

  /// A repeated number: packed, or one by one.
  std::string numbers(const Spec& spec) {
    const bool packed = !one_in(3);
    std::string made;
    for (std::uint64_t i = below(5); i > 0; --i) {
      const bool fixed64 = spec.kind == 'P';
      if (!packed) made += tag(spec.number, fixed64 ? 1 : 0);
      made += fixed64 ? fixed(8) : varint(number(), 10);
    }
    return packed ? sub(spec.number, made) : made;
  }

  std::string unknown() {
    static constexpr std::array<std::uint32_t, 6> strangers{20, 31, 127, 1000, 70'000, 0x1fffffff};
    const std::uint32_t at = strangers.at(below(strangers.size()));
    switch (below(4)) {
      case 0:
        return tag(at, 0) + varint(number(), 10);
      case 1:
        return tag(at, 1) + fixed(8);
      case 2:
        return tag(at, 5) + fixed(4);
      default:
        return sub(at, bytes(below(30)));
    }
  }

  std::string sub(std::uint32_t at, const std::string& content) {
    return tag(at, 2) + varint(content.size(), 5) + content;
  }
  std::string tag(std::uint32_t at, std::uint32_t type) {
    return varint(std::uint64_t{at} << 3 | type, 5);
  }
  std::uint64_t number() { return one_in(4) ? random_() : below(300); }

  std::string varint(std::uint64_t value, std::size_t most) {
    std::string made;
    for (; value >= 0x80; value >>= 7) made += static_cast<char>(value | 0x80);
    made += static_cast<char>(value);
    while (oddities_.padded_varints && made.size() < most && one_in(20)) {
      made.back() = static_cast<char>(made.back() | 0x80);
      made += '\0';
    }
    return made;
  }

  std::string fixed(std::size_t size) { return one_in(4) ? std::string(size, '\0') : bytes(size); }
  std::string bytes(std::size_t size) {
    std::string made(size, '\0');
    for (char& c : made) c = static_cast<char>(random_());
    return made;
  }

  std::string text() {
    if (oddities_.bad_text && one_in(10)) return bytes(1 + below(20));
    static constexpr std::array<std::string_view, 4> letters{"\xc3\xa9", "\xe2\x82\xac",
                                                             "\xf0\x9f\x90\x9d", "\xed\x9f\xbf"};
    const std::uint64_t length = one_in(20) ? below(300) : below(24);
    const bool foreign = one_in(4);
    std::string made;
    while (made.size() < length) {
      if (foreign && one_in(3)) made += letters.at(below(letters.size()));
      made += static_cast<char>('a' + below(26));
    }
    return made;
  }

  std::string shuffled(std::vector<std::string> fields) {
    for (std::size_t i = fields.size(); i > 1; --i) std::swap(fields[i - 1], fields[below(i)]);
    std::string all;
    for (const std::string& each : fields) all += each;
    return all;
  }

  std::mt19937_64& random_;
  Oddities oddities_;
  std::size_t data_ = 0;
};

}  // namespace random_detail

/// Exactly `items` spans, log records or data points. The same generator state gives the same
/// request on every platform.
inline std::string random_request(Signal signal, std::mt19937_64& random, std::size_t items,
                                  const Oddities& oddities = {}) {
  return random_detail::Generator(random, oddities).divisible(signal, "Request", items);
}

}  // namespace forager::test
