// The seam to the file system: all the journal asks of it. PosixFiles is what ships; tests and the
// simulator have one that forgets what was not synced and fails when it is told to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace forager::journal {

/// One directory. Calls block. `create`, `write`, `sync` and `remove` come from one thread at a
/// time; `read` and `list` may come from another at once, and so may `discard` and `set_aside`, for
/// files that are never written any more.
class Files {
 public:
  struct Entry {
    std::string name;
    std::size_t bytes = 0;
  };
  struct Space {
    std::uint64_t free = 0;  ///< to this process
    std::uint64_t total = 0;
  };
  Files() = default;
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;
  virtual ~Files() = default;

  /// Makes the directory if it isn't there and locks it until this object goes; a Fault names the
  /// process that has it.
  virtual Result<void> lock() = 0;
  /// The segments, in no order.
  virtual Result<std::vector<Entry>> list() = 0;
  /// A new file of this size in place of any of that name, zero-filled, its blocks taken; durable
  /// in the directory. One that fails halfway is removed.
  virtual Result<void> create(const std::string& name, std::size_t bytes) = 0;
  /// The parts one after the other from `offset` on. After a Fault any part may be there.
  virtual Result<void> write(const std::string& name, std::size_t offset,
                             std::span<const std::string_view> parts) = 0;
  /// All writes so far survive a power cut. A Fault: nobody knows which do.
  virtual Result<void> sync(const std::string& name) = 0;
  /// Shorter only at the end of the file.
  virtual Result<Buffer> read(const std::string& name, std::size_t offset, std::size_t bytes) = 0;
  virtual Result<void> remove(const std::string& name) = 0;
  /// Removes a file that some time ago was the open one.
  virtual Result<void> discard(const std::string& name) { return remove(name); }
  virtual Result<Space> space() = 0;
  /// Renames it so that it is no segment any more, for a person to look at.
  virtual Result<void> set_aside(const std::string& name) { return fault("can't rename " + name); }
};

}  // namespace forager::journal
