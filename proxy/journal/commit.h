// One job for the disk thread: bytes for one segment, gathered from where they lie, and what may be
// removed once they are safe. Built and taken back by the journal on the io thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "journal/files.h"
#include "journal/format.h"
#include "journal/ranges.h"

namespace forager::journal {

struct Commit {
  struct Settled {
    std::uint32_t cursor = 0;
    std::vector<Range> ranges;
  };
  struct Body {
    std::size_t at = 0;  ///< it goes before this byte of `heads`
    Slice bytes;
  };

  /// A record that came to its end for a destination, with items in quarantine.
  struct Quarantined {
    std::uint32_t cursor = 0;
    Position position = 0;
    std::vector<std::uint64_t> numbers;
    Position record_in = 0;  ///< the record's segment, which stays as long as this isn't durable
  };

  Position segment = 0;  ///< its first position; 0: nothing is written
  bool create = false;
  std::vector<Position> debris;  ///< files begun in vain: they go before this one is created
  std::size_t file_bytes = 0;    ///< of a segment to be created
  std::size_t offset = 0;
  std::string heads;  ///< all but the bodies
  std::vector<Body> bodies;
  std::size_t bytes = 0;  ///< heads and bodies
  Position last = 0;      ///< of the records in it; 0: none
  bool snapshot = false;
  bool replays = false;  ///< some of the records were in quarantine before
  std::vector<Settled> settled;
  std::vector<Quarantined> quarantined;
  std::vector<std::uint64_t> copied;  ///< numbers in quarantine, written once more
  RangeSet quarantine_gone;
  std::vector<std::uint32_t> given_up;  ///< cursors
  RangeSet voided;
  std::vector<Position> remove;  ///< segments
  bool look = false;             ///< at the room on the file system
  std::vector<Position> aside;   ///< segments to be renamed

  void put_body(Slice body) {
    bytes += body.size();
    bodies.push_back({heads.size(), std::move(body)});
  }
};

/// Of a file system: what is left to others.
std::uint64_t reserve_of(const Files::Space& space);

/// Files that nobody needs any more once a commit is durable.
struct Removal {
  std::vector<Position> remove;
  std::vector<Position> aside;   ///< to be renamed
  std::vector<Position> left{};  ///< of both, those still there: set by run_removal
};
/// Blocks. May run beside a later commit.
Removal run_removal(Files& files, Removal removal);

/// How a commit ended. `space` is asked for when a segment was created.
struct Committed {
  Commit commit;
  std::optional<Fault> error;
  std::optional<Files::Space> space;
  std::vector<Position> left{};  ///< of `remove` and `aside`, those still there
  bool removed = true;     ///< false: `remove` and `aside` are to be carried out (take_removal)
  bool file_left = false;  ///< a file created in vain
  std::vector<Position> debris_left{};  ///< of `debris`, those still there
};
/// Blocks: creates, writes, syncs, then removes.
Committed run_commit(Files& files, Commit commit);
/// The same without the removing, which then follows: nobody is to wait for it.
Committed write_commit(Files& files, Commit commit);

/// Where a body lies.
struct BodyAt {
  Position position = 0;
  Position segment = 0;
  std::uint32_t offset = 0;  ///< of its frame
  std::uint32_t bytes = 0;   ///< of the body
};
struct BodyRead {
  Position position = 0;
  Slice body;         ///< empty: unreadable
  bool gone = false;  ///< the bytes are not what was written; else it may be had later
  std::string why;
};
/// Blocks: neighbours in few large reads, every checksum verified.
std::vector<BodyRead> read_bodies(Files& files, std::vector<BodyAt> wanted);

}  // namespace forager::journal
