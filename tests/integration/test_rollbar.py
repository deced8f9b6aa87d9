"""Exceptions and error logs of real apps become Rollbar's items: what is in them, how many there are, and what becomes of them when
Rollbar refuses, limits or loses answers."""

from __future__ import annotations

import random
import time

import otlp
import pytest
import rollbar as pyrollbar
from forager import wait_until
from rollbar_app import RAISERS, App, failing, hidden_context, plain, post, reasons, wait_for_rollbar
from rollbar_judge import ITEM_BYTES_MAX, TOKEN, Answer, RollbarJudge

NEW_TOKEN = "fedcba9876543210fedcba9876543210"


@pytest.fixture
def judge():
    with RollbarJudge() as it:
        yield it
        assert not it.wrong(), it.wrong()


@pytest.fixture
def start(world, judge):
    """A Forager that delivers to this Rollbar, and to Honeycomb unless told otherwise."""

    def start(url: str = "", **changes: str):
        world.secrets |= {TOKEN, NEW_TOKEN}
        settings = {"ROLLBAR_ACCESS_TOKEN": TOKEN, "FORAGER_ROLLBAR_ENDPOINT": url or judge.url}
        return world.start(**(settings | changes))

    return start


@pytest.fixture
def app():
    apps = []

    def make(forager) -> App:
        apps.append(App(forager))
        return apps[-1]

    yield make
    for each in apps:
        each.close()


def traces_of(data: dict) -> list[dict]:
    body = data["body"]
    return body["trace_chain"] if "trace_chain" in body else [body["trace"]]


def essence(trace: dict) -> tuple:
    """What both notifiers must agree on. pyrollbar says the bare name of a class, OpenTelemetry its module too."""
    frames = [(frame["filename"], frame["lineno"], frame["method"], frame["code"]) for frame in trace["frames"]]
    return trace["exception"]["class"].rsplit(".", 1)[-1], trace["exception"]["message"], frames


@pytest.mark.parametrize("raiser", RAISERS, ids=lambda raiser: raiser.__name__)
@pytest.mark.parametrize("way", ["event", "log"])
def test_an_exception_is_the_same_item_as_from_pyrollbar(start, judge, app, raiser, way):
    """Scenario: one exception is reported by Rollbar's own SDK, and recorded by OpenTelemetry's as span event or as log record.
    Guarantees: same chain, classes, messages, frames (file, line, function, code; most recent last) and level."""
    shop = app(start())
    pyrollbar.init(TOKEN, "staging", handler="blocking", locals={"enabled": False})
    pyrollbar.SETTINGS["endpoint"] = f"{judge.url}/api/1/"  # init() counts once in a process
    try:
        raiser()
    except Exception as error:
        pyrollbar.report_exc_info()
        [theirs] = judge.wait_for(1)
        if way == "log":
            shop.logger.exception("it failed")
        else:
            span = shop.tracer.start_span("GET /orders/:id")
            span.record_exception(error)
            span.end()
    [_, ours] = judge.wait_for(2)
    expected = [essence(each) for each in traces_of(theirs)]
    if raiser is hidden_context:
        expected = expected[:1]  # Python prints no context after `from None`; pyrollbar sends it all the same
    assert [essence(each) for each in traces_of(ours)] == expected
    assert ours["level"] == theirs["level"] == "error"
    assert ours["environment"] == theirs["environment"] == "staging"
    assert abs(ours["timestamp"] - theirs["timestamp"]) < 20


