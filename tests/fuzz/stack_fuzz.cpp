// Any text as a stack trace of any language: read without harm, and what is read stays within its
// bounds. The first byte chooses the language, or none.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "rollbar/stack.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

constexpr std::array<std::string_view, 9> names{"python", "java", "nodejs", "webjs", "dotnet",
                                                "php",    "go",   "ruby",   ""};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace forager::rollbar;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  const bool attributes = data[0] >= 128;
  const Stack stack = parse_stack(names[data[0] % names.size()], text, attributes ? "Type" : "",
                                  attributes ? "message" : "");
  require(!stack.chain.empty() && stack.chain.size() <= 32);
  if (attributes) require(stack.chain[0].type == "Type" && stack.chain[0].message == "message");
  bool frames = false;
  std::size_t bytes = 0;
  for (const Exception& exception : stack.chain) {
    require(exception.frames.size() <= 1024);
    frames = frames || !exception.frames.empty();
    bytes += exception.type.size() + exception.message.size() + exception.description.size();
    for (const Frame& frame : exception.frames) {
      require(!frame.filename.empty());
      bytes += frame.method.size() + frame.code.size() + frame.class_name.size();
    }
  }
  require(frames == stack.parsed);
  // What a text can grow by is what it says to repeat, which has a budget.
  require(bytes <= size + (1 << 20) + 64);
  return 0;
}
