// What Node 20 printed (err.stack, console.error, an uncaught error), and the forms of browsers.
#include <gtest/gtest.h>

#include "unit/rollbar/printed_stack.h"

namespace forager::rollbar {
namespace {

using test::printed;

TEST(JavaScriptStacks, a_constructor_and_a_message_of_two_lines) {
  constexpr auto text = R"text(
TypeError: no shop
second line
    at new Shop (/srv/shop/a.js:2:43)
    at Object.<anonymous> (/srv/shop/a.js:9:7)
    at Module._compile (node:internal/modules/cjs/loader:1521:14)
    at Module._extensions..js (node:internal/modules/cjs/loader:1623:10)
    at Module.load (node:internal/modules/cjs/loader:1266:32)
    at Module._load (node:internal/modules/cjs/loader:1091:12)
    at Function.executeUserEntryPoint [as runMain] (node:internal/modules/run_main:164:12)
    at node:internal/main/run_main_module:28:49
)text";
  EXPECT_EQ(printed("nodejs", text), R"text(
TypeError: no shop\nsecond line
  node:internal/main/run_main_module:28:49
  node:internal/modules/run_main:164:12 Function.executeUserEntryPoint
  node:internal/modules/cjs/loader:1091:12 Module._load
  node:internal/modules/cjs/loader:1266:32 Module.load
  node:internal/modules/cjs/loader:1623:10 Module._extensions..js
  node:internal/modules/cjs/loader:1521:14 Module._compile
  /srv/shop/a.js:9:7 Object.<anonymous>
  /srv/shop/a.js:2:43 new Shop
)text");
}

TEST(JavaScriptStacks, causes_and_what_node_leaves_out_of_the_outer_stack) {
  constexpr auto text = R"text(
Error: top
    at top1 (/srv/shop/a.js:8:57)
    at Object.<anonymous> (/srv/shop/a.js:11:7)
    ... 5 lines matching cause stack trace ...
    at node:internal/main/run_main_module:28:49 {
  code: 'ETOP',
  [cause]: Error: could not load
      at outer (/srv/shop/a.js:7:54)
      at top1 (/srv/shop/a.js:8:24)
      ... 5 lines matching cause stack trace ...
      at Function.executeUserEntryPoint [as runMain] (node:internal/modules/run_main:164:12)
      at node:internal/main/run_main_module:28:49 {
    [cause]: SyntaxError: Expected property name or '}' in JSON at position 1
        at JSON.parse (<anonymous>)
        at inner (/srv/shop/a.js:6:24)
        at outer (/srv/shop/a.js:7:25)
        at top1 (/srv/shop/a.js:8:24)
        at Object.<anonymous> (/srv/shop/a.js:11:7)
        at Module._compile (node:internal/modules/cjs/loader:1521:14)
        at Module._extensions..js (node:internal/modules/cjs/loader:1623:10)
        at Module.load (node:internal/modules/cjs/loader:1266:32)
        at Module._load (node:internal/modules/cjs/loader:1091:12)
        at Function.executeUserEntryPoint [as runMain] (node:internal/modules/run_main:164:12)
  }
}
)text";
  EXPECT_EQ(printed("nodejs", text), R"text(
Error: top
  node:internal/main/run_main_module:28:49
  node:internal/modules/run_main:164:12 Function.executeUserEntryPoint
  node:internal/modules/cjs/loader:1091:12 Module._load
  node:internal/modules/cjs/loader:1266:32 Module.load
  node:internal/modules/cjs/loader:1623:10 Module._extensions..js
  node:internal/modules/cjs/loader:1521:14 Module._compile
  /srv/shop/a.js:11:7 Object.<anonymous>
  /srv/shop/a.js:8:57 top1
Error: could not load
  node:internal/main/run_main_module:28:49
  node:internal/modules/run_main:164:12 Function.executeUserEntryPoint
  node:internal/modules/cjs/loader:1091:12 Module._load
  node:internal/modules/cjs/loader:1266:32 Module.load
  node:internal/modules/cjs/loader:1623:10 Module._extensions..js
  node:internal/modules/cjs/loader:1521:14 Module._compile
  /srv/shop/a.js:11:7 Object.<anonymous>
  /srv/shop/a.js:8:24 top1
  /srv/shop/a.js:7:54 outer
SyntaxError: Expected property name or '}' in JSON at position 1
  node:internal/modules/run_main:164:12 Function.executeUserEntryPoint
  node:internal/modules/cjs/loader:1091:12 Module._load
  node:internal/modules/cjs/loader:1266:32 Module.load
  node:internal/modules/cjs/loader:1623:10 Module._extensions..js
  node:internal/modules/cjs/loader:1521:14 Module._compile
  /srv/shop/a.js:11:7 Object.<anonymous>
  /srv/shop/a.js:8:24 top1
  /srv/shop/a.js:7:25 outer
  /srv/shop/a.js:6:24 inner
  <anonymous> JSON.parse
)text");
}

