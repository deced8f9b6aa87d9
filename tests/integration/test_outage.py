"""The destination fails in every way it can; apps notice nothing, or are told in time, and nothing is lost."""

from __future__ import annotations

import signal
import time

import otlp
import pytest
from forager import wait_until
from judge import Judge, faults
from load import Load

MiB = 1024 * 1024
NEW_KEY = "hcaik_" + "new0key0" * 7 + "ab"


def wait_parked(forager) -> str:
    """Until the destination is parked; why it is."""
    wait_until(lambda: forager.destination()["state"] == "parked", 10, "a parked destination")
    return forager.destination()["last_error"]


def test_what_came_during_an_outage_is_delivered_after_it(world):
    """Scenario: apps send all the time; the destination refuses connections for a while, then is back.
    Guarantees: each answer is 200 and quick, everything arrives once, and new data doesn't wait behind the old for long."""
    forager = world.start()
    with Load(world, forager) as load:
        load.wait_for_answers(20)
        world.judge.down()
        load.wait_for_answers(100)
        assert forager.book()["held"] > 0
        world.judge.up()
        load.wait_for_answers(20)
    forager.wait_settled()
    assert set(load.statuses) == {200} and load.slowest < 2
    assert not world.missing()
    # What was under way when connections were cut may come twice, and nothing else.
    assert world.judge.repeats <= 4 * 20 * 50


@pytest.mark.slow
def test_at_the_budget_apps_are_told_to_wait_and_memory_stays_under_it(world):
    """Scenario: the destination hangs for 20 s under more load than a journal in memory can hold; then it answers again.
    Guarantees: 200 until the budget, then 429 or 503 with Retry-After, never a hang and never more memory; all that was
    answered 200 arrives, and afterwards requests are taken again."""
    settings = {"FORAGER_SEND_TIMEOUT": "2s", "FORAGER_STOP_GRACE": "5s", "FORAGER_JOURNAL": "memory"}
    forager = world.start(FORAGER_MEMORY_LIMIT="32MiB", **settings)
    before = forager.rss
    hang = world.judge.faults.add(faults.Hang())
    with Load(world, forager, apps=4, spans=40, size=4000) as load:
        load.run_for(20)
        assert load.statuses[200] > 50, "it refused before its budget was used"
        load.wait_for_answers(20, status=load.refusals[-1][0])
        assert set(load.statuses) <= {200, 429, 503}, load.errors[:3]
        assert all(int(after) >= 1 for _, after in load.refusals)
        assert load.slowest < 3
        if not forager.sanitized:
            assert forager.peak_rss - before < (32 + 16) * MiB
        world.judge.faults.remove(hang)
        load.wait_for_answers(50)
    forager.wait_settled(30)
    assert not world.missing()
    if not forager.sanitized:
        assert forager.peak_rss - before < (32 + 16) * MiB


@pytest.mark.parametrize("told", ["by SIGHUP", "by the file alone"])
def test_a_refused_key_holds_everything_until_the_key_file_changes(world, tmp_path, told):
    """Scenario: the key was revoked; somebody writes a new one to the key file. Probes are 10 minutes apart.
    Guarantees: parked with hardly a request, then delivered at once under the new key; the old one is never used again."""
    file = tmp_path / "key"
    file.write_text(next(iter(world.judge.keys)) + "\n")
    world.judge.keys.add(NEW_KEY)
    world.judge.faults.add(faults.WrongKey(until=NEW_KEY))
    forager = world.start(HONEYCOMB_API_KEY="", HONEYCOMB_API_KEY_FILE=str(file), FORAGER_PROBE_INTERVAL="10m")
    sender = world.sender()
    for _ in range(20):
        assert sender.post("traces", otlp.traces(5)).status == 200
    assert "401" in wait_parked(forager)
    assert sender.post("traces", otlp.traces(5)).status == 200
    assert forager.get("/readyz")[0] == 200  # the app's pod must not go down for this
    refused = len(world.judge.requests)
    assert refused <= 4, "a parked destination is knocked at"
    file.write_text(NEW_KEY)
    if told == "by SIGHUP":
        forager.signal(signal.SIGHUP)
    forager.wait_for_book(held=0, delivered=105)
    assert {request.key for request in world.judge.requests[refused:]} == {NEW_KEY}
    assert world.judge.repeats == 0