def test_an_item_says_where_and_in_which_request_it_was(start, judge, app):
    """Everything that resource, span and event know has its place, and secrets have none."""
    shop = app(start())
    attributes = {
        "url.full": "https://shop.example/orders/7?page=2&password=hunter2",
        "http.request.method": "GET",
        "http.route": "/orders/:id",
        "client.address": "10.0.0.9",
        "user_agent.original": "curl/8",
        "http.request.header.authorization": ("Basic aHVudGVyMg==",),
        "db.password": "hunter2",
        "order": 7,
    }
    with pytest.raises(KeyError), shop.tracer.start_as_current_span("GET /orders/:id", attributes=attributes) as span:
        plain()
    [data] = judge.wait_for(1)
    context = span.get_span_context()
    assert data["request"] == {
        "url": "https://shop.example/orders/7?page=2&password=[scrubbed]",
        "method": "GET",
        "user_ip": "10.0.0.9",
        "headers": {"authorization": "[scrubbed]", "User-Agent": "curl/8"},
    }
    assert data["server"] == {"host": "ip-10-0-0-5", "code_version": "1.4.2"}
    assert (data["code_version"], data["language"], data["context"]) == ("1.4.2", "python", "GET /orders/:id")
    custom = data["custom"]
    assert custom["trace_id"] == f"{context.trace_id:032x}" and custom["span_id"] == f"{context.span_id:016x}"
    assert custom["service.name"] == "shop" and custom["scope"] == "shop.orders"
    assert custom["span_attributes"] == {"http.route": "/orders/:id", "db.password": "[scrubbed]", "order": 7}
    assert "hunter2" not in str(data) and "aHVudGVyMg" not in str(data)
    assert data["notifier"]["name"] == "forager"


def test_levels_follow_severity_and_plain_error_logs_are_messages(start, judge, app):
    """What isn't an error stays here, and the ledger says so."""
    forager = start()
    shop = app(forager)
    shop.logger.info("hello")
    shop.logger.warning("careful")
    shop.logger.error("disk is full: %d%%", 100)
    shop.logger.critical("gone")
    wait_for_rollbar(forager, "logs", held=0, delivered=2, filtered=2)
    assert sorted((data["level"], data["body"]["message"]["body"]) for data in judge.items) == [
        ("critical", "gone"),
        ("error", "disk is full: 100%"),
    ]
    assert reasons(forager.book("logs", "rollbar"))["no_error"] == 2
    forager.wait_for_book(signal="logs", held=0, delivered=4)  # Honeycomb has them all


def test_error_logs_can_be_switched_off(start, judge, app):
    forager = start(FORAGER_ROLLBAR_ERROR_LOGS="off")
    shop = app(forager)
    shop.logger.error("disk is full")
    try:
        plain()
    except KeyError:
        shop.logger.exception("it failed")
    book = wait_for_rollbar(forager, "logs", held=0, delivered=1, filtered=1)
    assert reasons(book)["no_error"] == 1
    [data] = judge.items
    assert data["body"]["trace"]["exception"]["description"] == "it failed"


def equal_logs(count: int, text: str = "disk is full"):
    """Error logs that differ in nothing, not even a time."""
    request = otlp.logs(count)
    for record in request.resource_logs[0].scope_logs[0].log_records:
        record.Clear()
        record.severity_number = 17
        record.body.string_value = text
    return request


def test_equal_errors_of_a_request_are_an_item_each(start, judge):
    """Scenario: three equal error logs without a time, and a span that is there twice. Guarantees: five items, no uuid twice."""
    forager = start(HONEYCOMB_API_KEY="")
    post(forager, "logs", equal_logs(3))
    request = failing("disk is full")
    spans = request.resource_spans[0].scope_spans[0].spans
    spans.add().CopyFrom(spans[0])
    post(forager, "traces", request)
    wait_for_rollbar(forager, "logs", held=0, delivered=3)
    wait_for_rollbar(forager, "traces", held=0, delivered=2)
    assert len(judge.items) == 5 and judge.repeats == 0


