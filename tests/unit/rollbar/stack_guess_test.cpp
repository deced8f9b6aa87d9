// The language is not said, or not the one that was said; texts that are cut off; attributes.
#include <gtest/gtest.h>

#include "unit/rollbar/printed_stack.h"

namespace forager::rollbar {
namespace {

using test::printed;

struct Sample {
  std::string_view language;
  std::string_view text;
};

constexpr Sample samples[] = {
    {"python",
     "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\n    x()\nE: m\n"},
    {"java", "a.E: m\n\tat a.B.c(B.java:1)\n"},
    {"nodejs", "E: m\n    at f (/a/b.js:1:2)\n"},
    {"webjs", "f@https://a.example/b.js:1:2\n"},
    {"dotnet", "A.E: m\n   at A.B.C(String d) in /a/b.cs:line 1\n"},
    {"php", "E: m in /a/b.php:1\nStack trace:\n#0 /a/b.php(2): f()\n#1 {main}\n"},
    {"go", "goroutine 1 [running]:\nmain.f()\n\t/a/b.go:1 +0x1d\n"},
    {"ruby", "/a/b.rb:1:in `f': m (E)\n\tfrom /a/b.rb:2:in `g'\n"},
};

TEST(StackGuess, every_language_is_known_by_its_text) {
  for (const Sample& sample : samples) {
    const std::string right = printed(sample.language, sample.text);
    EXPECT_EQ(right.find("not parsed"), std::string::npos) << right;
    EXPECT_EQ(printed("", sample.text), right);
    EXPECT_EQ(printed("erlang", sample.text), right);
  }
}

TEST(StackGuess, a_wrong_language_changes_nothing) {
  for (const Sample& said : samples) {
    for (const Sample& sample : samples) {
      EXPECT_EQ(printed(said.language, sample.text), printed(sample.language, sample.text))
          << said.language << " for " << sample.language;
    }
  }
}

TEST(StackGuess, ruby_reversed_starts_as_python_does) {
  constexpr auto text =
      "Traceback (most recent call last):\n\t1: from a.rb:2:in `g'\na.rb:1:in `f': m (E)\n";
  EXPECT_EQ(printed("", text), "\nE: m\n  a.rb:2 g\n  a.rb:1 f\n");
}

TEST(StackGuess, prose_is_no_stack) {
  for (const auto* text :
       {"", "\n", "at noon", "we met at the office (room 5)\nat 10:30:15", "at 2026-01-02T10:30:15",
        "a@b.example", "see page 3 in chapter 4", "#1 in the list", "from here to there",
        "... 5 more", "Traceback (most recent call last):", "Caused by: nothing",
        "goroutine 1 [running]:"}) {
    for (const Sample& sample : samples) {
      EXPECT_EQ(printed(sample.language, text, "E", "m"), "\nnot parsed\nE: m\n") << text;
    }
  }
}

TEST(StackGuess, the_attributes_stand_for_the_first_alone) {
  constexpr auto text = "a.E: said by the text\n\tat a.B.c(B.java:1)\nCaused by: a.F: cause\n";
  EXPECT_EQ(printed("java", text, "a.b.E", "said by the attribute"),
            "\na.b.E: said by the attribute\n  B.java:1 a.B . c\na.F: cause\n");
}

TEST(StackGuess, lines_may_end_with_carriage_returns) {
  EXPECT_EQ(printed("python",
                    "Traceback (most recent call last):\r\n  File \"a.py\", line 1, in f\r\n    "
                    "x()\r\nE: m\r\nmore\r\n"),
            "\nE: m\\nmore\n  a.py:1 f | x()\n");
}

TEST(StackGuess, a_text_without_its_head_still_has_frames) {
  EXPECT_EQ(printed("python", "  File \"a.py\", line 1, in f\n    x()\nE: m"),
            "\nE: m\n  a.py:1 f | x()\n");
  EXPECT_EQ(printed("java", "\tat a.B.c(B.java:1)\n\tat a.B.d(B.java:2)", "a.E"),
            "\na.E\n  B.java:2 a.B . d\n  B.java:1 a.B . c\n");
}

TEST(StackGuess, a_text_that_was_cut_within_a_frame_keeps_the_whole_ones) {
  EXPECT_EQ(printed("python",
                    "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\n    x()\n  "
                    "File \"a.py\", li",
                    "E", "m"),
            "\nE: m\n  a.py:1 f | x()\n");
  EXPECT_EQ(printed("java", "a.E: m\n\tat a.B.c(B.java:1)\n\tat a.B.d(B.ja"),
            "\na.E: m\n  B.java:1 a.B . c\n");
  EXPECT_EQ(printed("php", "E: m in /a.php:1\nStack trace:\n#0 /b.php(2): f()\n#1 /c.p"),
            "\nE: m\n  /b.php:2\n  /a.php:1 f\n");
}

TEST(StackGuess, a_frame_cut_off_by_the_next_exception_has_no_code) {
  EXPECT_EQ(
      printed("python",
              "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nDuring handling "
              "of the above exception, another exception occurred:\nTraceback (most recent call "
              "last):\n    x()\nE: m\n"),
      "\nE: m\n\n  a.py:1 f\n");
}

TEST(StackGuess, a_chain_cut_before_what_was_raised_gives_its_name_to_no_other) {
  EXPECT_EQ(printed("python",
                    "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\n    "
                    "x()\nKeyError: 1\n\nDuring handling of the above exception, another exception "
                    "occurred:\n\n",
                    "ValueError", "v"),
            "\nValueError: v\nKeyError: 1\n  a.py:1 f | x()\n");
}

}  // namespace
}  // namespace forager::rollbar
