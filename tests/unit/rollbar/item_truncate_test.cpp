#include <random>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/utf8.h"
#include "rollbar/truncate.h"
#include "rollbar/write.h"
#include "unit/rollbar/errors.h"

namespace forager::rollbar {
namespace {

const Scrub scrub{std::vector<std::string>{}};

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto length = utf8_sequence(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}
bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}
std::size_t count(const std::string& text, std::string_view part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

Item an_item(std::size_t frames, std::size_t code_bytes) {
  Item item;
  item.environment = "production";
  item.level = "error";
  Exception raised;
  raised.type = "E";
  raised.message = "m";
  for (std::size_t i = 0; i < frames; ++i) {
    raised.frames.push_back(
        {fmt::format("f{}.py", i), 1, {}, "g", std::string(code_bytes, 'c'), {}});
  }
  item.chain.push_back(raised);
  return item;
}

TEST(Ladder, LeavesWhatFitsAlone) {
  const auto json = write_item(an_item(500, 10), scrub, item_bytes_max);
  EXPECT_EQ(count(json, "filename"), 500U);
  EXPECT_FALSE(has(json, "truncated"));
}

TEST(Ladder, FirstDropsFramesFromTheMiddle) {
  const auto json = write_item(an_item(500, 2000), scrub, item_bytes_max);
  EXPECT_EQ(count(json, "filename"), 60U);
  EXPECT_TRUE(has(json, "\"f29.py\"") && has(json, "\"f470.py\"") && has(json, "\"f499.py\""));
  EXPECT_FALSE(has(json, "\"f30.py\"") || has(json, "\"f469.py\""));
  EXPECT_TRUE(has(json, R"("truncated":"frames")"));
  EXPECT_TRUE(has(json, std::string(2000, 'c')));
}

TEST(Ladder, ThenShortensStrings) {
  const auto json = write_item(an_item(60, 20'000), scrub, item_bytes_max);
  EXPECT_EQ(count(json, "filename"), 60U);
  EXPECT_TRUE(has(json, R"("truncated":"strings to 1024 bytes")"));
  EXPECT_TRUE(has(json, "\"" + std::string(1024, 'c') + "\""));
  const auto small = write_item(an_item(60, 20'000), scrub, 40'000);
  EXPECT_TRUE(has(small, R"("truncated":"strings to 512 bytes")")) << small.substr(0, 300);
}

TEST(Ladder, ThenGivesUpTheAttributes) {
  std::string list;
  for (int i = 0; i < 40'000; ++i)
    list += test::wire_bytes(1, test::wire_attribute(fmt::format("key{}", i), "some value"));
  Item item = an_item(3, 10);
  item.trace_id = "5b";
  each_attribute(list, 1, [&](const Attribute& a) { item.attributes.push_back(a); });
  const auto json = write_item(item, scrub, item_bytes_max);
  EXPECT_TRUE(has(json, R"("custom":{"trace_id":"5b","truncated":"attributes"})"));
  EXPECT_EQ(count(json, "filename"), 3U);
}

TEST(Ladder, AtLastKeepsTheEndsAlone) {
  Item item = an_item(60, 100'000);
  for (Frame& frame : item.chain[0].frames)
    frame.method = frame.filename = std::string(9000, '\x01');
  item.chain.resize(3, item.chain[0]);
  item.chain[0].message = std::string(9'000'000, '"');
  item.environment = item.context = item.host = std::string(255, '\x01');
  const auto json = write_item(item, scrub, item_bytes_min);
  EXPECT_LE(json.size(), item_bytes_min);
  EXPECT_TRUE(test::is_json(json));
  EXPECT_TRUE(has(json, R"("truncated":"all but the ends")"));
  EXPECT_TRUE(has(json, R"("trace":{"frames")"));
  EXPECT_EQ(count(json, "filename"), 2U);
}

TEST(Ladder, EndsWithItsLastRungWhateverTheLimit) {
  const Item item = an_item(60, 100);
  const auto json = write_item(item, scrub, 10);
  EXPECT_TRUE(test::is_json(json));
  EXPECT_TRUE(has(json, R"("truncated":"all but the ends")"));
  EXPECT_LT(json.size(), write_item(item, scrub, item_bytes_max).size());
}

TEST(Ladder, CutsNoCharacterInTwo) {
  for (const std::string character : {"\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"}) {
    for (std::size_t ahead = 0; ahead < 4; ++ahead) {
      Item item = an_item(60, 1);
      item.chain[0].message = std::string(ahead, 'a');
      while (item.chain[0].message.size() < 600'000) item.chain[0].message += character;
      const auto json = write_item(item, scrub, item_bytes_max);
      EXPECT_LE(json.size(), item_bytes_max);
      EXPECT_TRUE(is_utf8(json) && test::is_json(json));
      EXPECT_FALSE(has(json, "?")) << "a broken character was mended";
    }
  }
}

TEST(Ladder, HoldsForAnythingAtAnyLimit) {
  std::mt19937 random(7);
  const auto number = [&](std::size_t to) {
    return std::uniform_int_distribution<std::size_t>(0, to)(random);
  };
  const auto text = [&] {
    // Mostly short, now and then enormous; every byte there is.
    std::string made(number(9) == 0 ? number(200'000) : number(300), 'a');
    for (int i = 0; i < 40 && !made.empty(); ++i)
      made[number(made.size() - 1)] = static_cast<char>(number(255));
    return made;
  };
  std::set<std::string> rungs;
  for (int round = 0; round < 30; ++round) {
    Item item = an_item(number(200), number(3000));
    item.chain.resize(1 + number(20), item.chain[0]);
    item.message = number(4) == 0;
    item.text = item.message ? text() : "";
    item.chain[0].message = text();
    item.description = text();
    item.request.url = text();
    item.request.headers.emplace_back(text(), text());
    const std::string name = text();
    const std::string value = test::wire_bytes(1, text());
    item.attributes.assign(number(50), {name, value});
    const std::size_t limit = item_bytes_min + number(item_bytes_max - item_bytes_min);
    const auto json = write_item(item, scrub, limit);
    ASSERT_LE(json.size(), limit);
    ASSERT_TRUE(is_utf8(json) && test::is_json(json)) << round;
    ASSERT_TRUE(json.starts_with(R"({"data":{"environment":"production","body":{)"));
    const auto at = json.find(R"("truncated":")");
    rungs.insert(at == std::string::npos ? "" : json.substr(at, json.find('"', at + 13) - at));
  }
  EXPECT_GE(rungs.size(), 5U) << "the test no longer reaches the rungs";
}

TEST(Cuts, CountCharactersNotBytes) {
  EXPECT_EQ(first_characters("\xC3\xA4\xC3\xA4", 1), "\xC3\xA4");
  EXPECT_EQ(first_characters("abc", 5), "abc");
  EXPECT_EQ(first_characters("", 5), "");
  EXPECT_EQ(first_bytes("\xE2\x82\xAC", 2), "");
  EXPECT_EQ(first_bytes("a\xE2\x82\xAC", 4), "a\xE2\x82\xAC");
  EXPECT_EQ(first_bytes("\x80\x80\x80\x80\x80\x80", 5).size(), 2U) << "no UTF-8 doesn't vanish";
}

TEST(Cuts, KeepBothEnds) {
  EXPECT_EQ(ends(60, 30).head, 60U);
  EXPECT_EQ(ends(61, 30).head, 30U);
  EXPECT_EQ(ends(61, 30).tail, 31U);
  EXPECT_EQ(ends(0, 1).tail, 0U);
  EXPECT_EQ(ends(7, SIZE_MAX).head, 7U);
}

}  // namespace
}  // namespace forager::rollbar