TEST(JavaScriptStacks, properties_are_no_frames) {
  constexpr auto text = R"text(
Error: ENOENT: no such file or directory, open '/nope'
    at Object.openSync (node:fs:573:18)
    at Object.readFileSync (node:fs:452:35)
    at Object.<anonymous> (/srv/shop/a.js:15:21)
    at Module._compile (node:internal/modules/cjs/loader:1521:14)
    at Module._extensions..js (node:internal/modules/cjs/loader:1623:10)
    at Module.load (node:internal/modules/cjs/loader:1266:32)
    at Module._load (node:internal/modules/cjs/loader:1091:12)
    at Function.executeUserEntryPoint [as runMain] (node:internal/modules/run_main:164:12)
    at node:internal/main/run_main_module:28:49 {
  errno: -2,
  code: 'ENOENT',
  syscall: 'open',
  path: '/nope'
}
)text";
  EXPECT_EQ(printed("nodejs", text), R"text(
Error: ENOENT: no such file or directory, open '/nope'
  node:internal/main/run_main_module:28:49
  node:internal/modules/run_main:164:12 Function.executeUserEntryPoint
  node:internal/modules/cjs/loader:1091:12 Module._load
  node:internal/modules/cjs/loader:1266:32 Module.load
  node:internal/modules/cjs/loader:1623:10 Module._extensions..js
  node:internal/modules/cjs/loader:1521:14 Module._compile
  /srv/shop/a.js:15:21 Object.<anonymous>
  node:fs:452:35 Object.readFileSync
  node:fs:573:18 Object.openSync
)text");
}

TEST(JavaScriptStacks, evaluated_code_is_where_it_was_evaluated) {
  constexpr auto text = R"text(
Error: in eval
    at ev (eval at <anonymous> (/srv/shop/a.js:12:7), <anonymous>:1:23)
    at eval (eval at <anonymous> (/srv/shop/a.js:12:7), <anonymous>:1:46)
    at Object.<anonymous> (/srv/shop/a.js:12:7)
    at Module._compile (node:internal/modules/cjs/loader:1521:14)
    at Module._extensions..js (node:internal/modules/cjs/loader:1623:10)
    at Module.load (node:internal/modules/cjs/loader:1266:32)
    at Module._load (node:internal/modules/cjs/loader:1091:12)
    at Function.executeUserEntryPoint [as runMain] (node:internal/modules/run_main:164:12)
    at node:internal/main/run_main_module:28:49
)text";
  EXPECT_EQ(printed("nodejs", text), R"text(
Error: in eval
  node:internal/main/run_main_module:28:49
  node:internal/modules/run_main:164:12 Function.executeUserEntryPoint
  node:internal/modules/cjs/loader:1091:12 Module._load
  node:internal/modules/cjs/loader:1266:32 Module.load
  node:internal/modules/cjs/loader:1623:10 Module._extensions..js
  node:internal/modules/cjs/loader:1521:14 Module._compile
  /srv/shop/a.js:12:7 Object.<anonymous>
  /srv/shop/a.js:12:7 eval
  /srv/shop/a.js:12:7 ev
)text");
}

TEST(JavaScriptStacks, functions_without_a_name_and_native_ones) {
  constexpr auto text = R"text(
Error: mapped
    at /srv/shop/a.js:14:29
    at Array.map (<anonymous>)
    at Object.<anonymous> (/srv/shop/a.js:14:11)
    at Module._compile (node:internal/modules/cjs/loader:1521:14)
    at Module._extensions..js (node:internal/modules/cjs/loader:1623:10)
    at Module.load (node:internal/modules/cjs/loader:1266:32)
    at Module._load (node:internal/modules/cjs/loader:1091:12)
    at Function.executeUserEntryPoint [as runMain] (node:internal/modules/run_main:164:12)
    at node:internal/main/run_main_module:28:49
)text";
  EXPECT_EQ(printed("nodejs", text), R"text(
Error: mapped
  node:internal/main/run_main_module:28:49
  node:internal/modules/run_main:164:12 Function.executeUserEntryPoint
  node:internal/modules/cjs/loader:1091:12 Module._load
  node:internal/modules/cjs/loader:1266:32 Module.load
  node:internal/modules/cjs/loader:1623:10 Module._extensions..js
  node:internal/modules/cjs/loader:1521:14 Module._compile
  /srv/shop/a.js:14:11 Object.<anonymous>
  <anonymous> Array.map
  /srv/shop/a.js:14:29
)text");
}

