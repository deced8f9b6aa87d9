// Exception groups as CPython 3.13 printed them.
#include <gtest/gtest.h>

#include "unit/rollbar/printed_stack.h"

namespace forager::rollbar {
namespace {

using test::printed;

TEST(PythonGroups, a_group_follows_the_chain_as_a_flat_list) {
  constexpr auto text = R"text(
  + Exception Group Traceback (most recent call last):
  |   File "/srv/shop/a.py", line 4, in show
  |     try: f()
  |          ~^^
  |   File "<string>", line 9, in group
  | ExceptionGroup: several (3 sub-exceptions)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "/srv/shop/a.py", line 17, in pay
    |     try: price({})
    |          ~~~~~^^^^
    |   File "/srv/shop/a.py", line 14, in price
    |     return o["price"] * (1 +
    |            ~^^^^^^^^^
    | KeyError: 'price'
    | 
    | The above exception was the direct cause of the following exception:
    | 
    | Traceback (most recent call last):
    |   File "<string>", line 5, in group
    |   File "/srv/shop/a.py", line 18, in pay
    |     except KeyError as e: raise Shop.PayError("could not pay\nsecond line\n\nfourth") from e
    |                           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    | Shop.PayError: could not pay
    | second line
    | 
    | fourth
    +---------------- 2 ----------------
    | Traceback (most recent call last):
    |   File "<string>", line 5, in group
    |   File "/srv/shop/a.py", line 39, in lam
    |     def lam(): (lambda: {}["z"])()
    |                ~~~~~~~~~~~~~~~~~^^
    |   File "/srv/shop/a.py", line 39, in <lambda>
    |     def lam(): (lambda: {}["z"])()
    |                         ~~^^^^^
    | KeyError: 'z'
    +---------------- 3 ----------------
    | Exception Group Traceback (most recent call last):
    |   File "<string>", line 7, in group
    | ExceptionGroup: inner (2 sub-exceptions)
    +-+---------------- 1 ----------------
      | OSError: never
      +---------------- 2 ----------------
      | TypeError: never2\nline
      +------------------------------------
)text";
  EXPECT_EQ(printed("python", text), R"text(
ExceptionGroup: several (3 sub-exceptions)
  /srv/shop/a.py:4 show | try: f()
  <string>:9 group
Shop.PayError: could not pay\nsecond line\n\nfourth
  <string>:5 group
  /srv/shop/a.py:18 pay | except KeyError as e: raise Shop.PayError("could not pay\nsecond line\n\nfourth") from e
KeyError: 'price'
  /srv/shop/a.py:17 pay | try: price({})
  /srv/shop/a.py:14 price | return o["price"] * (1 +
KeyError: 'z'
  <string>:5 group
  /srv/shop/a.py:39 lam | def lam(): (lambda: {}["z"])()
  /srv/shop/a.py:39 <lambda> | def lam(): (lambda: {}["z"])()
ExceptionGroup: inner (2 sub-exceptions)
  <string>:7 group
OSError: never
TypeError: never2\nline
)text");
}

TEST(PythonGroups, a_group_with_a_cause_of_a_part) {
  constexpr auto text = R"text(
  + Exception Group Traceback (most recent call last):
  |   File "/srv/shop/a.py", line 4, in show
  |     try: f()
  |          ~^^
  | ExceptionGroup:  (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | Exception Group Traceback (most recent call last):
    |   File "<string>", line 11, in group_cause
    |   File "<string>", line 9, in group
    | ExceptionGroup: several (1 sub-exception)
    +-+---------------- 1 ----------------
      | Traceback (most recent call last):
      |   File "<string>", line 5, in group
      |   File "/srv/shop/a.py", line 39, in lam
      |     def lam(): (lambda: {}["z"])()
      |                ~~~~~~~~~~~~~~~~~^^
      |   File "/srv/shop/a.py", line 39, in <lambda>
      |     def lam(): (lambda: {}["z"])()
      |                         ~~^^^^^
      | KeyError: 'z'
      +------------------------------------
    | 
    | The above exception was the direct cause of the following exception:
    | 
    | Traceback (most recent call last):
    |   File "<string>", line 12, in group_cause
    | ValueError: from a group
    +---------------- 2 ----------------
    | Exception Group Traceback (most recent call last):
    |   File "<string>", line 11, in group_cause
    |   File "<string>", line 9, in group
    | ExceptionGroup: several (2 sub-exceptions)
    +-+---------------- 1 ----------------
      | Traceback (most recent call last):
      |   File "/srv/shop/a.py", line 17, in pay
      |     try: price({})
      |          ~~~~~^^^^
      |   File "/srv/shop/a.py", line 14, in price
      |     return o["price"] * (1 +
      |            ~^^^^^^^^^
      | KeyError: 'price'
      | 
      | The above exception was the direct cause of the following exception:
      | 
      | Traceback (most recent call last):
      |   File "<string>", line 5, in group
      |   File "/srv/shop/a.py", line 18, in pay
      |     except KeyError as e: raise Shop.PayError("could not pay\nsecond line\n\nfourth") from e
      |                           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      | Shop.PayError: could not pay
      | second line
      | 
      | fourth
      +---------------- 2 ----------------
      | Exception Group Traceback (most recent call last):
      |   File "<string>", line 7, in group
      | ExceptionGroup: inner (2 sub-exceptions)
      +-+---------------- 1 ----------------
        | OSError: never
        +---------------- 2 ----------------
        | TypeError: never2\nline
        +------------------------------------
)text";
  EXPECT_EQ(printed("python", text), R"text(
ExceptionGroup:  (2 sub-exceptions)
  /srv/shop/a.py:4 show | try: f()
ValueError: from a group
  <string>:12 group_cause
ExceptionGroup: several (1 sub-exception)
  <string>:11 group_cause
  <string>:9 group
KeyError: 'z'
  <string>:5 group
  /srv/shop/a.py:39 lam | def lam(): (lambda: {}["z"])()
  /srv/shop/a.py:39 <lambda> | def lam(): (lambda: {}["z"])()
ExceptionGroup: several (2 sub-exceptions)
  <string>:11 group_cause
  <string>:9 group
Shop.PayError: could not pay\nsecond line\n\nfourth
  <string>:5 group
  /srv/shop/a.py:18 pay | except KeyError as e: raise Shop.PayError("could not pay\nsecond line\n\nfourth") from e
KeyError: 'price'
  /srv/shop/a.py:17 pay | try: price({})
  /srv/shop/a.py:14 price | return o["price"] * (1 +
ExceptionGroup: inner (2 sub-exceptions)
  <string>:7 group
OSError: never
TypeError: never2\nline
)text");
}

TEST(PythonGroups, a_group_that_was_caught) {
  constexpr auto text = R"text(
  + Exception Group Traceback (most recent call last):
  |   File "/srv/shop/a.py", line 4, in show
  |     try: f()
  |          ~^^
  |   File "<string>", line 13, in many
  | ExceptionGroup: many (20 sub-exceptions)
  +-+---------------- 1 ----------------
    | ValueError: 0
    +---------------- 2 ----------------
    | ValueError: 1
    +---------------- 3 ----------------
    | ValueError: 2
    +---------------- 4 ----------------
    | ValueError: 14
    +---------------- ... ----------------
    | and 5 more exceptions
    +------------------------------------
)text";
  EXPECT_EQ(printed("python", text), R"text(
ExceptionGroup: many (20 sub-exceptions)
  /srv/shop/a.py:4 show | try: f()
  <string>:13 many
ValueError: 0
ValueError: 1
ValueError: 2
ValueError: 14
)text");
}

}  // namespace
}  // namespace forager::rollbar
