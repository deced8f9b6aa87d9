// What PHP 8.2 printed, and the java-like form of its OpenTelemetry SDK.
#include <gtest/gtest.h>

#include "unit/rollbar/printed_stack.h"

namespace forager::rollbar {
namespace {

using test::printed;

TEST(PhpStacks, a_frame_names_the_function_that_holds_the_line) {
  constexpr auto text = R"text(
LogicException: no price
second line in /srv/shop/a.php:5
Stack trace:
#0 /srv/shop/a.php(6): App\Shop\Shop->pay()
#1 /srv/shop/a.php(8): App\Shop\Shop::checkout()
#2 [internal function]: App\Shop\{closure}()
#3 /srv/shop/a.php(8): array_map()
#4 /srv/shop/a.php(10): App\Shop\run()
#5 {main}

Next App\Shop\PayError: could not pay in /srv/shop/a.php:6
Stack trace:
#0 /srv/shop/a.php(8): App\Shop\Shop::checkout()
#1 [internal function]: App\Shop\{closure}()
#2 /srv/shop/a.php(8): array_map()
#3 /srv/shop/a.php(10): App\Shop\run()
#4 {main}
)text";
  EXPECT_EQ(printed("php", text), R"text(
App\Shop\PayError: could not pay
  /srv/shop/a.php:10 {main}
  /srv/shop/a.php:8 App\Shop\run
  <internal> array_map
  /srv/shop/a.php:8 App\Shop\{closure}
  /srv/shop/a.php:6 App\Shop\Shop . checkout
LogicException: no price\nsecond line
  /srv/shop/a.php:10 {main}
  /srv/shop/a.php:8 App\Shop\run
  <internal> array_map
  /srv/shop/a.php:8 App\Shop\{closure}
  /srv/shop/a.php:6 App\Shop\Shop . checkout
  /srv/shop/a.php:5 App\Shop\Shop . pay
)text");
}

TEST(PhpStacks, an_uncaught_error_is_the_last_one) {
  constexpr auto text = R"text(
PHP Fatal error:  Uncaught LogicException: no price
second line in /srv/shop/a.php:5
Stack trace:
#0 /srv/shop/a.php(6): App\Shop\Shop->pay()
#1 /srv/shop/a.php(8): App\Shop\Shop::checkout()
#2 [internal function]: App\Shop\{closure}()
#3 /srv/shop/a.php(8): array_map()
#4 /srv/shop/a.php(17): App\Shop\run()
#5 {main}

Next App\Shop\PayError: could not pay in /srv/shop/a.php:6
Stack trace:
#0 /srv/shop/a.php(8): App\Shop\Shop::checkout()
#1 [internal function]: App\Shop\{closure}()
#2 /srv/shop/a.php(8): array_map()
#3 /srv/shop/a.php(17): App\Shop\run()
#4 {main}
  thrown in /srv/shop/a.php on line 6
)text";
  EXPECT_EQ(printed("php", text), R"text(
App\Shop\PayError: could not pay
  /srv/shop/a.php:17 {main}
  /srv/shop/a.php:8 App\Shop\run
  <internal> array_map
  /srv/shop/a.php:8 App\Shop\{closure}
  /srv/shop/a.php:6 App\Shop\Shop . checkout
LogicException: no price\nsecond line
  /srv/shop/a.php:17 {main}
  /srv/shop/a.php:8 App\Shop\run
  <internal> array_map
  /srv/shop/a.php:8 App\Shop\{closure}
  /srv/shop/a.php:6 App\Shop\Shop . checkout
  /srv/shop/a.php:5 App\Shop\Shop . pay
)text");
}

TEST(PhpStacks, the_place_is_after_the_last_in) {
  constexpr auto text = R"text(
Exception: anon in /x.php:3 in /srv/shop/a.php:9
Stack trace:
#0 /srv/shop/a.php(11): class@anonymous->go()
#1 {main}
)text";
  EXPECT_EQ(printed("php", text), R"text(
Exception: anon in /x.php:3
  /srv/shop/a.php:11 {main}
  /srv/shop/a.php:9 class@anonymous . go
)text");
}

TEST(PhpStacks, no_message) {
  constexpr auto text = R"text(
Exception in /srv/shop/a.php:12
Stack trace:
#0 {main}
)text";
  EXPECT_EQ(printed("php", text), R"text(
Exception
  /srv/shop/a.php:12 {main}
)text");
}

TEST(PhpStacks, evaluated_code) {
  constexpr auto text = R"text(
Exception: ev in /srv/shop/a.php(13) : eval()'d code:1
Stack trace:
#0 /srv/shop/a.php(13): eval()
#1 {main}
)text";
  EXPECT_EQ(printed("php", text), R"text(
Exception: ev
  /srv/shop/a.php:13 {main}
  /srv/shop/a.php(13) : eval()'d code:1 eval
)text");
}

TEST(PhpStacks, a_trace_alone_has_no_first_place) {
  constexpr auto text = R"text(
#0 /srv/shop/a.php(8): App\Shop\Shop::checkout()
#1 [internal function]: App\Shop\{closure}()
#2 /srv/shop/a.php(8): array_map()
#3 /srv/shop/a.php(10): App\Shop\run()
#4 {main}
)text";
  EXPECT_EQ(printed("php", text), R"text(

  /srv/shop/a.php:10 {main}
  /srv/shop/a.php:8 App\Shop\run
  <internal> array_map
  /srv/shop/a.php:8 App\Shop\{closure}
  <unknown> App\Shop\Shop . checkout
)text");
}

TEST(PhpStacks, the_java_like_form) {
  constexpr auto text = R"text(
App.Shop.PayError: could not pay
	at App.Shop.Shop.checkout(run.php:7)
	at App.Shop.{closure}(run.php:9)
	at array_map(Unknown Source)
	at App.Shop.run(run.php:9)
	at {main}(run.php:13)
Caused by: LogicException: no price
	at App.Shop.Shop.pay(run.php:6)
	... 5 more
)text";
  EXPECT_EQ(printed("php", text), R"text(
App.Shop.PayError: could not pay
  run.php:13 {main}
  run.php:9 App.Shop . run
  <unknown> array_map
  run.php:9 App.Shop . {closure}
  run.php:7 App.Shop.Shop . checkout
LogicException: no price
  run.php:13 {main}
  run.php:9 App.Shop . run
  <unknown> array_map
  run.php:9 App.Shop . {closure}
  run.php:7 App.Shop.Shop . checkout
  run.php:6 App.Shop.Shop . pay
)text");
}

}  // namespace
}  // namespace forager::rollbar
