#include "rollbar/item.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include "rollbar/truncate.h"
#include "rollbar/write.h"
#include "unit/rollbar/errors.h"

namespace forager::rollbar {
namespace {

using test::errors_in;

const std::vector<std::string> hidden{"password", "authorization", "x-api-key"};
constexpr test::Pairs no_attributes{};

/// The item of the first error in a request of one item.
Item item_of(Signal signal, const std::string& body, const ItemRules& rules = {}) {
  std::vector<Occurrence> errors;
  Envelope around;
  each_item(body, [&](std::string_view item, std::string_view scope, std::string_view resource) {
    read_occurrences(signal, item, {true, true}, errors);
    around = envelope_of(scope, resource);
  });
  return make_item(errors.at(0), around, rules, Scrub(hidden));
}
std::string json_of(Signal signal, const std::string& body, const ItemRules& rules = {}) {
  return write_item(item_of(signal, body, rules), Scrub(hidden), item_bytes_max);
}
bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

constexpr std::string_view traceback =
    "Traceback (most recent call last):\n"
    "  File \"/srv/app/main.py\", line 10, in main\n"
    "    run()\n"
    "  File \"/srv/app/db.py\", line 88, in query\n"
    "    cur.execute(sql)\n"
    "OperationalError: connection refused\n";

TEST(Item, SaysEverythingThatASpanEventKnows) {
  const auto body = test::request(
      {test::span(
          test::attributes(9, {{"url.full", "https://u:p@shop.example/orders/7?a=1&password=x"},
                               {"http.request.method", "GET"},
                               {"client.address", "10.0.0.9"},
                               {"user_agent.original", "curl/8"},
                               {"http.request.header.authorization", "Basic abc"},
                               {"http.route", "/orders/:id"},
                               {"user.id", "42"}}) +
          test::exception_event({{"exception.type", "OperationalError"},
                                 {"exception.message", "connection refused"},
                                 {"exception.stacktrace", traceback},
                                 {"db.password", "hunter2"},
                                 {"retry", "no"}}))},
      {{"service.name", "shop"},
       {"service.version", "1.4.2"},
       {"deployment.environment.name", "staging"},
       {"host.name", "ip-10-0-0-5"},
       {"os.type", "linux"},
       {"telemetry.sdk.language", "python"},
       {"cloud.region", "eu-west-1"}});
  ItemRules rules;
  rules.root = "/srv/app";
  rules.framework = "flask";
  const auto json = json_of(Signal::traces, body, rules);
  EXPECT_EQ(
      json,
      R"({"data":{"environment":"staging","body":{"trace":{"frames":[)"
      R"j({"filename":"/srv/app/main.py","lineno":10,"method":"main","code":"run()"},)j"
      R"j({"filename":"/srv/app/db.py","lineno":88,"method":"query","code":"cur.execute(sql)"}],)j"
      R"("exception":{"class":"OperationalError","message":"connection refused"}}},)"
      R"("level":"error","timestamp":1767225600,"code_version":"1.4.2","platform":"linux",)"
      R"("language":"python","framework":"flask","context":"GET /orders/:id",)"
      R"("request":{"url":"https://shop.example/orders/7?a=1&password=[scrubbed]","method":"GET",)"
      R"("user_ip":"10.0.0.9","headers":{"authorization":"[scrubbed]","User-Agent":"curl/8"}},)"
      R"("person":{"id":"42"},)"
      R"("server":{"host":"ip-10-0-0-5","root":"/srv/app","code_version":"1.4.2"},)"
      R"("custom":{"trace_id":"5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b","span_id":"eeeeeeeeeeeeeeee",)"
      R"("service.name":"shop","scope":"shop.orders","span":"GET /orders/:id",)"
      R"("attributes":{"db.password":"[scrubbed]","retry":"no"},)"
      R"("span_attributes":{"http.route":"/orders/:id","user.id":"42"},)"
      R"("resource":{"os.type":"linux","cloud.region":"eu-west-1"}},)"
      R"("uuid":")" +
          item_of(Signal::traces, body, rules).uuid +
          R"(","notifier":{"name":"forager","version":")" FORAGER_VERSION R"("}}})");
}

