// What OpenJDK 17 printed, and the forms of loaders, modules and other printers.
#include <gtest/gtest.h>

#include "unit/rollbar/printed_stack.h"

namespace forager::rollbar {
namespace {

using test::printed;

TEST(JavaStacks, common_frames_come_from_the_enclosing_trace) {
  constexpr auto text = R"text(
App$PayException: could not pay
second line
	at App.pay(App.java:6)
	at App.lambda$main$1(App.java:14)
	at App.show(App.java:10)
	at App.main(App.java:14)
Caused by: java.lang.NullPointerException: Cannot invoke "java.lang.Integer.intValue()" because the return value of "java.util.Map.get(Object)" is null
	at App.price(App.java:5)
	... 4 more
)text";
  EXPECT_EQ(printed("java", text), R"text(
App$PayException: could not pay\nsecond line
  App.java:14 App . main
  App.java:10 App . show
  App.java:14 App . lambda$main$1
  App.java:6 App . pay
java.lang.NullPointerException: Cannot invoke "java.lang.Integer.intValue()" because the return value of "java.util.Map.get(Object)" is null
  App.java:14 App . main
  App.java:10 App . show
  App.java:14 App . lambda$main$1
  App.java:6 App . pay
  App.java:5 App . price
)text");
}

TEST(JavaStacks, suppressed_ones_come_last_with_their_causes) {
  constexpr auto text = R"text(
App$PayException: could not pay
second line
	at App.pay(App.java:6)
	at App.res(App.java:7)
	at App.lambda$main$2(App.java:15)
	at App.show(App.java:10)
	at App.main(App.java:15)
	Suppressed: java.io.IOException: close failed
		at App$Res.close(App.java:4)
		... 4 more
	Caused by: java.lang.IllegalArgumentException: why
		... 5 more
Caused by: java.lang.NullPointerException: Cannot invoke "java.lang.Integer.intValue()" because the return value of "java.util.Map.get(Object)" is null
	at App.price(App.java:5)
	... 5 more
)text";
  EXPECT_EQ(printed("java", text), R"text(
App$PayException: could not pay\nsecond line
  App.java:15 App . main
  App.java:10 App . show
  App.java:15 App . lambda$main$2
  App.java:7 App . res
  App.java:6 App . pay
java.lang.NullPointerException: Cannot invoke "java.lang.Integer.intValue()" because the return value of "java.util.Map.get(Object)" is null
  App.java:15 App . main
  App.java:10 App . show
  App.java:15 App . lambda$main$2
  App.java:7 App . res
  App.java:6 App . pay
  App.java:5 App . price
java.io.IOException: close failed
  App.java:15 App . main
  App.java:10 App . show
  App.java:15 App . lambda$main$2
  App.java:7 App . res
  App.java:4 App$Res . close
java.lang.IllegalArgumentException: why
  App.java:15 App . main
  App.java:10 App . show
  App.java:15 App . lambda$main$2
  App.java:7 App . res
  App.java:4 App$Res . close
)text");
}

