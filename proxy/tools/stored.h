// What lies in a data directory, read by the same recovery that the next start runs: so what the
// tools show is what Forager would hold. Writes nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/budget.h"
#include "base/ledger.h"
#include "base/result.h"
#include "journal/recovery.h"

namespace forager::tools {

struct SegmentFacts {
  std::string name;
  journal::Position first = 0;
  std::size_t file_bytes = 0;
  std::size_t end = 0;  ///< behind the last valid frame
  journal::Scan::State state = journal::Scan::State::nothing;
  std::string error;
  std::vector<journal::Scan::Damage> damage;
  struct At {
    journal::Position position = 0;
    std::size_t offset = 0;
  };
  std::vector<At> records;
  std::uint64_t held = 0;         ///< of them, by somebody
  bool unfinished = false;        ///< something follows the last valid frame
  std::vector<std::string> news;  ///< what recovery says of it

  /// "good", "header damaged", ...
  std::string_view state_name() const;
};

class Stored {
 public:
  /// `files` outlives it. `settings` say how a commit of this object is written (change.cpp).
  explicit Stored(journal::Files& files, journal::DiskSettings settings = {});
  Stored(const Stored&) = delete;
  Stored& operator=(const Stored&) = delete;

  /// Blocks. A directory that a running Forager writes to may be read: what is missing because it
  /// was let go meanwhile is read again. Once.
  Result<void> read();

  journal::Journal& journal() { return *journal_; }
  journal::Quarantine& quarantine() { return *quarantine_; }
  Budget& budget() { return *budget_; }
  journal::Files& files() { return files_; }
  const std::vector<SegmentFacts>& segments() const { return segments_; }
  const ledger::Ledger& ledger() const { return *ledger_; }
  std::vector<std::string> destinations() const;
  /// The cursor of that name, or a Fault with the names there are.
  Result<journal::CursorId> find(const std::string& destination) const;

  struct Filter {
    std::string destination;            ///< empty: held by anyone
    std::optional<Signal> signal;       ///< nullopt: all
    journal::Position position = 0;     ///< 0: all
    std::size_t limit = SIZE_MAX;       ///< records
    journal::Position after = 0;        ///< only those behind it
    std::size_t bytes_most = SIZE_MAX;  ///< ends behind the record that reaches it
  };
  /// Held records, ascending.
  Result<std::vector<const journal::Record*>> records(const Filter& filter) const;
  /// Their bodies in the same order; an empty one has its reason in `why`.
  std::vector<journal::BodyRead> bodies(const std::vector<const journal::Record*>& records);
  /// Who holds it, with how many items.
  std::vector<std::pair<std::string, std::uint32_t>> holders(journal::Position position) const;

 private:
  bool try_read(const journal::FoundSegments& found);
  void note(const journal::Files::Entry& entry, const journal::SegmentScan& scan);
  void begin();
  journal::GroupId adopt(const journal::format::Group& group);

  journal::Files& files_;
  journal::DiskSettings settings_;
  std::unique_ptr<ledger::Ledger> ledger_;
  std::unique_ptr<Budget> budget_;
  std::unique_ptr<journal::Quarantine> quarantine_;
  std::unique_ptr<journal::Journal> journal_;
  std::vector<journal::format::Group> groups_;  ///< by number, from 1 on
  std::vector<SegmentFacts> segments_;
};

}  // namespace forager::tools
