// Reading the members of small JSON documents without a tree: a callback for each member of an
// object or element of an array. Pure. For what credential and metadata endpoints answer.
#pragma once

#include <string>
#include <string_view>

#include "otlp/json_text.h"

namespace forager::aws {

/// A string's value; false with `from.fault()` set when none is next. null reads as empty.
inline bool read_string(otlp::JsonText& from, std::string& into) {
  into.clear();
  if (from.peek() == 'n') return from.literal("null");
  otlp::JsonString text;
  if (!from.string(text)) return false;
  into.resize(text.raw.size());
  into.resize(otlp::unescape(text.raw, into.data()));
  return true;
}

/// Calls member(name) for each; it consumes the value (skip_value() for others) and says whether
/// that went well. The object itself may be null: it has no members then.
template <class Member>
bool each_member(otlp::JsonText& from, Member member) {
  if (from.peek() == 'n') return from.literal("null");
  if (!from.take('{')) return from.fail("an object is expected");
  if (from.take('}')) return true;
  std::string name;
  do {
    if (!read_string(from, name)) return false;
    if (!from.take(':')) return from.fail("':' is expected after a name");
    if (!member(std::string_view(name))) return false;
  } while (from.take(','));
  return from.take('}') || from.fail("',' or '}' is expected");
}

/// The same for the elements of an array.
template <class Element>
bool each_element(otlp::JsonText& from, Element element) {
  if (from.peek() == 'n') return from.literal("null");
  if (!from.take('[')) return from.fail("an array is expected");
  if (from.take(']')) return true;
  do {
    if (!element()) return false;
  } while (from.take(','));
  return from.take(']') || from.fail("',' or ']' is expected");
}

}  // namespace forager::aws