def test_equal_errors_keep_their_uuids_after_a_kill(start, judge, tmp_path):
    """Scenario: of five equal error logs some are stored, none of the answers arrives, Forager is killed and started again.
    Guarantees: five items, the repeats are known as such."""
    directory = tmp_path / "journal"
    directory.mkdir()
    judge.answers.append(Answer(503, stored=True, times=3))
    judge.answers.append(Answer(503, times=10**6))
    first = start(FORAGER_DATA_DIR=str(directory), HONEYCOMB_API_KEY="", FORAGER_RETRY_INITIAL="30s", FORAGER_RETRY_MAX="30s")
    post(first, "logs", equal_logs(5))
    judge.wait_for(3)
    first.kill()
    judge.answers.clear()
    second = start(FORAGER_DATA_DIR=str(directory), HONEYCOMB_API_KEY="")
    judge.wait_for(5)
    wait_until(lambda: second.book("logs", "rollbar").get("held", 1) == 0, 20, "nothing held")
    assert len(judge.items) == 5 and judge.repeats >= 3


def test_spans_that_failed_without_an_exception_are_sent_when_asked_for(start, judge):
    """Scenario: spans with status ERROR, one of them with an exception too. Guarantees: an item each, of two kinds."""
    forager = start(FORAGER_ROLLBAR_SPAN_ERRORS="on")
    request = failing("disk is full")
    spans = request.resource_spans[0].scope_spans[0].spans
    spans.add(trace_id=b"t" * 16, span_id=b"s" * 8, name="GET /orders", end_time_unix_nano=time.time_ns())
    spans.add().CopyFrom(spans[1])
    spans[2].span_id = b"u" * 8
    for span, code in zip(spans, (2, 2, 1), strict=True):
        span.status.code = code
        span.status.message = "timed out"
    post(forager, "traces", request)
    wait_for_rollbar(forager, held=0, delivered=2, filtered=1)
    forager.wait_for_book(held=0, delivered=3)
    [message] = [data["body"]["message"]["body"] for data in judge.items if "message" in data["body"]]
    assert message == "GET /orders: timed out"


def test_spans_that_failed_without_an_exception_stay_here_otherwise(start, judge):
    forager = start()
    request = otlp.traces(3)
    for span in request.resource_spans[0].scope_spans[0].spans:
        span.status.code = 2
    post(forager, "traces", request)
    book = wait_for_rollbar(forager, held=0, filtered=3)
    assert reasons(book) == {"no_error": 3} and not judge.calls


def test_what_apps_do_not_say_of_themselves_is_a_setting(start, judge):
    """Version, branch, root and framework are those of the settings, and the named values are hidden."""
    forager = start(
        ROLLBAR_ENVIRONMENT="qa",
        FORAGER_ROLLBAR_CODE_VERSION="9.9",
        FORAGER_ROLLBAR_BRANCH="release",
        FORAGER_ROLLBAR_ROOT="/srv/app",
        FORAGER_ROLLBAR_FRAMEWORK="flask",
        FORAGER_ROLLBAR_SCRUB="iban,card_number",
    )
    request = failing("disk is full")
    resource = request.resource_spans[0].resource
    del resource.attributes[:]
    event = request.resource_spans[0].scope_spans[0].spans[0].events[0]
    for name in ("iban", "customer.card-number", "db.password", "order"):
        event.attributes.append(otlp.attribute(name, f"value of {name}"))
    post(forager, "traces", request)
    [data] = judge.wait_for(1)
    assert (data["environment"], data["code_version"], data["framework"]) == ("qa", "9.9", "flask")
    assert data["server"] == {"root": "/srv/app", "branch": "release", "code_version": "9.9"}
    assert data["custom"]["attributes"] == {
        "iban": "[scrubbed]",
        "customer.card-number": "[scrubbed]",
        "db.password": "[scrubbed]",
        "order": "value of order",
    }


def test_an_exception_that_comes_as_event_and_as_log_is_sent_once(start, judge, app):
    """Scenario: the app logs the exception in the span that it ends. Guarantees: one item, the other in the books as duplicate."""
    forager = start()
    shop = app(forager)
    with pytest.raises(KeyError), shop.tracer.start_as_current_span("GET /orders/:id"):
        try:
            plain()
        except KeyError:
            shop.logger.exception("it failed")
            raise
    book = wait_for_rollbar(forager, "traces", held=0, filtered=1)
    assert reasons(book) == {"duplicate": 1}
    wait_for_rollbar(forager, "logs", held=0, delivered=1)
    assert len(judge.items) == 1 and judge.repeats == 0