TEST(Item, TakesTheLevelFromTheSeverityOfALog) {
  const std::vector<std::pair<std::uint32_t, std::string>> cases{
      {0, "error"},  {1, "debug"},     {8, "debug"},    {9, "info"},
      {12, "info"},  {13, "warning"},  {16, "warning"}, {17, "error"},
      {20, "error"}, {21, "critical"}, {24, "critical"}};
  for (const auto& [severity, level] : cases) {
    const auto body = test::request({test::log(severity, "x", {{"exception.type", "E"}})});
    EXPECT_EQ(item_of(Signal::logs, body).level, level) << severity;
  }
  EXPECT_EQ(item_of(Signal::traces, test::request({test::span(test::exception_event({}))})).level,
            "error");
}

TEST(Item, MakesAMessageOfAnErrorLog) {
  const auto json = json_of(Signal::logs, test::request({test::log(17, "disk is full")}));
  EXPECT_TRUE(has(json, R"("body":{"message":{"body":"disk is full"}},"level":"error")")) << json;
  EXPECT_TRUE(has(json, R"("context":"shop.orders")")) << json;
}

TEST(Item, MakesTextOfALogBodyThatIsNoText) {
  const std::string list =
      test::wire_bytes(6, test::wire_bytes(1, test::wire_attribute("step", "pay")) +
                              test::wire_bytes(1, test::wire_attribute("password", "hunter2")));
  const std::string record = test::wire_varint(2, 17) + test::wire_bytes(5, list);
  EXPECT_EQ(item_of(Signal::logs, test::request({record})).text,
            R"({"step":"pay","password":"[scrubbed]"})");
  const std::string nameless = test::wire_varint(2, 17);
  EXPECT_EQ(item_of(Signal::logs, test::request({nameless})).text, "an error without words");
  const std::string named = nameless + test::wire_bytes(12, "payment.failed");
  EXPECT_EQ(item_of(Signal::logs, test::request({named})).text, "payment.failed");
}

TEST(Item, MakesAMessageOfAFailedSpan) {
  const auto status =
      test::wire_bytes(15, test::wire_bytes(2, "db is gone") + test::wire_varint(3, 2));
  EXPECT_EQ(item_of(Signal::traces, test::request({test::span(status)})).text,
            "GET /orders/:id: db is gone");
}

TEST(Item, KeepsWhatTheAppLoggedBesideTheException) {
  const auto body = test::request(
      {test::log(17, "could not pay", {{"exception.type", "E"}, {"exception.message", "no"}})});
  EXPECT_TRUE(has(json_of(Signal::logs, body),
                  R"("exception":{"class":"E","message":"no","description":"could not pay"})"));
  const auto same = test::request({test::log(17, "no", {{"exception.message", "no"}})});
  EXPECT_FALSE(has(json_of(Signal::logs, same), "description"));
}

TEST(Item, BelievesATracebackThatSaysMoreThanTheLog) {
  const auto of = [](std::string_view type, std::string_view message, std::string_view sdk) {
    const auto body =
        test::request({test::log(17, "x",
                                 {{"exception.type", type},
                                  {"exception.message", message},
                                  {"exception.stacktrace",
                                   "Traceback (most recent call last):\n  File \"a.py\", "
                                   "line 3, in f\n    g()\nshop.Missing: 'a', 5\n"}})},
                      {{"telemetry.sdk.language", sdk}});
    const Exception raised = item_of(Signal::logs, body).chain.at(0);
    return raised.type + "|" + raised.message;
  };
  EXPECT_EQ(of("Missing", "a", "python"), "shop.Missing|'a', 5");
  EXPECT_EQ(of("Other", "a", "python"), "Other|a");
  EXPECT_EQ(of("Missing", "b", "python"), "Missing|b");
  EXPECT_EQ(of("Missing", "a", "ruby"), "Missing|a");
}

