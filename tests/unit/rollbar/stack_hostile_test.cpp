// Texts that want to cost much: none takes more than time linear in its length, nor more memory.
#include <ctime>
#include <iterator>
#include <utility>

#include <gtest/gtest.h>

#include "rollbar/stack_languages.h"
#include "unit/rollbar/printed_stack.h"

namespace forager::rollbar {
namespace {

constexpr std::string_view languages[] = {"python", "java", "nodejs", "dotnet",
                                          "php",    "go",   "ruby",   ""};
using Parse = Chain (*)(std::string_view);
constexpr Parse parsers[] = {parse_python, parse_java, parse_javascript, parse_dotnet,
                             parse_php,    parse_go,   parse_ruby};
constexpr std::size_t line_bytes = 1 << 20;    ///< of one line without an end
constexpr std::size_t text_bytes = 256 << 10;  ///< of many short lines

std::string repeated(std::string_view head, std::string_view part, std::string_view tail = {},
                     std::size_t bytes = text_bytes) {
  std::string text(head);
  text.reserve(bytes + tail.size());
  while (text.size() + part.size() <= bytes) text += part;
  text += tail;
  return text;
}

void expect_bounded(const Chain& chain, std::string_view what) {
  EXPECT_LE(chain.size(), 32U) << what;
  for (const Exception& each : chain) EXPECT_LE(each.frames.size(), 1024U) << what;
}

double seconds_of(Parse parse, std::string_view text, std::string_view what) {
  const std::clock_t start = std::clock();
  expect_bounded(parse(text), what);
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

/// Eight times the text takes eight times as long, and 64 times where a search from each byte goes
/// to the end. (A processor's time, not the clock's; a megabyte takes 5 to 25 ms.)
void expect_linear(const std::string& text, std::string_view what) {
  for (std::size_t i = 0; i < std::size(parsers); ++i) {
    const double part =
        seconds_of(parsers[i], std::string_view(text).substr(0, text.size() / 8), what);
    EXPECT_LT(seconds_of(parsers[i], text, what), 24 * part + 0.1) << languages[i] << ": " << what;
  }
}

TEST(HostileStacks, one_line_without_end) {
  for (const std::string_view part : {"x", "(", ")", ":", "at a.b(", " in ", ": ", " ---> ",
                                      " ---> A.E: ", "@/:1:2", "': ", "1"}) {
    expect_linear(repeated("", part, "", line_bytes), part);
  }
  const std::pair<std::string_view, std::string_view> begun[] = {
      {"    at a (eval at ", "eval at a ("},
      {"    at ", " ("},
      {"    at ", "1"},
      {"  File \"", "\", line 1"},
      {"#0 ", "(1): "},
      {"#0 /a(1): ", "{"},
      {"\tat a", "/0"},
      {"\tfrom a:1:in `", "': "},
      {"Error [", " ["},
      {"   at A.B() in ", ":line 1"},
      {"panic: ", " [recovered]"}};
  for (const auto& [head, part] : begun) expect_linear(repeated(head, part, "", line_bytes), head);
  expect_linear(std::string(line_bytes, '\0'), "zeros");
}

TEST(HostileStacks, short_lines_without_end) {
  for (const std::string_view part :
       {"\n", "a\n", "\tat a.b(c:1)\n", "    at /a:1:2 {\nb: c\n", "a:1:in `c': d (E)\n",
        "\t1: from a:1\n", "#0 a(1): b\nNext \n", "f\n\t/a:1\n", " ---> A.E: \n   at A.B()\n",
        "---> (Inner Exception #1) A.E: \n<---\n", "Caused by: \n\tSuppressed: \n",
        "[cause]: E\n"}) {
    expect_linear(repeated("E: m\n", part), part);
  }
  constexpr std::string_view python =
      "Traceback (most recent call last):\n  File \"a\", line 1, in f\n";
  for (const std::string_view part :
       {"    x\n", "  File \"a\", line 1\n", "Traceback (most recent call last):\n",
        "The above exception was the direct cause of the following exception:\n"}) {
    expect_linear(repeated(python, part), part);
  }
  expect_linear(repeated("", "panic: a\n\tpanic: b\n", "goroutine 1 [running]:\nf()\n\t/a:1\n"),
                "go");
}

TEST(HostileStacks, frames_that_are_only_referred_to_have_a_budget) {
  expect_linear(repeated("Traceback (most recent call last):\n  File \"a\", line 1, in f\n",
                         "  [Previous line repeated 4294967295 more times]\n"),
                "repeats");
  const std::string frame = "\tat a." + std::string(4000, 'b') + "(C.java:1)\n";
  std::string java = "a.E: m\n";
  for (int i = 0; i < 100; ++i) java += frame;
  expect_linear(java + repeated("", "Caused by: a.E: m\n\t... 100 more\n"), "common frames");
  std::size_t bytes = 0;
  for (const Exception& each :
       parse_stack("java", java + repeated("", "Caused by: E\n\t... 99 more\n"), "", "").chain) {
    for (const Frame& one : each.frames) bytes += one.method.size();
  }
  EXPECT_LT(bytes, java.size() + (1 << 20));
  expect_linear(
      "E: m\n    at f (/a:1:2)\n    ... 4294967295 lines matching cause stack trace ...\n"
      "[cause]: E: m\n    at f (/a:1:2)\n",
      "lines of the cause");
}

TEST(HostileStacks, groups_in_groups_do_not_nest_without_end) {
  std::string text = "  + Exception Group Traceback (most recent call last):\n";
  for (std::size_t depth = 2; text.size() < text_bytes; depth += 2) {
    text += std::string(depth, ' ') + "| ExceptionGroup: m\n";
    text += std::string(depth, ' ') + "+-+---------------- 1 ----------------\n";
  }
  expect_linear(text, "groups");
  expect_linear(repeated("  + Exception Group Traceback (most recent call last):\n",
                         "  +-+---- 1 ----\n    +---- 2 ----\n    | E: m\n"),
                "parts");
}

TEST(HostileStacks, the_middle_of_too_many_frames_goes) {
  std::string text = "a.E: m\n";
  for (int i = 0; i < 5000; ++i) text += "\tat a.B.c(B.java:" + std::to_string(i) + ")\n";
  const Stack stack = parse_stack("java", text, "", "");
  const auto& frames = stack.chain.at(0).frames;
  ASSERT_EQ(frames.size(), 1024U);
  EXPECT_EQ(frames.front().line, 4999U);
  EXPECT_EQ(frames[511].line, 4488U);
  EXPECT_EQ(frames[512].line, 511U);
  EXPECT_EQ(frames.back().line, 0U);
}

TEST(HostileStacks, a_text_cut_at_any_byte_is_read) {
  constexpr std::string_view texts[] = {
      "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\n    x()\n    ^^^\nE: "
      "m\n\n"
      "During handling of the above exception, another exception occurred:\n\n  + Exception Group "
      "Traceback (most recent call last):\n  |   File \"a.py\", line 2, in g\n  | EG: m\n"
      "  +-+---------------- 1 ----------------\n    | E: n\n    +------------------------------\n",
      "a.E: m\n\tat a/b@1/a.B.c(B.java:1)\n\tSuppressed: a.F\n\t\t... 1 more\nCaused by: a.G: n\n",
      "E [C]: m\n    at async new f [as g] (eval at h (/a.js:1:2), <anonymous>:3:4) {\n  a: 1,\n"
      "  [cause]: F: n\n      at g (/b.js:5:6)\n      ... 1 lines matching cause stack trace "
      "...\n}",
      "A.E: m ---> A.F: n\n   at A.B.C(D e) [0x1] in /f.cs:line 1\n   --- End of inner exception "
      "stack trace ---\n ---> (Inner Exception #1) A.G: o\n   at A.B() in <x>:0<---\n",
      "PHP Fatal error:  Uncaught E: m in /a.php:1\nStack trace:\n#0 /b.php(2): A->b(1)\n#1 "
      "{main}\n\nNext F: n in /c.php:3\nStack trace:\n#0 {main}\n  thrown in /c.php on line 3",
      "panic: a [recovered]\n\tpanic: b\n\ngoroutine 1 [running]:\nmain.f(0x1)\n\t/a.go:1 +0x1\n"
      "created by main.g in goroutine 2\n\t/a.go:2 +0x1\n",
      "Traceback (most recent call last):\n\t 1: from a.rb:1:in `f'\na.rb:2:in `g': m (E)\nmore\n"};
  for (const std::string_view text : texts) {
    for (std::size_t size = 0; size <= text.size(); ++size) {
      for (const std::string_view language : languages) {
        const Stack head = parse_stack(language, text.substr(0, size), "E", "m");
        EXPECT_EQ(head.chain.at(0).type, "E");
        const Stack tail = parse_stack(language, text.substr(size), "E", "m");
        EXPECT_EQ(tail.chain.at(0).message, "m");
      }
    }
  }
}

}  // namespace
}  // namespace forager::rollbar
