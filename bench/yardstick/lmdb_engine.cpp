// The same promises on LMDB: a record is a value under its number, a group is one synced write
// transaction, and settled records are deleted by the next one.
#include <chrono>
#include <cstring>
#include <lmdb.h>
#include <sys/stat.h>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "yardstick/engine.h"

namespace forager::bench {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t map_bytes = std::size_t{4} << 30U;
/// As our journal: settled records alone are no reason to write before this.
constexpr std::chrono::milliseconds settle_delay{100};

void check(int error, const char* doing) {
  if (error != MDB_SUCCESS) give_up(fmt::format("LMDB can't {}: {}", doing, ::mdb_strerror(error)));
}

/// What our record's head holds, too: delivery needs it before the body.
struct Head {
  std::int64_t arrived = 0;
  std::uint32_t items = 0;
  std::uint32_t bytes = 0;
};

class LmdbEngine final : public Engine {
 public:
  LmdbEngine(std::string directory, bool write_map)
      : directory_(std::move(directory)), write_map_(write_map) {}
  ~LmdbEngine() override {
    if (env_ != nullptr) ::mdb_env_close(env_);
  }

  void open() override {
    ::mkdir(directory_.c_str(), 0700);
    check(::mdb_env_create(&env_), "make an environment");
    check(::mdb_env_set_mapsize(env_, map_bytes), "set the size of the map");
    // readers of another thread; read-ahead off is for maps larger than memory
    const unsigned flags = MDB_NOTLS | (write_map_ ? MDB_WRITEMAP : 0U);
    check(::mdb_env_open(env_, directory_.c_str(), flags, 0600), "open the environment");
    MDB_txn* txn = nullptr;
    check(::mdb_txn_begin(env_, nullptr, 0, &txn), "begin");
    check(::mdb_dbi_open(txn, nullptr, MDB_INTEGERKEY, &records_), "open the records");
    check(::mdb_txn_commit(txn), "commit");
  }

  std::size_t recover() override {
    std::size_t found = 0;
    each([&](std::size_t key, const MDB_val& value) {
      Head head;  // its index, as our recovery makes one
      std::memcpy(&head, value.mv_data, sizeof head);
      index_.push_back({key, head});
      if (found++ == 0) oldest_ = key;
      next_ = key + 1;
    });
    return found;
  }

  std::size_t read_back() override {
    std::size_t bytes = 0;
    each([&](std::size_t /*key*/, const MDB_val& value) {
      const Slice body(Buffer::copy_of(
          std::string_view(static_cast<const char*>(value.mv_data), value.mv_size)));
      bytes += body.size() - sizeof(Head);
    });
    return bytes;
  }

  void append(const Slice& body) override { waiting_.push_back(body); }

  Job take_group() override {
    const bool late = settled_ != 0 && steady_clock::now() >= settled_since_ + settle_delay;
    if (waiting_.empty() && !late) return {};
    group_.swap(waiting_);
    group_settled_ = std::exchange(settled_, 0);
    return [this] { commit(); };
  }

  std::size_t finish_group() override {
    const std::size_t count = group_.size();
    group_.clear();
    return count;
  }

  void settle(std::size_t records) override {
    if (records != 0 && settled_ == 0) settled_since_ = steady_clock::now();
    settled_ += records;
  }

 private:
  struct Indexed {
    std::size_t key = 0;
    Head head;
  };

  template <class Visit>
  void each(Visit visit) {
    MDB_txn* txn = nullptr;
    MDB_cursor* cursor = nullptr;
    check(::mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn), "begin to read");
    check(::mdb_cursor_open(txn, records_, &cursor), "open a cursor");
    MDB_val key{};
    MDB_val value{};
    while (::mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == MDB_SUCCESS) {
      std::size_t number = 0;
      std::memcpy(&number, key.mv_data, sizeof number);
      visit(number, value);
    }
    ::mdb_cursor_close(cursor);
    ::mdb_txn_abort(txn);
  }

  void commit() {
    MDB_txn* txn = nullptr;
    check(::mdb_txn_begin(env_, nullptr, 0, &txn), "begin");
    for (; group_settled_ != 0; --group_settled_) {
      MDB_val key{sizeof oldest_, &oldest_};
      check(::mdb_del(txn, records_, &key, nullptr), "delete");
      ++oldest_;
    }
    for (const Slice& body : group_) {
      MDB_val key{sizeof next_, &next_};
      MDB_val value{sizeof(Head) + body.size(), nullptr};
      check(::mdb_put(txn, records_, &key, &value, MDB_APPEND | MDB_RESERVE), "put");
      const Head head{steady_clock::now().time_since_epoch().count(), 1,
                      static_cast<std::uint32_t>(body.size())};
      std::memcpy(value.mv_data, &head, sizeof head);
      std::memcpy(static_cast<char*>(value.mv_data) + sizeof head, body.view().data(), body.size());
      ++next_;
    }
    check(::mdb_txn_commit(txn), "commit");
  }

  std::string directory_;
  bool write_map_;
  MDB_env* env_ = nullptr;
  MDB_dbi records_ = 0;
  std::size_t next_ = 1;    ///< key of the next record; the disk thread's, as oldest_
  std::size_t oldest_ = 1;  ///< key of the oldest one that is kept
  std::vector<Slice> waiting_;
  std::vector<Slice> group_;
  std::size_t settled_ = 0;
  std::size_t group_settled_ = 0;
  steady_clock::time_point settled_since_;
  std::vector<Indexed> index_;
};

}  // namespace

std::unique_ptr<Engine> lmdb_engine(std::string directory, bool write_map) {
  return std::make_unique<LmdbEngine>(std::move(directory), write_map);
}

}  // namespace forager::bench
