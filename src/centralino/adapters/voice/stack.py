# SPDX-License-Identifier: Apache-2.0
"""The SIP edge as one object: an endpoint, its sockets, its trunks, one timer.

Calls code against this: it calls methods of ``endpoint`` (with ``now``), then ``flush``; what
happened arrives at ``on_event``, one call per event, in order, and ``flush`` follows by itself
when the handler returns. What never reaches ``on_event``: OPTIONS (answered here), our own
health questions, INVITEs refused by admission control, dropped messages (counted).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterable
from random import Random
from typing import TYPE_CHECKING

from centralino.adapters.voice.admission import Admission
from centralino.adapters.voice.alarms import AlarmBoard, AlarmHandler
from centralino.adapters.voice.dialing import Dialing
from centralino.adapters.voice.edge_watch import EdgeWatch
from centralino.adapters.voice.health import HealthMonitor
from centralino.adapters.voice.options import OptionsExchange
from centralino.adapters.voice.tls import TlsIdentity
from centralino.adapters.voice.trace import SipTrace
from centralino.adapters.voice.transport import Transports
from centralino.adapters.voice.transport_core import TransportCore
from centralino.core.kernel.errors import CapacityExceeded
from centralino.core.kernel.ids import TrunkId
from centralino.wire.sip.config import EndpointConfig
from centralino.wire.sip.endpoint import SipEndpoint
from centralino.wire.sip.events import (
    MessageDropped,
    RequestFinished,
    RequestReceived,
    SessionCancelled,
    SessionEnded,
    SessionFailed,
    SessionInvited,
    SipEvent,
)
from centralino.wire.sip.message import Response

if TYPE_CHECKING:
    from centralino.adapters.voice.health import TrunkReport
    from centralino.adapters.voice.settings import TrunkSettings, VoiceSettings
    from centralino.adapters.voice.tls_diagnosis import Diagnosis
    from centralino.adapters.voice.trunks import TrunkRegistry
    from centralino.exchange.ports import ClockPort, ResolverPort
    from centralino.wire.sip.checkpoint import DialogCheckpoint
    from centralino.wire.sip.config import OutgoingInvite
    from centralino.wire.sip.flow import Flow, Hop, Send
    from centralino.wire.sip.message import Message

EventHandler = Callable[[SipEvent, int], None]
_SECOND = 1_000_000_000
_MAX_RETRY_AFTER_S = 3600
_LAST_EVENTS = (SessionCancelled, SessionFailed, SessionEnded)


class SipStack:
    """One process's SIP: see the module's description."""

    def __init__(
        self,
        settings: VoiceSettings,
        *,
        clock: ClockPort,
        resolver: ResolverPort,
        token: Callable[[], str],
        trunks: TrunkRegistry,
        chance: Callable[[], float] | None = None,
    ) -> None:
        """Make a stack; nothing opens before ``start``.

        Args:
            settings: all of the voice process.
            clock: time.
            resolver: names to addresses.
            token: source of unique random words (see ``SipEndpoint``).
            trunks: the registry, made of the same settings.
            chance: source of fractions in [0, 1) for jitter; None: seeded by the system.
        """
        self.settings = settings
        self.trunks = trunks
        self.on_event: EventHandler = _ignore_event
        self.alarms = AlarmBoard()
        self._clock = clock
        self._token = token
        now = clock.now()
        self.health = HealthMonitor(
            trunks.all(), now, chance=chance if chance is not None else Random().random
        )
        self._watch = EdgeWatch(trunks, self.health, self.alarms, clock)
        self.admission = Admission(settings, now, self._watch.report_load)
        self.trace = SipTrace(settings.trace, clock.utc, self._trace_failed)
        self._core = TransportCore(settings.transport, trunks, None, clock, token)
        self._core.listener = self
        self.transports = Transports(self._core, resolver)
        self._dialing = Dialing(trunks, self.health, lambda: self.transports.listening)
        self.endpoint = SipEndpoint(_endpoint_config(settings), token=token)
        self._options = OptionsExchange(self.endpoint, trunks, self.health, self._dialing)
        self._events: deque[SipEvent] = deque()
        self._refused: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0
        self._renewal: asyncio.TimerHandle | None = None
        self._is_flushing = False
        self._is_flush_planned = False
        self._is_running = False
        self._emptied: asyncio.Event | None = None

    @property
    def on_alarm(self) -> AlarmHandler:
        """Who hears ``(code, text, trunk, cleared)``."""
        return self.alarms.handler

    @on_alarm.setter
    def on_alarm(self, handler: AlarmHandler) -> None:
        self.alarms.handler = handler

    @property
    def counts(self) -> dict[str, int]:
        """What the edge and the endpoint counted, by short fixed words."""
        return {**self.endpoint.dropped, **self._core.counts}

    # ---- life

    async def start(self) -> None:
        """Open the listeners and begin to ask for health.

        Raises:
            ConfigError: a certificate or an address cannot be used; the message says why.
        """
        if self.settings.tls is not None:
            self._core.identity = TlsIdentity(self.settings.tls)
            self._watch.inspect_certificate(self._core.identity)
        await self.transports.start(self.settings.listeners)
        self._is_running = True
        self._renew()
        self._on_time()

    async def stop(self, grace_s: float = 0.0) -> None:
        """Refuse new calls, wait up to ``grace_s`` for those in progress, close everything."""
        self.admission.drain(None, on=True)
        if grace_s > 0 and self.admission.calls():
            self._emptied = asyncio.Event()
            try:
                async with asyncio.timeout(grace_s):
                    await self._emptied.wait()
            except TimeoutError:
                pass
        self.flush()
        self._is_running = False
        for timer in (self._timer, self._renewal):
            if timer is not None:
                timer.cancel()
        self._timer = self._renewal = None
        await self.transports.stop()

    def replace_trunks(self, trunks: Iterable[TrunkSettings]) -> None:
        """Take other trunks while running (MT-06); calls in progress go on.

        Raises:
            ConfigError: two trunks cannot be told apart; the present ones stay.
        """
        now = self._clock.now()
        self.trunks.replace(trunks)
        self.health.replace(self.trunks.all(), now)
        self.admission.replace(self.trunks.all(), now)
        if self._core.identity is not None:
            self._watch.inspect_certificate(self._core.identity)
        self._on_time()

    def _renew(self) -> None:
        identity, tls = self._core.identity, self.settings.tls
        if identity is None or tls is None:
            return
        if self._watch.renew_certificate(identity):
            self.transports.retire_old_certificates(
                identity.contexts.generation, tls.retire_s / 6, tls.retire_s
            )
        loop = asyncio.get_running_loop()
        self._renewal = loop.call_later(tls.reload_s, self._renew)

    # ---- the pump

    def flush(self) -> None:
        """Write what the endpoint has to send, hand over events, arm the timer.

        May be called from ``on_event`` (then it does nothing: the outer one goes on). When a
        handler raises, the events after it are handed over in the next turn of the loop. Before
        ``start`` and after ``stop`` nothing moves; what was restored before waits for ``start``.
        """
        if self._is_flushing or not self._is_running:
            return
        self._is_flushing = True
        now = self._clock.now()
        events, endpoint = self._events, self.endpoint
        try:
            while True:
                for send in endpoint.take_sends():
                    self._write(send, now)
                events.extend(endpoint.take_events())
                if not events:
                    break
                while events:
                    self._route_event(events.popleft(), now)
        finally:
            self._is_flushing = False
            if events:
                self.batch_done()
        self._arm(now)

    def batch_done(self) -> None:
        """Plan a flush for the end of this turn of the loop (``TransportListener``)."""
        if not self._is_flush_planned and self._is_running:
            self._is_flush_planned = True
            asyncio.get_running_loop().call_soon(self._flush_planned)

    def _flush_planned(self) -> None:
        self._is_flush_planned = False
        self.flush()

    def _write(self, send: Send, now: int) -> None:
        if self.settings.trace.enabled:
            hop = send.hop
            peer = (hop.trunk or hop.host) if hop is not None else f"flow {send.flow_id}"
            self.trace.record(send.data, peer, now, is_outgoing=True)
        self.transports.send(send, now)

    def _arm(self, now: int) -> None:
        if not self._is_running:
            return
        deadlines = (self.endpoint.next_deadline(), self.health.next_deadline())
        wanted = min((at for at in deadlines if at is not None), default=None)
        if wanted is None or (self._timer is not None and self._timer_at <= wanted):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = wanted
        delay_s = max(0.0, (wanted - now) / _SECOND)
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        now = self._clock.now()
        self._options.ask_due(now)
        self._watch.report_health()
        self.endpoint.tick(now)
        self.flush()

    # ---- events

    def _route_event(self, event: SipEvent, now: int) -> None:
        if isinstance(event, _LAST_EVENTS):
            self._close(event.session)
            if event.session in self._refused:
                self._refused.discard(event.session)
                return
        elif isinstance(event, SessionInvited):
            if self._is_refused(event, now):
                return
        elif isinstance(event, RequestReceived):
            if event.request.method == "OPTIONS":
                self._options.answer(event, now, self._token, self.settings.user_agent)
                self._watch.report_health()
                return
        elif isinstance(event, RequestFinished):
            if self._options.finished(event, now):
                self._watch.report_health()
                return
        elif isinstance(event, MessageDropped):
            return
        self.on_event(event, now)

    def _is_refused(self, event: SessionInvited, now: int) -> bool:
        trunk = TrunkId(event.flow.trunk) if event.flow.trunk is not None else None
        if event.replaced_session is None:
            refusal = self.admission.refuse(trunk, now)
            if refusal is not None:
                self._core.counts[f"refused-{refusal.limit}"] += 1
                self._refused.add(event.session)
                headers = (("Retry-After", str(refusal.retry_after_s)),)
                self.endpoint.reject(event.session, 503, now, headers=headers)
                return True
        if trunk is not None:
            self.admission.opened(event.session, trunk)
        return False

    def _close(self, session: str) -> None:
        self.admission.closed(session)
        if self._emptied is not None and not self.admission.calls():
            self._emptied.set()

    # ---- what the sockets tell (TransportListener)

    def message_received(self, message: Message, data: bytes, flow: Flow, now: int) -> None:
        """Take one parsed message of a known trunk."""
        if self.settings.trace.enabled:
            self.trace.record(data, flow.trunk or flow.peer[0], now, is_outgoing=False)
        if isinstance(message, Response) and message.status == 503 and flow.trunk is not None:
            self._note_unavailable(message, flow, now)
        self.endpoint.receive(message, flow, now)

    def _note_unavailable(self, response: Response, flow: Flow, now: int) -> None:
        """A proxy that sends us away is left alone for as long as it says."""
        text = (response.headers.get("Retry-After") or "").partition(";")[0].partition("(")[0]
        host = self.transports.host_of(flow)
        if host is None or not text.strip().isdigit():
            return
        wait_s = min(int(text), _MAX_RETRY_AFTER_S)
        until = now + wait_s * _SECOND
        trunk = TrunkId(flow.trunk or "")
        self._watch.avoid(trunk, host, until, "503 with Retry-After", is_wish=True)
        self.transports.retire_flow(flow.flow_id)

    def undelivered(self, transaction: str, detail: str) -> None:
        """Tell the endpoint that a message did not get through."""
        self.endpoint.transport_failed(transaction, self._clock.now(), detail)
        self.batch_done()

    def flow_closed(self, flow_id: int) -> None:
        """Tell the endpoint that a connection is gone."""
        self.endpoint.flow_closed(flow_id, self._clock.now())

    def connect_failed(self, trunk: TrunkId | None, host: str, detail: str, wait_ns: int) -> None:
        """Use the host for no calls for a while."""
        self._watch.connect_failed(trunk, host, detail, wait_ns)

    def tls_failed(self, trunk: TrunkId | None, peer: str, diagnosis: Diagnosis) -> None:
        """Tell of a failed handshake."""
        self._watch.tls_failed(trunk, peer, diagnosis)

    def peer_spoke(self, trunk: TrunkId | None, host: str) -> None:
        """A peer accepts us."""
        self._watch.peer_spoke(trunk, host)

    def _trace_failed(self, text: str) -> None:
        self.alarms.begin("trace-file", text)

    # ---- calls

    def invite(self, invite: OutgoingInvite, now: int) -> str:
        """Place a call through admission control (``invite.hop.trunk`` names the trunk).

        Use this, not ``endpoint.invite``: the call counts until its last event.

        Raises:
            CapacityExceeded: the trunk or the whole is full, or drains; ``details`` has
                ``limit`` and ``retry_after_s``.
        """
        trunk = TrunkId(invite.hop.trunk) if invite.hop.trunk is not None else None
        refusal = self.admission.refuse(trunk, now)
        if refusal is not None or trunk is None:
            limit = refusal.limit if refusal is not None else "unknown-trunk"
            wait_s = refusal.retry_after_s if refusal is not None else 0
            raise CapacityExceeded(
                "the trunk takes no more calls now",
                details={"trunk": trunk, "limit": limit, "retry_after_s": wait_s},
            )
        session = self.endpoint.invite(invite, now)
        self.admission.opened(session, trunk)
        return session

    def restore(self, checkpoint: DialogCheckpoint, now: int) -> str:
        """Go on with a dialog of an earlier process and count it; returns its session id."""
        session = self.endpoint.restore(checkpoint, now)
        if checkpoint.trunk is not None:
            self.admission.opened(session, TrunkId(checkpoint.trunk))
        return session

    def hop_for(self, trunk: TrunkId, uri: str = "", *, tried: Collection[str] = ()) -> Hop:
        """Return the next proxy to try: fail-over order, without those that are down.

        Args:
            trunk: which trunk.
            uri: Request-URI; its host is the target when the trunk has no proxies.
            tried: ``Hop.host`` of earlier attempts of the same call, never returned again.

        Raises:
            RemoteUnavailable: none is left; the message says why each is not used.
            NotFound: no such trunk.
        """
        return self._dialing.next_hop(trunk, uri, tried, self._clock.now())

    def trunk(self, trunk: TrunkId) -> TrunkSettings:
        """Return the settings of a trunk.

        Raises:
            NotFound: no such trunk.
        """
        return self.trunks.settings(trunk)

    def report(self, trunk: TrunkId) -> TrunkReport | None:
        """Return a trunk's health for screens, None for an unknown one."""
        return self.health.report(trunk)

    def sent_by(self, trunk: TrunkId) -> str:
        """Return our ``host:port`` towards a trunk (Via, Contact)."""
        return self._dialing.sent_by(trunk)

    def local_contact(self, trunk: TrunkId, user: str = "") -> str:
        """Return our Contact value towards a trunk: ``<sip:user@host:port;transport=tls>``."""
        return self._dialing.contact(trunk, user)

    def drain(self, trunk: TrunkId | None, *, on: bool) -> None:
        """Refuse new calls of a trunk (None: of all) with 503; those in progress go on."""
        self.admission.drain(trunk, on=on)

    def listening(self) -> tuple[tuple[str, str, int], ...]:
        """Return (transport, address, port) of each open listener, as configured."""
        return tuple(self.transports.listening)

    def ladder(self, call_id: str) -> str:
        """Return the messages of a Call-ID as a text ladder, masked; empty when unknown."""
        return self.trace.ladder(call_id)


def _ignore_event(event: SipEvent, now: int) -> None:
    """Nobody listens yet."""


def _endpoint_config(settings: VoiceSettings) -> EndpointConfig:
    timers = settings.timers
    return EndpointConfig(
        user_agent=settings.user_agent,
        t1_ms=timers.t1_ms,
        t2_ms=timers.t2_ms,
        t4_ms=timers.t4_ms,
        timer_b_ms=timers.transaction_ms,
        session_expires_s=timers.session_expires_s,
        min_se_s=timers.min_se_s,
        max_sessions=max(settings.max_calls * 2, 100),
        retry_after_s=settings.retry_after_s,
    )
