// What Go 1.26 printed.
#include <gtest/gtest.h>

#include "unit/rollbar/printed_stack.h"

namespace forager::rollbar {
namespace {

using test::printed;

TEST(GoStacks, debug_stack_keeps_its_own_frames) {
  constexpr auto text = R"text(
goroutine 1 [running]:
runtime/debug.Stack()
	/usr/lib/go/src/runtime/debug/stack.go:26 +0x5e
main.show({0x4c6a58?, 0x25915cc00068?})
	/srv/shop/main.go:22 +0x71
main.main.closure.func3(...)
	/srv/shop/main.go:24
main.closure(...)
	/srv/shop/main.go:24
main.main()
	/srv/shop/main.go:68 +0x18f
)text";
  EXPECT_EQ(printed("go", text), R"text(

  /srv/shop/main.go:68 main.main
  /srv/shop/main.go:24 main.closure
  /srv/shop/main.go:24 main.main.closure.func3
  /srv/shop/main.go:22 main.show
  /usr/lib/go/src/runtime/debug/stack.go:26 runtime/debug.Stack
)text");
}

TEST(GoStacks, a_recovered_panic) {
  constexpr auto text = R"text(
goroutine 1 [running]:
runtime/debug.Stack()
	/usr/lib/go/src/runtime/debug/stack.go:26 +0x5e
main.show({0x4c7062?, 0x25915cb661e0?})
	/srv/shop/main.go:22 +0x71
main.recovered.func1()
	/srv/shop/main.go:28 +0x3a
panic({0x4b0540?, 0x582470?})
	/usr/lib/go/src/runtime/panic.go:860 +0x13a
main.(*Shop[...]).Pay(...)
	/srv/shop/main.go:14
main.main.func2()
	/srv/shop/main.go:69 +0x28
main.recovered(0x4c6a58?)
	/srv/shop/main.go:33 +0x33
main.main()
	/srv/shop/main.go:69 +0x19b
)text";
  EXPECT_EQ(printed("go", text, "*errors.errorString", "assignment to entry in nil map"), R"text(
*errors.errorString: assignment to entry in nil map
  /srv/shop/main.go:69 main.main
  /srv/shop/main.go:33 main.recovered
  /srv/shop/main.go:69 main.main.func2
  /srv/shop/main.go:14 main.(*Shop[...]).Pay
  /usr/lib/go/src/runtime/panic.go:860 panic
  /srv/shop/main.go:28 main.recovered.func1
  /srv/shop/main.go:22 main.show
  /usr/lib/go/src/runtime/debug/stack.go:26 runtime/debug.Stack
)text");
}

TEST(GoStacks, a_panic_while_panicking_has_the_first_as_its_cause) {
  constexpr auto text = R"text(
panic: first [recovered]
	panic: again: first

goroutine 1 [running]:
main.repanic.func1()
	/srv/shop/main.go:38 +0x5b
panic({0x4ab5a0?, 0x4d14a0?})
	/usr/lib/go/src/runtime/panic.go:860 +0x13a
main.repanic()
	/srv/shop/main.go:40 +0x3e
main.main()
	/srv/shop/main.go:55 +0x150
)text";
  EXPECT_EQ(printed("go", text), R"text(
panic: again: first
  /srv/shop/main.go:55 main.main
  /srv/shop/main.go:40 main.repanic
  /usr/lib/go/src/runtime/panic.go:860 panic
  /srv/shop/main.go:38 main.repanic.func1
panic: first
)text");
}

TEST(GoStacks, a_message_of_two_lines_is_indented) {
  constexpr auto text = R"text(
panic: code 7
	second

goroutine 1 [running]:
main.main()
	/srv/shop/main.go:57 +0x1eb
)text";
  EXPECT_EQ(printed("go", text), R"text(
panic: code 7\nsecond
  /srv/shop/main.go:57 main.main
)text");
}

TEST(GoStacks, the_start_of_a_goroutine_is_its_oldest_frame) {
  constexpr auto text = R"text(
panic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x4a063f]

goroutine 18 [running]:
main.main.func1()
	/srv/shop/main.go:62 +0x1f
created by main.main in goroutine 1
	/srv/shop/main.go:62 +0xa5
)text";
  EXPECT_EQ(printed("go", text), R"text(
panic: runtime error: invalid memory address or nil pointer dereference
  /srv/shop/main.go:62 created by main.main
  /srv/shop/main.go:62 main.main.func1
)text");
}

TEST(GoStacks, a_fatal_error_is_no_panic) {
  constexpr auto text = R"text(
fatal error: all goroutines are asleep - deadlock!

goroutine 1 [chan receive]:
main.main()
	/srv/shop/main.go:65 +0x17c
)text";
  EXPECT_EQ(printed("go", text), R"text(
fatal error: all goroutines are asleep - deadlock!
  /srv/shop/main.go:65 main.main
)text");
}

}  // namespace
}  // namespace forager::rollbar
