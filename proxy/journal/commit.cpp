#include "journal/commit.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/mutant.h"
#include "journal/crc32c.h"

namespace forager::journal {
namespace {

constexpr std::uint64_t reserve_least = std::uint64_t{64} << 20U;
constexpr std::uint64_t reserve_share = 20;
/// Files begun in vain that can't be removed, beside which another is begun at most.
constexpr std::size_t debris_most = 2;
/// Bodies this near to one another are read together.
constexpr std::size_t read_gap = 4096;
constexpr std::size_t read_most = std::size_t{8} << 20U;

Result<void> write(Files& files, const Commit& commit) {
  const std::string name = format::segment_name(commit.segment);
  std::vector<std::string_view> parts;
  parts.reserve(commit.bodies.size() * 2 + 1);
  const std::string_view heads = commit.heads;
  std::size_t done = 0;
  for (const Commit::Body& body : commit.bodies) {
    parts.push_back(heads.substr(done, body.at - done));
    parts.push_back(body.bytes.view());
    done = body.at;
  }
  parts.push_back(heads.substr(done));
  if (auto wrote = files.write(name, commit.offset, parts); !wrote) return wrote;
  if (FORAGER_MUTANT(ack_before_sync)) return {};
  auto synced = files.sync(name);
  if (!synced && FORAGER_MUTANT(sync_asked_again)) synced = files.sync(name);
  return synced;
}

Result<Files::Space> create(Files& files, const Commit& commit) {
  auto space = files.space();
  if (!space) return space;
  const std::uint64_t reserve = reserve_of(*space);
  if (space->free < reserve + commit.file_bytes) {
    return fault(fmt::format(
        "the file system has {} MiB free, of which {} MiB are left to others; free some space",
        space->free >> 20U, reserve >> 20U));
  }
  auto made = files.create(format::segment_name(commit.segment), commit.file_bytes);
  if (!made) return made.error();
  space->free -= commit.file_bytes;
  return space;
}

/// The mark is the segment's own secret, but the frame's checksum covers it: enough to verify one
/// whose place is known.
BodyRead verified(const BodyAt& at, const Slice& frame) {
  BodyRead read{at.position, {}, true, "its checksum doesn't hold"};
  const std::string_view bytes = frame.view();
  if (bytes.size() < format::frame_head) return read;
  std::uint32_t mark = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    mark |= std::uint32_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  }
  if (FORAGER_MUTANT(body_unchecked)) {
    return {at.position, frame.sub(format::frame_head + format::record_head, at.bytes), false, {}};
  }
  const auto found = format::frame_at(bytes, 0, mark);
  if (!found || (found->type != format::Type::record && found->type != format::Type::replayed))
    return read;
  const auto record = format::read_record(*found);
  if (!record || record->record.position != at.position) return read;
  const std::size_t body = record->record.stored_bytes;
  read.body = frame.sub(format::frame_head + found->payload.size() - body, body);
  read.gone = false;
  read.why.clear();
  return read;
}

}  // namespace

std::uint64_t reserve_of(const Files::Space& space) {
  return std::max(reserve_least, space.total / reserve_share);
}

Removal run_removal(Files& files, Removal removal) {
  for (const Position segment : removal.remove) {
    if (!files.discard(format::segment_name(segment))) removal.left.push_back(segment);
  }
  for (const Position segment : removal.aside) {
    if (!files.set_aside(format::segment_name(segment))) removal.left.push_back(segment);
  }
  return removal;
}

Committed run_commit(Files& files, Commit commit) {
  Committed made = write_commit(files, std::move(commit));
  if (!made.error) made.left = run_removal(files, {made.commit.remove, made.commit.aside}).left;
  made.removed = true;
  return made;
}

Committed write_commit(Files& files, Commit commit) {
  Committed made{std::move(commit), std::nullopt, std::nullopt};
  made.removed = false;
  if (made.commit.look) {
    if (auto space = files.space()) made.space = *space;
  }
  if (made.commit.segment != 0) {
    if (made.commit.create) {
      for (const Position first : made.commit.debris) {
        auto gone = files.remove(format::segment_name(first));
        if (gone) continue;
        made.debris_left.push_back(first);
        // else each attempt on a failing disk would leave one more
        if (made.debris_left.size() == debris_most) made.error = gone.error();
      }
      if (made.error) return made;
      auto space = create(files, made.commit);
      if (!space) {
        made.error = space.error();
        return made;
      }
      made.space = *space;
    }
    if (auto wrote = write(files, made.commit); !wrote) {
      made.error = wrote.error();
      // nothing in it was ever durable
      if (made.commit.create)
        made.file_left = !files.remove(format::segment_name(made.commit.segment));
      return made;
    }
  }
  return made;
}

std::vector<BodyRead> read_bodies(Files& files, std::vector<BodyAt> wanted) {
  std::sort(wanted.begin(), wanted.end(), [](const BodyAt& a, const BodyAt& b) {
    return std::pair(a.segment, a.offset) < std::pair(b.segment, b.offset);
  });
  std::vector<BodyRead> made;
  made.reserve(wanted.size());
  // as if all were replayed ones, which are the longest
  const auto end_of = [](const BodyAt& at) {
    return at.offset + format::record_frame(at.bytes, true);
  };
  for (std::size_t from = 0; from < wanted.size();) {
    const std::size_t begin = wanted[from].offset;
    std::size_t end = end_of(wanted[from]);
    std::size_t to = from + 1;
    while (to < wanted.size() && wanted[to].segment == wanted[from].segment &&
           wanted[to].offset <= end + read_gap && end_of(wanted[to]) - begin <= read_most) {
      end = end_of(wanted[to++]);
    }
    auto read = files.read(format::segment_name(wanted[from].segment), begin, end - begin);
    const Slice all = read ? Slice(std::move(*read)) : Slice();
    for (; from < to; ++from) {
      const BodyAt& at = wanted[from];
      if (!read) {
        made.push_back({at.position, {}, false, read.error().what});
        continue;
      }
      const std::size_t offset = at.offset - begin;
      const std::size_t size =
          std::min(end_of(at) - at.offset, all.size() > offset ? all.size() - offset : 0);
      made.push_back(verified(at, size == 0 ? Slice() : all.sub(offset, size)));
    }
  }
  return made;
}

}  // namespace forager::journal
