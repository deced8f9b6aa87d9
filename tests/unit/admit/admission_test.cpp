// The door with the real journal, ledger, budget and pool.
#include "admit/admission.h"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "unit/admit/bodies.h"

namespace forager::admit {
namespace {

using Kind = Refused::Kind;
using ledger::Reason;

struct Given {
  std::size_t budget = 16U << 20U;
  std::size_t journal_bytes = 8U << 20U;
  config::KeyPolicy policy = config::KeyPolicy::replace;
  std::array<bool, signal_count> takes{true, true, false};
  AdmissionConfig admission{};
};

class World {
 public:
  explicit World(const Given& given = {})
      : budget(given.budget),
        journal(journal::JournalConfig{.bytes_max = given.journal_bytes}, ledger),
        cursor(journal.open_cursor("honeycomb", given.takes)),
        keys(given.policy, Secret("ours"), Secret("salt")),
        admission(given.admission, budget, journal, ledger, keys, io.get_executor(), pool) {}
  ~World() {
    pool.join();
    // every test of the whole ends with the books
    EXPECT_EQ(ledger::imbalance(ledger, [&](std::string_view name,
                                            Signal s) { return journal.held_items(name, s); }),
              "");
    journal.lose_all(now());
    EXPECT_EQ(budget.used(), 0U);
  }
  static Time now() { return std::chrono::steady_clock::now(); }

  Offer offer(const std::string& body, otlp::Encoding encoding = otlp::Encoding::protobuf,
              ContentCoding coding = ContentCoding::identity) {
    Offer made;
    made.encoding = encoding;
    made.coding = coding;
    made.body = Buffer::copy_of(body);
    made.charge = *admission.room(body.size());
    return made;
  }
  void begin(Offer what, std::optional<Outcome>& into) {
    asio::co_spawn(io, admission.admit(std::move(what)),
                   [&](std::exception_ptr error, Outcome outcome) {
                     EXPECT_FALSE(error);
                     into = std::move(outcome);
                   });
  }
  Outcome admit(Offer what) {
    std::optional<Outcome> outcome;
    begin(std::move(what), outcome);
    io.restart();
    io.run();
    return outcome.value();
  }
  Kind refusal(Offer what) {
    const Outcome outcome = admit(std::move(what));
    last = std::get<Refused>(outcome);
    return last.kind;
  }