TEST(Item, NamesAnExceptionWithoutAType) {
  const auto body =
      test::request({test::span(test::exception_event({{"exception.message", "m"}}))});
  EXPECT_TRUE(has(json_of(Signal::traces, body), R"("class":"Error","message":"m")"));
  const auto typed =
      test::request({test::span(test::attributes(9, {{"error.type", "timeout"}}) +
                                test::exception_event({{"exception.message", "m"}}))});
  EXPECT_TRUE(has(json_of(Signal::traces, typed), R"("class":"timeout","message":"m")"));
}

TEST(Item, KeepsAStackThatNobodyCanRead) {
  const auto body = test::request({test::span(test::exception_event(
      {{"exception.type", "E"}, {"exception.stacktrace", "somewhere in the dark"}}))});
  const auto json = json_of(Signal::traces, body);
  EXPECT_TRUE(has(json, R"("frames":[{"filename":"<unknown>"}])")) << json;
  EXPECT_TRUE(has(json, R"("stacktrace":"somewhere in the dark")")) << json;
}

TEST(Item, PutsTheCausesBehindWhatWasRaised) {
  const std::string text =
      "Traceback (most recent call last):\n"
      "  File \"a.py\", line 1, in inner\n"
      "    int('x')\n"
      "ValueError: bad\n"
      "\n"
      "The above exception was the direct cause of the following exception:\n"
      "\n"
      "Traceback (most recent call last):\n"
      "  File \"b.py\", line 2, in outer\n"
      "    inner()\n"
      "RuntimeError: worse\n";
  const auto body =
      test::request({test::span(test::exception_event({{"exception.type", "RuntimeError"},
                                                       {"exception.message", "worse"},
                                                       {"exception.stacktrace", text}}))},
                    {{"telemetry.sdk.language", "python"}});
  EXPECT_TRUE(
      has(json_of(Signal::traces, body),
          R"j("trace_chain":[{"frames":[{"filename":"b.py","lineno":2,"method":"outer",)j"
          R"j("code":"inner()"}],"exception":{"class":"RuntimeError","message":"worse"}},)j"
          R"j({"frames":[{"filename":"a.py","lineno":1,"method":"inner","code":"int('x')"}],)j"
          R"("exception":{"class":"ValueError","message":"bad"}}])"))
      << json_of(Signal::traces, body);
}

TEST(Item, FallsBackForEnvironmentVersionAndHost) {
  const auto span = test::span(test::exception_event(no_attributes));
  const auto bare = item_of(Signal::traces, test::request({span}));
  EXPECT_EQ(bare.environment, "production");
  EXPECT_EQ(bare.code_version, "");
  EXPECT_EQ(bare.host, "");
  ItemRules rules;
  rules.environment = "qa";
  rules.code_version = "v7";
  const auto old = test::request(
      {span}, {{"deployment.environment", "old"}, {"container.id", "0123456789abcdef"}});
  EXPECT_EQ(item_of(Signal::traces, old, rules).environment, "old");
  EXPECT_EQ(item_of(Signal::traces, old, rules).host, "0123456789ab");
  EXPECT_EQ(item_of(Signal::traces, old, rules).code_version, "v7");
  const auto pod = test::request({span}, {{"k8s.pod.name", "shop-1"}});
  EXPECT_EQ(item_of(Signal::traces, pod, rules).environment, "qa");
  EXPECT_EQ(item_of(Signal::traces, pod, rules).host, "shop-1");
}

