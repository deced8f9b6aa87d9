// Forms of frames and headers that no program of these tests prints: other versions, runtimes and
// printers, line by line.
#include <gtest/gtest.h>

#include "unit/rollbar/printed_stack.h"

namespace forager::rollbar {
namespace {

using test::printed;

TEST(StackForms, java_loaders_modules_hidden_classes_and_logback) {
  constexpr auto text = R"text(
Exception in thread "main" java.lang.Error: x
	at app//com.shop.Cart.pay(Cart.java:12)
	at com.shop/com.shop.Cart.pay(Cart.java:13)
	at loader/com.shop@9.1/com.shop.Cart.pay(Cart.java:14)
	at com.shop.Cart$$Lambda$14/0x0000000800c03000.run(Unknown Source)
	at java.base/java.lang.invoke.LambdaForm$DMH/0x01.invokeStatic(LambdaForm$DMH:4)
	at com.shop.Cart$$Lambda$14/834600351.run(Unknown Source)
	at com.shop.CartKt.main(Cart.kt)
	at com.shop.Cart$.$anonfun$pay$1(Cart.scala:15) ~[shop.jar:1.0]
	at com.shop.Cart$$EnhancerBySpringCGLIB$$1.pay(<generated>) [classes/:na]
	at clojure.core$eval.invoke(NO_SOURCE_FILE:1)
	at com.shop.Cart.<init>(Cart.java:3)
Caused by: java.io.IOException
	at com.shop.Disk.read(Disk.java:1)
	... 2 common frames omitted
)text";
  EXPECT_EQ(printed("java", text), R"text(
java.lang.Error: x
  Cart.java:3 com.shop.Cart . <init>
  NO_SOURCE_FILE:1 clojure.core$eval . invoke
  <generated> com.shop.Cart$$EnhancerBySpringCGLIB$$1 . pay
  Cart.scala:15 com.shop.Cart$ . $anonfun$pay$1
  Cart.kt com.shop.CartKt . main
  <unknown> com.shop.Cart$$Lambda$14/834600351 . run
  LambdaForm$DMH:4 java.lang.invoke.LambdaForm$DMH/0x01 . invokeStatic
  <unknown> com.shop.Cart$$Lambda$14/0x0000000800c03000 . run
  Cart.java:14 com.shop.Cart . pay
  Cart.java:13 com.shop.Cart . pay
  Cart.java:12 com.shop.Cart . pay
java.io.IOException
  Cart.java:3 com.shop.Cart . <init>
  NO_SOURCE_FILE:1 clojure.core$eval . invoke
  Disk.java:1 com.shop.Disk . read
)text");
}

TEST(StackForms, firefox_and_safari) {
  constexpr auto text = R"text(
pay@https://shop.example/@scope/cart.js:10:5
load/<@https://shop.example/cart.js:12:7
@https://shop.example/cart.js line 14 > eval:1:1
async*start@https://shop.example/main.js:3:1
map@[native code]
global code@https://shop.example/main.js:9:2
)text";
  EXPECT_EQ(printed("webjs", text, "TypeError", "x is undefined"), R"text(
TypeError: x is undefined
  https://shop.example/main.js:9:2 global code
  <native> map
  https://shop.example/main.js:3:1 async*start
  https://shop.example/cart.js:14
  https://shop.example/cart.js:12:7 load/<
  https://shop.example/@scope/cart.js:10:5 pay
)text");
}

TEST(StackForms, v8_in_a_browser_wasm_and_nested_eval) {
  constexpr auto text = R"text(
Uncaught (in promise) RangeError: bad
    at new Cart (https://shop.example/cart.js:1:2)
    at eval (eval at run (eval at go (/srv/a (1)/b.js:7:8), <anonymous>:1:1), <anonymous>:2:3)
    at wasm://wasm/1a2b:wasm-function[3]:0x45
    at pay (wasm://wasm/1a2b:wasm-function[3]:0x45)
    at C:\shop\cart.js:4:5
    at Object.<anonymous> (C:\Program Files (x86)\shop\cart.js:6:7)
    at <anonymous>
    at pay (native)
    at pay (address at /srv/main.jsbundle:1:99)
)text";
  EXPECT_EQ(printed("webjs", text), R"text(
RangeError: bad
  /srv/main.jsbundle:1:99 pay
  <native> pay
  <anonymous>
  C:\Program Files (x86)\shop\cart.js:6:7 Object.<anonymous>
  C:\shop\cart.js:4:5
  wasm://wasm/1a2b pay
  <anonymous> eval
  https://shop.example/cart.js:1:2 new Cart
)text");
}

TEST(StackForms, javascript_errors_in_other_properties_and_pino_causes) {
  constexpr auto text = R"text(
QueryError: failed
    at query (/srv/db.js:1:2) {
  original: Error: refused
      at connect (/srv/net.js:3:4),
  sql: 'select 1'
}
)text";
  EXPECT_EQ(printed("nodejs", text), R"text(
QueryError: failed
  /srv/db.js:1:2 query
Error: refused
  /srv/net.js:3:4 connect
)text");
  constexpr auto pino = R"text(
Error: outer
    at f (/srv/a.js:1:2)
caused by: TypeError: inner
    at g (/srv/b.js:3:4)
)text";
  EXPECT_EQ(printed("nodejs", pino), R"text(
Error: outer
  /srv/a.js:1:2 f
TypeError: inner
  /srv/b.js:3:4 g
)text");
}