TEST(JavaStacks, native_methods_and_two_causes) {
  constexpr auto text = R"text(
java.lang.reflect.InvocationTargetException
	at java.base/jdk.internal.reflect.NativeMethodAccessorImpl.invoke0(Native Method)
	at java.base/jdk.internal.reflect.NativeMethodAccessorImpl.invoke(NativeMethodAccessorImpl.java:77)
	at java.base/jdk.internal.reflect.DelegatingMethodAccessorImpl.invoke(DelegatingMethodAccessorImpl.java:43)
	at java.base/java.lang.reflect.Method.invoke(Method.java:569)
	at App.lambda$main$5(App.java:17)
	at App.show(App.java:10)
	at App.main(App.java:17)
Caused by: App$PayException: could not pay
second line
	at App.pay(App.java:6)
	... 7 more
Caused by: java.lang.NullPointerException: Cannot invoke "java.lang.Integer.intValue()" because the return value of "java.util.Map.get(Object)" is null
	at App.price(App.java:5)
	... 8 more
)text";
  EXPECT_EQ(printed("java", text), R"text(
java.lang.reflect.InvocationTargetException
  App.java:17 App . main
  App.java:10 App . show
  App.java:17 App . lambda$main$5
  Method.java:569 java.lang.reflect.Method . invoke
  DelegatingMethodAccessorImpl.java:43 jdk.internal.reflect.DelegatingMethodAccessorImpl . invoke
  NativeMethodAccessorImpl.java:77 jdk.internal.reflect.NativeMethodAccessorImpl . invoke
  <native> jdk.internal.reflect.NativeMethodAccessorImpl . invoke0
App$PayException: could not pay\nsecond line
  App.java:17 App . main
  App.java:10 App . show
  App.java:17 App . lambda$main$5
  Method.java:569 java.lang.reflect.Method . invoke
  DelegatingMethodAccessorImpl.java:43 jdk.internal.reflect.DelegatingMethodAccessorImpl . invoke
  NativeMethodAccessorImpl.java:77 jdk.internal.reflect.NativeMethodAccessorImpl . invoke
  <native> jdk.internal.reflect.NativeMethodAccessorImpl . invoke0
  App.java:6 App . pay
java.lang.NullPointerException: Cannot invoke "java.lang.Integer.intValue()" because the return value of "java.util.Map.get(Object)" is null
  App.java:17 App . main
  App.java:10 App . show
  App.java:17 App . lambda$main$5
  Method.java:569 java.lang.reflect.Method . invoke
  DelegatingMethodAccessorImpl.java:43 jdk.internal.reflect.DelegatingMethodAccessorImpl . invoke
  NativeMethodAccessorImpl.java:77 jdk.internal.reflect.NativeMethodAccessorImpl . invoke
  <native> jdk.internal.reflect.NativeMethodAccessorImpl . invoke0
  App.java:6 App . pay
  App.java:5 App . price
)text");
}

TEST(JavaStacks, a_cause_of_another_thread_keeps_its_frames) {
  constexpr auto text = R"text(
java.util.concurrent.ExecutionException: App$PayException: could not pay
second line
	at java.base/java.util.concurrent.FutureTask.report(FutureTask.java:122)
	at java.base/java.util.concurrent.FutureTask.get(FutureTask.java:191)
	at App.lambda$main$9(App.java:19)
	at App.show(App.java:10)
	at App.main(App.java:19)
Caused by: App$PayException: could not pay
second line
	at App.pay(App.java:6)
	at App.lambda$main$8(App.java:19)
	at java.base/java.util.concurrent.FutureTask.run(FutureTask.java:264)
	at java.base/java.util.concurrent.ThreadPoolExecutor.runWorker(ThreadPoolExecutor.java:1136)
	at java.base/java.util.concurrent.ThreadPoolExecutor$Worker.run(ThreadPoolExecutor.java:635)
	at java.base/java.lang.Thread.run(Thread.java:840)
Caused by: java.lang.NullPointerException: Cannot invoke "java.lang.Integer.intValue()" because the return value of "java.util.Map.get(Object)" is null
	at App.price(App.java:5)
	... 6 more
)text";
  EXPECT_EQ(printed("java", text), R"text(
java.util.concurrent.ExecutionException: App$PayException: could not pay\nsecond line
  App.java:19 App . main
  App.java:10 App . show
  App.java:19 App . lambda$main$9
  FutureTask.java:191 java.util.concurrent.FutureTask . get
  FutureTask.java:122 java.util.concurrent.FutureTask . report
App$PayException: could not pay\nsecond line
  Thread.java:840 java.lang.Thread . run
  ThreadPoolExecutor.java:635 java.util.concurrent.ThreadPoolExecutor$Worker . run
  ThreadPoolExecutor.java:1136 java.util.concurrent.ThreadPoolExecutor . runWorker
  FutureTask.java:264 java.util.concurrent.FutureTask . run
  App.java:19 App . lambda$main$8
  App.java:6 App . pay
java.lang.NullPointerException: Cannot invoke "java.lang.Integer.intValue()" because the return value of "java.util.Map.get(Object)" is null
  Thread.java:840 java.lang.Thread . run
  ThreadPoolExecutor.java:635 java.util.concurrent.ThreadPoolExecutor$Worker . run
  ThreadPoolExecutor.java:1136 java.util.concurrent.ThreadPoolExecutor . runWorker
  FutureTask.java:264 java.util.concurrent.FutureTask . run
  App.java:19 App . lambda$main$8
  App.java:6 App . pay
  App.java:5 App . price
)text");
}