def test_a_span_with_several_exceptions_is_as_many_items_and_settles_once(start, judge):
    forager = start(HONEYCOMB_API_KEY="")
    request = failing("first")
    span = request.resource_spans[0].scope_spans[0].spans[0]
    for message in ("second", "third"):
        span.events.add(name="retry")
        event = span.events.add(name="exception", time_unix_nano=time.time_ns())
        event.attributes.append(otlp.attribute("exception.message", message))
    post(forager, "traces", request)
    wait_for_rollbar(forager, held=0, delivered=1)
    assert [traces_of(data)[0]["exception"]["message"] for data in judge.items] == ["first", "second", "third"]


def test_metrics_and_healthy_spans_never_reach_rollbar(start, judge):
    forager = start()
    for signal in ("traces", "metrics", "logs"):
        post(forager, signal, otlp.BUILDERS[signal](30))
    wait_for_rollbar(forager, "traces", held=0, filtered=30)
    wait_for_rollbar(forager, "logs", held=0, filtered=30)
    forager.wait_for_book(signal="metrics", held=0, delivered=30)
    assert forager.book("metrics", "rollbar").get("accepted", 0) == 0
    assert not judge.calls


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_in_it_an_item_is_valid_and_never_over_512_kib(start, judge, seed):
    """Scenario: errors with texts, attributes and stacks around the limit, in all of Unicode.
    Guarantees: no call is refused, everything arrives, what is too large is cut by the ladder and says so."""
    rng = random.Random(seed)
    forager = start(HONEYCOMB_API_KEY="", FORAGER_ROLLBAR_PER_MINUTE="10000", FORAGER_ROLLBAR_PER_ERROR="10000")
    letters = ["x", '"', "\\", "\n", "\x01", "\u00e9", "\u6f22", "\U0001f600"]
    for _ in range(30):
        request = failing(text(rng, letters))
        event = request.resource_spans[0].scope_spans[0].spans[0].events[0]
        if rng.random() < 0.5:
            code = text(rng, "xyz")
            lines = [f'  File "f{n}.py", line {n}, in g{n}\n    {code[: rng.randrange(3000)]}' for n in range(rng.randrange(900))]
            stack = "\n".join(["Traceback (most recent call last):", *lines, "E: m"])
            event.attributes.append(otlp.attribute("exception.stacktrace", stack))
        for number in range(rng.choice([0, 3, 3000])):
            event.attributes.append(otlp.attribute(f"key {number}", text(rng, letters) if number < 9 else "some value" * 30))
        post(forager, "traces", request)
    wait_for_rollbar(forager, held=0, delivered=30, timeout=40)
    assert len(judge.items) == 30
    assert all(call.size <= ITEM_BYTES_MAX for call in judge.calls)
    assert {data["custom"].get("truncated") for data in judge.items} >= {None}
    assert any(data["custom"].get("truncated") for data in judge.items), "the test has become too tame"


def text(rng: random.Random, letters) -> str:
    return rng.choice(letters) * rng.choice([0, 5, 300, rng.randrange(200_000), ITEM_BYTES_MAX + rng.randrange(-9, 9)])


# When Rollbar or the app misbehaves


def test_a_storm_is_held_back_and_every_one_of_it_is_in_the_books(start, judge):
    """Scenario: 500 errors of one kind and one of another, in a minute whose cap is 20, 5 of a kind.
    Guarantees: 5 and 1 arrive, the rest is filtered as rate_cap; a minute later the next one says how many were held back."""
    forager = start(FORAGER_ROLLBAR_PER_MINUTE="20", FORAGER_ROLLBAR_PER_ERROR="5")
    before = time.time_ns() - 120_000_000_000  # an early minute, so that the storm doesn't end in the next one
    at = before - before % 60_000_000_000
    for _ in range(10):
        post(forager, "traces", failing("connection refused", spans=50, at=at))
    post(forager, "traces", failing("disk is full", at=at))
    book = wait_for_rollbar(forager, held=0, delivered=6, filtered=495)
    assert reasons(book)["rate_cap"] == 495
    assert len(judge.items) == 6
    post(forager, "traces", failing("connection refused", at=at + 60_000_000_000))
    assert judge.wait_for(7)[-1]["custom"]["held_back"] == 495
    forager.wait_for_book(held=0, delivered=502)