@pytest.mark.parametrize("as_date", [False, True], ids=["seconds", "date"])
@pytest.mark.parametrize("code", [429, 503])
def test_retry_after_is_obeyed_in_both_forms(world, code, as_date):
    """Nothing is sent before its time, for anybody; then the same body again. A date says whole seconds only."""
    world.judge.faults.add(faults.Status(code=code, retry_after=3, as_date=as_date, times=1))
    forager = world.start()
    sender = world.sender()
    assert sender.post("traces", otlp.traces(2)).status == 200
    world.judge.wait_for(lambda j: j.requests and j.requests[0].status == code)
    assert sender.post("logs", otlp.logs(2)).status == 200
    forager.wait_settled()
    first, *rest = world.judge.requests
    wait = min(request.at for request in rest) - first.at
    assert (1.9 if as_date else 2.9) < wait < 6
    assert any(request.sha256 == first.sha256 for request in rest)


def test_a_size_limit_nobody_told_us_is_learned(world):
    """413 over 100,000 bytes: batches are cut until they pass, all arrives once, and the limit is kept in mind."""
    world.judge.faults.add(faults.TooLarge(bytes=100_000))
    world.judge.down()
    forager = world.start()
    sender = world.sender()
    for _ in range(40):
        assert sender.post("traces", otlp.traces(100)).status == 200
    world.judge.up()
    forager.wait_for_book(held=0, delivered=4000)
    refused = sum(request.status == 413 for request in world.judge.requests)
    assert 1 <= refused <= 12
    assert 64 * 1024 <= forager.destination()["learned_request_bytes"] <= 100_000
    world.judge.down()
    for _ in range(40):
        assert sender.post("traces", otlp.traces(100)).status == 200
    world.judge.up()
    forager.wait_for_book(held=0, delivered=8000)
    again = sum(request.status == 413 for request in world.judge.requests) - refused
    assert again <= 1, "the limit was forgotten"
    assert world.judge.repeats == 0


def test_a_size_limit_of_a_few_items_is_met_by_cutting(world):
    """413 over 2,000 bytes, below what is worth remembering: every batch is taken apart until it passes."""
    world.judge.faults.add(faults.TooLarge(bytes=2000))
    forager = world.start()
    assert world.sender().post("traces", otlp.traces(100)).status == 200
    forager.wait_for_book(held=0, delivered=100, quarantined=0)
    assert world.judge.repeats == 0


@pytest.mark.parametrize("signal_name", ["traces", "metrics", "logs"])
def test_one_poison_item_is_set_aside_and_its_neighbours_arrive(world, signal_name):
    """Scenario: 200 items are merged; the destination answers 400 to whatever holds one of them.
    Guarantees: 199 are delivered once, that one is quarantined, in a search of logarithmic length."""
    world.judge.faults.add(faults.Poison(needle="poison"))
    world.judge.down()
    forager = world.start()
    sender = world.sender()
    for number in range(10):
        message = otlp.BUILDERS[signal_name](20)
        if number == 4:
            poison(signal_name, message)
        assert sender.post(signal_name, message).status == 200
    world.judge.up()
    forager.wait_for_book(signal=signal_name, held=0, delivered=199, quarantined=1)
    assert len(world.missing()) == 1 and world.judge.repeats == 0
    assert sum(request.status == 400 for request in world.judge.requests) < 20
    [reason] = [each for each in forager.book(signal_name)["reasons"] if each["state"] == "quarantined"]
    assert reason["reason"] == "refused_alone" and reason["items"] == 1