  asio::io_context io{1};
  asio::thread_pool pool{2};
  ledger::Ledger ledger;
  Budget budget;
  journal::Journal journal;
  journal::CursorId cursor;
  KeyRing keys;
  Admission admission;
  Refused last;
};

bool accepted(const Outcome& outcome) { return std::holds_alternative<Accepted>(outcome); }

TEST(Admission, KeepsTheBytesAsTheyCame) {
  World world;
  EXPECT_TRUE(accepted(world.admit(world.offer(two_spans()))));
  const journal::Record* const record = world.journal.find(1);
  ASSERT_NE(record, nullptr);
  EXPECT_EQ(record->body.view(), two_spans());
  EXPECT_EQ(record->items, 2U);
  EXPECT_GT(record->largest_item, 0U);
  EXPECT_EQ(record->group, journal::own_group);
  EXPECT_EQ(world.budget.used(), two_spans().size() + journal::record_overhead);
  EXPECT_EQ(std::as_const(world.ledger).door().accepted(Signal::traces).items, 2U);
}

TEST(Admission, KeepsTheSameBytesForEveryFormOnThePoolToo) {
  World world;
  const std::string body = many_spans(3000);
  for (const ContentCoding coding : {ContentCoding::identity, ContentCoding::gzip}) {
    const std::string sent = coding == ContentCoding::gzip ? gzip(body) : body;
    EXPECT_TRUE(accepted(world.admit(world.offer(sent, otlp::Encoding::protobuf, coding))));
    EXPECT_EQ(world.journal.find(world.journal.last())->body.view(), body);
  }
  EXPECT_TRUE(accepted(world.admit(world.offer(two_spans_json(), otlp::Encoding::json))));
  EXPECT_EQ(world.journal.find(world.journal.last())->body.view(), two_spans());
}

TEST(Admission, AsksTwiceForABodyThatSaysLessOfItselfThanItHas) {
  World world;
  const std::string sent = gzip(many_spans(3000)) + gzip(many_spans(1));
  EXPECT_TRUE(
      accepted(world.admit(world.offer(sent, otlp::Encoding::protobuf, ContentCoding::gzip))));
  EXPECT_EQ(world.journal.find(1)->items, 3001U);
}

TEST(Admission, AnswersAnEmptyRequestAndKeepsNothing) {
  World world;
  EXPECT_TRUE(accepted(world.admit(world.offer(""))));
  EXPECT_TRUE(accepted(world.admit(world.offer("{}", otlp::Encoding::json))));
  EXPECT_EQ(world.journal.records(), 0U);
  EXPECT_EQ(std::as_const(world.ledger).door().accepted(Signal::traces).requests, 2U);
}

TEST(Admission, RefusesBrokenBodiesForGood) {
  World world;
  EXPECT_EQ(world.refusal(world.offer(two_spans() + "\x0a")), Kind::malformed);
  EXPECT_FALSE(world.last.retry_after);
  EXPECT_EQ(world.refusal(world.offer("{", otlp::Encoding::json)), Kind::malformed);
  EXPECT_EQ(world.refusal(world.offer("no gzip", otlp::Encoding::protobuf, ContentCoding::gzip)),
            Kind::malformed);
  EXPECT_EQ(std::as_const(world.ledger).door().refused(Signal::traces, Reason::malformed).requests,
            3U);
  EXPECT_EQ(world.budget.used(), 0U);
}

TEST(Admission, RefusesABombByItsLimit) {
  Given given;
  given.admission.request_limit = 100'000;
  World world(given);
  EXPECT_EQ(world.refusal(world.offer(gzip(std::string(500'000, '\0')), otlp::Encoding::protobuf,
                                      ContentCoding::gzip)),
            Kind::too_large);
  EXPECT_NE(world.last.message.find("100000"), std::string::npos);
  EXPECT_FALSE(world.last.retry_after);
  EXPECT_EQ(world.refusal(world.offer(std::string(100'001, 'x'))), Kind::too_large);
  EXPECT_EQ(std::as_const(world.ledger).door().refused(Signal::traces, Reason::too_large).requests,
            2U);
}

TEST(Admission, LimitsARequestToAQuarterOfTheBudgetAndToTheJournal) {
  Given given;
  EXPECT_EQ(World(given).admission.request_limit(), 4U << 20U);
  given.journal_bytes = 10'000;
  EXPECT_EQ(World(given).admission.request_limit(), 10'000U - journal::record_overhead);
  given.admission.request_limit = 5'000;
  EXPECT_EQ(World(given).admission.request_limit(), 5'000U);
}

TEST(Admission, IsBusyWithoutMemoryForWhatComesOut) {
  World world;
  Offer offer = world.offer(gzip(many_spans(3000)), otlp::Encoding::protobuf, ContentCoding::gzip);
  auto held = world.budget.take(world.budget.left() - 1000);
  EXPECT_EQ(world.refusal(std::move(offer)), Kind::busy);
  EXPECT_GE(world.last.retry_after.value(), std::chrono::seconds(1));
  EXPECT_EQ(
      std::as_const(world.ledger).door().refused(Signal::traces, Reason::memory_budget).requests,
      1U);
  held->release();
  EXPECT_EQ(world.budget.used(), 0U);
}

TEST(Admission, IsUnavailableWhenTheJournalIsFull) {
  Given given;
  given.journal_bytes = 1000;
  World world(given);
  std::vector<Offer> offers;
  while (true) {
    const Outcome outcome = world.admit(world.offer(two_spans()));
    if (accepted(outcome)) continue;
    EXPECT_EQ(std::get<Refused>(outcome).kind, Kind::unavailable);
    EXPECT_GE(std::get<Refused>(outcome).retry_after.value(), std::chrono::seconds(1));
    break;
  }
  EXPECT_EQ(std::as_const(world.ledger).door().refused(Signal::traces, Reason::journal_full).items,
            2U);
}

TEST(Admission, AnswersASignalNobodyTakesAndBooksIt) {
  World world;
  Offer offer = world.offer(two_spans());
  offer.signal = Signal::logs;  // the same shape: field 1 of field 2 of field 2
  offer.body = Buffer::copy_of(field(1, field(2, field(2, field(3, "INFO")))));
  EXPECT_TRUE(accepted(world.admit(std::move(offer))));
  EXPECT_EQ(std::as_const(world.ledger).door().not_routed(Signal::logs).items, 1U);
  EXPECT_EQ(world.journal.records(), 0U);
  EXPECT_EQ(world.budget.used(), 0U);
}

TEST(Admission, MendsStringsAndCountsThem) {
  World world;
  EXPECT_TRUE(accepted(world.admit(world.offer(traces(span("a\xff") + span("\xc0 b"))))));
  EXPECT_EQ(world.journal.find(1)->body.view(), traces(span("a?") + span("? b")));
  EXPECT_EQ(std::as_const(world.ledger).door().repaired(Signal::traces), 2U);
}

TEST(Admission, GroupsRecordsByTheKeysOfApps) {
  Given given;
  given.policy = config::KeyPolicy::pass_through;
  World world(given);
  EXPECT_EQ(world.refusal(world.offer(two_spans())), Kind::unauthenticated);
  Offer bad = world.offer(two_spans());
  bad.key = Secret("a\nb");
  EXPECT_EQ(world.refusal(std::move(bad)), Kind::malformed);
  for (const char* key : {"a", "b", "a"}) {
    Offer offer = world.offer(two_spans());
    offer.key = Secret(key);
    EXPECT_TRUE(accepted(world.admit(std::move(offer))));
  }
  EXPECT_EQ(world.journal.find(1)->group, world.journal.find(3)->group);
  EXPECT_NE(world.journal.find(1)->group, world.journal.find(2)->group);
  EXPECT_EQ(world.keys.credentials(world.journal.find(2)->group)->key.reveal(), "b");
  // a broken body leaves no group behind
  Offer broken = world.offer("\x0a");
  broken.key = Secret("c");
  EXPECT_EQ(world.refusal(std::move(broken)), Kind::malformed);
  EXPECT_EQ(world.keys.groups(), 3U);
}

TEST(Admission, AnswersLaterWhenThereAreTooManyKeys) {
  Given given;
  given.policy = config::KeyPolicy::pass_through;
  World world(given);
  for (std::size_t i = 1; i < KeyRing::groups_max; ++i)
    world.keys.group_of(Secret(std::to_string(i)), std::nullopt);
  Offer offer = world.offer(two_spans());
  offer.key = Secret("one more");
  EXPECT_EQ(world.refusal(std::move(offer)), Kind::unavailable);
  EXPECT_TRUE(world.last.retry_after);
}

TEST(Admission, RefusesEverythingOnceClosed) {
  World world;
  world.admission.close();
  EXPECT_EQ(world.refusal(world.offer(two_spans())), Kind::unavailable);
  EXPECT_EQ(std::as_const(world.ledger).door().refused(Signal::traces, Reason::stopping).requests,
            1U);
}

TEST(Admission, WordsAndBooksWhatAReceiverTurnsAway) {
  World world;
  const Refused busy = world.admission.turn_away(Signal::metrics, Kind::busy, "");
  EXPECT_EQ(busy.kind, Kind::busy);
  EXPECT_TRUE(busy.retry_after);
  EXPECT_NE(busy.message, "");
  EXPECT_EQ(
      std::as_const(world.ledger).door().refused(Signal::metrics, Reason::memory_budget).requests,
      1U);
  const Refused large = world.admission.turn_away(Signal::metrics, Kind::too_large, "own words");
  EXPECT_EQ(large.message, "own words");
  EXPECT_FALSE(large.retry_after);
  world.admission.book_refusal(Signal::metrics, Reason::unsupported_encoding);
  EXPECT_EQ(std::as_const(world.ledger)
                .door()
                .refused(Signal::metrics, Reason::unsupported_encoding)
                .requests,
            1U);
}

TEST(Admission, WaitsForDeliveryWhenToldTo) {
  Given given;
  given.admission.wait_for_delivery = true;
  World world(given);
  std::optional<Outcome> outcome;
  world.begin(world.offer(two_spans()), outcome);
  while (world.journal.last() == 0) world.io.run_one();
  EXPECT_FALSE(outcome);
  world.journal.settle(world.cursor, 1, 2, Reason::delivered, World::now());
  world.io.run();
  EXPECT_TRUE(accepted(outcome.value()));
}

TEST(Admission, AnswersLaterWhenDeliveryTakesTooLong) {
  Given given;
  given.admission.wait_for_delivery = true;
  given.admission.delivery_wait = std::chrono::milliseconds(20);
  World world(given);
  EXPECT_EQ(world.refusal(world.offer(two_spans())), Kind::unavailable);
  EXPECT_TRUE(world.last.retry_after);
  EXPECT_EQ(std::as_const(world.ledger).door().accepted(Signal::traces).items, 2U);
}

// --- resource attributes ---

/// `host` is put into every resource.
void enrich(World& world) {
  const std::vector<otlp::Attribute> attributes{{"host.id", std::string(300, 'h')}};
  world.admission.enrich_with(std::make_shared<const otlp::Enrichment>(attributes));
}
std::string with_host(std::string body) {
  const std::vector<otlp::Attribute> attributes{{"host.id", std::string(300, 'h')}};
  const otlp::Enrichment add(attributes);
  const auto growth = add.look(Signal::traces, body);
  return std::string(add.put_into(Signal::traces, Buffer::copy_of(body), growth).view());
}

TEST(AdmissionEnriches, EveryFormOfARequestAndChargesForWhatItKeeps) {
  World world;
  enrich(world);
  for (const std::string& body : {two_spans(), many_spans(3000)}) {
    const std::size_t before = world.budget.used();
    EXPECT_TRUE(accepted(world.admit(world.offer(body))));
    const journal::Record* const record = world.journal.find(world.journal.last());
    EXPECT_EQ(record->body.view(), with_host(body));
    EXPECT_EQ(world.budget.used() - before, record->body.size() + journal::record_overhead);
    std::string copy(record->body.view());
    const otlp::Shape is = *otlp::walk(Signal::traces, copy);
    EXPECT_EQ(record->items, is.items);
    EXPECT_GE(record->largest_item, is.largest_item);
    EXPECT_LE(record->largest_item, is.largest_item + 4);

    const std::string sent = gzip(body);
    const auto coding = ContentCoding::gzip;
    EXPECT_TRUE(accepted(world.admit(world.offer(sent, otlp::Encoding::protobuf, coding))));
    EXPECT_EQ(world.journal.find(world.journal.last())->body.view(), with_host(body));
  }
  EXPECT_TRUE(accepted(world.admit(world.offer(two_spans_json(), otlp::Encoding::json))));
  EXPECT_EQ(world.journal.find(world.journal.last())->body.view(), with_host(two_spans()));
}

TEST(AdmissionEnriches, InTheHeadroomItHasAskedFor) {
  World world;
  EXPECT_EQ(world.admission.headroom(), 0U);
  enrich(world);
  EXPECT_TRUE(accepted(world.admit(world.offer(two_spans()))));
  const std::size_t headroom = world.admission.headroom();
  EXPECT_EQ(headroom, with_host(two_spans()).size() - two_spans().size());
  Offer roomy = world.offer(two_spans());
  roomy.body = Buffer(two_spans().size(), headroom);
  std::memcpy(roomy.body.data(), two_spans().data(), two_spans().size());
  roomy.charge = *world.admission.room(roomy.body.capacity());
  const char* const end = roomy.body.data() + roomy.body.size();
  EXPECT_TRUE(accepted(world.admit(std::move(roomy))));
  const auto kept = world.journal.find(world.journal.last())->body.view();
  EXPECT_EQ(kept, with_host(two_spans()));
  EXPECT_EQ(kept.data() + kept.size(), end) << "only the beginning has moved";
  EXPECT_EQ(world.budget.used(), 2 * (kept.size() + journal::record_overhead));
  // an app that sends all of it needs no room
  EXPECT_TRUE(accepted(world.admit(world.offer(with_host(two_spans())))));
  EXPECT_EQ(world.journal.find(world.journal.last())->body.view(), with_host(two_spans()));
  EXPECT_EQ(world.admission.headroom(), 0U);
}

TEST(AdmissionEnriches, NothingOnceItIsTurnedOff) {
  World world;
  enrich(world);
  world.admission.enrich_with(nullptr);
  EXPECT_TRUE(accepted(world.admit(world.offer(two_spans()))));
  EXPECT_EQ(world.journal.find(1)->body.view(), two_spans());
}

TEST(AdmissionEnriches, NoBodyToFarOverTheLimit) {
  Given given;
  given.admission.request_limit = 100'000;
  World world(given);
  enrich(world);
  const std::string at_limit = two_spans() + std::string("\x12", 1);  // field 2 up to the limit
  std::string large = at_limit + std::string("\xf0\x8b\x06", 3);      // of 99,824 bytes
  large += std::string(99'824, 'x');
  ASSERT_LE(large.size(), 100'000U);
  EXPECT_TRUE(accepted(world.admit(world.offer(large))));
  EXPECT_GT(world.journal.find(1)->body.size(), 100'000U);
  const std::string many = many_spans(3000);  // each a resource
  ASSERT_LE(many.size(), 100'000U);
  EXPECT_TRUE(accepted(world.admit(world.offer(many))));
  EXPECT_EQ(world.journal.find(2)->body.view(), many);
}

TEST(AdmissionEnriches, NotWithoutMemoryForIt) {
  World world;
  enrich(world);
  Offer offer = world.offer(many_spans(3000));
  const auto held = world.budget.take(world.budget.left() - 100'000);
  EXPECT_EQ(world.refusal(std::move(offer)), Kind::busy);
  EXPECT_EQ(
      std::as_const(world.ledger).door().refused(Signal::traces, Reason::memory_budget).requests,
      1U);
}

}  // namespace
}  // namespace forager::admit