TEST(JavaStacks, modules_are_not_part_of_a_class) {
  constexpr auto text = R"text(
java.lang.RuntimeException
	at App.lambda$main$3(App.java:16)
	at java.base/java.util.stream.ReferencePipeline$3$1.accept(ReferencePipeline.java:197)
	at java.base/java.util.AbstractList$RandomAccessSpliterator.forEachRemaining(AbstractList.java:720)
	at java.base/java.util.stream.AbstractPipeline.copyInto(AbstractPipeline.java:509)
	at java.base/java.util.stream.AbstractPipeline.wrapAndCopyInto(AbstractPipeline.java:499)
	at java.base/java.util.stream.AbstractPipeline.evaluate(AbstractPipeline.java:575)
	at java.base/java.util.stream.AbstractPipeline.evaluateToArrayNode(AbstractPipeline.java:260)
	at java.base/java.util.stream.ReferencePipeline.toArray(ReferencePipeline.java:616)
	at java.base/java.util.stream.ReferencePipeline.toArray(ReferencePipeline.java:622)
	at java.base/java.util.stream.ReferencePipeline.toList(ReferencePipeline.java:627)
	at App.lambda$main$4(App.java:16)
	at App.show(App.java:10)
	at App.main(App.java:16)
)text";
  EXPECT_EQ(printed("java", text), R"text(
java.lang.RuntimeException
  App.java:16 App . main
  App.java:10 App . show
  App.java:16 App . lambda$main$4
  ReferencePipeline.java:627 java.util.stream.ReferencePipeline . toList
  ReferencePipeline.java:622 java.util.stream.ReferencePipeline . toArray
  ReferencePipeline.java:616 java.util.stream.ReferencePipeline . toArray
  AbstractPipeline.java:260 java.util.stream.AbstractPipeline . evaluateToArrayNode
  AbstractPipeline.java:575 java.util.stream.AbstractPipeline . evaluate
  AbstractPipeline.java:499 java.util.stream.AbstractPipeline . wrapAndCopyInto
  AbstractPipeline.java:509 java.util.stream.AbstractPipeline . copyInto
  AbstractList.java:720 java.util.AbstractList$RandomAccessSpliterator . forEachRemaining
  ReferencePipeline.java:197 java.util.stream.ReferencePipeline$3$1 . accept
  App.java:16 App . lambda$main$3
)text");
}

TEST(JavaStacks, a_circle_ends) {
  constexpr auto text = R"text(
java.lang.Exception: x
	at App.lambda$main$10(App.java:20)
	at App.show(App.java:10)
	at App.main(App.java:20)
Caused by: java.lang.Exception: y
	... 3 more
Caused by: [CIRCULAR REFERENCE: java.lang.Exception: x]
)text";
  EXPECT_EQ(printed("java", text), R"text(
java.lang.Exception: x
  App.java:20 App . main
  App.java:10 App . show
  App.java:20 App . lambda$main$10
java.lang.Exception: y
  App.java:20 App . main
  App.java:10 App . show
  App.java:20 App . lambda$main$10
)text");
}

TEST(JavaStacks, a_proxy_has_no_source) {
  constexpr auto text = R"text(
java.lang.RuntimeException: in proxy
	at App.lambda$main$12(App.java:22)
	at jdk.proxy1/jdk.proxy1.$Proxy0.run(Unknown Source)
	at App.lambda$main$13(App.java:22)
	at App.show(App.java:10)
	at App.main(App.java:22)
)text";
  EXPECT_EQ(printed("java", text), R"text(
java.lang.RuntimeException: in proxy
  App.java:22 App . main
  App.java:10 App . show
  App.java:22 App . lambda$main$13
  <unknown> jdk.proxy1.$Proxy0 . run
  App.java:22 App . lambda$main$12
)text");
}

}  // namespace
}  // namespace forager::rollbar
