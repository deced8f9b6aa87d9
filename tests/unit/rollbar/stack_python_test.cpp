// What CPython 3.8 and 3.13 printed, and texts that were cut or come from elsewhere.
#include <gtest/gtest.h>

#include "unit/rollbar/printed_stack.h"

namespace forager::rollbar {
namespace {

using test::printed;

TEST(PythonStacks, a_cause_is_printed_before_what_it_caused) {
  constexpr auto text = R"text(
Traceback (most recent call last):
  File "/srv/shop/a.py", line 17, in pay
    try: price({})
         ~~~~~^^^^
  File "/srv/shop/a.py", line 14, in price
    return o["price"] * (1 +
           ~^^^^^^^^^
KeyError: 'price'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/srv/shop/a.py", line 4, in show
    try: f()
         ~^^
  File "/srv/shop/a.py", line 18, in pay
    except KeyError as e: raise Shop.PayError("could not pay\nsecond line\n\nfourth") from e
                          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
Shop.PayError: could not pay
second line

fourth
)text";
  EXPECT_EQ(printed("python", text), R"text(
Shop.PayError: could not pay\nsecond line\n\nfourth
  /srv/shop/a.py:4 show | try: f()
  /srv/shop/a.py:18 pay | except KeyError as e: raise Shop.PayError("could not pay\nsecond line\n\nfourth") from e
KeyError: 'price'
  /srv/shop/a.py:17 pay | try: price({})
  /srv/shop/a.py:14 price | return o["price"] * (1 +
)text");
}

TEST(PythonStacks, a_chain_of_three_and_no_carets_in_old_versions) {
  constexpr auto text = R"text(
Traceback (most recent call last):
  File "a.py", line 20, in during
    try: price({})
  File "a.py", line 14, in price
    return o["price"] * (1 +
KeyError: 'price'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "a.py", line 23, in three
    try: during()
  File "a.py", line 21, in during
    except KeyError: [].x
AttributeError: 'list' object has no attribute 'x'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "a.py", line 4, in show
    try: f()
  File "a.py", line 24, in three
    except AttributeError as e: raise ValueError("third") from e
ValueError: third
)text";
  EXPECT_EQ(printed("python", text), R"text(
ValueError: third
  a.py:4 show | try: f()
  a.py:24 three | except AttributeError as e: raise ValueError("third") from e
AttributeError: 'list' object has no attribute 'x'
  a.py:23 three | try: during()
  a.py:21 during | except KeyError: [].x
KeyError: 'price'
  a.py:20 during | try: price({})
  a.py:14 price | return o["price"] * (1 +
)text");
}

TEST(PythonStacks, a_call_over_several_lines) {
  constexpr auto text = R"text(
Traceback (most recent call last):
  File "/srv/shop/b.py", line 3, in show
    try: f()
         ~^^
  File "/srv/shop/b.py", line 11, in multi
    return add(
        1,
        0,
    )
  File "/srv/shop/b.py", line 9, in add
    def add(a, b): return a / b
                          ~~^~~
ZeroDivisionError: division by zero
)text";
  EXPECT_EQ(printed("python", text), R"text(
ZeroDivisionError: division by zero
  /srv/shop/b.py:3 show | try: f()
  /srv/shop/b.py:11 multi | return add(
  /srv/shop/b.py:9 add | def add(a, b): return a / b
)text");
}

TEST(PythonStacks, frames_that_are_only_counted) {
  constexpr auto text = R"text(
Traceback (most recent call last):
  File "/srv/shop/b.py", line 3, in show
    try: f()
         ~^^
  File "/srv/shop/b.py", line 18, in deep
    def deep(): rec(8)
                ~~~^^^
  File "/srv/shop/b.py", line 8, in rec
    rec(n - 1)
    ~~~^^^^^^^
  File "/srv/shop/b.py", line 8, in rec
    rec(n - 1)
    ~~~^^^^^^^
  File "/srv/shop/b.py", line 8, in rec
    rec(n - 1)
    ~~~^^^^^^^
  [Previous line repeated 5 more times]
  File "/srv/shop/b.py", line 7, in rec
    if n == 0: raise RuntimeError("deep")
               ^^^^^^^^^^^^^^^^^^^^^^^^^^
RuntimeError: deep
)text";
  EXPECT_EQ(printed("python", text), R"text(
RuntimeError: deep
  /srv/shop/b.py:3 show | try: f()
  /srv/shop/b.py:18 deep | def deep(): rec(8)
  /srv/shop/b.py:8 rec | rec(n - 1)
  /srv/shop/b.py:8 rec | rec(n - 1)
  /srv/shop/b.py:8 rec | rec(n - 1)
  /srv/shop/b.py:8 rec | rec(n - 1)
  /srv/shop/b.py:8 rec | rec(n - 1)
  /srv/shop/b.py:8 rec | rec(n - 1)
  /srv/shop/b.py:8 rec | rec(n - 1)
  /srv/shop/b.py:8 rec | rec(n - 1)
  /srv/shop/b.py:7 rec | if n == 0: raise RuntimeError("deep")
)text");
}

TEST(PythonStacks, a_local_class_and_colons) {
  constexpr auto text = R"text(
Traceback (most recent call last):
  File "/srv/shop/b.py", line 3, in show
    try: f()
         ~^^
  File "/srv/shop/b.py", line 23, in odd
    raise Local("local: with: colons")
odd.<locals>.Local: local: with: colons
)text";
  EXPECT_EQ(printed("python", text), R"text(
odd.<locals>.Local: local: with: colons
  /srv/shop/b.py:3 show | try: f()
  /srv/shop/b.py:23 odd | raise Local("local: with: colons")
)text");
}

TEST(PythonStacks, a_cause_that_was_never_raised) {
  constexpr auto text = R"text(
KeyError: 'never raised'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/srv/shop/a.py", line 4, in show
    try: f()
         ~^^
  File "/srv/shop/a.py", line 29, in never
    raise ValueError("outer") from KeyError("never raised")
ValueError: outer
)text";
  EXPECT_EQ(printed("python", text), R"text(
ValueError: outer
  /srv/shop/a.py:4 show | try: f()
  /srv/shop/a.py:29 never | raise ValueError("outer") from KeyError("never raised")
KeyError: 'never raised'
)text");
}

TEST(PythonStacks, the_place_of_a_syntax_error_is_a_frame) {
  constexpr auto text = R"text(
Traceback (most recent call last):
  File "/srv/shop/a.py", line 4, in show
    try: f()
         ~^^
  File "/srv/shop/a.py", line 30, in syntax
    def syntax(): compile("x = = 1\n", "bad file.py", "exec")
                  ~~~~~~~^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "bad file.py", line 1
    x = = 1
        ^
SyntaxError: invalid syntax
)text";
  EXPECT_EQ(printed("python", text), R"text(
SyntaxError: invalid syntax
  /srv/shop/a.py:4 show | try: f()
  /srv/shop/a.py:30 syntax | def syntax(): compile("x = = 1\n", "bad file.py", "exec")
  bad file.py:1 | x = = 1
)text");
}

