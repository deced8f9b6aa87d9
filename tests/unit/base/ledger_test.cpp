#include "base/ledger.h"

#include <set>
#include <utility>

#include <gtest/gtest.h>

namespace forager::ledger {
namespace {

constexpr auto none_held = [](std::string_view, Signal) -> std::uint64_t { return 0; };

TEST(Ledger, ListsEachReasonOnceWithALabelAndASentence) {
  std::set<std::string_view> labels;
  for (const ReasonFacts& f : reasons()) {
    EXPECT_EQ(facts(f.reason).label, f.label);
    EXPECT_TRUE(labels.insert(f.label).second) << f.label;
    EXPECT_EQ(f.label.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string_view::npos);
    EXPECT_TRUE(f.sentence.ends_with(".")) << f.label;
  }
  EXPECT_EQ(labels.size(), reason_count);
}

TEST(Ledger, BalancesWhenEveryItemIsInOneState) {
  Ledger ledger;
  EXPECT_EQ(imbalance(ledger, none_held), "");
  ledger.door().accepted(Signal::traces, 10);
  ledger.door().refused(Signal::traces, Reason::malformed);
  ledger.door().refused(Signal::traces, Reason::journal_full, 4);
  Book& book = ledger.book("honeycomb");
  book.accepted(Signal::traces, 10);
  book.settled(Signal::traces, Reason::delivered, 4);
  book.settled(Signal::traces, Reason::partial_success, 1);
  book.settled(Signal::traces, Reason::refused_alone, 1);
  book.settled(Signal::traces, Reason::over_item_limit, 1);
  book.settled(Signal::traces, Reason::over_age, 1);
  const auto two_held = [](std::string_view name, Signal s) -> std::uint64_t {
    return name == "honeycomb" && s == Signal::traces ? 2 : 0;
  };
  EXPECT_EQ(imbalance(ledger, two_held), "");
  EXPECT_EQ(book.held(Signal::traces), 2U);
  EXPECT_EQ(book.count(Signal::traces, State::quarantined), 2U);
  EXPECT_EQ(ledger.door().offered(Signal::traces).requests, 3U);
  EXPECT_EQ(ledger.door().offered(Signal::traces).items, 14U);
  EXPECT_EQ(std::as_const(ledger).door().refused(Signal::traces, Reason::malformed).requests, 1U);
  EXPECT_EQ(&ledger.book("honeycomb"), &book) << "a book is begun once";
}

TEST(Ledger, SaysWhichNumbersDoNotMatch) {
  Ledger ledger;
  ledger.book("rollbar").accepted(Signal::logs, 5);
  ledger.book("rollbar").settled(Signal::logs, Reason::over_share, 2);
  const std::string text = imbalance(ledger, none_held);
  EXPECT_NE(text.find("rollbar logs: accepted 5"), std::string::npos) << text;
  EXPECT_NE(text.find("expired 2"), std::string::npos) << text;
  EXPECT_NE(text.find("leaves 3, but held are 0"), std::string::npos) << text;
}

TEST(Ledger, NoticesItemsSettledTwice) {
  Ledger ledger;
  ledger.book("a").accepted(Signal::logs, 1);
  ledger.book("a").settled(Signal::logs, Reason::delivered, 2);
  EXPECT_NE(imbalance(ledger, none_held).find("leaves -1"), std::string::npos);
}

TEST(Ledger, NoticesMoreItemsWithoutARouteThanWereAccepted) {
  Ledger ledger;
  ledger.door().accepted(Signal::metrics, 1);
  ledger.door().not_routed(Signal::metrics, 1);
  EXPECT_EQ(imbalance(ledger, none_held), "");
  ledger.door().not_routed(Signal::metrics, 1);
  EXPECT_NE(imbalance(ledger, none_held), "");
}

}  // namespace
}  // namespace forager::ledger
