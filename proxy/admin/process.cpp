#include "admin/process.h"

#include <fstream>
#include <unistd.h>

namespace forager::admin {

std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");  // pages: total, resident, ...
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  if (!(statm >> total >> resident)) return 0;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace forager::admin