TEST(Item, CallsBothJavaScriptsJavaScript) {
  const auto span = test::span(test::exception_event(no_attributes));
  for (const std::string sdk : {"nodejs", "webjs"}) {
    const auto body = test::request({span}, {{"telemetry.sdk.language", sdk}});
    EXPECT_EQ(item_of(Signal::traces, body).language, "javascript");
  }
  const auto go = test::request({span}, {{"telemetry.sdk.language", "go"}});
  EXPECT_EQ(item_of(Signal::traces, go).language, "go");
}

TEST(Item, PutsAUrlTogetherFromItsParts) {
  const auto body =
      test::request({test::span(test::attributes(9, {{"url.scheme", "https"},
                                                     {"server.address", "shop.example"},
                                                     {"url.path", "/orders"},
                                                     {"url.query", "password=x&b=2"},
                                                     {"http.method", "POST"}}) +
                                test::exception_event(no_attributes))});
  const auto item = item_of(Signal::traces, body);
  EXPECT_EQ(item.request.url, "https://shop.example/orders?password=[scrubbed]&b=2");
  EXPECT_EQ(item.request.query_string, "password=[scrubbed]&b=2");
  EXPECT_EQ(item.request.method, "POST");
}

TEST(Item, KeepsToTheLengthsOfRollbar) {
  const std::string umlauts = [] {
    std::string text;
    for (int i = 0; i < 300; ++i) text += "\xC3\xA4";
    return text;
  }();
  const auto body =
      test::request({test::span(test::attributes(9, {{"user.id", umlauts}}) +
                                test::exception_event({{"exception.type", umlauts}}))},
                    {{"deployment.environment.name", umlauts},
                     {"service.version", umlauts},
                     {"host.name", umlauts}});
  const auto item = item_of(Signal::traces, body);
  EXPECT_EQ(item.environment, umlauts.substr(0, 2 * 255));
  EXPECT_EQ(item.code_version, umlauts.substr(0, 2 * 40));
  EXPECT_EQ(item.host, umlauts.substr(0, 2 * 255));
  EXPECT_EQ(item.chain.at(0).type, umlauts.substr(0, 2 * 255));
  EXPECT_EQ(item.person.id, "") << "a shortened id could be somebody else's";
  EXPECT_LE(item.uuid.size(), 36U);
}

TEST(Item, WritesEveryKindOfValue) {
  const auto with = [](std::string_view key, const std::string& value) {
    return test::wire_bytes(3, test::wire_bytes(1, key) + test::wire_bytes(2, value));
  };
  const std::string text = test::wire_bytes(1, "a");
  const std::string event = test::wire_bytes(
      11,
      test::wire_bytes(2, "exception") + with("flag", test::wire_varint(2, 1)) +
          with("int", test::wire_varint(3, static_cast<std::uint64_t>(-5))) +
          with("double", test::wire_fixed64(4, 0x3FF8000000000000)) +
          with("nan", test::wire_fixed64(4, 0x7FF8000000000000)) +
          with("list", test::wire_bytes(5, test::wire_bytes(1, text) + test::wire_bytes(1, text))) +
          with("bytes", test::wire_bytes(7, "hello")) + with("none", ""));
  const auto json = json_of(Signal::traces, test::request({test::span(event)}));
  EXPECT_TRUE(has(json, R"("attributes":{"flag":true,"int":-5,"double":1.5,"nan":null,)"
                        R"("list":["a","a"],"bytes":"aGVsbG8=","none":null})"))
      << json;
}

TEST(Item, WritesNoKeyTwice) {
  const std::string twins =
      test::wire_bytes(6, test::wire_bytes(1, test::wire_attribute("a", "1")) +
                              test::wire_bytes(1, test::wire_attribute("a", "2")));
  const std::string nested =
      test::wire_bytes(3, test::wire_bytes(1, "n") + test::wire_bytes(2, twins));
  const std::string start(1100, 'k');  // the same once the ladder has cut them
  const std::string event = test::wire_bytes(
      11,
      test::wire_bytes(2, "exception") + nested +
          test::attributes(3, {{"b", "1"}, {"b", "2"}, {start + "1", "x"}, {start + "2", "x"}}));
  const auto body = test::request({test::span(event)});  // the item has views into it
  const auto item = item_of(Signal::traces, body);
  EXPECT_TRUE(has(write_item(item, Scrub(hidden), item_bytes_max), R"({"n":{"a":"1"},"b":"1",)"));
  Item large = item;
  large.description = std::string(item_bytes_max, 'x');
  const auto cut = write_item(large, Scrub(hidden), item_bytes_max);
  EXPECT_TRUE(has(cut, R"("b":"1",")" + start.substr(0, 1024) + R"(":"x"})")) << cut.substr(0, 200);
}

