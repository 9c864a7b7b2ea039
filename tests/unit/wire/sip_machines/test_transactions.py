# SPDX-License-Identifier: Apache-2.0
"""The four transaction machines, row by row, with the timers of RFC 3261 table 4."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from centralino.wire.sip import client_invite, client_request, server_invite, server_request
from centralino.wire.sip.config import EndpointConfig
from centralino.wire.sip.flow import Flow, Hop, Send, Transport
from centralino.wire.sip.lifecycle import IllegalTransition
from centralino.wire.sip.message import Request, Response, parse_message, response_to
from centralino.wire.sip.timers import MS, Timers
from centralino.wire.sip.transactions import Transactions
from tests.unit.wire.sip_machines.link import seeded_token

if TYPE_CHECKING:
    from centralino.wire.sip.client import ClientTransaction
    from centralino.wire.sip.server import ServerTransaction

pytestmark = pytest.mark.unit

STATUS = {"1xx": 180, "2xx": 200, "3xx-6xx": 486}


def make_request(method: str, cookie: str = "z9hG4bK") -> Request:
    request = Request(method, "sip:b@b.test")
    for name, value in (
        ("Via", f"SIP/2.0/UDP a.test;branch={cookie}x1"),
        ("Max-Forwards", "70"),
        ("From", "<sip:a@a.test>;tag=fa"),
        ("To", "<sip:b@b.test>"),
        ("Call-ID", "c1"),
        ("CSeq", f"1 {method}"),
    ):
        request.headers.add(name, value)
    return request


class Bench:
    """A transaction layer with a clock in the hand."""

    def __init__(self, transport: Transport = "udp") -> None:
        self.now = 0
        self.transport = transport
        self.sends: list[Send] = []
        self.timers = Timers()
        config = EndpointConfig(user_agent="t")
        self.layer = Transactions(config, seeded_token(3), self.timers, self.sends)
        self.responses: list[int] = []
        self.failures: list[str] = []

    def client(self, method: str) -> ClientTransaction:
        request = make_request(method)
        request.headers.remove("Via")
        hop = Hop("b.test", 5060, self.transport)
        return self.layer.send(request, hop, self._on_response, self._on_failure, self.now)

    def _on_response(self, client: ClientTransaction, response: Response, now: int) -> None:
        self.responses.append(response.status)

    def _on_failure(self, client: ClientTransaction, cause: str, detail: str, now: int) -> None:
        self.failures.append(cause)

    def server(self, method: str) -> ServerTransaction:
        server = self.layer.accept(make_request(method), self.flow(), self.now)
        assert server is not None
        return server

    def flow(self) -> Flow:
        return Flow(9, self.transport, ("192.0.2.9", 5060), ("192.0.2.8", 5060))

    def pass_ms(self, length_ms: int) -> int:
        """Let time pass; return how many messages left."""
        before = len(self.sends)
        end = self.now + length_ms * MS
        while (at := self.timers.next_deadline()) is not None and at <= end:
            self.now = at
            self.timers.run(at)
        self.now = end
        return len(self.sends) - before


def feed_client(bench: Bench, client: ClientTransaction, event: str) -> None:
    if event in STATUS:
        response = response_to(client.request, STATUS[event], to_tag="tb")
        client.take(response, 9, bench.now)
    elif event == "transport-error":
        client.fail("gone", bench.now)
    elif event == "abandon":
        client.abandon_at(bench.now)
        bench.pass_ms(0)
    else:
        is_retry = event in ("timer-a", "timer-e")
        bench.timers.cancel(client._retry if is_retry else client._limit)
        client._step(event, bench.now)


CLIENT_PATHS = {
    "calling": [],
    "trying": [],
    "proceeding": ["1xx"],
    "completed": ["3xx-6xx"],
    "accepted": ["2xx"],
    "given-up": ["no-response"],
}


@pytest.mark.parametrize("row", client_invite.TABLE, ids="-".join)
def test_client_invite_row(row: tuple[client_invite.State, client_invite.Event]) -> None:
    bench = Bench()
    client = bench.client("INVITE")
    for event in CLIENT_PATHS[row[0]]:
        feed_client(bench, client, event)
    assert client.state == row[0]
    feed_client(bench, client, row[1])
    assert client.state == client_invite.TABLE[row].state
    assert client.is_over == (client.id not in bench.layer.clients)
    bench.pass_ms(100_000)
    assert len(bench.timers) == 0


@pytest.mark.parametrize("row", client_request.TABLE, ids="-".join)
def test_client_request_row(row: tuple[client_request.State, client_request.Event]) -> None:
    bench = Bench()
    client = bench.client("OPTIONS")
    for event in CLIENT_PATHS[row[0]]:
        feed_client(bench, client, event)
    assert client.state == row[0]
    feed_client(bench, client, row[1])
    assert client.state == client_request.TABLE[row].state
    bench.pass_ms(100_000)
    assert client.is_over
    assert len(bench.timers) == 0
    assert len(bench.responses) + len(bench.failures) >= 1


def feed_server(bench: Bench, server: ServerTransaction, event: str) -> None:
    sends = {"send-1xx": 180, "send-2xx": 200, "send-3xx-6xx": 486}
    if event in sends:
        server.reply(sends[event], bench.now)
    elif event == "request-again":
        assert bench.layer.accept(make_request(server.request.method), bench.flow(), 0) is None
    elif event == "ack":
        server.ack(make_request("ACK"), bench.now)
    elif event == "transport-error":
        server.fail("gone", bench.now)
    else:
        bench.timers.cancel(server._retry if event == "timer-g" else server._limit)
        server._step(event, bench.now)


SERVER_PATHS = {
    "trying": [],
    "proceeding": ["send-1xx"],
    "completed": ["send-3xx-6xx"],
    "confirmed": ["send-3xx-6xx", "ack"],
    "accepted": ["send-2xx"],
}


@pytest.mark.parametrize("row", server_invite.TABLE, ids="-".join)
def test_server_invite_row(row: tuple[server_invite.State, server_invite.Event]) -> None:
    bench = Bench()
    server = bench.server("INVITE")
    for event in SERVER_PATHS[row[0]]:
        feed_server(bench, server, event)
    assert server.state == row[0]
    feed_server(bench, server, row[1])
    assert server.state == server_invite.TABLE[row].state
    bench.pass_ms(100_000)
    assert len(bench.timers) == 0
    assert server.is_waiting or server.id not in bench.layer.servers


@pytest.mark.parametrize("row", server_request.TABLE, ids="-".join)
def test_server_request_row(row: tuple[server_request.State, server_request.Event]) -> None:
    bench = Bench()
    server = bench.server("OPTIONS")
    for event in SERVER_PATHS[row[0]]:
        feed_server(bench, server, event)
    assert server.state == row[0]
    feed_server(bench, server, row[1])
    assert server.state == server_request.TABLE[row].state
    bench.pass_ms(100_000)
    assert len(bench.timers) == 0


def test_an_unlisted_event_raises() -> None:
    bench = Bench()
    server = bench.server("OPTIONS")
    server.reply(200, 0)
    with pytest.raises(IllegalTransition):
        server.reply(200, 0)
    client = bench.client("OPTIONS")
    with pytest.raises(IllegalTransition):
        client._step("timer-k", 0)


def test_timer_a_doubles_until_timer_b() -> None:
    bench = Bench()
    bench.client("INVITE")
    sent = [bench.pass_ms(length) for length in (499, 1, 999, 1, 1999, 1, 4000, 8000, 16_000)]
    assert sent == [0, 1, 0, 1, 0, 1, 1, 1, 1]
    bench.pass_ms(500)
    assert bench.failures == ["timeout"]


def test_timer_e_is_capped_at_t2_and_slow_once_proceeding() -> None:
    bench = Bench()
    bench.client("OPTIONS")
    sent = [bench.pass_ms(length) for length in (500, 1000, 2000, 4000, 4000, 4000)]
    assert sent == [1] * 6
    bench = Bench()
    client = bench.client("OPTIONS")
    feed_client(bench, client, "1xx")
    bench.pass_ms(500)
    assert [bench.pass_ms(3_999), bench.pass_ms(1), bench.pass_ms(3_999)] == [0, 1, 0]


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
def test_nothing_is_repeated_over_a_reliable_transport(method: str) -> None:
    bench = Bench("tls")
    bench.client(method)
    assert bench.pass_ms(31_999) == 0
    bench.pass_ms(1)
    assert bench.failures == ["timeout"]


def test_lingering_is_zero_over_a_reliable_transport() -> None:
    bench = Bench("tls")
    feed_client(bench, bench.client("OPTIONS"), "2xx")
    feed_client(bench, bench.client("INVITE"), "3xx-6xx")
    bench.server("OPTIONS").reply(200, 0)
    invite = bench.server("INVITE")
    invite.reply(486, 0)
    invite.ack(make_request("ACK"), 0)
    assert len(bench.layer) == 0
    assert len(bench.timers) == 0


def test_lingering_over_udp_has_the_lengths_of_the_rfc() -> None:
    for method, event, length_ms in (
        ("INVITE", "2xx", 32_000),
        ("INVITE", "3xx-6xx", 32_000),
        ("OPTIONS", "2xx", 5_000),
    ):
        bench = Bench()
        client = bench.client(method)
        feed_client(bench, client, event)
        bench.pass_ms(length_ms - 1)
        assert not client.is_over
        bench.pass_ms(1)
        assert client.is_over


def test_a_final_response_is_kept_and_replayed() -> None:
    for method, status in (("OPTIONS", 200), ("INVITE", 486)):
        bench = Bench()
        server = bench.server(method)
        server.reply(status, 0)
        feed_server(bench, server, "request-again")
        first, second = bench.sends
        assert first.data == second.data


def test_a_refusal_is_repeated_by_timer_g_until_the_ack() -> None:
    bench = Bench()
    server = bench.server("INVITE")
    server.reply(486, 0)
    assert [bench.pass_ms(length) for length in (500, 1000, 2000, 4000)] == [1] * 4
    server.ack(make_request("ACK"), bench.now)
    assert bench.pass_ms(60_000) == 0


def test_the_ack_to_a_refusal_has_the_branch_of_the_invite_and_the_tag_of_the_response() -> None:
    bench = Bench()
    client = bench.client("INVITE")
    feed_client(bench, client, "3xx-6xx")
    feed_client(bench, client, "3xx-6xx")
    acks = [parse_message(send.data) for send in bench.sends[1:]]
    assert len(acks) == 2
    assert acks[0].via.branch == client.request.via.branch
    assert acks[0].to.tag == "tb"
    assert str(acks[0].cseq) == "1 ACK"
    assert bench.responses == [486]


def test_a_response_goes_back_on_its_flow_with_the_via_address_as_fallback() -> None:
    bench = Bench("tls")
    bench.server("OPTIONS").reply(200, 0)
    (send,) = bench.sends
    assert send.flow_id == 9
    assert send.hop is not None
    assert (send.hop.host, send.hop.port, send.hop.transport) == ("a.test", None, "tls")
    bench = Bench("udp")
    bench.server("OPTIONS").reply(200, 0)
    assert bench.sends[0].hop is not None
    assert bench.sends[0].hop.host == "192.0.2.8"


def test_requests_without_the_magic_cookie_match_by_their_fields() -> None:
    bench = Bench()
    assert bench.layer.accept(make_request("OPTIONS", "old"), bench.flow(), 0) is not None
    assert bench.layer.accept(make_request("OPTIONS", "old"), bench.flow(), 0) is None
    other = make_request("OPTIONS", "old")
    other.headers.set("Call-ID", "c2")
    assert bench.layer.accept(other, bench.flow(), 0) is not None


def test_a_request_is_written_again_when_its_flow_closes_before_any_response() -> None:
    bench = Bench("tls")
    request = make_request("INVITE")
    request.headers.remove("Via")
    hop = Hop("b.test", 5061, "tls", flow_id=4)
    client = bench.layer.send(request, hop, bench._on_response, bench._on_failure, 0)
    bench.layer.flow_closed(4)
    bench.layer.flow_closed(4)
    assert [send.flow_id for send in bench.sends] == [4, None]
    assert bench.sends[0].data == bench.sends[1].data
    feed_client(bench, client, "1xx")
    bench.layer.flow_closed(9)
    assert len(bench.sends) == 2


def _note(fired: list[int], at: int, _now: int) -> None:
    fired.append(at)


def test_timers_fire_in_order_and_forget_the_cancelled() -> None:
    timers = Timers()
    fired: list[int] = []
    handles = [timers.arm(at, partial(_note, fired, at)) for at in range(500, 0, -1)]
    for handle in handles[::2]:
        timers.cancel(handle)
        timers.cancel(handle)
    timers.cancel(None)
    assert len(timers) == 250
    assert len(timers._heap) <= 500
    assert timers.next_deadline() == 1
    timers.run(1_000)
    assert fired == list(range(1, 500, 2))
    assert timers.next_deadline() is None
    timers.cancel(handles[1])
    assert len(timers) == 0


def test_cancelled_timers_do_not_pile_up() -> None:
    timers = Timers()
    for at in range(10_000):
        timers.cancel(timers.arm(at, lambda _now: None))
    assert len(timers._heap) <= 64
