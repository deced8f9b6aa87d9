#include "base/inflate.h"

#include <string>

#include <gtest/gtest.h>
#include <libdeflate.h>
#include <zstd.h>

namespace forager {
namespace {

constexpr std::size_t mib = 1U << 20U;

using Compress = std::size_t (*)(libdeflate_compressor*, const void*, std::size_t, void*,
                                 std::size_t);

std::string with_libdeflate(Compress compress, const std::string& text) {
  libdeflate_compressor* const c = libdeflate_alloc_compressor(6);
  std::string out(text.size() + text.size() / 8 + 256, '\0');
  out.resize(compress(c, text.data(), text.size(), out.data(), out.size()));
  libdeflate_free_compressor(c);
  return out;
}
std::string gzip(const std::string& text) {
  return with_libdeflate(libdeflate_gzip_compress, text);
}
std::string zlib(const std::string& text) {
  return with_libdeflate(libdeflate_zlib_compress, text);
}
std::string raw(const std::string& text) {
  return with_libdeflate(libdeflate_deflate_compress, text);
}
std::string zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 1));
  return out;
}
/// As a streaming sender makes it: no content size in the frame header, and a large window.
std::string streamed_zstd(const std::string& text, int window_log) {
  ZSTD_CCtx* const c = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(c, ZSTD_c_windowLog, window_log);
  std::string out(ZSTD_compressBound(text.size()) + 1024, '\0');
  ZSTD_inBuffer in{text.data(), text.size() / 2, 0};
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  while (in.pos < in.size) ZSTD_compressStream2(c, &to, &in, ZSTD_e_continue);
  in.size = text.size();
  while (ZSTD_compressStream2(c, &to, &in, ZSTD_e_end) != 0) {
  }
  ZSTD_freeCCtx(c);
  out.resize(to.pos);
  return out;
}

std::string some_text(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; text.size() < size; ++i)
    text += "span " + std::to_string(i * 7919 % 100'003) + ";";
  text.resize(size);
  return text;
}

std::string ok(const Inflated& got) {
  if (const auto* f = std::get_if<Fault>(&got)) return "fault: " + f->what;
  if (std::holds_alternative<TooLarge>(got)) return "too large";
  return std::string(std::get<Buffer>(got).view());
}
std::string fault_of(ContentCoding coding, std::string_view from) {
  const Inflated got = inflate(coding, from, mib);
  const auto* f = std::get_if<Fault>(&got);
  return f != nullptr ? f->what : "";
}

struct Form {
  const char* name;
  ContentCoding coding;
  std::string (*make)(const std::string&);
};
const Form forms[] = {
    {"identity", ContentCoding::identity, [](const std::string& t) { return t; }},
    {"gzip", ContentCoding::gzip, gzip},
    {"zlib", ContentCoding::deflate, zlib},
    {"raw deflate", ContentCoding::deflate, raw},
    {"zstd", ContentCoding::zstd, zstd},
    {"streamed zstd", ContentCoding::zstd,
     [](const std::string& t) { return streamed_zstd(t, 23); }},
    {"zstd with a 128 MiB window", ContentCoding::zstd,
     [](const std::string& t) { return streamed_zstd(t, 27); }},
};

TEST(Inflate, GivesBackWhatWasCompressedInEachForm) {
  for (const Form& form : forms) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{1000}, 3 * mib}) {
      const std::string text = some_text(size);
      const Inflated got = inflate(form.coding, form.make(text), 4 * mib);
      EXPECT_TRUE(ok(got) == text) << form.name << " " << size << ": " << ok(got).substr(0, 80);
    }
  }
}

