// Whole-buffer decoders write straight into the output, which is also their window: no copy, and no
// stream can ask for memory of its own. libdeflate inflates 1.3 to 1.9 times as fast as ISA-L and
// zlib here (FACTS 11); it stops at the end of the buffer it was given, which is then doubled up to
// the limit.
#include "base/inflate.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#define ZSTD_STATIC_LINKING_ONLY  // ZSTD_decompressBound, exported since 1.3.5
#include <libdeflate.h>
#include <zstd.h>
#include <zstd_errors.h>

namespace forager {
namespace {

constexpr std::size_t deflate_ratio_max = 1032;  // of RFC 1951: 258 bytes from 2 bits
constexpr std::size_t smallest_output = 256;

struct FreeDecompressor {
  void operator()(libdeflate_decompressor* d) const { libdeflate_free_decompressor(d); }
};
using Decompressor = std::unique_ptr<libdeflate_decompressor, FreeDecompressor>;

struct FreeContext {
  void operator()(ZSTD_DCtx* c) const { ZSTD_freeDCtx(c); }
};

std::size_t saturating_product(std::size_t a, std::size_t b) {
  std::size_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? SIZE_MAX : product;
}

std::size_t little_endian_32(std::string_view bytes) {
  std::size_t value = 0;
  for (std::size_t i = 4; i > 0; --i)
    value = value << 8U | static_cast<unsigned char>(bytes[i - 1]);
  return value;
}

/// Gives back what the output doesn't need when that is worth a copy: records are held for long.
Buffer right_sized(Buffer output, std::size_t size) {
  const std::size_t spare = output.capacity() - size;
  if (spare > 1024 && spare > output.capacity() / 16) {
    output.resize(size);
  } else {
    output.shrink(size);
  }
  return output;
}

/// False: the output is at its limit already.
bool grow(Buffer& output, std::size_t limit) {
  if (output.size() >= limit) return false;
  const std::size_t doubled = std::max(saturating_product(output.size(), 2), smallest_output);
  output.resize(std::min(limit, doubled));
  return true;
}

struct Input {
  std::string_view bytes;
  std::size_t at = 0;
  std::string_view rest() const { return bytes.substr(at); }
};

using Decode = libdeflate_result (*)(libdeflate_decompressor*, const void*, std::size_t, void*,
                                     std::size_t, std::size_t*, std::size_t*);

/// One deflate stream (a gzip member, a zlib stream) appended at `produced`. Advances both ends on
/// success.
libdeflate_result decode_one(Decode decode, libdeflate_decompressor* decoder, Input& input,
                             Buffer& output, std::size_t& produced, std::size_t limit) {
  while (true) {
    std::size_t consumed = 0;
    std::size_t made = 0;
    const std::string_view rest = input.rest();
    const libdeflate_result result =
        decode(decoder, rest.data(), rest.size(), output.data() + produced,
               output.size() - produced, &consumed, &made);
    if (result == LIBDEFLATE_SUCCESS) {
      input.at += consumed;
      produced += made;
      return result;
    }
    if (result != LIBDEFLATE_INSUFFICIENT_SPACE || !grow(output, limit)) return result;
  }
}

bool looks_like_gzip(std::string_view bytes) {
  return bytes.size() >= 2 && bytes[0] == '\x1f' && bytes[1] == '\x8b';
}

Inflated gunzip(std::string_view from, std::size_t limit) {
  if (!looks_like_gzip(from)) {
    return fault("the body doesn't begin like gzip, though Content-Encoding says gzip");
  }
  const Decompressor decoder(libdeflate_alloc_decompressor());
  Buffer output(inflate_estimate(ContentCoding::gzip, from, limit));
  Input input{from};
  std::size_t produced = 0;
  while (!input.rest().empty()) {
    if (!looks_like_gzip(input.rest())) {
      return fault("there are bytes after the end of the gzip data that are no gzip member");
    }
    const libdeflate_result result =
        decode_one(libdeflate_gzip_decompress_ex, decoder.get(), input, output, produced, limit);
    if (result == LIBDEFLATE_INSUFFICIENT_SPACE) return TooLarge{};
    if (result != LIBDEFLATE_SUCCESS) return fault("the gzip data is damaged or cut short");
  }
  return right_sized(std::move(output), produced);
}

/// `Content-Encoding: deflate` means zlib (RFC 9110, 8.4.1.2), and many senders mean the raw form.
Inflated undeflate(std::string_view from, std::size_t limit) {
  const Decompressor decoder(libdeflate_alloc_decompressor());
  for (const Decode decode :
       {Decode{libdeflate_zlib_decompress_ex}, Decode{libdeflate_deflate_decompress_ex}}) {
    Buffer output(inflate_estimate(ContentCoding::deflate, from, limit));
    Input input{from};
    std::size_t produced = 0;
    const libdeflate_result result =
        decode_one(decode, decoder.get(), input, output, produced, limit);
    if (result == LIBDEFLATE_INSUFFICIENT_SPACE) return TooLarge{};
    if (result == LIBDEFLATE_SUCCESS && input.rest().empty()) {
      return right_sized(std::move(output), produced);
    }
  }
  return fault("the deflate data is damaged or cut short, or has bytes after its end");
}

Inflated unzstd(std::string_view from, std::size_t limit) {
  // one context a thread: it is 160 KB, and the threads that come here are the io thread and the
  // pool
  thread_local const std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
  if (from.empty()) return fault("the body is empty, though Content-Encoding says zstd");
  Buffer output(inflate_estimate(ContentCoding::zstd, from, limit));
  while (true) {
    const std::size_t made =
        ZSTD_decompressDCtx(context.get(), output.data(), output.size(), from.data(), from.size());
    if (ZSTD_isError(made) == 0) return right_sized(std::move(output), made);
    if (ZSTD_getErrorCode(made) != ZSTD_error_dstSize_tooSmall) {
      return fault(std::string("the zstd data is damaged or cut short (") +
                   ZSTD_getErrorName(made) + ")");
    }
    if (!grow(output, limit)) return TooLarge{};
  }
}

bool equals_without_case(std::string_view a, std::string_view lower) {
  return std::equal(a.begin(), a.end(), lower.begin(), lower.end(), [](char x, char y) {
    return (x >= 'A' && x <= 'Z' ? static_cast<char>(x + 32) : x) == y;
  });
}

}  // namespace

std::optional<ContentCoding> content_coding_of(std::string_view header) {
  constexpr std::string_view blank = " \t";
  const std::size_t first = header.find_first_not_of(blank);
  if (first == std::string_view::npos) return ContentCoding::identity;
  header = header.substr(first, header.find_last_not_of(blank) - first + 1);
  struct Name {
    std::string_view name;
    ContentCoding coding;
  };
  constexpr std::array<Name, 5> names{{{"gzip", ContentCoding::gzip},
                                       {"x-gzip", ContentCoding::gzip},
                                       {"zstd", ContentCoding::zstd},
                                       {"deflate", ContentCoding::deflate},
                                       {"identity", ContentCoding::identity}}};
  for (const Name& known : names) {
    if (equals_without_case(header, known.name)) return known.coding;
  }
  return std::nullopt;
}

std::size_t inflate_estimate(ContentCoding coding, std::string_view from, std::size_t limit) {
  switch (coding) {
    case ContentCoding::identity:
      return std::min(limit, from.size());
    case ContentCoding::gzip: {
      // ISIZE (RFC 1952, 2.3.1) is exact for one member; nobody can promise more than deflate can
      // give
      const std::size_t said =
          from.size() >= 18 ? little_endian_32(from.substr(from.size() - 4)) : 0;
      return std::min({limit, said, saturating_product(from.size(), deflate_ratio_max)});
    }
    case ContentCoding::zstd: {
      const unsigned long long bound = ZSTD_decompressBound(from.data(), from.size());
      if (bound == ZSTD_CONTENTSIZE_ERROR) return std::min(limit, smallest_output);  // damaged
      return static_cast<std::size_t>(std::min<unsigned long long>(limit, bound));
    }
    case ContentCoding::deflate:
      return std::min(limit, std::max(smallest_output, saturating_product(from.size(), 8)));
  }
  return limit;
}

Inflated inflate(ContentCoding coding, std::string_view from, std::size_t limit) {
  switch (coding) {
    case ContentCoding::identity:
      if (from.size() > limit) return TooLarge{};
      return Buffer::copy_of(from);
    case ContentCoding::gzip:
      return gunzip(from, limit);
    case ContentCoding::zstd:
      return unzstd(from, limit);
    case ContentCoding::deflate:
      return undeflate(from, limit);
  }
  return fault("a Content-Encoding that isn't taken");
}

}  // namespace forager
