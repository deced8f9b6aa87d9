"""Web pages that send from a browser: off by default, and only from the origins that are named."""

from __future__ import annotations

import otlp
import pytest

PAGE = "https://app.example.com"
OTHER = "https://evil.example.com"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,traceparent"}


def preflight(world, origin: str):
    return world.sender().raw("OPTIONS", "/v1/traces", None, {"Origin": origin, **PREFLIGHT})


def allowed(reply) -> dict[str, str]:
    return {name: value for name, value in reply.headers.items() if name.startswith("access-control-")}


def test_cors_is_off_by_default(world):
    """A browser gets no permission; an app that happens to send Origin is served as any other."""
    forager = world.start()
    reply = preflight(world, PAGE)
    assert reply.status == 405 and not allowed(reply)
    reply = world.sender().post("traces", otlp.traces(2), headers={"Origin": PAGE})
    assert reply.status == 200 and not allowed(reply)
    forager.wait_for_book(held=0, delivered=2)


@pytest.mark.parametrize("kind", ["application/x-protobuf", "application/json"])
def test_a_named_origin_may_ask_and_send(world, kind):
    """Preflight, then the request itself, whose answer the page may read."""
    forager = world.start(FORAGER_CORS_ORIGINS=f"{PAGE},https://two.example.com")
    reply = preflight(world, PAGE)
    assert reply.status == 204 and reply.body == b""
    assert reply.headers["access-control-allow-origin"] == PAGE and reply.headers["vary"] == "Origin"
    assert "POST" in reply.headers["access-control-allow-methods"]
    assert reply.headers["access-control-allow-headers"] == "content-type,traceparent"
    assert int(reply.headers["access-control-max-age"]) > 0
    reply = world.sender().post("traces", otlp.traces(2), kind=kind, headers={"Origin": PAGE})
    assert reply.status == 200 and reply.headers["access-control-allow-origin"] == PAGE
    reply = world.sender().post("traces", b"\x0a\xff", track=False, headers={"Origin": PAGE})
    assert reply.status == 400 and reply.headers["access-control-allow-origin"] == PAGE
    forager.wait_for_book(held=0, delivered=2)


@pytest.mark.parametrize("origin", [OTHER, f"{PAGE}.evil.com", "http://app.example.com", "null"])
def test_another_origin_gets_no_permission(world, origin):
    """Not even one that begins like the named one."""
    world.start(FORAGER_CORS_ORIGINS=PAGE)
    assert "access-control-allow-origin" not in preflight(world, origin).headers
    reply = world.sender().post("traces", otlp.traces(1), headers={"Origin": origin})
    assert "access-control-allow-origin" not in reply.headers
    world.foragers[-1].wait_settled()


def test_a_star_lets_every_page_send(world):
    """For a machine of one's own."""
    world.start(FORAGER_CORS_ORIGINS="*")
    for origin in (PAGE, OTHER):
        assert preflight(world, origin).headers["access-control-allow-origin"] in (origin, "*")
