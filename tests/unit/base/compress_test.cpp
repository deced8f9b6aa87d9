#include "base/compress.h"

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <isa-l/igzip_lib.h>
#include <zstd.h>

namespace forager {
namespace {

/// Text with repetitions, cut into slices of random sizes, empty ones among them.
Chain random_chain(std::mt19937& random, std::size_t size) {
  Chain made;
  while (made.size() < size) {
    std::string piece;
    const std::size_t wanted = std::min<std::size_t>(size - made.size(), random() % (2 + size / 3));
    while (piece.size() < wanted) {
      if (random() % 4 == 0) {
        piece += static_cast<char>(random());
      } else {
        piece += "http.request.method";
      }
    }
    piece.resize(wanted);
    made.push_back(Slice(std::move(piece)));
  }
  return made;
}

std::string unzstd(std::string_view from, std::size_t size) {
  std::string made(size + 1, '\0');
  const std::size_t got = ZSTD_decompress(made.data(), made.size(), from.data(), from.size());
  if (ZSTD_isError(got) != 0) return ZSTD_getErrorName(got);
  made.resize(got);
  return made;
}

std::uint32_t crc32_of(std::string_view bytes) {
  std::uint32_t crc = 0xffffffffU;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0xedb88320U : 0U);
  }
  return ~crc;
}

std::uint32_t little_endian(std::string_view four) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) value = value << 8U | static_cast<unsigned char>(four[i]);
  return value;
}

/// The deflate stream between the 10 byte header and the trailer, by ISA-L's inflate; the trailer
/// is checked here by hand.
std::string gunzip(std::string_view from, std::size_t size) {
  if (from.size() < 18 || from.substr(0, 3) != "\x1f\x8b\x08" || from[3] != 0) return "bad header";
  inflate_state state;
  isal_inflate_init(&state);
  std::string made(size + 1, '\0');
  std::string input(from.substr(10, from.size() - 18));
  state.next_in = reinterpret_cast<std::uint8_t*>(input.data());
  state.avail_in = static_cast<std::uint32_t>(input.size());
  state.next_out = reinterpret_cast<std::uint8_t*>(made.data());
  state.avail_out = static_cast<std::uint32_t>(made.size());
  if (isal_inflate(&state) != ISAL_DECOMP_OK || state.avail_in != 0) return "bad stream";
  made.resize(state.total_out);
  if (little_endian(from.substr(from.size() - 8, 4)) != crc32_of(made)) return "bad crc";
  if (little_endian(from.substr(from.size() - 4)) != made.size()) return "bad size";
  return made;
}

TEST(Compress, GivesBackWhatWasPutIn) {
  std::mt19937 random(7);
  for (const std::size_t size :
       {0UL, 1UL, 17UL, 1000UL, 65'535UL, 65'536UL, 300'000UL, 3'000'000UL}) {
    const Chain chain = random_chain(random, size);
    const std::string all = chain.joined();
    EXPECT_TRUE(unzstd(zstd_of(chain).view(), size) == all) << size;
    EXPECT_TRUE(gunzip(gzip_of(chain).view(), size) == all) << size;
  }
}

TEST(Compress, SurvivesWhatDoesNotShrink) {
  std::mt19937 random(11);
  std::string noise(500'000, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  const Chain chain{Slice(noise)};
  EXPECT_TRUE(unzstd(zstd_of(chain).view(), noise.size()) == noise);
  EXPECT_TRUE(gunzip(gzip_of(chain).view(), noise.size()) == noise);
}

TEST(Compress, DoesNotDependOnHowTheBodyIsCut) {
  std::mt19937 random(13);
  const Chain chain = random_chain(random, 700'000);
  const Chain joined{Slice(chain.joined())};
  EXPECT_EQ(zstd_of(chain).view(), zstd_of(joined).view());
  const auto cut = static_cast<double>(gzip_of(chain).size());
  EXPECT_NEAR(cut / static_cast<double>(gzip_of(joined).size()), 1.0, 0.01);
}

TEST(Compress, StatesTheContentSizeAndHasNoChecksum) {
  const Chain chain{Slice(std::string(100'000, 'x'))};
  const Buffer made = zstd_of(chain);
  EXPECT_EQ(ZSTD_getFrameContentSize(made.data(), made.size()), 100'000U);
  EXPECT_EQ(ZSTD_findFrameCompressedSize(made.data(), made.size()), made.size());
  const auto descriptor = static_cast<unsigned char>(made.view()[4]);
  EXPECT_EQ(descriptor & 0x04U, 0U);  // RFC 8878, 3.1.1.1.1: Content_Checksum_flag
}

TEST(Compress, KeepsNoMoreMemoryThanTheAnswerNeeds) {
  std::mt19937 random(17);
  for (const std::size_t size : {1000UL, 100'000UL, 2'000'000UL}) {
    const Chain chain = random_chain(random, size);
    for (const Buffer& made : {zstd_of(chain), gzip_of(chain)}) {
      EXPECT_LE(made.capacity(), made.size() + made.size() / 7 + 64) << size;
    }
  }
}

TEST(Compress, StaysWithinWhatAThreadIsChargedFor) {
  ZSTD_CCtx* const context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, 1);
  ZSTD_CCtx_setPledgedSrcSize(context, 64U << 20U);
  std::string in(1U << 20U, 'a');
  std::string out(1U << 20U, '\0');
  ZSTD_inBuffer from{in.data(), in.size(), 0};
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  ZSTD_compressStream2(context, &to, &from, ZSTD_e_continue);
  EXPECT_LE(ZSTD_sizeof_CCtx(context) + sizeof(isal_zstream) + ISAL_DEF_LVL1_DEFAULT,
            codec_bytes_per_thread);
  ZSTD_freeCCtx(context);
}

}  // namespace
}  // namespace forager
