// What OTLP/gRPC answers to what (PROTOCOLS 1.4, 1.7), over a real connection.
#include <protozero/pbf_reader.hpp>

#include "otlp/reply.h"
#include "unit/admit/bodies.h"
#include "unit/receive/grpc_world.h"
#include "unit/receive/http_world.h"
#include "unit/receive/whole_door.h"

namespace forager::receive {
namespace {

using admit::Refused;
using grpc::StatusCode;

const std::string traces_method(facts(Signal::traces).grpc_method);
const std::string long_body = admit::many_spans(200);

/// google.rpc.Status of grpc-status-details-bin.
struct Details {
  std::int64_t code = 0;
  std::string message;
  std::optional<std::int64_t> retry_seconds;
};

Details details_of(const grpc::Status& status) {
  Details found;
  const std::string bytes = status.error_details();
  protozero::pbf_reader reader(bytes);
  while (reader.next()) {
    if (reader.tag() == 1) {
      found.code = reader.get_int32();
    } else if (reader.tag() == 2) {
      found.message = reader.get_string();
    } else {
      protozero::pbf_reader any = reader.get_message();
      EXPECT_TRUE(any.next(1));
      EXPECT_EQ(any.get_string(), "type.googleapis.com/google.rpc.RetryInfo");
      EXPECT_TRUE(any.next(2));
      protozero::pbf_reader info = any.get_message();
      EXPECT_TRUE(info.next(1));
      protozero::pbf_reader duration = info.get_message();
      EXPECT_TRUE(duration.next(1));
      found.retry_seconds = duration.get_int64();
    }
  }
  return found;
}

TEST(Grpc, HandsEachSignalToTheDoorAsItCame) {
  GrpcWorld<FakeDoor> world;
  GrpcClient client(world.address());
  for (const Signal signal : otlp_signals) {
    const GrpcAnswer answer = client.ask(std::string(facts(signal).grpc_method), "bytes");
    EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
    EXPECT_EQ(answer.body, "");
  }
  world.on_io([&] {
    EXPECT_EQ(world.door.got.size(), 3U);
    for (std::size_t i = 0; i < world.door.got.size(); ++i) {
      EXPECT_EQ(world.door.got[i].signal, otlp_signals[i]);
      EXPECT_EQ(world.door.got[i].encoding, otlp::Encoding::protobuf);
      EXPECT_EQ(world.door.got[i].coding, ContentCoding::identity);
      EXPECT_EQ(world.door.got[i].body, "bytes");
      EXPECT_EQ(world.door.got[i].key, "-");
      EXPECT_GE(world.door.got[i].charged, 5U);
    }
    EXPECT_EQ(world.receiver->counters().calls, 3U);
    return 0;
  });
  EXPECT_EQ(world.answers(StatusCode::OK), 3U);
}

TEST(Grpc, LeavesRoomInFrontOfABodyAndChargesIt) {
  GrpcWorld<FakeDoor> world;
  world.on_io([&] { return world.door.room_in_front = 300; });
  GrpcClient client(world.address());
  EXPECT_TRUE(client.ask(traces_method, long_body).status.ok());
  world.on_io([&] {
    EXPECT_EQ(world.door.got.at(0).body, long_body);
    EXPECT_EQ(world.door.got.at(0).headroom, 300U);
    EXPECT_EQ(world.door.got.at(0).charged, long_body.size() + 300);
    return 0;
  });
}

TEST(Grpc, LeavesGzipForTheDoorToInflateUnderItsLimit) {
  GrpcWorld<FakeDoor> world;
  GrpcClient client(world.address());
  EXPECT_TRUE(client.ask(traces_method, long_body, {}, GRPC_COMPRESS_GZIP).status.ok());
  world.on_io([&] {
    EXPECT_EQ(world.door.got.at(0).coding, ContentCoding::gzip);
    EXPECT_LT(world.door.got.at(0).body.size(), long_body.size() / 2);
    return 0;
  });
}

TEST(Grpc, RefusesDeflateAsUnimplemented) {
  GrpcWorld<FakeDoor> world;
  GrpcClient client(world.address());
  const GrpcAnswer answer = client.ask(traces_method, long_body, {}, GRPC_COMPRESS_DEFLATE);
  EXPECT_EQ(answer.code(), StatusCode::UNIMPLEMENTED) << answer.status.error_message();
  EXPECT_TRUE(world.on_io([&] { return world.door.got.empty(); }));
}

TEST(Grpc, PassesTheKeyAndTheDatasetOfTheMetadataOn) {
  GrpcWorld<FakeDoor> world;
  GrpcClient client(world.address());
  client.ask(traces_method, "x", {{"x-honeycomb-team", "k"}, {"x-honeycomb-dataset", "d"}});
  world.on_io([&] {
    EXPECT_EQ(world.door.got.at(0).key, "k");
    EXPECT_EQ(world.door.got.at(0).dataset, "d");
    return 0;
  });
}

TEST(Grpc, SaysThatAMethodIsUnknown) {
  GrpcWorld<FakeDoor> world;
  GrpcClient client(world.address());
  for (const char* method :
       {"/opentelemetry.proto.collector.trace.v1.TraceService/Import", "/x/y"}) {
    const GrpcAnswer answer = client.ask(method, "x");
    EXPECT_EQ(answer.code(), StatusCode::UNIMPLEMENTED);
    EXPECT_NE(answer.status.error_message().find(method), std::string::npos);
  }
  EXPECT_EQ(world.answers(StatusCode::UNIMPLEMENTED), 2U);
  EXPECT_TRUE(world.on_io([&] { return world.door.got.empty(); }));
}

TEST(Grpc, WordsEachRefusalAsTheProtocolAsks) {
  struct Case {
    Refused::Kind kind;
    bool retry;
    StatusCode code;
  };
  GrpcWorld<FakeDoor> world;
  GrpcClient client(world.address());
  for (const Case& one : {Case{Refused::Kind::malformed, false, StatusCode::INVALID_ARGUMENT},
                          Case{Refused::Kind::unauthenticated, false, StatusCode::UNAUTHENTICATED},
                          Case{Refused::Kind::too_large, false, StatusCode::RESOURCE_EXHAUSTED},
                          Case{Refused::Kind::busy, true, StatusCode::RESOURCE_EXHAUSTED},
                          Case{Refused::Kind::unavailable, true, StatusCode::UNAVAILABLE}}) {
    Refused refused{one.kind, "because \xC3\xA4", {}};
    if (one.retry) refused.retry_after = std::chrono::seconds(9);
    world.on_io([&] {
      world.door.outcome = refused;
      return 0;
    });
    const GrpcAnswer answer = client.ask(traces_method, "x");
    EXPECT_EQ(answer.code(), one.code);
    EXPECT_EQ(answer.status.error_message(), "because \xC3\xA4");
    const Details details = details_of(answer.status);
    EXPECT_EQ(details.code, static_cast<int>(one.code));
    EXPECT_EQ(details.message, "because \xC3\xA4");
    EXPECT_EQ(details.retry_seconds, one.retry ? std::optional<std::int64_t>(9) : std::nullopt);
  }
  EXPECT_EQ(world.answers(StatusCode::RESOURCE_EXHAUSTED), 2U);
}

TEST(Grpc, TurnsAwayWithRetryInfoWhatThereIsNoMemoryFor) {
  GrpcWorld<FakeDoor> world;
  GrpcClient client(world.address());
  auto all = world.on_io([&] { return world.door.budget.take(world.door.budget.left()); });
  const GrpcAnswer answer = client.ask(traces_method, "x");
  EXPECT_EQ(answer.code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(details_of(answer.status).retry_seconds, 7);
  world.on_io([&] {
    EXPECT_EQ(world.door.turned_away, std::vector{Refused::Kind::busy});
    EXPECT_TRUE(world.door.got.empty());
    all.reset();
    return 0;
  });
}

TEST(Grpc, GivesAWarningAsPartialSuccess) {
  GrpcWorld<FakeDoor> world;
  world.on_io([&] {
    world.door.outcome = admit::Accepted{"mind the gap"};
    return 0;
  });
  const GrpcAnswer answer = GrpcClient(world.address()).ask(traces_method, "x");
  EXPECT_TRUE(answer.status.ok());
  EXPECT_EQ(answer.body, otlp::partial_success_body(Signal::traces, otlp::Encoding::protobuf, 0,
                                                    "mind the gap"));
}

TEST(Grpc, RefusesAMessageOverTheLimitWithoutRetryInfo) {
  GrpcWorld<FakeDoor> world;
  GrpcClient client(world.address());
  const GrpcAnswer answer = client.ask(traces_method, std::string((1U << 20U) + 1, 'x'));
  EXPECT_EQ(answer.code(), StatusCode::RESOURCE_EXHAUSTED) << answer.status.error_message();
  EXPECT_EQ(details_of(answer.status).retry_seconds, std::nullopt);
  EXPECT_TRUE(client.ask(traces_method, std::string(1U << 20U, 'x')).status.ok());
  EXPECT_TRUE(world.eventually(
      [&] { return world.door.booked == std::vector{ledger::Reason::aborted_upload}; }));
  world.on_io([&] {
    EXPECT_EQ(world.door.got.size(), 1U);
    EXPECT_EQ(world.receiver->open_requests(), 0U);
    return 0;
  });
}

TEST(Grpc, RefusesACallThatHalfClosesWithoutAMessage) {
  GrpcWorld<FakeDoor> world;
  GrpcClient client(world.address());
  GrpcCall call(client.stub(), traces_method);
  ASSERT_TRUE(call.start() && call.half_close());
  EXPECT_FALSE(call.receive());
  const grpc::Status status = call.finish();
  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(details_of(status).message, status.error_message());
  EXPECT_TRUE(world.eventually(
      [&] { return world.door.booked == std::vector{ledger::Reason::malformed}; }));
  EXPECT_EQ(world.answers(StatusCode::INVALID_ARGUMENT), 1U);
}

TEST(Grpc, TakesTheFirstMessageOfACallAndNoOther) {
  GrpcWorld<FakeDoor> world;
  GrpcClient client(world.address());
  GrpcCall call(client.stub(), traces_method);
  ASSERT_TRUE(call.start() && call.send("first"));
  call.send("second");
  EXPECT_EQ(call.receive(), "");
  EXPECT_TRUE(call.finish().ok());
  world.on_io([&] {
    EXPECT_EQ(world.door.got.size(), 1U);
    EXPECT_EQ(world.door.got[0].body, "first");
    return 0;
  });
}

TEST(Grpc, SurvivesClientsThatGiveUpWhileTheDoorDecides) {
  GrpcWorld<FakeDoor> world;
  GrpcClient client(world.address());
  world.on_io([&] { return world.door.hold = true; });
  const GrpcAnswer late =
      client.ask(traces_method, "x", {}, GRPC_COMPRESS_NONE, std::chrono::milliseconds(100));
  EXPECT_EQ(late.code(), StatusCode::DEADLINE_EXCEEDED);
  GrpcCall call(client.stub(), traces_method);
  ASSERT_TRUE(call.start() && call.send("y") && call.half_close());
  EXPECT_TRUE(world.eventually([&] { return world.door.got.size() == 2; }));
  call.context.TryCancel();
  EXPECT_EQ(call.finish().error_code(), StatusCode::CANCELLED);
  EXPECT_EQ(world.on_io([&] { return world.receiver->open_requests(); }), 2U);
  world.on_io([&] {
    world.door.hold = false;
    world.door.released.notify_all();
    return 0;
  });
  EXPECT_TRUE(world.eventually([&] { return world.receiver->open_requests() == 0; }));
  EXPECT_TRUE(client.ask(traces_method, "z").status.ok());
}

TEST(Grpc, BooksAnUploadThatIsAborted) {
  GrpcWorld<FakeDoor> world;
  GrpcClient client(world.address());
  GrpcCall call(client.stub(), traces_method);
  ASSERT_TRUE(call.start());
  call.context.TryCancel();
  EXPECT_EQ(call.finish().error_code(), StatusCode::CANCELLED);
  GrpcCall late(client.stub(), traces_method, std::chrono::milliseconds(50));
  ASSERT_TRUE(late.start());
  EXPECT_EQ(late.finish().error_code(), StatusCode::DEADLINE_EXCEEDED);
  EXPECT_TRUE(world.eventually([&] { return !world.door.booked.empty(); }));
  world.on_io([&] {
    for (const ledger::Reason reason : world.door.booked)
      EXPECT_EQ(reason, ledger::Reason::aborted_upload);
    EXPECT_TRUE(world.door.turned_away.empty());
    return 0;
  });
}

TEST(Grpc, TakesAMessageLargerThanItsBuffersOrSaysSoButNeverHangs) {
  GrpcSettings settings = at_any_grpc_port();
  settings.request_limit = 16U << 20U;
  settings.buffer_bytes = 1U << 20U;
  GrpcWorld<FakeDoor> world(settings);
  GrpcClient client(world.address());
  const GrpcAnswer answer = client.ask(traces_method, std::string(8U << 20U, 'x'));
  EXPECT_TRUE(answer.status.ok() || answer.code() == StatusCode::RESOURCE_EXHAUSTED ||
              answer.code() == StatusCode::UNAVAILABLE)
      << answer.code() << answer.status.error_message();
  // a connection that gRPC has closed for its memory is UNAVAILABLE for a moment
  const Time until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  grpc::Status small;
  do {
    small = client.ask(traces_method, "small").status;
  } while (!small.ok() && std::chrono::steady_clock::now() < until);
  EXPECT_TRUE(small.ok()) << small.error_code() << small.error_message();
}

TEST(Grpc, ServesManyCallsAtOnce) {
  GrpcWorld<FakeDoor> world;
  std::vector<std::thread> apps;
  std::atomic<int> good{0};
  for (int app = 0; app < 4; ++app) {
    apps.emplace_back([&] {
      GrpcClient client(world.address());
      for (int i = 0; i < 50; ++i) good += client.ask(traces_method, "x").status.ok() ? 1 : 0;
    });
  }
  for (std::thread& app : apps) app.join();
  EXPECT_EQ(good, 200);
  EXPECT_EQ(world.on_io([&] { return world.door.got.size(); }), 200U);
  EXPECT_EQ(world.answers(StatusCode::OK), 200U);
}

TEST(GrpcAdmission, KeepsBodiesAndSaysWhatIsWrongWithOthers) {
  GrpcWorld<WholeDoor> world;
  GrpcClient client(world.address());
  const GrpcClient::Metadata key{{"x-honeycomb-team", "k"}};
  EXPECT_TRUE(client.ask(traces_method, admit::two_spans(), key).status.ok());
  EXPECT_TRUE(client.ask(traces_method, long_body, key, GRPC_COMPRESS_GZIP).status.ok());
  EXPECT_TRUE(client.ask(traces_method, "", key).status.ok());
  EXPECT_EQ(client
                .ask(traces_method,
                     "\x0a\x05"
                     "abc",
                     key)
                .code(),
            StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(client.ask(traces_method, admit::two_spans()).code(), StatusCode::UNAUTHENTICATED);
  // a bomb: 5 MB of zeros, over what the door lets a request have
  const GrpcAnswer bomb =
      client.ask(traces_method, std::string(5U << 20U, '\0'), key, GRPC_COMPRESS_GZIP);
  EXPECT_EQ(bomb.code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(details_of(bomb.status).retry_seconds, std::nullopt);
  world.on_io([&] {
    EXPECT_EQ(world.door.journal.records(), 2U);
    EXPECT_EQ(world.door.journal.find(1)->body.view(), admit::two_spans());
    EXPECT_EQ(world.door.journal.find(2)->body.view(), long_body);
    const ledger::Door& door = world.door.ledger.door();
    EXPECT_EQ(door.offered(Signal::traces).requests, 6U);
    EXPECT_EQ(door.accepted(Signal::traces).items, 202U);
    EXPECT_EQ(door.refused(Signal::traces, ledger::Reason::malformed).requests, 1U);
    EXPECT_EQ(door.refused(Signal::traces, ledger::Reason::unauthenticated).requests, 1U);
    EXPECT_EQ(door.refused(Signal::traces, ledger::Reason::too_large).requests, 1U);
    EXPECT_EQ(world.door.imbalance(), "");
    return 0;
  });
}

TEST(GrpcAdmission, RefusesRetryablyWhenTheJournalIsFull) {
  GrpcWorld<WholeDoor> world;
  GrpcClient client(world.address());
  const std::string large = admit::many_spans(8'000);
  const GrpcClient::Metadata key{{"x-honeycomb-team", "k"}};
  GrpcAnswer answer = client.ask(traces_method, large, key);
  for (int i = 0; i < 10 && answer.status.ok(); ++i) answer = client.ask(traces_method, large, key);
  EXPECT_EQ(answer.code(), StatusCode::UNAVAILABLE);
  EXPECT_GE(details_of(answer.status).retry_seconds.value_or(0), 1);
  EXPECT_EQ(world.on_io([&] { return world.door.imbalance(); }), "");
}

}  // namespace
}  // namespace forager::receive