TEST(StackForms, dotnet_symbols_state_machines_and_previous_locations) {
  constexpr auto text = R"text(
Shop.PayException: no money
 ---> System.IO.IOException: an arrow ---> in the message
   at Shop.Disk.Read[T](Span`1 to, Int32& n) in C:\my in\shop\Disk.cs:line 5
--- End of stack trace from previous location ---
   at Shop.Disk.<ReadAsync>d__4.MoveNext() in /srv/shop/Disk.cs:line 9
   --- End of inner exception stack trace ---
   at Shop.Cart.<>c__DisplayClass1_0.<<Pay>b__0>d.MoveNext()
   at System.Runtime.CompilerServices.TaskAwaiter.ThrowForNonSuccess(Task task)
   at Shop.Cart..ctor() + 0x1d
)text";
  EXPECT_EQ(printed("dotnet", text), R"text(
Shop.PayException: no money
  <unknown> Shop.Cart..ctor()
  <unknown> System.Runtime.CompilerServices.TaskAwaiter.ThrowForNonSuccess(Task task)
  <unknown> Shop.Cart.<>c__DisplayClass1_0.<<Pay>b__0>d.MoveNext()
System.IO.IOException: an arrow ---> in the message
  /srv/shop/Disk.cs:9 Shop.Disk.<ReadAsync>d__4.MoveNext()
  C:\my in\shop\Disk.cs:5 Shop.Disk.Read[T](Span`1 to, Int32& n)
)text");
}

TEST(StackForms, php_closures_arguments_and_anonymous_classes) {
  constexpr auto text = R"text(
Shop\Error: a in b in /srv/a.php:3
Stack trace:
#0 /srv/(x)/b.php(12): Shop\{closure:Shop\run():8}(Object(Shop\A), 'a(b): c->d()')
#1 /srv/c.php(9): Shop\A->pay('x::y', Array)
#2 /srv/c.php(13) : eval()'d code(1): Shop\A::start()
#3 {main}
)text";
  EXPECT_EQ(printed("php", text), R"text(
Shop\Error: a in b
  /srv/c.php(13) : eval()'d code:1 {main}
  /srv/c.php:9 Shop\A . start
  /srv/(x)/b.php:12 Shop\A . pay
  /srv/a.php:3 Shop\{closure:Shop\run():8}
)text");
  using namespace std::string_literals;
  EXPECT_EQ(printed("php", "Exception: x\n\tat class@anonymous\0/srv/a.php:9$0.go(a.php:9)\n"s),
            "\nException: x\n  a.php:9 class@anonymous . go\n");
}

TEST(StackForms, go_errors_with_a_stack_and_elided_frames) {
  constexpr auto text = R"text(
no such file
main.read
	/srv/main.go:12
main.main
	/srv/main.go:20
runtime.main
	/usr/lib/go/src/runtime/proc.go:283
could not start
main.main
	/srv/main.go:21
)text";
  EXPECT_EQ(printed("go", text), R"text(
: could not start
  /srv/main.go:21 main.main
: no such file
  /usr/lib/go/src/runtime/proc.go:283 runtime.main
  /srv/main.go:20 main.main
  /srv/main.go:12 main.read
)text");
  constexpr auto elided = R"text(
panic: x [recovered, repanicked]

goroutine 7 [running, locked to thread]:
main.deep(0x1)
	/srv/main.go:1 +0x1d
...23 frames elided...
main.main()
	C:/srv/main.go:2 +0x1d

goroutine 8 [select]:
main.other()
	/srv/main.go:99 +0x1d
)text";
  EXPECT_EQ(printed("go", elided), R"text(
panic: x
  C:/srv/main.go:2 main.main
  /srv/main.go:1 main.deep
)text");
}

TEST(StackForms, ruby_since_3_4_and_elided_levels) {
  constexpr auto text = R"text(
/srv/a.rb:3:in 'Integer#/': divided by 0 (ZeroDivisionError)
	from /srv/a.rb:3:in 'Shop::Cart#pay'
	 ... 10067 levels...
	from C:/srv/a.rb:9:in 'block (2 levels) in <main>'
	from /srv/b.rb:1
)text";
  EXPECT_EQ(printed("ruby", text), R"text(
ZeroDivisionError: divided by 0
  /srv/b.rb:1
  C:/srv/a.rb:9 block (2 levels) in <main>
  /srv/a.rb:3 Shop::Cart#pay
  /srv/a.rb:3 Integer#/
)text");
}

}  // namespace
}  // namespace forager::rollbar