TEST(Uuid, IsTheSameForTheSameErrorAndAnotherForEveryOther) {
  Occurrence error;
  error.trace_id = test::a_trace;
  error.span_id = test::a_span;
  error.type = "E";
  error.message = "m";
  error.time = 5;
  const auto of = [](const Occurrence& e, std::string_view service = "s") {
    return uuid_of(e, service, "i", "h");
  };
  std::set<std::string> all{of(error)};
  EXPECT_EQ(all.count(of(error)), 1U);
  const auto differs = [&](auto change) {
    Occurrence other = error;
    change(other);
    EXPECT_TRUE(all.insert(of(other)).second);
  };
  differs([](Occurrence& e) { e.signal = Signal::logs; });
  differs([](Occurrence& e) { e.trace_id = {}; });
  differs([](Occurrence& e) { e.span_id = {}; });
  differs([](Occurrence& e) { e.index = 1; });
  differs([](Occurrence& e) { e.time = 6; });
  differs([](Occurrence& e) { e.type = "F"; });
  differs([](Occurrence& e) { e.message = "n"; });
  differs([](Occurrence& e) { e.type = "Em", e.message = ""; });
  differs([](Occurrence& e) { e.repeat = 1; });
  differs([](Occurrence& e) { e.repeat = 2; });
  EXPECT_TRUE(all.insert(of(error, "t")).second);
  const std::string uuid = of(error);
  EXPECT_EQ(uuid.size(), 36U);
  EXPECT_EQ(uuid[14], '5');
  EXPECT_NE(std::string("89ab").find(uuid[19]), std::string::npos);
  // What was sent before an update must be the same after it.
  EXPECT_EQ(uuid, "c0c7a999-199f-5200-aa6a-1d3802a33bac");
}

TEST(Uuid, OfALogRecordFollowsFromAllOfIt) {
  const std::string records = test::request(
      {test::log(17, "oh", {}, 5), test::log(17, "oh", {{"order", "7"}}, 5),
       test::log(18, "oh", {}, 5), test::log(17, "oh", {{"exception.type", "E"}}, 5)});
  std::set<std::string> all;
  for (const Occurrence& error : test::errors_in(Signal::logs, records)) {
    all.insert(uuid_of(error, "s", "i", "h"));
  }
  EXPECT_EQ(all.size(), 4U);
}

TEST(Scrub, HidesByTheLastPartOfTheName) {
  const Scrub scrub(hidden);
  for (const std::string_view key :
       {"password", "PASSWORD", "db.password", "http.request.header.x_api_key"}) {
    EXPECT_TRUE(scrub.hides(key)) << key;
  }
  for (const std::string_view key : {"", "passwor", "mypassword", "password.length"}) {
    EXPECT_FALSE(scrub.hides(key)) << key;
  }
}

TEST(Scrub, LeavesTheRestOfAUrlAlone) {
  const Scrub scrub(hidden);
  for (const std::string url :
       {"", "/a?b", "https://h/p?x=1&y#f?password=1", "http://h?&&=&a==b"}) {
    EXPECT_EQ(scrub.url(url), url);
  }
  EXPECT_EQ(scrub.url("https://me:secret@h:1/p?password=1#x"),
            "https://h:1/p?password=[scrubbed]#x");
}

}  // namespace
}  // namespace forager::rollbar
