#include "base/memory.h"

#include <cstdint>
#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

namespace forager {
namespace {

constexpr int arenas_max = 2;
/// Above any batch: blocks straight from the system cost a page fault every 4 KiB, each time.
constexpr int mmap_threshold = 8 * 1024 * 1024;
/// Of the heap's top, what free() keeps by itself; the rest is for return_free_memory().
constexpr int trim_threshold = 32 * 1024 * 1024;

/// Only segments that nobody can have written: what is dropped is read from the file again.
int forget_code(dl_phdr_info* info, std::size_t /*size*/, void* /*nothing*/) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  for (unsigned i = 0; i < info->dlpi_phnum; ++i) {
    const auto& segment = info->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || segment.p_flags != (PF_R | PF_X)) continue;
    const std::uintptr_t begin = (info->dlpi_addr + segment.p_vaddr + page - 1) & ~(page - 1);
    const std::uintptr_t end = (info->dlpi_addr + segment.p_vaddr + segment.p_memsz) & ~(page - 1);
    if (begin >= end) continue;
    // NOLINTNEXTLINE(performance-no-int-to-ptr): the loader gives addresses as numbers
    ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
  return 0;
}

}  // namespace

void set_up_malloc() {
  ::mallopt(M_ARENA_MAX, arenas_max);
  ::mallopt(M_MMAP_THRESHOLD, mmap_threshold);
  ::mallopt(M_TRIM_THRESHOLD, trim_threshold);
}

void return_free_memory() { ::malloc_trim(0); }

void forget_start() { ::dl_iterate_phdr(forget_code, nullptr); }

}  // namespace forager
