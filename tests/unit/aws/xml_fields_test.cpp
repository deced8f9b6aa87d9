#include "aws/xml_fields.h"

#include <gtest/gtest.h>

namespace forager::aws {
namespace {

TEST(Xml, GivesTheLeavesWithTheirPaths) {
  const auto read = read_xml(
      "\xEF\xBB\xBF<?xml version=\"1.0\"?>\n<!-- c --><A xmlns='u' x = \"1>2\">\n <B>one</B><C "
      "/><D><E>a&amp;b &lt;&#65;&#x20AC;&quot;&apos;</E></D>\n</A>\n<!-- end -->\n");
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(read->text("A/B"), "one");
  EXPECT_EQ(read->text("A/C"), "");
  EXPECT_EQ(read->text("A/D/E"), "a&b <A\xE2\x82\xAC\"'");
  EXPECT_EQ(read->text("A/D"), "");
  EXPECT_EQ(read->all().size(), 3U);
}

TEST(Xml, RefusesWhatIsNotWellFormed) {
  const std::string deep(17 * 3, 'x');
  for (const char* text : {"",
                           "   ",
                           "text",
                           "<A>",
                           "<A></B>",
                           "<A><B></A></B>",
                           "</A>",
                           "<A/><B/>",
                           "<A/>more",
                           "<A x></A>",
                           "<A x=1></A>",
                           "<A x='1></A>",
                           "<A>&nbsp;</A>",
                           "<A>&amp</A>",
                           "<A>&#0;</A>",
                           "<A>&#xD800;</A>",
                           "<A>&#x110000;</A>",
                           "<A>&#;</A>",
                           "<A><![CDATA[x]]></A>",
                           "<!DOCTYPE a [<!ENTITY b 'c'>]><A>&b;</A>",
                           "<A><?php?></A>",
                           "<A",
                           "<A x='1'",
                           "< A/>",
                           "<!-- ",
                           "<?xml",
                           "<A></A",
                           "<A></>",
                           "{\"json\": true}"}) {
    EXPECT_FALSE(read_xml(text)) << text;
  }
}

TEST(Xml, HasLimits) {
  std::string deep;
  for (int i = 0; i < 17; ++i) deep += "<a>";
  for (int i = 0; i < 17; ++i) deep += "</a>";
  EXPECT_FALSE(read_xml(deep));
  EXPECT_TRUE(read_xml(deep.substr(3, deep.size() - 7)));
  std::string wide = "<a>";
  for (int i = 0; i < 256; ++i) wide += "<b/>";
  EXPECT_TRUE(read_xml(wide + "</a>"));
  EXPECT_FALSE(read_xml(wide + "<b/></a>"));
  EXPECT_FALSE(read_xml("<a>" + std::string(65536, 'x') + "</a>"));
}

TEST(Xml, NeverRepeatsTheTextInAFault) {
  const auto read = read_xml("<A><SecretAccessKey>hush</Other></A>");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().what.find("hush"), std::string::npos);
}

/// Cut anywhere, it is refused: half an answer never gives half a key.
TEST(Xml, RefusesEveryBeginningOfADocument) {
  const std::string whole = "<A a='b'><B>one&amp;two</B><!-- x --><C/></A>";
  ASSERT_TRUE(read_xml(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(read_xml(whole.substr(0, size))) << size;
  }
}

}  // namespace
}  // namespace forager::aws
