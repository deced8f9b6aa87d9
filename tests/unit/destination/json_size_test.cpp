#include "destination/json_size.h"

#include <array>
#include <bit>
#include <random>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include "base/json_writer.h"
#include "support/otlp_builder.h"

namespace forager::destination {
namespace {

using test::wire_bytes;
using test::wire_fixed64;
using test::wire_varint;

/// A random AnyValue and its JSON, made side by side.
class Values {
 public:
  explicit Values(unsigned seed) : random_(seed) {}

  std::string any(JsonWriter& json, int depth) {
    switch (pick(depth == 0 ? 6 : 8)) {
      case 0: {
        const std::string t = text();
        json.value(t);
        return wire_bytes(1, t);
      }
      case 1: {
        const bool yes = pick(2) == 0;
        json.value(yes);
        return wire_varint(2, yes ? 1 : 0);
      }
      case 2: {
        const auto number = static_cast<std::int64_t>(random_() >> pick(64));
        json.value(number);
        return wire_varint(3, static_cast<std::uint64_t>(number));
      }
      case 3: {
        const auto number = std::bit_cast<double>(random_());
        json.value(number);
        return wire_fixed64(4, std::bit_cast<std::uint64_t>(number));
      }
      case 4: {
        const std::string bytes(pick(40), static_cast<char>(0x20 + pick(90)));
        std::string base64(bytes.size() * 4 / 3 + 8, '\0');
        base64.resize(static_cast<std::size_t>(EVP_EncodeBlock(
            reinterpret_cast<unsigned char*>(base64.data()),
            reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()))));
        json.value(base64);
        return wire_bytes(7, bytes);
      }
      case 5:
        json.null();
        return {};
      case 6: {
        std::string list;
        json.begin_array();
        for (std::size_t i = pick(5); i != 0; --i) list += wire_bytes(1, any(json, depth - 1));
        json.end_array();
        return wire_bytes(5, list);
      }
      default: {
        const std::string list = attributes(json, 1, depth - 1);
        return wire_bytes(6, list);
      }
    }
  }

  std::string attributes(JsonWriter& json, std::uint32_t number, int depth) {
    std::string list;
    json.begin_object();
    for (std::size_t i = pick(5); i != 0; --i) {
      const std::string key = text();
      json.key(key);
      list += wire_bytes(number, wire_bytes(1, key) + wire_bytes(2, any(json, depth)));
    }
    json.end_object();
    return list;
  }

 private:
  std::size_t pick(std::size_t below) { return random_() % below; }
  std::string text() {
    static constexpr std::array<std::string_view, 8> parts{
        "a", "some words", "\"", "\\", "\xC3\xA9", "\n", "\x1b[1m", ""};
    std::string made;
    for (std::size_t i = pick(30); i != 0; --i) made += parts[pick(parts.size())];
    return made;
  }
  std::mt19937_64 random_;
};

TEST(JsonSize, IsExactForEveryKindOfValueAndTheBoundIsNeverBelow) {
  for (unsigned seed = 0; seed < 3000; ++seed) {
    JsonWriter json;
    const std::string value = Values(seed).any(json, 3);
    const std::string text = json.take();
    ASSERT_EQ(json_size_of_value(value), text.size()) << seed << ": " << text;
    ASSERT_GE(json_bound(wire_bytes(1, value)), text.size()) << seed << ": " << text;
  }
}

TEST(JsonSize, IsExactForAttributes) {
  for (unsigned seed = 0; seed < 1000; ++seed) {
    JsonWriter json;
    const std::string list = Values(seed).attributes(json, 6, 3) + wire_varint(2, 9);
    const std::string text = json.take();
    ASSERT_EQ(json_size_of_attributes(list, 6), text.size()) << seed << ": " << text;
    ASSERT_GE(json_bound(list) + 8, text.size()) << seed << ": " << text;
  }
}

TEST(JsonSize, CountsEscapesInLongTextsToo) {
  for (const char c : {'x', '"', '\\', '\n', '\x01', '\x1f', ' '}) {
    for (const std::size_t size : {0U, 1U, 7U, 8U, 9U, 407U, 408U, 409U, 5000U}) {
      const std::string text(size, c);
      JsonWriter json;
      json.value(text);
      EXPECT_EQ(json_size_of_text(text), json.take().size()) << size << " of " << int{c};
    }
  }
}

TEST(JsonSize, StopsAtItsDepth) {
  std::string value = wire_bytes(1, "x");
  for (int i = 0; i < 200; ++i) value = wire_bytes(5, wire_bytes(1, value));
  EXPECT_GT(json_size_of_value(value, 10), 20U);
}

TEST(JsonSize, LeavesAPlainRecordNearItsSize) {
  // What it costs to be on the safe side: a record of text is not counted several times over.
  const std::string text(1000, 'x');
  EXPECT_LT(json_bound(wire_bytes(5, wire_bytes(1, text))), 1420U);
}

}  // namespace
}  // namespace forager::destination
