"""HTTPS_PROXY and NO_PROXY, with a real CONNECT proxy before a destination whose name only the proxy can resolve."""

from __future__ import annotations

import otlp
import pytest
from forager import Forager, wait_until
from proxy import ConnectProxy

PASSWORD = "p@ss:w0rd/secret"


@pytest.fixture
def through(world):
    """Starts a Forager that delivers to https://honeycomb.test through that proxy."""

    def start(proxy: ConnectProxy, user_info: str = "", **settings: str) -> Forager:
        return world.start(
            HONEYCOMB_API_ENDPOINT=f"https://honeycomb.test:{world.judge.port}",
            HTTPS_PROXY=f"http://{user_info}{proxy.address}",
            **settings,
        )

    return start


def test_deliveries_go_through_the_proxy_under_tls(world, through):
    """Scenario: HTTPS_PROXY names a proxy that wants a password. Guarantees: CONNECT with it, TLS to Honeycomb inside, so that the
    proxy sees neither key nor data; the password is printed nowhere."""
    with ConnectProxy(user_info=f"app:{PASSWORD}") as proxy:
        forager = through(proxy, user_info="app:p%40ss%3Aw0rd%2Fsecret@")
        world.secrets |= {PASSWORD, "p%40ss%3Aw0rd%2Fsecret"}
        for _ in range(5):
            assert world.sender().post("traces", otlp.traces(10)).status == 200
        forager.wait_for_book(held=0, delivered=50)
        assert proxy.asked and {each.status for each in proxy.asked} == {200}
        assert {each.target for each in proxy.asked} == {f"honeycomb.test:{world.judge.port}"}
        assert not any("honeycomb" in name or "team" in name for each in proxy.asked for name in each.headers)
        assert f"through the proxy 127.0.0.1:{proxy.port}" in forager.output
        assert len(proxy.asked) <= 4, "connections are kept"


def test_a_wrong_password_of_the_proxy_is_said_and_costs_nothing(world, through):
    """Guarantees: 407 is a fault of the way, not of the data: held, retried, named in /status."""
    with ConnectProxy(user_info=f"app:{PASSWORD}") as proxy:
        forager = through(proxy, user_info="app:wrong@")
        assert world.sender().post("traces", otlp.traces(10)).status == 200
        error = wait_until(lambda: forager.destination()["last_error"], 10, "an error")
        assert "407" in error and "proxy" in error.lower() and "wrong" not in error
        assert forager.book()["held"] == 10
        proxy.user_info = ""
        forager.wait_for_book(held=0, delivered=10)


def test_what_came_while_the_proxy_was_in_trouble_arrives(world, through):
    """Scenario: the proxy answers 503 to CONNECT. Guarantees: held until it works."""
    with ConnectProxy(refuse=503) as proxy:
        forager = through(proxy)
        assert world.sender().post("traces", otlp.traces(10)).status == 200
        wait_until(lambda: len(proxy.asked) >= 2, 10, "two tries")
        proxy.refuse = 0
        forager.wait_for_book(held=0, delivered=10)
        assert world.judge.repeats == 0


@pytest.mark.parametrize("no_proxy", ["*", "localhost", ""], ids=["all", "by name", "loopback is never proxied"])
def test_no_proxy_goes_straight(world, no_proxy):
    """The judge is at localhost, which goes straight even if NO_PROXY doesn't say so."""
    with ConnectProxy() as proxy:
        forager = world.start(HTTPS_PROXY=f"http://{proxy.address}", NO_PROXY=no_proxy)
        assert world.sender().post("traces", otlp.traces(10)).status == 200
        forager.wait_for_book(held=0, delivered=10)
        assert proxy.asked == [] and "through the proxy" not in forager.output


def test_no_proxy_matches_a_name_behind_the_proxy(world, through):
    """`.test` names honeycomb.test, so nobody asks the proxy; and since no resolver knows that name, the data is held."""
    with ConnectProxy() as proxy:
        forager = through(proxy, NO_PROXY=".test")
        assert world.sender().post("traces", otlp.traces(3)).status == 200
        wait_until(lambda: forager.destination()["last_error"], 10, "an error")
        assert proxy.asked == [] and forager.book()["held"] == 3