TEST(JavaScriptStacks, awaited_calls) {
  constexpr auto text = R"text(
RangeError: late
    at Shop.load (/srv/shop/a.js:2:147)
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)
    at async Promise.all (index 0)
    at async run (/srv/shop/a.js:18:8)
)text";
  EXPECT_EQ(printed("nodejs", text), R"text(
RangeError: late
  /srv/shop/a.js:18:8 run
  <anonymous> Promise.all
  node:internal/process/task_queues:95:5 process.processTicksAndRejections
  /srv/shop/a.js:2:147 Shop.load
)text");
}

TEST(JavaScriptStacks, a_list_of_errors) {
  constexpr auto text = R"text(
[AggregateError: All promises were rejected] {
  [errors]: [
    RangeError: late
        at Shop.load (/srv/shop/a.js:2:147)
        at process.processTicksAndRejections (node:internal/process/task_queues:95:5)
        at async Promise.any (index 0)
        at async run (/srv/shop/a.js:19:8),
    Error: b
        at run (/srv/shop/a.js:19:55)
        at process.processTicksAndRejections (node:internal/process/task_queues:95:5)
  ]
}
)text";
  EXPECT_EQ(printed("nodejs", text), R"text(
AggregateError: All promises were rejected
RangeError: late
  /srv/shop/a.js:19:8 run
  <anonymous> Promise.any
  node:internal/process/task_queues:95:5 process.processTicksAndRejections
  /srv/shop/a.js:2:147 Shop.load
Error: b
  node:internal/process/task_queues:95:5 process.processTicksAndRejections
  /srv/shop/a.js:19:55 run
)text");
}

TEST(JavaScriptStacks, the_name_that_inspect_adds) {
  constexpr auto text = R"text(
MyErr [Error]: mine
    at run (/srv/shop/a.js:22:37)
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)
)text";
  EXPECT_EQ(printed("nodejs", text), R"text(
MyErr: mine
  node:internal/process/task_queues:95:5 process.processTicksAndRejections
  /srv/shop/a.js:22:37 run
)text");
}

TEST(JavaScriptStacks, modules_are_urls) {
  constexpr auto text = R"text(
TypeError: Cannot read properties of undefined (reading 'amount')
    at Shop.pay (file:///srv/shop/m.mjs:2:79)
    at async file:///srv/shop/m.mjs:5:7
)text";
  EXPECT_EQ(printed("nodejs", text), R"text(
TypeError: Cannot read properties of undefined (reading 'amount')
  file:///srv/shop/m.mjs:5:7
  file:///srv/shop/m.mjs:2:79 Shop.pay
)text");
}

TEST(JavaScriptStacks, a_getter_with_an_alias) {
  constexpr auto text = R"text(
Error: closed
    at get open [as open] (file:///srv/shop/m.mjs:2:115)
    at file:///srv/shop/m.mjs:6:12
)text";
  EXPECT_EQ(printed("nodejs", text), R"text(
Error: closed
  file:///srv/shop/m.mjs:6:12
  file:///srv/shop/m.mjs:2:115 get open
)text");
}

TEST(JavaScriptStacks, a_code_is_not_part_of_the_type) {
  constexpr auto text = R"text(
TypeError [ERR_INVALID_ARG_TYPE]: The "size" argument must be of type number. Received type string ('x')
    at Function.alloc (node:buffer:392:3)
    at file:///srv/shop/m.mjs:8:14
)text";
  EXPECT_EQ(printed("nodejs", text), R"text(
TypeError: The "size" argument must be of type number. Received type string ('x')
  file:///srv/shop/m.mjs:8:14
  node:buffer:392:3 Function.alloc
)text");
}

TEST(JavaScriptStacks, an_uncaught_error_shows_its_source_first) {
  constexpr auto text = R"text(
file:///srv/shop/m.mjs:2
class Shop { #stock = 0; async pay(order) { await wait(1); return order.price.amount; } static get open() { throw new Error('closed', { cause: 'late' }); } }
                                                                              ^

TypeError: Cannot read properties of undefined (reading 'amount')
    at Shop.pay (file:///srv/shop/m.mjs:2:79)
    at async file:///srv/shop/m.mjs:10:1

Node.js v20.20.2
)text";
  EXPECT_EQ(printed("nodejs", text), R"text(
TypeError: Cannot read properties of undefined (reading 'amount')
  file:///srv/shop/m.mjs:10:1
  file:///srv/shop/m.mjs:2:79 Shop.pay
)text");
}

}  // namespace
}  // namespace forager::rollbar
