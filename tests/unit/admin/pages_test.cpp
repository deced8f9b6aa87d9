#include "admin/pages.h"

#include <gtest/gtest.h>

#include "unit/admin/a_source.h"

namespace forager::admin {
namespace {

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

class Pages : public testing::Test {
 protected:
  Page get(std::string_view target, std::string_view accept = "*/*") {
    return answer({"GET", target, "localhost:13133", std::nullopt, accept}, state.source(), {});
  }
  test::ASource state;
};

TEST_F(Pages, AreReadyOnlyWhileServing) {
  EXPECT_EQ(get("/readyz").status, 200);
  state.phase = Phase::starting;
  EXPECT_EQ(get("/readyz").status, 503);
  state.phase = Phase::draining;
  EXPECT_EQ(get("/readyz").status, 503);
  EXPECT_EQ(get("/readyz").body, "not ready: draining\n");
  EXPECT_EQ(get("/healthz").status, 503);
  EXPECT_EQ(get("/healthz").body, "live\nnot ready: draining\n");
  EXPECT_EQ(get("/livez").status, 200);
}

TEST_F(Pages, AreReadyWhateverADestinationSays) {
  state.status.destinations[0].state = "parked";
  state.status.warnings = {"the disk is full"};
  EXPECT_EQ(get("/readyz").status, 200);
}

TEST_F(Pages, GiveTheLedgerInTheFormAsked) {
  EXPECT_EQ(get("/ledger").content_type, "application/json");
  EXPECT_EQ(get("/ledger", "text/plain").content_type, "text/plain; charset=utf-8");
  EXPECT_EQ(get("/ledger?format=text").content_type, "text/plain; charset=utf-8");
  EXPECT_EQ(get("/ledger?x&format=json", "text/plain").content_type, "application/json");
}

TEST_F(Pages, CarryTheirContentTypes) {
  EXPECT_EQ(get("/metrics").content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(get("/status").content_type, "application/json");
  EXPECT_EQ(get("/hive/recent?limit=1").body, "[]\n");
  EXPECT_EQ(get("/hive/recent?limit=0").status, 400);
}

TEST_F(Pages, ListThePathsWhereThereIsNothing) {
  for (const char* target : {"/", "/nothing", "/status/", "*", "", "?x"}) {
    const Page page = get(target);
    EXPECT_EQ(page.status, 404) << target;
    for (const char* path :
         {"/livez", "/readyz", "/healthz", "/status", "/ledger", "/metrics", "/hive/recent"}) {
      EXPECT_TRUE(has(page.body, path));
    }
  }
}

void expect_no_page_and_no_other_machine(const Ask& right, const AdminSource& source) {
  Ask wrong = right;
  wrong.origin = "http://localhost";
  EXPECT_EQ(answer(wrong, source, {}).status, 403);
  wrong = right;
  wrong.by_page = true;
  EXPECT_EQ(answer(wrong, source, {}).status, 403);
  wrong = right;
  wrong.local = false;
  EXPECT_EQ(answer(wrong, source, {}).status, 403);
  wrong = right;
  wrong.host = "elsewhere.example";
  EXPECT_EQ(answer(wrong, source, {}).status, 421);
}

TEST_F(Pages, TakeAChangeFromThisMachineOnlyAndNeverFromAPage) {
  AdminSource source = state.source();
  std::vector<JournalChange> asked;
  source.change = [&](const JournalChange& change) -> Result<std::string> {
    asked.push_back(change);
    if (change.destination == "nobody") return fault("there is none");
    return std::string("{}");
  };
  const std::string_view target = "/journal/drop?destination=a%2Fb&before=1500000000";
  const Ask right{"POST", target, "localhost", std::nullopt, ""};
  EXPECT_EQ(answer(right, source, {}).status, 200);
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_FALSE(asked[0].release);
  EXPECT_EQ(asked[0].destination, "a/b");
  EXPECT_EQ(asked[0].before, WallTime(std::chrono::milliseconds(1500)));
  Ask wrong = right;
  wrong.method = "GET";
  EXPECT_EQ(answer(wrong, source, {}).status, 405);
  EXPECT_EQ(answer(wrong, source, {}).allow, "POST");
  expect_no_page_and_no_other_machine(right, source);
  for (const char* bad : {"/journal/drop", "/journal/drop?destination=",
                          "/journal/release?before=1", "/journal/drop?destination=a&before=soon"}) {
    wrong = right;
    wrong.target = bad;
    EXPECT_EQ(answer(wrong, source, {}).status, 400) << bad;
  }
  EXPECT_EQ(asked.size(), 1U) << "none of them came through";
  wrong.target = "/journal/release?destination=nobody";
  EXPECT_EQ(answer(wrong, source, {}).status, 409);
  EXPECT_TRUE(asked.back().release);
  wrong.target = "/status";
  EXPECT_EQ(answer(wrong, source, {}).status, 405);
  source.change = nullptr;
  EXPECT_EQ(answer(right, source, {}).status, 404);
}

TEST_F(Pages, ShowQuarantinedItemsOnThisMachineOnlyAndToNoPage) {
  AdminSource source = state.source();
  std::uint64_t after = 0;
  source.quarantined = [&](std::uint64_t from) {
    after = from;
    return std::string("{}\n");
  };
  const Ask right{"GET", "/journal/quarantined?after=7", "localhost", std::nullopt, ""};
  EXPECT_EQ(answer(right, source, {}).body, "{}\n");
  EXPECT_EQ(after, 7U);
  expect_no_page_and_no_other_machine(right, source);
  Ask wrong = right;
  wrong.method = "POST";
  EXPECT_EQ(answer(wrong, source, {}).status, 405);
  wrong = right;
  wrong.target = "/journal/quarantined?after=x";
  EXPECT_EQ(answer(wrong, source, {}).status, 400);
}

TEST_F(Pages, ChangeTheQuarantineOnThisMachineOnlyAndForNoPage) {
  AdminSource source = state.source();
  QuarantineChange asked;
  source.change_quarantined = [&](const QuarantineChange& change) -> Result<std::string> {
    asked = change;
    return change.destination == "nobody" ? Result<std::string>(fault("no")) : std::string("{}\n");
  };
  const Ask right{"POST", "/journal/quarantined/replay?destination=a%20b&numbers=3,17&after=2",
                  "localhost", std::nullopt, ""};
  EXPECT_EQ(answer(right, source, {}).body, "{}\n");
  EXPECT_TRUE(asked.replay);
  EXPECT_EQ(asked.destination, "a b");
  EXPECT_EQ(asked.numbers, (std::vector<std::uint64_t>{3, 17}));
  EXPECT_EQ(asked.after, 2U);
  expect_no_page_and_no_other_machine(right, source);
  Ask other = right;
  other.method = "GET";
  EXPECT_EQ(answer(other, source, {}).status, 405);
  other = right;
  other.target = "/journal/quarantined/drop";
  EXPECT_EQ(answer(other, source, {}).status, 200);
  EXPECT_FALSE(asked.replay);
  EXPECT_TRUE(asked.numbers.empty());
  for (const char* bad :
       {"/journal/quarantined/drop?numbers=1,x", "/journal/quarantined/drop?numbers=1,,2",
        "/journal/quarantined/drop?after=soon"}) {
    other.target = bad;
    EXPECT_EQ(answer(other, source, {}).status, 400) << bad;
  }
  other.target = "/journal/quarantined/drop?destination=nobody";
  EXPECT_EQ(answer(other, source, {}).status, 409);
}

TEST_F(Pages, SayThatThereIsNoHive) {
  AdminSource source = state.source();
  source.recent = nullptr;
  const Page page = answer({"GET", "/hive/recent", "localhost", std::nullopt, ""}, source, {});
  EXPECT_EQ(page.status, 404);
  EXPECT_TRUE(has(page.body, "FORAGER_DESTINATIONS"));
}

TEST_F(Pages, RefuseStrangersBeforeTheyLookAtThePath) {
  const auto source = state.source();
  EXPECT_EQ(answer({"GET", "/status", "evil.example", std::nullopt, ""}, source, {}).status, 421);
  EXPECT_EQ(answer({"GET", "/status", std::nullopt, std::nullopt, ""}, source, {}).status, 400);
  EXPECT_EQ(answer({"GET", "/status", "localhost", "http://evil.example", ""}, source, {}).status,
            403);
  const Page post = answer({"POST", "/status", "localhost", std::nullopt, ""}, source, {});
  EXPECT_EQ(post.status, 405);
  EXPECT_EQ(post.allow, "GET, HEAD");
}

TEST(HostCheck, OnLoopbackKnowsLoopbackAndConfiguredNames) {
  const HostPolicy policy{{"sidecar.example"}, true, false};
  for (const char* host : {"localhost", "LOCALHOST:13133", "localhost.:1", "127.0.0.1:13133",
                           "127.0.0.9", "[::1]:13133", "[::1]", "sidecar.example:80"}) {
    EXPECT_TRUE(host_allowed(host, policy)) << host;
  }
  for (const char* host :
       {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "[fe80::1]",
        "::1", "sidecar", "", ":13133", "localhost:x", "localhost:1:2", "[::1", "[localhost]",
        "[127.0.0.1]", "127.1", "a@localhost", "localhost/", "[::1]x"}) {
    EXPECT_FALSE(host_allowed(host, policy)) << host;
  }
}

TEST(HostCheck, BeyondLoopbackTakesAddressesAndServiceNamesButNoDomain) {
  const HostPolicy policy{{}, false, false};
  for (const char* host :
       {"10.1.2.3:13133", "[fd00::7]:13133", "forager", "forager:13133", "localhost"}) {
    EXPECT_TRUE(host_allowed(host, policy)) << host;
  }
  for (const char* host : {"evil.example", "10.1.2.3.evil.example:13133", "1.2.3"}) {
    EXPECT_FALSE(host_allowed(host, policy)) << host;
  }
}

TEST(HostCheck, OnAUnixSocketDoesNotMatter) { EXPECT_TRUE(host_allowed("", {{}, true, true})); }

TEST(OriginCheck, TakesOnlyThisPageItself) {
  EXPECT_TRUE(origin_allowed(std::nullopt, "localhost:13133"));
  EXPECT_TRUE(origin_allowed("http://localhost:13133", "localhost:13133"));
  for (const char* origin : {"null", "", "http://localhost:3000", "https://localhost:13133",
                             "http://evil.example", "localhost:13133"}) {
    EXPECT_FALSE(origin_allowed(origin, "localhost:13133")) << origin;
  }
}

}  // namespace
}  // namespace forager::admin
