#include "base/compress.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <new>
#include <stdexcept>

#include <isa-l/igzip_lib.h>
#include <zstd.h>

namespace forager {
namespace {

/// The answer while it is made. The first guess fits nearly every telemetry body (they shrink five
/// times and more), later ones double, and what is much too large at the end is copied into its
/// size: these bytes wait for retries.
class Output {
 public:
  explicit Output(std::size_t input) : made_(input / 4 + 256) {}
  char* next() { return made_.data() + used_; }
  std::size_t room() const { return made_.size() - used_; }
  void advance(std::size_t bytes) { used_ += bytes; }
  void grow() { made_.resize(made_.size() * 2); }
  Buffer finish() {
    if (used_ < made_.capacity() - made_.capacity() / 8) made_.resize(used_);
    made_.shrink(used_);
    return std::move(made_);
  }

 private:
  Buffer made_;
  std::size_t used_ = 0;
};

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

ZSTD_CCtx* zstd_context() {
  thread_local const std::unique_ptr<ZSTD_CCtx, FreeContext> kept(ZSTD_createCCtx());
  if (kept == nullptr) throw std::bad_alloc();
  ZSTD_CCtx_reset(kept.get(), ZSTD_reset_session_and_parameters);
  return kept.get();
}

/// A failure here is memory or a bug of ours; input can't cause one.
std::size_t checked(std::size_t code) {
  if (ZSTD_isError(code) != 0) throw std::runtime_error(ZSTD_getErrorName(code));
  return code;
}

/// One piece of memory. Fed slice by slice, zstd copies them as well, into a ring in which it then
/// searches a tenth slower than in one piece (bench_micro, zstd).
Buffer joined(const Chain& from) {
  Buffer made(from.size());
  char* to = made.data();
  for (const Slice& s : from.slices()) to = std::copy_n(s.view().data(), s.size(), to);
  return made;
}

/// ISA-L's state and its level buffer, one a thread: together 350 KiB that must not be made for
/// each body.
struct Deflater {
  isal_zstream stream;
  std::unique_ptr<std::uint8_t[]> level_buffer =
      std::make_unique_for_overwrite<std::uint8_t[]>(ISAL_DEF_LVL1_DEFAULT);
};

isal_zstream& gzip_stream() {
  thread_local const auto kept = std::make_unique<Deflater>();
  isal_deflate_init(&kept->stream);
  kept->stream.level = 1;
  kept->stream.level_buf = kept->level_buffer.get();
  kept->stream.level_buf_size = ISAL_DEF_LVL1_DEFAULT;
  kept->stream.gzip_flag = IGZIP_GZIP;
  return kept->stream;
}

/// `bytes` is only read: ISA-L's API lacks the const.
void gzip_feed(isal_zstream& stream, std::string_view bytes, bool last, Output& out) {
  stream.next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<std::uint32_t>(bytes.size());
  stream.end_of_stream = last ? 1 : 0;
  while (last ? stream.internal_state.state != ZSTATE_END : stream.avail_in != 0) {
    if (out.room() == 0) out.grow();
    const std::size_t room = std::min<std::size_t>(out.room(), UINT32_MAX);
    stream.next_out = reinterpret_cast<std::uint8_t*>(out.next());
    stream.avail_out = static_cast<std::uint32_t>(room);
    if (isal_deflate(&stream) != COMP_OK) throw std::runtime_error("isal_deflate failed");
    out.advance(room - stream.avail_out);
  }
}

}  // namespace

Buffer zstd_of(const Chain& from, int level) {
  ZSTD_CCtx* const context = zstd_context();
  checked(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level));
  checked(ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 1));
  checked(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 0));
  const bool whole = from.slices().size() == 1;
  const Buffer copy = whole ? Buffer() : joined(from);
  const std::string_view in = whole ? from.slices().front().view() : copy.view();
  // the most it can be, of which the system gives no page that isn't written
  Buffer room(ZSTD_compressBound(in.size()));
  const std::size_t size =
      checked(ZSTD_compress2(context, room.data(), room.size(), in.data(), in.size()));
  room.resize(size);
  return room;
}

Buffer gzip_of(const Chain& from) {
  isal_zstream& stream = gzip_stream();
  Output out(from.size());
  for (const Slice& s : from.slices()) gzip_feed(stream, s.view(), false, out);
  gzip_feed(stream, {}, true, out);
  return out.finish();
}

}  // namespace forager
