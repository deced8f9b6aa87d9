// Two kinds of input: any bytes under any coding (no crash, never more than the limit), and bytes
// that are compressed here, damaged in one place, and inflated again: deep in the decoders, where
// random bytes don't get.
#include <cstdint>
#include <cstdlib>
#include <string>

#include <libdeflate.h>
#include <zstd.h>

#include "base/inflate.h"

namespace {

using forager::ContentCoding;

void check(ContentCoding coding, std::string_view body, std::size_t limit) {
  if (forager::inflate_estimate(coding, body, limit) > limit) std::abort();
  const forager::Inflated got = forager::inflate(coding, body, limit);
  if (const auto* buffer = std::get_if<forager::Buffer>(&got)) {
    if (buffer->size() > limit || buffer->capacity() > limit) std::abort();
  }
}

std::string compressed(ContentCoding coding, std::string_view text) {
  std::string out(text.size() * 2 + 256, '\0');
  if (coding == ContentCoding::zstd) {
    out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 1));
    return out;
  }
  libdeflate_compressor* const c = libdeflate_alloc_compressor(6);
  const auto compress =
      coding == ContentCoding::gzip ? libdeflate_gzip_compress : libdeflate_zlib_compress;
  out.resize(compress(c, text.data(), text.size(), out.data(), out.size()));
  libdeflate_free_compressor(c);
  return out;
}

void round_trip(ContentCoding coding, std::string_view text, std::size_t at, char damage) {
  std::string body = compressed(coding, text);
  const forager::Inflated whole = forager::inflate(coding, body, text.size());
  if (std::get<forager::Buffer>(whole).view() != text) std::abort();
  body[at % body.size()] = static_cast<char>(body[at % body.size()] ^ damage);
  check(coding, body, text.size() + 64);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  constexpr ContentCoding codings[] = {ContentCoding::identity, ContentCoding::gzip,
                                       ContentCoding::zstd, ContentCoding::deflate};
  const ContentCoding coding = codings[data[0] % 4U];
  const std::string_view body(reinterpret_cast<const char*>(data) + 4, size - 4);
  check(coding, body, std::size_t{data[1]} * 64);
  if (coding != ContentCoding::identity) {
    round_trip(coding, body, std::size_t{data[2]} * 7, static_cast<char>(data[3]));
  }
  return 0;
}
