// Scenario: two destinations on one journal, with random traffic, answers, lost replies, clock
// steps, expiries and credential changes from a seed; then the faults stop. Guarantees: the ledger
// balances after each step; nothing is sent that isn't held, nor twice at once; an item is stored
// twice only if a reply was lost; only what was refused alone (or can't be sent) is quarantined; no
// busy loop; everything settles.
#include <map>
#include <memory>
#include <random>
#include <set>

#include "unit/export/world.h"

namespace forager::exporter {
namespace {

using ledger::Reason;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using Numbers = std::vector<std::uint64_t>;

bool is_poison(std::uint64_t number) { return number % 37 == 5; }  ///< any destination answers 400
bool is_boom(std::uint64_t number) { return number % 101 == 7; }   ///< ... 500

enum class Mood { well, unreachable, busy, failing, unauthorised, refusing, small };
constexpr int moods = 7;

class Chance {
 public:
  explicit Chance(std::uint64_t seed) : bits_(seed) {}
  std::uint64_t below(std::uint64_t n) { return bits_() % n; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }
  double unit() { return static_cast<double>(bits_() >> 11U) * 0x1p-53; }

 private:
  std::mt19937_64 bits_;
};

/// One destination with what it has stored, and the attempts on their way.
struct Party {
  struct Flight {
    AttemptId id;
    Numbers numbers;
    std::size_t bytes;
    destination::Codec codec;
  };
  Party(std::string name, test::Like like, journal::Journal& journal, journal::Quarantine& bin,
        Chance& chance, Time now)
      : destination(std::move(name), like),
        delivery(
            {.concurrency = 3, .codec = std::nullopt, .retry = {}, .breaker_failures = 4},
            destination, journal, bin, [&chance] { return chance.unit(); }, now) {}

  test::PlainDestination destination;
  Delivery delivery;
  Mood mood = Mood::well;
  bool takes_zstd = true;
  std::vector<Flight> flights;
  std::set<std::uint64_t> in_flight;
  std::map<std::uint64_t, int> stored;
  std::map<std::uint64_t, int> replies_lost;
  std::map<std::uint64_t, int> confirmed;
  std::set<std::uint64_t> refused_alone;
  std::uint64_t rejected = 0;
};

class Model {
 public:
  explicit Model(std::uint64_t seed)
      : chance_(seed),
        journal_({.bytes_max = 120'000 + chance_.below(400'000),
                  .expire_when_full = chance_.one_in(2),
                  .retention = chance_.one_in(2) ? Duration(minutes(20)) : Duration::zero()},
                 books_) {
    test::Like tight;
    tight.most.request_bytes = 20'000;
    tight.most.request_items = 50;
    tight.most.item_bytes = 1500;
    tight.log_time = true;
    test::Like roomy;
    roomy.taken = {true, false, true};
    parties_.push_back(
        std::make_unique<Party>("tight", tight, journal_, quarantine_, chance_, now_));
    parties_.push_back(
        std::make_unique<Party>("roomy", roomy, journal_, quarantine_, chance_, now_));
  }