TEST(Inflate, TakesExactlyTheLimitAndNotOneByteMore) {
  const std::string text = some_text(100'000);
  for (const Form& form : forms) {
    const std::string made = form.make(text);
    EXPECT_TRUE(ok(inflate(form.coding, made, text.size())) == text) << form.name;
    EXPECT_EQ(ok(inflate(form.coding, made, text.size() - 1)), "too large") << form.name;
    EXPECT_EQ(ok(inflate(form.coding, made, 0)), "too large") << form.name;
  }
}

TEST(Inflate, ReturnsABufferOfAboutTheRightSize) {
  const std::string text = some_text(100'000);
  for (const Form& form : forms) {
    const Inflated got = inflate(form.coding, form.make(text), 4 * mib);
    EXPECT_LE(std::get<Buffer>(got).capacity(), text.size() + text.size() / 15) << form.name;
  }
}

TEST(Inflate, StopsABombAtTheLimit) {
  // 1 GiB of zeros in 64 gzip members of 16 MiB: 1 MB on the wire
  const std::string member = gzip(std::string(16 * mib, '\0'));
  std::string bomb;
  for (int i = 0; i < 64; ++i) bomb += member;
  EXPECT_EQ(ok(inflate(ContentCoding::gzip, bomb, mib)), "too large");
  std::string frames;
  const std::string frame = zstd(std::string(16 * mib, '\0'));
  for (int i = 0; i < 64; ++i) frames += frame;
  EXPECT_EQ(ok(inflate(ContentCoding::zstd, frames, mib)), "too large");
  EXPECT_EQ(ok(inflate(ContentCoding::deflate, zlib(std::string(16 * mib, '\0')), mib)),
            "too large");
}

TEST(Inflate, TakesAllMembersOfAGzipAndAllFramesOfAZstd) {
  const std::string a = some_text(70'000);
  const std::string b = some_text(5);
  EXPECT_TRUE(ok(inflate(ContentCoding::gzip, gzip(a) + gzip("") + gzip(b) + gzip(a), mib)) ==
              a + b + a);
  EXPECT_TRUE(ok(inflate(ContentCoding::zstd, zstd(a) + streamed_zstd(b, 20) + zstd(a), mib)) ==
              a + b + a);
}

TEST(Inflate, BelievesNoDeclaredSize) {
  std::string high = gzip("small");
  for (std::size_t i = high.size() - 4; i < high.size(); ++i) high[i] = '\xff';
  EXPECT_LE(inflate_estimate(ContentCoding::gzip, high, 64 * mib), high.size() * 1032);
  EXPECT_NE(fault_of(ContentCoding::gzip, high), "");
  const std::string text = some_text(500'000);
  // the last member's size says nothing about the first
  EXPECT_TRUE(ok(inflate(ContentCoding::gzip, gzip(text) + gzip("x"), mib)) == text + "x");
}

TEST(Inflate, EstimatesExactlyWhereTheStreamSays) {
  const std::string text = some_text(123'456);
  EXPECT_EQ(inflate_estimate(ContentCoding::gzip, gzip(text), mib), text.size());
  EXPECT_EQ(inflate_estimate(ContentCoding::zstd, zstd(text), mib), text.size());
  EXPECT_EQ(inflate_estimate(ContentCoding::zstd, zstd(text), 1000), 1000U);
  EXPECT_EQ(inflate_estimate(ContentCoding::identity, text, mib), text.size());
}

TEST(Inflate, SaysThatATruncatedBodyIsDamaged) {
  const std::string text = some_text(5000);
  for (const Form& form : forms) {
    if (form.coding == ContentCoding::identity) continue;
    const std::string made = form.make(text);
    for (std::size_t keep = 0; keep < made.size(); keep += 1 + made.size() / 97) {
      EXPECT_NE(fault_of(form.coding, made.substr(0, keep)), "") << form.name << " " << keep;
    }
  }
}

TEST(Inflate, SaysThatGarbageIsNotCompressed) {
  for (const ContentCoding coding :
       {ContentCoding::gzip, ContentCoding::zstd, ContentCoding::deflate}) {
    EXPECT_NE(fault_of(coding, "\x0a\x5c\x0a\x18 this is protobuf, or nearly"), "");
    EXPECT_NE(fault_of(coding, ""), "");
  }
}

TEST(Inflate, RefusesBytesAfterTheEnd) {
  for (const Form& form : forms) {
    if (form.coding == ContentCoding::identity) continue;
    EXPECT_NE(fault_of(form.coding, form.make("text") + "trailing"), "") << form.name;
  }
  EXPECT_NE(fault_of(ContentCoding::gzip, gzip("text") + "trailing").find("after the end"),
            std::string::npos);
}

TEST(Inflate, RefusesAWrongChecksum) {
  std::string made = gzip(some_text(1000));
  made[made.size() - 6] = static_cast<char>(made[made.size() - 6] ^ 1);
  EXPECT_NE(fault_of(ContentCoding::gzip, made), "");
}

TEST(ContentCodingOf, KnowsTheNamesWithoutCaseAndWithBlanks) {
  EXPECT_EQ(content_coding_of(""), ContentCoding::identity);
  EXPECT_EQ(content_coding_of("  "), ContentCoding::identity);
  EXPECT_EQ(content_coding_of("GZip"), ContentCoding::gzip);
  EXPECT_EQ(content_coding_of(" x-gzip\t"), ContentCoding::gzip);
  EXPECT_EQ(content_coding_of("zstd"), ContentCoding::zstd);
  EXPECT_EQ(content_coding_of("Deflate"), ContentCoding::deflate);
  EXPECT_EQ(content_coding_of("identity"), ContentCoding::identity);
  EXPECT_EQ(content_coding_of("br"), std::nullopt);
  EXPECT_EQ(content_coding_of("gzip, gzip"), std::nullopt);
  EXPECT_EQ(content_coding_of("gzipx"), std::nullopt);
}

}  // namespace
}  // namespace forager
