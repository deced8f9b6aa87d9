#include <array>
#include <string>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "rollbar/item.h"

namespace forager::rollbar {
namespace {

/// The name space of Forager's items: a random UUID, fixed for ever.
constexpr std::array<unsigned char, 16> name_space{0x5e, 0x0b, 0x1d, 0x7c, 0x9a, 0x42, 0x4f, 0x6e,
                                                   0x8d, 0x31, 0xc6, 0x57, 0x20, 0xe8, 0x94, 0xb3};

void add_number(std::string& to, std::uint64_t number) {
  fmt::format_to(std::back_inserter(to), "{}", number);
  to += '\0';
}
/// With its length, so that no two lists of parts make the same name.
void add_text(std::string& to, std::string_view text) {
  add_number(to, text.size());
  to += text;
}

}  // namespace

std::string uuid_of(const Occurrence& error, std::string_view service, std::string_view instance,
                    std::string_view host) {
  std::string name(reinterpret_cast<const char*>(name_space.data()), name_space.size());
  add_number(name, static_cast<std::uint64_t>(error.signal));
  add_number(name, error.index);
  add_number(name, error.time);
  for (const std::string_view text : {error.trace_id, error.span_id, error.type, error.message,
                                      error.stacktrace, service, instance, host}) {
    add_text(name, text);
  }
  if (error.signal == Signal::logs) add_text(name, error.item);
  if (error.repeat != 0) add_number(name, error.repeat);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  EVP_Digest(name.data(), name.size(), digest.data(), nullptr, EVP_sha1(), nullptr);
  digest[6] = static_cast<unsigned char>((digest[6] & 0x0FU) | 0x50U);
  digest[8] = static_cast<unsigned char>((digest[8] & 0x3FU) | 0x80U);
  std::string text;
  for (std::size_t i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    fmt::format_to(std::back_inserter(text), "{:02x}", digest[i]);
  }
  return text;
}

}  // namespace forager::rollbar
