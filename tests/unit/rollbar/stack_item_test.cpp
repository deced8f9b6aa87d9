// What a stack trace adds to an item beside frames.
#include <gtest/gtest.h>

#include "rollbar/item.h"
#include "unit/rollbar/errors.h"

namespace forager::rollbar {
namespace {

TEST(StackOfAnItem, notes_of_python_are_its_description) {
  const std::string body =
      test::request({test::span(test::exception_event(
                        {{"exception.type", "ValueError"},
                         {"exception.message", "noted"},
                         {"exception.stacktrace",
                          "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\n"
                          "    x()\nValueError: noted\nfirst note\nsecond\n"}}))},
                    {{"telemetry.sdk.language", "python"}});
  const auto errors = test::errors_in(Signal::traces, body);
  ASSERT_EQ(errors.size(), 1U);
  const Item item = make_item(errors[0], {}, {}, Scrub({}));
  EXPECT_EQ(item.chain.at(0).message, "noted");
  EXPECT_EQ(item.description, "first note\nsecond");
}

}  // namespace
}  // namespace forager::rollbar