TEST(PythonStacks, notes_are_told_from_the_message_by_the_attribute) {
  constexpr auto text = R"text(
Traceback (most recent call last):
  File "/srv/shop/a.py", line 4, in show
    try: f()
         ~^^
  File "/srv/shop/a.py", line 36, in notes
    raise e
ValueError: noted
first note
second
note
)text";
  EXPECT_EQ(printed("python", text, "ValueError", "noted"), R"text(
ValueError: noted // first note\nsecond\nnote
  /srv/shop/a.py:4 show | try: f()
  /srv/shop/a.py:36 notes | raise e
)text");
}

TEST(PythonStacks, the_traceback_of_another_process) {
  constexpr auto text = R"text(
concurrent.futures.process._RemoteTraceback: 
"""
Traceback (most recent call last):
  File "/usr/lib/python3.13/concurrent/futures/process.py", line 253, in _process_worker
    r = call_item.fn(*call_item.args, **call_item.kwargs)
ZeroDivisionError: integer division or modulo by zero
"""

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/srv/shop/a.py", line 4, in show
    try: f()
         ~^^
  File "/srv/shop/a.py", line 38, in remote
    with ProcessPoolExecutor(1) as p: p.submit(divmod, 1, 0).result()
                                      ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~^^
  File "/usr/lib/python3.13/concurrent/futures/_base.py", line 456, in result
    return self.__get_result()
           ~~~~~~~~~~~~~~~~~^^
  File "/usr/lib/python3.13/concurrent/futures/_base.py", line 401, in __get_result
    raise self._exception
ZeroDivisionError: integer division or modulo by zero
)text";
  EXPECT_EQ(printed("python", text), R"text(
ZeroDivisionError: integer division or modulo by zero
  /srv/shop/a.py:4 show | try: f()
  /srv/shop/a.py:38 remote | with ProcessPoolExecutor(1) as p: p.submit(divmod, 1, 0).result()
  /usr/lib/python3.13/concurrent/futures/_base.py:456 result | return self.__get_result()
  /usr/lib/python3.13/concurrent/futures/_base.py:401 __get_result | raise self._exception
ZeroDivisionError: integer division or modulo by zero
  /usr/lib/python3.13/concurrent/futures/process.py:253 _process_worker | r = call_item.fn(*call_item.args, **call_item.kwargs)
)text");
}

TEST(PythonStacks, a_traceback_in_a_message_stays_there) {
  constexpr auto text = R"text(
Traceback (most recent call last):
  File "/srv/shop/a.py", line 4, in show
    try: f()
         ~^^
  File "/srv/shop/a.py", line 40, in tb_in_msg
    def tb_in_msg(): raise RuntimeError("worker said:\nTraceback (most recent call last):\n  File \"x.py\", line 1, in y\nKeyError: 1")
                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
RuntimeError: worker said:
Traceback (most recent call last):
  File "x.py", line 1, in y
KeyError: 1
)text";
  EXPECT_EQ(printed("python", text), R"text(
RuntimeError: worker said:\nTraceback (most recent call last):\n  File "x.py", line 1, in y\nKeyError: 1
  /srv/shop/a.py:4 show | try: f()
  /srv/shop/a.py:40 tb_in_msg | def tb_in_msg(): raise RuntimeError("worker said:\nTraceback (most recent call last):\n  File \"x.py\", line 1, in y\nKeyError: 1")
)text");
}

}  // namespace
}  // namespace forager::rollbar
