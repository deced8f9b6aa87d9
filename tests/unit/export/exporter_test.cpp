// The shell is not part of the sans-IO build for the second compiler.
#ifdef FORAGER_HAS_EXPORTER

#include "export/exporter.h"

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>
#include <zstd.h>

namespace forager::exporter {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

/// Says by status what the answer means; puts the codec and the signature where the test sees them.
class PlainDestination final : public destination::Destination {
 public:
  std::string_view name() const override { return "plain"; }
  bool takes(Signal /*signal*/) const override { return true; }
  destination::Limits limits(Signal /*signal*/) const override { return {}; }
  net::Request encode(const destination::Encoded& batch) const override {
    net::Request made;
    made.target = destination::content_encoding(batch.codec);
    made.body = batch.body;
    return made;
  }
  void sign(net::Request& request, Signal /*signal*/, const destination::Credentials& with,
            WallTime now) const override {
    request.secret_headers.emplace_back("key", with.key);
    signed_at = now;
  }
  destination::Verdict judge(const net::Response& response, Signal /*signal*/,
                             destination::Codec /*codec*/, WallTime /*now*/) const override {
    if (response.status == 200) return destination::Delivered{};
    if (response.status == 401) return destination::Park{"the key is refused (401)"};
    return destination::Retry{std::nullopt, "busy (503)", false};
  }
  mutable WallTime signed_at{};
};

/// Answers from a list; with none left it lets requests hang until stop().
class FakeTransport final : public net::Transport {
 public:
  explicit FakeTransport(const asio::any_io_executor& executor) : changed_(executor) {}
  asio::awaitable<net::Answer> send(net::Request request, Duration timeout) override {
    timeouts.push_back(timeout);
    requests.push_back(std::move(request));
    while (answers.empty() && !stopped) {
      co_await changed_.wait();
    }
    if (answers.empty())
      co_return net::TransportError{net::TransportError::Kind::stopped, "stopped"};
    net::Answer next = std::move(answers.front());
    answers.pop_front();
    co_return next;
  }
  void stop() override {
    stopped = true;
    changed_.notify_all();
  }
  void answer(net::Answer next) {
    answers.push_back(std::move(next));
    changed_.notify_all();
  }
  void answer(int status) {
    net::Response made;
    made.status = status;
    answer(net::Answer(std::move(made)));
  }
  std::deque<net::Answer> answers;
  std::vector<net::Request> requests;
  std::vector<Duration> timeouts;
  bool stopped = false;

 private:
  Event changed_;
};

std::string unzstd(const Chain& body) {
  const std::string from = body.joined();
  std::string made(ZSTD_getFrameContentSize(from.data(), from.size()), '\0');
  ZSTD_decompress(made.data(), made.size(), from.data(), from.size());
  return made;
}

DeliveryConfig quick() {
  DeliveryConfig made;
  made.retry.initial = milliseconds(1);
  made.retry.max = milliseconds(5);
  made.probe_interval = milliseconds(1);
  return made;
}

class ExporterTest : public testing::Test {
 protected:
  explicit ExporterTest()
      : delivery(
            quick(), destination, journal, quarantine, [] { return 0.5; }, steady_clock::now()) {
    settings.book = &books.book("plain");
    exporter = std::make_unique<Exporter>(
        io.get_executor(), pool, delivery, destination, transport,
        [this](journal::GroupId group) { return credentials_of(group); }, budget, settings);
    asio::co_spawn(io, exporter->run(), [this](std::exception_ptr error) {
      ended = true;
      if (error) std::rethrow_exception(error);
    });
  }
  ~ExporterTest() override {
    exporter->stop();
    EXPECT_TRUE(run_until([this] { return ended; })) << "run() does not end";
    exporter.reset();
    pool.join();
  }
  std::optional<destination::Credentials> credentials_of(journal::GroupId group) const {
    if (group != known_group) return std::nullopt;
    return destination::Credentials{Secret("the-key"), ""};
  }
  void append(std::string body, journal::GroupId group = journal::own_group) {
    journal::Record record;
    record.items = 1;
    record.largest_item = static_cast<std::uint32_t>(body.size());
    record.group = group;
    record.body = Slice(std::move(body));
    journal.append(std::move(record), budget.take(1).value(), steady_clock::now());
  }
  template <class Condition>
  bool run_until(Condition done) {
    const Time end = steady_clock::now() + seconds(5);
    while (!done() && steady_clock::now() < end) io.run_one_for(milliseconds(20));
    return done();
  }
  bool settled() {
    return run_until([this] { return delivery.drained(); });
  }