def test_over_rollbars_own_limit_nothing_is_lost(start, world):
    """Scenario: Rollbar takes 10 calls in 2 s, then answers 429 with the seconds that are left.
    Guarantees: all arrive, once, with hardly a call in vain."""
    with RollbarJudge(per_window=10, window=2.0) as limited:
        forager = start(limited.url, FORAGER_ROLLBAR_PER_MINUTE="1000", FORAGER_ROLLBAR_PER_ERROR="1000")
        post(forager, "traces", failing("connection refused", spans=35))
        wait_for_rollbar(forager, held=0, delivered=35, timeout=40)
        assert len(limited.items) == 35 and limited.repeats == 0
        refused = sum(call.status == 429 for call in limited.calls)
        assert 3 <= refused <= 30, "the pause isn't kept"


def test_a_refused_token_parks_rollbar_alone_until_the_file_changes(start, judge, tmp_path):
    """Scenario: the token has the wrong scope; somebody writes the right one to the file.
    Guarantees: parked with the fix in words, Honeycomb goes on, then everything is delivered under the new token."""
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    judge.token = NEW_TOKEN
    forager = start(ROLLBAR_ACCESS_TOKEN="", ROLLBAR_ACCESS_TOKEN_FILE=str(file), FORAGER_PROBE_INTERVAL="10m")
    for number in range(5):
        post(forager, "traces", failing(f"disk {number} is full"))
    wait_until(lambda: forager.destination("rollbar")["state"] == "parked", 10, "a parked destination")
    why = forager.destination("rollbar")["last_error"]
    assert "403" in why and "post_server_item" in why
    forager.wait_for_book(held=0, delivered=5)
    assert len(judge.calls) <= 4, "a parked destination is knocked at"
    file.write_text(NEW_TOKEN)
    wait_for_rollbar(forager, held=0, delivered=5)
    assert len(judge.items) == 5


def test_an_item_that_rollbar_refuses_is_set_aside_and_the_others_arrive(start, judge):
    """422 with words about one item: it is kept for a person, its neighbours are delivered."""
    forager = start()
    judge.answers.append(Answer(422, "data.body is odd", times=99, when=lambda data: "poison" in str(data["body"])))
    post(forager, "traces", failing("fine before"))
    wait_for_rollbar(forager, held=0, delivered=1)
    post(forager, "traces", failing("poison"))
    for number in range(5):
        post(forager, "traces", failing(f"fine {number}", kind=f"E{number}"))
    book = wait_for_rollbar(forager, held=0, delivered=6, quarantined=1)
    assert reasons(book)["refused_alone"] == 1
    judge.calls[:] = [call for call in judge.calls if call.status != 422]


def test_an_item_too_large_for_a_proxy_is_cut_harder_and_only_then_set_aside(start, world):
    """Scenario: a proxy takes 100 kB, of one item nothing at all. Guarantees: the large item arrives at half of its size, its
    neighbours whole; the hopeless one is tried twice, then kept for a person with the reason."""
    with RollbarJudge() as judge:
        judge.answers.append(Answer(413, "too large", times=99, when=lambda data: len(str(data)) > 100_000 or "hopeless" in str(data["body"])))
        forager = start(judge.url, HONEYCOMB_API_KEY="")
        post(forager, "traces", failing("fine", kind="A"))
        post(forager, "traces", failing("large", kind="B", size=150_000))
        post(forager, "traces", failing("hopeless", kind="C"))
        post(forager, "traces", failing("fine", kind="D"))
        book = wait_for_rollbar(forager, held=0, delivered=3, quarantined=1)
        assert reasons(book)["refused_alone"] == 1
        said = {traces_of(data)[0]["exception"]["message"]: data["custom"].get("truncated") for data in judge.items}
        assert set(said) == {"fine", "large"} and said["fine"] is None and said["large"]
        refused = [call for call in judge.calls if call.status == 413]
        assert sorted("hopeless" in str(call.data["body"]) for call in refused) == [False, True, True]
        large = [call.size for call in judge.calls if "large" in str(call.data["body"])]
        assert large[1] <= large[0] / 2


