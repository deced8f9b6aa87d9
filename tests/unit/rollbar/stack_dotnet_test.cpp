// What .NET Core 3.1 and Mono 6.8 printed, and frames with symbols.
#include <gtest/gtest.h>

#include "unit/rollbar/printed_stack.h"

namespace forager::rollbar {
namespace {

using test::printed;

TEST(DotnetStacks, an_inner_exception_stands_before_the_outer_frames) {
  constexpr auto text = R"text(
Shop.PayException: could not pay
second line
 ---> System.Collections.Generic.KeyNotFoundException: The given key 'price' was not present in the dictionary.
   at System.Collections.Generic.Dictionary`2.get_Item(TKey key)
   at Shop.Cart`1.Price(Dictionary`2 d, Int32& x)
   at Shop.Cart`1.Pay(T[] items)
   --- End of inner exception stack trace ---
   at Shop.Cart`1.Pay(T[] items)
   at Shop.App.<Main>m__1()
   at Shop.App.Show(String name, Action a)
)text";
  EXPECT_EQ(printed("dotnet", text), R"text(
Shop.PayException: could not pay\nsecond line
  <unknown> Shop.App.Show(String name, Action a)
  <unknown> Shop.App.<Main>m__1()
  <unknown> Shop.Cart`1.Pay(T[] items)
System.Collections.Generic.KeyNotFoundException: The given key 'price' was not present in the dictionary.
  <unknown> Shop.Cart`1.Pay(T[] items)
  <unknown> Shop.Cart`1.Price(Dictionary`2 d, Int32& x)
  <unknown> System.Collections.Generic.Dictionary`2.get_Item(TKey key)
)text");
}

TEST(DotnetStacks, async_calls) {
  constexpr auto text = R"text(
System.InvalidOperationException: outer
 ---> Shop.PayException: could not pay
second line
 ---> System.Collections.Generic.KeyNotFoundException: The given key 'price' was not present in the dictionary.
   at System.Collections.Generic.Dictionary`2.get_Item(TKey key)
   at Shop.Cart`1.Price(Dictionary`2 d, Int32& x)
   at Shop.Cart`1.Pay(T[] items)
   --- End of inner exception stack trace ---
   at Shop.Cart`1.Pay(T[] items)
   at Shop.Cart`1.PayAsync()
   at Shop.App.Outer()
   --- End of inner exception stack trace ---
   at Shop.App.Outer()
   at Shop.App.<Main>m__2()
   at Shop.App.Show(String name, Action a)
)text";
  EXPECT_EQ(printed("dotnet", text), R"text(
System.InvalidOperationException: outer
  <unknown> Shop.App.Show(String name, Action a)
  <unknown> Shop.App.<Main>m__2()
  <unknown> Shop.App.Outer()
Shop.PayException: could not pay\nsecond line
  <unknown> Shop.App.Outer()
  <unknown> Shop.Cart`1.PayAsync()
  <unknown> Shop.Cart`1.Pay(T[] items)
System.Collections.Generic.KeyNotFoundException: The given key 'price' was not present in the dictionary.
  <unknown> Shop.Cart`1.Pay(T[] items)
  <unknown> Shop.Cart`1.Price(Dictionary`2 d, Int32& x)
  <unknown> System.Collections.Generic.Dictionary`2.get_Item(TKey key)
)text");
}

TEST(DotnetStacks, further_exceptions_of_an_aggregate_come_last) {
  constexpr auto text = R"text(
System.AggregateException: One or more errors occurred. (outer) (disk)
 ---> System.InvalidOperationException: outer
 ---> Shop.PayException: could not pay
second line
 ---> System.Collections.Generic.KeyNotFoundException: The given key 'price' was not present in the dictionary.
   at System.Collections.Generic.Dictionary`2.get_Item(TKey key)
   at Shop.Cart`1.Price(Dictionary`2 d, Int32& x)
   at Shop.Cart`1.Pay(T[] items)
   --- End of inner exception stack trace ---
   at Shop.Cart`1.Pay(T[] items)
   at Shop.Cart`1.PayAsync()
   at Shop.App.Outer()
   --- End of inner exception stack trace ---
   at Shop.App.Outer()
   --- End of inner exception stack trace ---
   at System.Threading.Tasks.Task.Wait(Int32 millisecondsTimeout, CancellationToken cancellationToken)
   at System.Threading.Tasks.Task.Wait()
   at Shop.App.<Main>m__3()
   at Shop.App.Show(String name, Action a)
 ---> (Inner Exception #1) System.IO.IOException: disk
   at Shop.App.<Main>m__8()
   at System.Threading.Tasks.Task`1.InnerInvoke()
   at System.Threading.Tasks.Task.<>c.<.cctor>b__274_0(Object obj)
   at System.Threading.ExecutionContext.RunFromThreadPoolDispatchLoop(Thread threadPoolThread, ExecutionContext executionContext, ContextCallback callback, Object state)
--- End of stack trace from previous location where exception was thrown ---
   at System.Threading.ExecutionContext.RunFromThreadPoolDispatchLoop(Thread threadPoolThread, ExecutionContext executionContext, ContextCallback callback, Object state)
   at System.Threading.Tasks.Task.ExecuteWithThreadLocal(Task& currentTaskSlot, Thread threadPoolThread)<---

)text";
  EXPECT_EQ(printed("dotnet", text), R"text(
System.AggregateException: One or more errors occurred. (outer) (disk)
  <unknown> Shop.App.Show(String name, Action a)
  <unknown> Shop.App.<Main>m__3()
  <unknown> System.Threading.Tasks.Task.Wait()
  <unknown> System.Threading.Tasks.Task.Wait(Int32 millisecondsTimeout, CancellationToken cancellationToken)
System.InvalidOperationException: outer
  <unknown> Shop.App.Outer()
Shop.PayException: could not pay\nsecond line
  <unknown> Shop.App.Outer()
  <unknown> Shop.Cart`1.PayAsync()
  <unknown> Shop.Cart`1.Pay(T[] items)
System.Collections.Generic.KeyNotFoundException: The given key 'price' was not present in the dictionary.
  <unknown> Shop.Cart`1.Pay(T[] items)
  <unknown> Shop.Cart`1.Price(Dictionary`2 d, Int32& x)
  <unknown> System.Collections.Generic.Dictionary`2.get_Item(TKey key)
System.IO.IOException: disk
  <unknown> System.Threading.Tasks.Task.ExecuteWithThreadLocal(Task& currentTaskSlot, Thread threadPoolThread)
  <unknown> System.Threading.ExecutionContext.RunFromThreadPoolDispatchLoop(Thread threadPoolThread, ExecutionContext executionContext, ContextCallback callback, Object state)
  <unknown> System.Threading.ExecutionContext.RunFromThreadPoolDispatchLoop(Thread threadPoolThread, ExecutionContext executionContext, ContextCallback callback, Object state)
  <unknown> System.Threading.Tasks.Task.<>c.<.cctor>b__274_0(Object obj)
  <unknown> System.Threading.Tasks.Task`1.InnerInvoke()
  <unknown> Shop.App.<Main>m__8()
)text");
}

TEST(DotnetStacks, exceptions_that_were_never_thrown) {
  constexpr auto text = R"text(
System.AggregateException: several (one) (two)
 ---> System.IO.IOException: one
   --- End of inner exception stack trace ---
   at Shop.App.<Main>m__4()
   at Shop.App.Show(String name, Action a)
 ---> (Inner Exception #1) System.ArgumentException: two
 ---> System.Exception: inner of two
   --- End of inner exception stack trace ---<---

)text";
  EXPECT_EQ(printed("dotnet", text), R"text(
System.AggregateException: several (one) (two)
  <unknown> Shop.App.Show(String name, Action a)
  <unknown> Shop.App.<Main>m__4()
System.IO.IOException: one
System.ArgumentException: two
System.Exception: inner of two
)text");
}

TEST(DotnetStacks, mono_has_places_and_headers_on_one_line) {
  constexpr auto text = R"text(
System.InvalidOperationException: outer ---> Shop.PayException: could not pay
second line ---> System.Collections.Generic.KeyNotFoundException: The given key 'price' was not present in the dictionary.
  at System.Collections.Generic.Dictionary`2[TKey,TValue].get_Item (TKey key) [0x00021] in <12b418a7818c4ca0893feeaaf67f1e7f>:0 
  at Shop.Cart`1[T].Price (System.Collections.Generic.Dictionary`2[TKey,TValue] d, System.Int32& x) [0x00007] in /srv/shop/App.cs:5 
  at Shop.Cart`1[T].Pay (T[] items) [0x0000c] in /srv/shop/App.cs:6 
   --- End of inner exception stack trace ---
  at Shop.Cart`1[T].Pay (T[] items) [0x00020] in /srv/shop/App.cs:6 
  at Shop.Cart`1[T].PayAsync () [0x00077] in /srv/shop/App.cs:7 
  at Shop.App.Outer () [0x00034] in /srv/shop/App.cs:11 
   --- End of inner exception stack trace ---
  at Shop.App.Outer () [0x00092] in /srv/shop/App.cs:11 
  at Shop.App.<Main>m__2 () [0x0000d] in /srv/shop/App.cs:15 
  at Shop.App.Show (System.String name, System.Action a) [0x00003] in /srv/shop/App.cs:10 
)text";
  EXPECT_EQ(printed("dotnet", text), R"text(
System.InvalidOperationException: outer
  /srv/shop/App.cs:10 Shop.App.Show(System.String name, System.Action a)
  /srv/shop/App.cs:15 Shop.App.<Main>m__2()
  /srv/shop/App.cs:11 Shop.App.Outer()
Shop.PayException: could not pay\nsecond line
  /srv/shop/App.cs:11 Shop.App.Outer()
  /srv/shop/App.cs:7 Shop.Cart`1[T].PayAsync()
  /srv/shop/App.cs:6 Shop.Cart`1[T].Pay(T[] items)
System.Collections.Generic.KeyNotFoundException: The given key 'price' was not present in the dictionary.
  /srv/shop/App.cs:6 Shop.Cart`1[T].Pay(T[] items)
  /srv/shop/App.cs:5 Shop.Cart`1[T].Price(System.Collections.Generic.Dictionary`2[TKey,TValue] d, System.Int32& x)
  <unknown> System.Collections.Generic.Dictionary`2[TKey,TValue].get_Item(TKey key)
)text");
}

TEST(DotnetStacks, mono_prints_the_first_inner_exception_twice) {
  constexpr auto text = R"text(
System.AggregateException: One or more errors occurred. (outer) (disk) ---> System.InvalidOperationException: outer ---> Shop.PayException: could not pay
second line ---> System.Collections.Generic.KeyNotFoundException: The given key 'price' was not present in the dictionary.
  at System.Collections.Generic.Dictionary`2[TKey,TValue].get_Item (TKey key) [0x00021] in <12b418a7818c4ca0893feeaaf67f1e7f>:0 
  at Shop.Cart`1[T].Price (System.Collections.Generic.Dictionary`2[TKey,TValue] d, System.Int32& x) [0x00007] in /srv/shop/App.cs:5 
  at Shop.Cart`1[T].Pay (T[] items) [0x0000c] in /srv/shop/App.cs:6 
   --- End of inner exception stack trace ---
  at Shop.Cart`1[T].Pay (T[] items) [0x00020] in /srv/shop/App.cs:6 
  at Shop.Cart`1[T].PayAsync () [0x00077] in /srv/shop/App.cs:7 
  at Shop.App.Outer () [0x00034] in /srv/shop/App.cs:11 
   --- End of inner exception stack trace ---
  at Shop.App.Outer () [0x00092] in /srv/shop/App.cs:11 
   --- End of inner exception stack trace ---
  at System.Threading.Tasks.Task.ThrowIfExceptional (System.Boolean includeTaskCanceledExceptions) [0x00014] in <12b418a7818c4ca0893feeaaf67f1e7f>:0 
  at System.Threading.Tasks.Task.Wait (System.Int32 millisecondsTimeout, System.Threading.CancellationToken cancellationToken) [0x00052] in <12b418a7818c4ca0893feeaaf67f1e7f>:0 
  at System.Threading.Tasks.Task.Wait () [0x00000] in <12b418a7818c4ca0893feeaaf67f1e7f>:0 
  at Shop.App.<Main>m__3 () [0x00038] in /srv/shop/App.cs:16 
  at Shop.App.Show (System.String name, System.Action a) [0x00003] in /srv/shop/App.cs:10 
---> (Inner Exception #0) System.InvalidOperationException: outer ---> Shop.PayException: could not pay
second line ---> System.Collections.Generic.KeyNotFoundException: The given key 'price' was not present in the dictionary.
  at System.Collections.Generic.Dictionary`2[TKey,TValue].get_Item (TKey key) [0x00021] in <12b418a7818c4ca0893feeaaf67f1e7f>:0 
  at Shop.Cart`1[T].Price (System.Collections.Generic.Dictionary`2[TKey,TValue] d, System.Int32& x) [0x00007] in /srv/shop/App.cs:5 
  at Shop.Cart`1[T].Pay (T[] items) [0x0000c] in /srv/shop/App.cs:6 
   --- End of inner exception stack trace ---
  at Shop.Cart`1[T].Pay (T[] items) [0x00020] in /srv/shop/App.cs:6 
  at Shop.Cart`1[T].PayAsync () [0x00077] in /srv/shop/App.cs:7 
  at Shop.App.Outer () [0x00034] in /srv/shop/App.cs:11 
   --- End of inner exception stack trace ---
  at Shop.App.Outer () [0x00092] in /srv/shop/App.cs:11 <---

---> (Inner Exception #1) System.IO.IOException: disk
  at Shop.App.<Main>m__8 () [0x00006] in /srv/shop/App.cs:16 
  at System.Threading.Tasks.Task`1[TResult].InnerInvoke () [0x00012] in <12b418a7818c4ca0893feeaaf67f1e7f>:0 
  at System.Threading.Tasks.Task.Execute () [0x00000] in <12b418a7818c4ca0893feeaaf67f1e7f>:0 <---

)text";
  EXPECT_EQ(printed("dotnet", text), R"text(
System.AggregateException: One or more errors occurred. (outer) (disk)
  /srv/shop/App.cs:10 Shop.App.Show(System.String name, System.Action a)
  /srv/shop/App.cs:16 Shop.App.<Main>m__3()
  <unknown> System.Threading.Tasks.Task.Wait()
  <unknown> System.Threading.Tasks.Task.Wait(System.Int32 millisecondsTimeout, System.Threading.CancellationToken cancellationToken)
  <unknown> System.Threading.Tasks.Task.ThrowIfExceptional(System.Boolean includeTaskCanceledExceptions)
System.InvalidOperationException: outer
  /srv/shop/App.cs:11 Shop.App.Outer()
Shop.PayException: could not pay\nsecond line
  /srv/shop/App.cs:11 Shop.App.Outer()
  /srv/shop/App.cs:7 Shop.Cart`1[T].PayAsync()
  /srv/shop/App.cs:6 Shop.Cart`1[T].Pay(T[] items)
System.Collections.Generic.KeyNotFoundException: The given key 'price' was not present in the dictionary.
  /srv/shop/App.cs:6 Shop.Cart`1[T].Pay(T[] items)
  /srv/shop/App.cs:5 Shop.Cart`1[T].Price(System.Collections.Generic.Dictionary`2[TKey,TValue] d, System.Int32& x)
  <unknown> System.Collections.Generic.Dictionary`2[TKey,TValue].get_Item(TKey key)
System.IO.IOException: disk
  <unknown> System.Threading.Tasks.Task.Execute()
  <unknown> System.Threading.Tasks.Task`1[TResult].InnerInvoke()
  /srv/shop/App.cs:16 Shop.App.<Main>m__8()
)text");
}

TEST(DotnetStacks, a_message_of_two_lines) {
  constexpr auto text = R"text(
System.ArgumentNullException: Value cannot be null.
Parameter name: match
  at System.Collections.Generic.List`1[T].Find (System.Predicate`1[T] match) [0x00006] in <12b418a7818c4ca0893feeaaf67f1e7f>:0 
  at Shop.App.<Main>m__6 () [0x00006] in /srv/shop/App.cs:19 
  at Shop.App.Show (System.String name, System.Action a) [0x00003] in /srv/shop/App.cs:10 
)text";
  EXPECT_EQ(printed("dotnet", text), R"text(
System.ArgumentNullException: Value cannot be null.\nParameter name: match
  /srv/shop/App.cs:10 Shop.App.Show(System.String name, System.Action a)
  /srv/shop/App.cs:19 Shop.App.<Main>m__6()
  <unknown> System.Collections.Generic.List`1[T].Find(System.Predicate`1[T] match)
)text");
}

}  // namespace
}  // namespace forager::rollbar