def poison(signal_name: str, message) -> None:
    if signal_name == "traces":
        message.resource_spans[0].scope_spans[0].spans[7].name = "poison"
    elif signal_name == "logs":
        message.resource_logs[0].scope_logs[0].log_records[7].body.string_value = "poison"
    else:
        point = message.resource_metrics[0].scope_metrics[0].metrics[0].sum.data_points[7]
        point.attributes.append(otlp.attribute("poison", True))


def test_a_lost_reply_costs_a_repeat_of_that_request_and_no_more(world):
    """Scenario: the destination stores three requests and its answers get lost.
    Guarantees: everything arrives; what comes twice is what those three held, in identical bodies."""
    world.judge.faults.add(faults.LoseReply(times=3))
    forager = world.start()
    sender = world.sender()
    for _ in range(50):
        assert sender.post("traces", otlp.traces(10)).status == 200
    forager.wait_for_book(held=0, delivered=500)
    lost = [request for request in world.judge.requests if request.stored and request.status == 0]
    assert len(lost) == 3 and world.judge.count("traces") == 500
    assert world.judge.repeats == sum(len(request.items) for request in lost)
    answered = {request.sha256 for request in world.judge.requests if request.status == 200}
    assert {request.sha256 for request in lost} <= answered


@pytest.mark.parametrize("code", [415, 400])
def test_a_destination_without_zstd_gets_gzip_and_it_is_remembered(world, code):
    """The same items at once in gzip; nothing is quarantined for a codec."""
    world.judge.faults.add(faults.RefuseEncoding(encoding="zstd", code=code))
    forager = world.start()
    sender = world.sender()
    for _ in range(20):
        assert sender.post("traces", otlp.traces(10)).status == 200
        forager.wait_for_book(held=0)
    forager.wait_for_book(held=0, delivered=200)
    refused = [request for request in world.judge.requests if request.status == code]
    assert 1 <= len(refused) <= 4
    assert {request.header("content-encoding") for request in world.judge.requests if request.stored} == {"gzip"}
    assert forager.destination()["codec"] == "gzip" and world.judge.repeats == 0


def test_a_redirect_is_not_followed(world):
    """Scenario: somebody answers 307 with another address.
    Guarantees: neither data nor key go there; everything waits, and goes on when the redirect is gone."""
    with Judge(keys=(), tls=False) as elsewhere:
        world.judge.faults.add(faults.Redirect(location=f"{elsewhere.url}/v1/traces"))
        forager = world.start()
        sender = world.sender()
        assert sender.post("traces", otlp.traces(10)).status == 200
        assert "307" in wait_parked(forager)
        world.judge.faults.clear()
        forager.wait_for_book(held=0, delivered=10)
        assert not elsewhere.requests and not elsewhere.auth_requests


@pytest.mark.parametrize("code", [400, 422])
def test_a_destination_that_refuses_everything_empties_nothing_into_quarantine(world, code):
    """Scenario: every request is answered 400, as by a wrong URL.
    Guarantees: after a few single items the fault is called systemic: parked with all data, delivered when it is mended."""
    fault = world.judge.faults.add(faults.Status(code=code))
    forager = world.start()
    sender = world.sender()
    for _ in range(10):
        assert sender.post("traces", otlp.traces(10)).status == 200
    wait_parked(forager)
    book = forager.book()
    assert (book["held"], book["quarantined"]) == (100, 0)
    assert sender.post("traces", otlp.traces(10)).status == 200
    world.judge.faults.remove(fault)
    forager.wait_for_book(held=0, delivered=110)
    assert not world.missing() and world.judge.repeats == 0