def test_after_the_last_call_that_is_allowed_it_waits_without_being_told_off(start, world):
    """Scenario: each answer says that no further call is allowed for a second. Guarantees: no two calls in one second but those
    that were under way, everything arrives, and Rollbar never has to answer 429."""
    with RollbarJudge() as judge:
        used_up = {"X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Remaining-Seconds": "1"}
        judge.answers.append(Answer(200, "", headers=used_up, times=99, stored=True))
        forager = start(judge.url, HONEYCOMB_API_KEY="", FORAGER_CONCURRENCY="1")
        post(forager, "traces", failing("disk is full", spans=4))
        wait_for_rollbar(forager, held=0, delivered=4, timeout=30)
        assert len(judge.items) == 4 and judge.repeats == 0
        times = [call.at for call in judge.calls]
        assert all(later - earlier > 0.9 for earlier, later in zip(times, times[1:], strict=False)), times


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_lost_answer_makes_no_second_item(start, judge, status):
    """Scenario: Rollbar stores the item and the answer is an error of a proxy. Guarantees: the same uuid again, so it is there once."""
    forager = start()
    judge.answers.append(Answer(status, stored=True, times=2))
    post(forager, "traces", failing("disk is full"))
    wait_for_rollbar(forager, held=0, delivered=1)
    assert len(judge.items) == 1 and judge.repeats == 2


def test_an_app_that_sends_again_makes_no_second_item(start, judge):
    """Scenario: the app didn't get our 200 and exports the same spans again. Guarantees: one item at Rollbar."""
    forager = start()
    request = failing("disk is full", spans=3)
    post(forager, "traces", request)
    post(forager, "traces", request)
    wait_for_rollbar(forager, held=0, delivered=6)
    assert len(judge.items) == 3 and judge.repeats == 3


def test_after_a_kill_what_waited_for_rollbar_is_there_once(start, judge, tmp_path, world):
    """Scenario: Rollbar hangs, Forager is killed, and started again. Guarantees: every error is an item, none is there twice."""
    directory = tmp_path / "journal"
    directory.mkdir()
    first = start(FORAGER_DATA_DIR=str(directory))
    judge.held.clear()
    for number in range(20):
        post(first, "traces", failing(f"disk is full {number}", kind=f"E{number}"))
    wait_until(lambda: first.book("traces", "rollbar").get("held", 0) > 0, 10, "something held")
    first.kill()
    judge.held.set()
    second = start(FORAGER_DATA_DIR=str(directory))
    judge.wait_for(20)
    wait_until(lambda: second.book("traces", "rollbar").get("held", 1) == 0, 20, "nothing held")
    names = [data["body"]["trace"]["exception"]["class"] for data in judge.items]
    assert sorted(names) == sorted(f"E{number}" for number in range(20))


def test_a_dead_rollbar_changes_nothing_for_honeycomb(start):
    """Scenario: nobody listens there. Guarantees: Honeycomb has everything, Rollbar's share is held and counted, and it ends in time."""
    forager = start("http://127.0.0.1:9", FORAGER_JOURNAL="memory")
    post(forager, "traces", failing("disk is full", spans=5))
    forager.wait_for_book(held=0, delivered=5)
    wait_for_rollbar(forager, held=5, delivered=0)

