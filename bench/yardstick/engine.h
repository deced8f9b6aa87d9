// What the yardstick asks of whatever keeps records on disk: the same for our journal, for LMDB and
// for the bare file. Records are numbered by the order of append, and settled in it.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "base/bytes.h"

namespace forager::bench {

/// All but what take_group returns runs on one thread. A failure ends the process with its words.
class Engine {
 public:
  /// What blocks, to be run on the disk thread.
  using Job = std::function<void()>;

  Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  virtual ~Engine() = default;

  /// Opens the directory; from then on records may be appended.
  virtual void open() = 0;
  /// Learns all that an earlier run left. Returns how many records are held.
  virtual std::size_t recover() = 0;
  /// Reads every held body that isn't in memory, as delivery does. Returns their bytes.
  virtual std::size_t read_back() = 0;

  virtual void append(const Slice& body) = 0;
  /// What gathered since the last group, with what was settled; empty: nothing is due. One group at
  /// a time: finish_group comes first.
  virtual Job take_group() = 0;
  /// The job is done. Returns how many more records are durable now.
  virtual std::size_t finish_group() = 0;
  /// The oldest of the durable ones need not be kept any more.
  virtual void settle(std::size_t records) = 0;
};

std::unique_ptr<Engine> journal_engine(std::string directory);
/// Every commit is synced. `write_map`: MDB_WRITEMAP, fewer copies, but a stray write of the
/// process may damage the file.
std::unique_ptr<Engine> lmdb_engine(std::string directory, bool write_map);
/// The floor: the groups' bytes into one file that has its size, then fdatasync. Nothing is found
/// again.
std::unique_ptr<Engine> bare_engine(std::string directory);

/// Prints and ends the process.
[[noreturn]] void give_up(const std::string& why);

}  // namespace forager::bench