@pytest.mark.parametrize("code", [403, 404, 405])
def test_a_wrong_address_or_right_parks_and_is_probed(world, code):
    """Nothing is wrong with the data, so it is kept (DESIGN, verdicts); it goes on by itself once the fault is mended."""
    fault = world.judge.faults.add(faults.Status(code=code))
    forager = world.start()
    assert world.sender().post("traces", otlp.traces(10)).status == 200
    assert str(code) in wait_parked(forager)
    world.judge.faults.remove(fault)
    forager.wait_for_book(held=0, delivered=10)


def test_connections_that_are_reset_or_hang_are_tried_again(world):
    """Resets, half of the answers 503, and a destination that never answers: all is delivered in the end."""
    world.judge.faults.add(faults.Hang(times=2))
    world.judge.faults.add(faults.Reset(times=5))
    world.judge.faults.add(faults.Some(share=0.5, code=503, seed=7, times=10))
    forager = world.start(FORAGER_SEND_TIMEOUT="500ms")
    with Load(world, forager, spans=10) as load:
        load.wait_for_answers(50)
    forager.wait_settled(30)
    assert set(load.statuses) == {200} and not world.missing() and world.judge.repeats == 0


def test_a_server_error_now_and_then_is_not_the_datas_fault(world):
    """500 for some requests: retried, nothing is quarantined."""
    world.judge.faults.add(faults.Some(share=0.3, code=500, seed=3))
    forager = world.start()
    sender = world.sender()
    for _ in range(60):
        assert sender.post("traces", otlp.traces(5)).status == 200
    forager.wait_for_book(held=0, delivered=300, quarantined=0)


def test_a_partial_success_is_booked_and_not_sent_again(world):
    """3 rejected of 10: the books say so, the others are delivered, and there is no second request (PROTOCOLS 1.4)."""
    world.judge.faults.add(faults.Partial(rejected=3, times=1))
    forager = world.start()
    assert world.sender().post("traces", otlp.traces(10)).status == 200
    forager.wait_for_book(held=0, delivered=7, rejected=3)
    assert len(world.judge.requests) == 1 and world.judge.count("traces") == 7


def test_a_log_record_without_a_time_gets_its_observed_time(world):
    """Honeycomb would store it at 1970; on its copy the observed time is moved there, or the arrival time put in."""
    message = otlp.logs(3)
    only_observed, zero, neither = message.resource_logs[0].scope_logs[0].log_records
    only_observed.ClearField("time_unix_nano")
    for number, record in enumerate((only_observed, zero, neither)):
        record.body.string_value = str(number)
    zero.time_unix_nano = 0
    neither.ClearField("time_unix_nano")
    neither.ClearField("observed_time_unix_nano")
    observed = only_observed.observed_time_unix_nano
    before = time.time_ns()
    forager = world.start()
    assert world.sender().post("logs", message, track=False).status == 200
    forager.wait_for_book(signal="logs", held=0, delivered=3)
    stored = {event.data["body"]: event.time_ns for event in world.judge.events("log")}
    assert stored["0"] == observed and stored["1"] == zero.observed_time_unix_nano
    assert before - 10**9 < stored["2"] < time.time_ns() + 10**9


@pytest.mark.judge(keys=("0123456789abcdef" * 2,))
def test_a_classic_key_gets_its_dataset_header(world):
    """Without it Honeycomb answers 401 for traces and metrics (PROTOCOLS 2.3)."""
    world.secrets = {"0123456789abcdef" * 2}
    forager = world.start(HONEYCOMB_API_KEY="0123456789abcdef" * 2, HONEYCOMB_DATASET="shop",
                          HONEYCOMB_METRICS_DATASET="shop-metrics")  # fmt: skip
    sender = world.sender()
    for name, build in otlp.BUILDERS.items():
        assert sender.post(name, build(2)).status == 200
    forager.wait_settled()
    assert {event.dataset for event in world.judge.events("span")} == {"shop"}
    assert {event.dataset for event in world.judge.events("data_point")} == {"shop-metrics"}
    assert {event.dataset for event in world.judge.events("log")} == {"demo"}