  asio::io_context io{1};
  asio::thread_pool pool{1};
  Budget budget{100'000'000};
  ledger::Ledger books;
  journal::Journal journal{journal::JournalConfig{}, books};
  journal::Quarantine quarantine{1'000'000, budget};
  PlainDestination destination;
  FakeTransport transport{io.get_executor()};
  Delivery delivery;
  journal::GroupId known_group = journal::own_group;
  ExporterSettings settings;
  std::unique_ptr<Exporter> exporter;
  bool ended = false;
};

TEST_F(ExporterTest, CompressesSignsSendsAndSettles) {
  transport.answer(200);
  append("hello");
  ASSERT_TRUE(settled());
  ASSERT_EQ(transport.requests.size(), 1U);
  const net::Request& request = transport.requests[0];
  EXPECT_EQ(request.target, "zstd");
  EXPECT_EQ(unzstd(request.body), "hello");
  EXPECT_EQ(request.secret_headers.at(0).second.reveal(), "the-key");
  EXPECT_LT(std::chrono::system_clock::now() - destination.signed_at, seconds(60));
  EXPECT_EQ(transport.timeouts.at(0), settings.send_timeout);
  EXPECT_EQ(books.book("plain").count(Signal::traces, ledger::Reason::delivered), 1U);
  EXPECT_EQ(budget.used(), 0U);
}

TEST_F(ExporterTest, CompressesLargeBodiesOnThePool) {
  transport.answer(200);
  const std::string large(2'000'000, 'q');
  append(large);
  ASSERT_TRUE(settled());
  EXPECT_TRUE(unzstd(transport.requests.at(0).body) == large);
}

TEST_F(ExporterTest, RepeatsTheSameBytesAfterAnErrorAndChargesThemOnce) {
  append("again");
  ASSERT_TRUE(run_until([this] { return transport.requests.size() == 1; }));
  const std::size_t charged = budget.used();
  EXPECT_EQ(charged, 1 + transport.requests[0].body.size());
  transport.answer(503);
  ASSERT_TRUE(run_until([this] { return transport.requests.size() == 2; }));
  EXPECT_EQ(budget.used(), charged);
  transport.answer(net::TransportError{net::TransportError::Kind::reset, "broken"});
  ASSERT_TRUE(run_until([this] { return transport.requests.size() == 3; }));
  EXPECT_EQ(transport.requests[0].body.slices()[0].view().data(),
            transport.requests[2].body.slices()[0].view().data());
  transport.answer(200);
  ASSERT_TRUE(settled());
  EXPECT_EQ(budget.used(), 0U);
}

TEST_F(ExporterTest, ParksWithoutCredentialsAndGoesOnWhenTheyCome) {
  append("for an unknown key", 7);
  ASSERT_TRUE(run_until([this] { return delivery.state().keyless == 1; }));
  EXPECT_TRUE(transport.requests.empty());
  EXPECT_NE(delivery.state().last_error.find("key"), std::string::npos);
  transport.answer(200);
  known_group = 7;
  delivery.credentials_changed(steady_clock::now());
  ASSERT_TRUE(settled());
}

TEST_F(ExporterTest, DrainSaysWhetherAllIsSettled) {
  append("x");
  std::optional<bool> drained;
  const auto note = [&drained](std::exception_ptr, bool all) { drained = all; };
  asio::co_spawn(io, exporter->drained(steady_clock::now() + milliseconds(20)), note);
  ASSERT_TRUE(run_until([&] { return drained.has_value(); }));
  EXPECT_FALSE(*drained);
  drained.reset();
  asio::co_spawn(io, exporter->drained(steady_clock::now() + seconds(5)), note);
  transport.answer(200);
  ASSERT_TRUE(run_until([&] { return drained.has_value(); }));
  EXPECT_TRUE(*drained);
}

TEST_F(ExporterTest, StopEndsWhatIsUnderWayAndKeepsItInTheJournal) {
  append("x");
  ASSERT_TRUE(run_until([this] { return transport.requests.size() == 1; }));
  exporter->stop();
  ASSERT_TRUE(run_until([this] { return ended; }));
  EXPECT_FALSE(delivery.drained());
}

DeliveryState in(DeliveryState::Kind kind, std::string words = "busy") {
  DeliveryState made;
  made.kind = kind;
  made.why_parked = kind == DeliveryState::Kind::parked ? words : "";
  made.last_error = std::move(words);
  return made;
}

TEST(StateLog, TellsTheBeginningTheWorseningAndTheEndAndFoldsTheRest) {
  StateLog log("plain");
  Time now{};
  EXPECT_TRUE(log.update(in(DeliveryState::Kind::delivering), 0, 0, now).empty());
  auto lines = log.update(in(DeliveryState::Kind::retrying), 0, 0, now);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].level, LogLine::Level::warn);
  for (int i = 0; i < 5; ++i) {
    now += seconds(1);
    EXPECT_TRUE(log.update(in(DeliveryState::Kind::retrying), 0, 0, now).empty());
  }
  EXPECT_EQ(log.update(in(DeliveryState::Kind::open), 0, 0, now).size(), 1U);
  now += seconds(61);
  lines = log.update(in(DeliveryState::Kind::open), 0, 0, now);
  ASSERT_EQ(lines.size(), 1U);
  lines = log.update(in(DeliveryState::Kind::parked, "401\n\x1b[2Jevil"), 0, 0, now);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].level, LogLine::Level::error);
  EXPECT_NE(lines[0].text.find("401  [2Jevil"), std::string::npos) << lines[0].text;
  EXPECT_TRUE(
      log.update(in(DeliveryState::Kind::delivering), 0, 0, now).empty());  // no success yet
  auto well = in(DeliveryState::Kind::delivering);
  well.last_success = now;
  lines = log.update(well, 0, 0, now);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].level, LogLine::Level::info);
  EXPECT_NE(lines[0].text.find("after 66 s"), std::string::npos) << lines[0].text;
}

TEST(StateLog, CountsQuarantinedAndRejectedItemsOnceAMinute) {
  StateLog log("plain");
  Time now{};
  const auto state = in(DeliveryState::Kind::delivering, "400: bad attribute");
  auto lines = log.update(state, 2, 0, now);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].text.find("2 items quarantined"), std::string::npos);
  EXPECT_TRUE(log.update(state, 5, 1, now + seconds(30)).empty());
  lines = log.update(state, 5, 1, now + seconds(60));
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_NE(lines[0].text.find("3 items quarantined"), std::string::npos);
}

}  // namespace
}  // namespace forager::exporter

#endif
