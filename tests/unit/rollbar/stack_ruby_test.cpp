// What Ruby 3.1 printed, in both orders, and the quotes of 3.4.
#include <gtest/gtest.h>

#include "unit/rollbar/printed_stack.h"

namespace forager::rollbar {
namespace {

using test::printed;

TEST(RubyStacks, causes_come_after) {
  constexpr auto text = R"text(
/srv/shop/a.rb:10:in `rescue in checkout': could not pay (PayError)
second line
	from /srv/shop/a.rb:7:in `checkout'
	from /srv/shop/a.rb:13:in `block in block_it'
	from /srv/shop/a.rb:13:in `each'
	from /srv/shop/a.rb:13:in `block_it'
	from /srv/shop/a.rb:20:in `<main>'
/srv/shop/a.rb:3:in `fetch': key not found: :price (KeyError)
	from /srv/shop/a.rb:3:in `pay'
	from /srv/shop/a.rb:8:in `checkout'
	from /srv/shop/a.rb:13:in `block in block_it'
	from /srv/shop/a.rb:13:in `each'
	from /srv/shop/a.rb:13:in `block_it'
	from /srv/shop/a.rb:20:in `<main>'
)text";
  EXPECT_EQ(printed("ruby", text), R"text(
PayError: could not pay\nsecond line
  /srv/shop/a.rb:20 <main>
  /srv/shop/a.rb:13 block_it
  /srv/shop/a.rb:13 each
  /srv/shop/a.rb:13 block in block_it
  /srv/shop/a.rb:7 checkout
  /srv/shop/a.rb:10 rescue in checkout
KeyError: key not found: :price
  /srv/shop/a.rb:20 <main>
  /srv/shop/a.rb:13 block_it
  /srv/shop/a.rb:13 each
  /srv/shop/a.rb:13 block in block_it
  /srv/shop/a.rb:8 checkout
  /srv/shop/a.rb:3 pay
  /srv/shop/a.rb:3 fetch
)text");
}

TEST(RubyStacks, the_reversed_order_says_the_same) {
  constexpr auto text = R"text(
Traceback (most recent call last):
	6: from /srv/shop/a.rb:20:in `<main>'
	5: from /srv/shop/a.rb:13:in `block_it'
	4: from /srv/shop/a.rb:13:in `each'
	3: from /srv/shop/a.rb:13:in `block in block_it'
	2: from /srv/shop/a.rb:8:in `checkout'
	1: from /srv/shop/a.rb:3:in `pay'
/srv/shop/a.rb:3:in `fetch': key not found: :price (KeyError)
	5: from /srv/shop/a.rb:20:in `<main>'
	4: from /srv/shop/a.rb:13:in `block_it'
	3: from /srv/shop/a.rb:13:in `each'
	2: from /srv/shop/a.rb:13:in `block in block_it'
	1: from /srv/shop/a.rb:7:in `checkout'
/srv/shop/a.rb:10:in `rescue in checkout': could not pay (PayError)
second line
)text";
  EXPECT_EQ(printed("ruby", text), R"text(
PayError: could not pay\nsecond line
  /srv/shop/a.rb:20 <main>
  /srv/shop/a.rb:13 block_it
  /srv/shop/a.rb:13 each
  /srv/shop/a.rb:13 block in block_it
  /srv/shop/a.rb:7 checkout
  /srv/shop/a.rb:10 rescue in checkout
KeyError: key not found: :price
  /srv/shop/a.rb:20 <main>
  /srv/shop/a.rb:13 block_it
  /srv/shop/a.rb:13 each
  /srv/shop/a.rb:13 block in block_it
  /srv/shop/a.rb:8 checkout
  /srv/shop/a.rb:3 pay
  /srv/shop/a.rb:3 fetch
)text");
}

TEST(RubyStacks, a_backtrace_alone) {
  constexpr auto text = R"text(
/srv/shop/a.rb:10:in `rescue in checkout'
/srv/shop/a.rb:7:in `checkout'
/srv/shop/a.rb:13:in `block in block_it'
/srv/shop/a.rb:13:in `each'
/srv/shop/a.rb:13:in `block_it'
/srv/shop/a.rb:20:in `<main>'
)text";
  EXPECT_EQ(printed("ruby", text), R"text(

  /srv/shop/a.rb:20 <main>
  /srv/shop/a.rb:13 block_it
  /srv/shop/a.rb:13 each
  /srv/shop/a.rb:13 block in block_it
  /srv/shop/a.rb:7 checkout
  /srv/shop/a.rb:10 rescue in checkout
)text");
}

TEST(RubyStacks, a_hint_under_the_message) {
  constexpr auto text = R"text(
/srv/shop/a.rb:21:in `<main>': undefined method `foo' for nil:NilClass (NoMethodError)

begin; nil.foo; rescue => e; show('nil', e); end
          ^^^^
)text";
  EXPECT_EQ(printed("ruby", text), R"text(
NoMethodError: undefined method `foo' for nil:NilClass\n\nbegin; nil.foo; rescue => e; show('nil', e); end\n          ^^^^
  /srv/shop/a.rb:21 <main>
)text");
}

TEST(RubyStacks, no_message) {
  constexpr auto text = R"text(
/srv/shop/a.rb:26:in `<main>': ArgumentError (ArgumentError)
)text";
  EXPECT_EQ(printed("ruby", text), R"text(
ArgumentError: ArgumentError
  /srv/shop/a.rb:26 <main>
)text");
}

TEST(RubyStacks, evaluated_code_reversed) {
  constexpr auto text = R"text(
Traceback (most recent call last):
	3: from /srv/shop/a.rb:24:in `<main>'
	2: from /srv/shop/a.rb:24:in `eval'
	1: from (eval):1:in `<main>'
(eval):1:in `/': divided by 0 (ZeroDivisionError)
)text";
  EXPECT_EQ(printed("ruby", text), R"text(
ZeroDivisionError: divided by 0
  /srv/shop/a.rb:24 <main>
  /srv/shop/a.rb:24 eval
  (eval):1 <main>
  (eval):1 /
)text");
}

TEST(RubyStacks, a_class_without_a_name) {
  constexpr auto text = R"text(
/srv/shop/a.rb:25:in `<main>': anon
)text";
  EXPECT_EQ(printed("ruby", text), R"text(
: anon
  /srv/shop/a.rb:25 <main>
)text");
}

}  // namespace
}  // namespace forager::rollbar