  void run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) {
      step();
      check();
    }
    recover();
  }

 private:
  void step() {
    Party& party = *parties_[chance_.below(2)];
    switch (chance_.below(10)) {
      case 0:
      case 1:
      case 2:
        append(chance_.one_in(4));
        break;
      case 3:
      case 4:
      case 5:
        pump(party);
        break;
      case 6:
      case 7:
        if (!party.flights.empty()) answer(party, chance_.below(party.flights.size()));
        break;
      case 8:
        now_ += chance_.one_in(8) ? Duration(seconds(chance_.below(400)))
                                  : Duration(milliseconds(chance_.below(3000)));
        break;
      default:
        if (chance_.one_in(3)) party.mood = static_cast<Mood>(chance_.below(moods));
        if (chance_.one_in(5)) party.takes_zstd = !party.takes_zstd;
        if (chance_.one_in(9)) party.delivery.credentials_changed(now_);
    }
  }

  void append(bool with_bad_ones) {
    test::Numbered plan;
    plan.signal = all_signals[chance_.below(3)];
    plan.items = static_cast<std::uint32_t>(1 + chance_.below(chance_.one_in(5) ? 120 : 12));
    plan.padding = chance_.one_in(30) ? 1600 : chance_.below(300);
    plan.per_scope = static_cast<std::uint32_t>(1 + chance_.below(9));
    plan.log_time = !chance_.one_in(4);
    plan.first = next_number_;
    if (!with_bad_ones) {  // as many numbers in a row as there are without a bad one
      while (bad_in(plan.first, 1)) ++plan.first;
      std::uint32_t good = 1;
      while (good < plan.items && !bad_in(plan.first + good, 1)) ++good;
      plan.items = good;
    }
    next_number_ = plan.first + plan.items;
    journal::Record record = test::numbered(plan);
    record.group = static_cast<journal::GroupId>(chance_.below(2));
    record.arrived = WallTime(now_.time_since_epoch());
    auto charge = budget_.take(record.body.size());
    if (journal_.append(std::move(record), std::move(charge.value()), now_)) {
      books_.door().accepted(plan.signal, plan.items);
    } else {
      books_.door().refused(plan.signal, Reason::journal_full, plan.items);
    }
  }
  static bool bad_in(std::uint64_t first, std::uint64_t count) {
    for (std::uint64_t n = first; n < first + count; ++n) {
      if (is_poison(n) || is_boom(n)) return true;
    }
    return false;
  }

  /// Asks until it says Wait; returns until when.
  Time pump(Party& party) {
    for (int asked = 0; asked < 10; ++asked) {
      const auto next = party.delivery.next(now_);
      if (const auto* wait = std::get_if<Wait>(&next)) {
        EXPECT_GT(wait->until, now_) << "a busy loop";
        return wait->until;
      }
      launch(party, *std::get<Attempt*>(next));
    }
    ADD_FAILURE() << "more attempts than its concurrency";
    return now_;
  }

  void launch(Party& party, Attempt& attempt) {
    for (const batch::Piece& piece : attempt.pieces) {
      const journal::Record* record = journal_.find(piece.position);
      ASSERT_NE(record, nullptr);
      ASSERT_GE(journal_.remaining(party.delivery.cursor(), piece.position), piece.items());
      ASSERT_EQ(record->signal, attempt.signal);
      ASSERT_EQ(record->group, attempt.group);
      ASSERT_EQ(piece.whole, piece.items() == record->items);
    }
    const std::string body = party.delivery.raw_body(attempt).joined();
    const auto limits = party.destination.limits(attempt.signal);
    Party::Flight flight{attempt.id, test::numbers_in(attempt.signal, body), body.size(),
                         attempt.codec};
    ASSERT_EQ(flight.numbers.size(), attempt.items);
    ASSERT_LE(body.size(), limits.request_bytes);
    ASSERT_LE(attempt.items, limits.request_items);
    for (const auto n : flight.numbers) ASSERT_TRUE(party.in_flight.insert(n).second) << n;
    if (attempt.encoded) {  // a retry: the same pieces as when it was encoded
      ASSERT_EQ(attempt.encoded->body.joined(), body);
      ASSERT_EQ(attempt.encoded->codec, attempt.codec);
    }
    attempt.encoded =
        destination::Encoded{attempt.signal, attempt.codec, attempt.items, Chain(Slice(body))};
    party.flights.push_back(std::move(flight));
  }

  void answer(Party& party, std::size_t which) {
    const Party::Flight flight = party.flights[which];
    party.flights.erase(party.flights.begin() + static_cast<std::ptrdiff_t>(which));
    for (const auto n : flight.numbers) party.in_flight.erase(n);
    const bool lost = faults_ && chance_.one_in(20);
    if (party.mood == Mood::unreachable || lost) {
      if (lost && party.mood == Mood::well) store_unseen(party, flight);
      party.delivery.failed(flight.id, {net::TransportError::Kind::timeout, "timeout"}, now_);
      return;
    }
    const destination::Verdict verdict = judge(party, flight);
    const bool refused = std::holds_alternative<destination::TakeApart>(verdict) ||
                         std::holds_alternative<destination::Retry>(verdict);
    if (refused && flight.numbers.size() == 1) party.refused_alone.insert(flight.numbers[0]);
    if (const auto* taken = std::get_if<destination::Delivered>(&verdict)) {
      const auto rejected = static_cast<std::uint64_t>(taken->rejected);
      party.rejected += rejected;
      for (std::size_t i = rejected; i < flight.numbers.size(); ++i) {
        ++party.confirmed[flight.numbers[i]];
        store(party, flight.numbers[i]);
      }
    }
    party.delivery.answered(flight.id, verdict, now_);
  }

  void store(Party& party, std::uint64_t number) {
    EXPECT_LE(++party.stored[number], 1 + party.replies_lost[number]) << number << " twice";
  }
  void store_unseen(Party& party, const Party::Flight& flight) {
    if (std::any_of(flight.numbers.begin(), flight.numbers.end(),
                    [](auto n) { return is_poison(n) || is_boom(n); })) {
      return;
    }
    for (const auto n : flight.numbers) {
      store(party, n);
      ++party.replies_lost[n];
    }
  }

  destination::Verdict judge(Party& party, const Party::Flight& flight) {
    using namespace destination;
    const auto has = [&](bool (*what)(std::uint64_t)) {
      return std::any_of(flight.numbers.begin(), flight.numbers.end(), what);
    };
    std::optional<Duration> after;
    if (chance_.one_in(3)) after = seconds(chance_.below(90));
    switch (party.mood) {
      case Mood::busy:
        return Retry{after, "503", false};
      case Mood::failing:
        return Retry{std::nullopt, "500", true};
      case Mood::unauthorised:
        return Park{"401"};
      case Mood::refusing:
        return TakeApart{"400: all of it", false};
      case Mood::small:
        if (flight.bytes > 3000) return TakeApart{"413", true};
        break;
      default:
        break;
    }
    if (!party.takes_zstd && flight.codec == Codec::zstd) return Recode{"415"};
    if (has(is_poison)) return TakeApart{"400: poison", false};
    if (has(is_boom)) return Retry{std::nullopt, "500: boom", true};
    const bool partial = faults_ && chance_.one_in(15);
    const auto rejected = partial ? chance_.below(flight.numbers.size() + 1) : 0;
    return Delivered{static_cast<std::int64_t>(rejected), partial ? "some" : ""};
  }

  void check() {
    const std::string wrong = ledger::imbalance(
        books_, [this](std::string_view name, Signal s) { return journal_.held_items(name, s); });
    ASSERT_EQ(wrong, "");
    ASSERT_LE(journal_.bytes(), journal_.bytes_max());
  }

  /// Faults stop; traffic goes on a little, as a 500 and a systemic refusal are only told from bad
  /// data by what gets through.
  void recover() {
    faults_ = false;
    for (auto& party : parties_) party->mood = Mood::well;
    constexpr int rounds_max = 20'000;
    int rounds = 0;
    for (; rounds < rounds_max && !testing::Test::HasFailure(); ++rounds) {
      Time until = Time::max();
      for (auto& party : parties_) {
        until = std::min(until, pump(*party));
        while (!party->flights.empty()) {
          answer(*party, 0);
          until = now_ + milliseconds(1);
        }
      }
      check();
      if (parties_[0]->delivery.drained() && parties_[1]->delivery.drained()) break;
      ASSERT_NE(until, Time::max()) << "something is held and nobody means to send it";
      now_ = until;
      if (rounds % 20 == 0) append(false);
    }
    ASSERT_LT(rounds, rounds_max) << "it doesn't settle";
    if (!testing::Test::HasFailure()) account();
  }

  void account() {
    EXPECT_EQ(journal_.records(), 0U);
    EXPECT_EQ(journal_.bytes(), 0U);
    EXPECT_EQ(budget_.used(), quarantine_.bytes()) << "all charges are back";
    for (const auto& party : parties_) {
      const ledger::Book& book = books_.book(party->destination.name());
      std::uint64_t delivered = 0;
      std::uint64_t rejected = 0;
      for (const Signal s : all_signals) {
        delivered += book.count(s, ledger::State::delivered);
        rejected += book.count(s, ledger::State::rejected);
      }
      std::uint64_t confirmed = 0;
      for (const auto& [n, times] : party->confirmed) {
        EXPECT_EQ(times, 1) << n;
        confirmed += static_cast<std::uint64_t>(times);
      }
      EXPECT_EQ(delivered, confirmed);
      EXPECT_EQ(rejected, party->rejected);
    }
    for (const auto& kept : quarantine_.kept()) {
      const journal::Quarantined& q = kept.what;
      const Party& party = *parties_[q.destination == "tight" ? 0 : 1];
      for (const auto n : test::numbers_in(q.signal, q.bytes.view())) {
        const bool too_large = q.why.starts_with("not sent");
        EXPECT_TRUE(too_large || party.refused_alone.contains(n)) << n << " " << q.why;
        EXPECT_FALSE(party.confirmed.contains(n)) << n;
      }
    }
  }

  Chance chance_;
  ledger::Ledger books_;
  Budget budget_{1'000'000'000};
  journal::Journal journal_;
  journal::Quarantine quarantine_{100'000'000, budget_};
  Time now_{std::chrono::hours(1)};
  std::vector<std::unique_ptr<Party>> parties_;
  std::uint64_t next_number_ = 1;
  bool faults_ = true;
};

TEST(Model, LosesNothingUnderRandomFaultsAndSettlesOnceTheyStop) {
  // FORAGER_SEED=n runs one schedule; FORAGER_SEEDS=n the first n.
  const char* one = std::getenv("FORAGER_SEED");
  const char* many = std::getenv("FORAGER_SEEDS");
  const std::uint64_t first = one != nullptr ? std::stoull(one) : 1;
  const std::uint64_t count = one != nullptr ? 1 : many != nullptr ? std::stoull(many) : 40;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    Model(seed).run(1000);
    if (HasFailure()) {
      FAIL() << "replay with FORAGER_SEED=" << seed;
    }
  }
}

}  // namespace
}  // namespace forager::exporter
