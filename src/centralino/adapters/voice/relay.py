# SPDX-License-Identifier: Apache-2.0
"""Calls that pass from one trunk to another without the exchange.

A back-to-back user agent inside the voice process: two dialogs with their own Call-ID, tags
and CSeq. ``anchored``: each side is negotiated by itself and audio passes through our media
workers, so a re-INVITE of one side never reaches the other. ``signalling-only``: descriptions
pass as they are, and re-INVITEs and INFO with them; for peers that reach each other.

Kept lean, because this is the path that is measured: no tasks and no facts per call. The
caller hears of a refusal by the rules of ``outcomes``; 18x of Teams becomes one 180 without
its silent description. A call is checkpointed once, when both sides are connected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from centralino.adapters.voice import outcomes
from centralino.adapters.voice.call_settings import RelayRouteSettings, fits
from centralino.adapters.voice.profiles import (
    Caller,
    addresses,
    allow_line,
    allow_of,
    profile_of,
    read_arrival,
)
from centralino.adapters.voice.relay_audio import RelayAudio
from centralino.adapters.voice.relay_call import RelayCall
from centralino.adapters.voice.relay_checkpoint import (
    KEY_PREFIX,
    RelayCheckpoint,
    decode_call,
    encode_call,
)
from centralino.core.kernel.errors import AppError
from centralino.core.kernel.ids import TrunkId
from centralino.wire.errors import ProtocolError
from centralino.wire.sdp.errors import NegotiationError
from centralino.wire.sip import events as e
from centralino.wire.sip.config import OutgoingInvite
from centralino.wire.sip.errors import SipParseError

if TYPE_CHECKING:
    from collections.abc import Callable

    from centralino.adapters.voice.calls import Calls
    from centralino.adapters.voice.edge import RestorableMedia
    from centralino.adapters.voice.profiles import Arrival
    from centralino.adapters.voice.settings import TrunkSettings

log = structlog.get_logger(__name__)

MAX_TRIES = 3
_HOP_LIMIT = 70


class Relay:
    """All relayed calls of the process."""

    def __init__(self, calls: Calls, routes: tuple[RelayRouteSettings, ...]) -> None:
        self._calls = calls
        self._edge = calls.edge
        self._endpoint = calls.edge.endpoint
        self._routes = routes
        self._by_session: dict[str, RelayCall] = {}
        self._busy: dict[str, int] = {}
        self.placed_count = 0
        self._events: dict[type[e.SipEvent], Callable[..., None]] = {
            e.SessionProgressed: self._on_progressed,
            e.SessionAnswered: self._on_answered,
            e.SessionEstablished: self._on_established,
            e.SessionFailed: self._on_failed,
            e.SessionCancelled: self._on_gone,
            e.SessionEnded: self._on_gone,
            e.SessionReoffered: self._on_reoffered,
            e.ReofferFinished: self._on_reoffer_finished,
            e.SessionRefreshed: self._on_refreshed,
            e.InfoReceived: self._on_info,
            e.ReferReceived: self._on_refer,
        }

    @property
    def live_count(self) -> int:
        """Calls under way."""
        return sum(self._busy.values())

    def take(self, event: e.SipEvent, now: int) -> bool:
        """Handle an event of a relayed call; returns whether it was one."""
        if isinstance(event, e.SessionInvited):
            return bool(self._routes) and self._take_call(event, now)
        call = self._by_session.get(getattr(event, "session", ""))
        if call is None:
            return False
        handler = self._events.get(type(event))
        if handler is not None:
            try:
                handler(call, event, now)
            except (AppError, ProtocolError):
                log.exception("relay.event_failed", route=call.route.name)
                self._end(call, 500, now)
        return True

    # ---- a new call

    def _take_call(self, event: e.SessionInvited, now: int) -> bool:
        from_trunk = event.flow.trunk
        if from_trunk is None or event.replaces is not None:
            return False
        candidates = [route for route in self._routes if route.from_trunk == from_trunk]
        if not candidates:
            return False
        trunk = self._edge.trunk(TrunkId(from_trunk))
        try:
            arrival = read_arrival(event.request, trunk)
        except SipParseError as error:
            self._endpoint.reject(event.session, error.status, now)
            return True
        for route in candidates:
            if fits(route.numbers, arrival.called_number):
                self._begin(event, route, trunk, arrival, now)
                return True
        return False

    def _begin(
        self,
        event: e.SessionInvited,
        route: RelayRouteSettings,
        trunk: TrunkSettings,
        arrival: Arrival,
        now: int,
    ) -> None:
        hops_left = int(event.request.headers.get("Max-Forwards") or _HOP_LIMIT) - 1
        refusal = self._refusal(event, route, arrival, hops_left)
        if refusal:
            self._reject(event.session, trunk, refusal, now)
            return
        call = RelayCall(
            id=event.session,
            route=route,
            caller=event.session,
            arrival=arrival,
            from_trunk=trunk,
            to_trunk=self._edge.trunk(route.to_trunk),
            hops_left=hops_left,
            offer=event.sdp,
        )
        self._by_session[event.session] = call
        self._busy[route.name] = self._busy.get(route.name, 0) + 1
        call.deadline = self._calls.arm_ms(
            route.ring_for_s * 1000, lambda at: self._end(call, 480, at)
        )
        if route.mode == "signalling-only":
            self._place(call, now)
            return
        call.audio = RelayAudio(self._calls, call.id)
        self._calls.lanes.spawn(self._place_anchored(call, call.audio))

    def _refusal(
        self, event: e.SessionInvited, route: RelayRouteSettings, arrival: Arrival, hops_left: int
    ) -> int:
        if hops_left < 1:
            return 483
        if arrival.history_depth >= self._calls.settings.max_forwards_recorded:
            return 482
        if event.sdp is None and route.mode == "signalling-only":
            return 488
        return 503 if self._busy.get(route.name, 0) >= route.max_calls else 0

    async def _place_anchored(self, call: RelayCall, audio: RelayAudio) -> None:
        try:
            await audio.open(call.from_trunk, call.to_trunk)
        except AppError as error:
            log.warning("relay.no_media", reason=error.code)
            self._end(call, 503, self._calls.now())
            self._edge.flush()
            return
        if call.is_over:
            audio.close()
        else:
            self._place(call, self._calls.now())
        self._edge.flush()

    def _place(self, call: RelayCall, now: int, former: int = 503) -> None:
        """Send the INVITE to the next proxy; without one the caller gets ``former``."""
        trunk, arrival = call.to_trunk, call.arrival
        if arrival is None:
            return
        sdp = call.audio.offer() if call.audio is not None else call.offer or b""
        try:
            hop = self._edge.hop_for(trunk.trunk, tried=call.tried)
            caller = Caller(arrival.caller_number, arrival.caller_name)
            written = addresses(trunk, hop, arrival.called_number, caller)
            headers = (("Max-Forwards", str(call.hops_left)), *written.headers)
            session = self._edge.invite(
                OutgoingInvite(
                    uri=written.uri,
                    from_=written.from_,
                    to=written.to,
                    contact=self._edge.local_contact(trunk.trunk),
                    hop=hop,
                    sdp=sdp,
                    headers=headers,
                    allow=allow_of(trunk),
                    supported=profile_of(trunk).supported,
                    timer=trunk.session_timer,
                    response_timeout_ms=round(trunk.failover_s * 1000),
                    credentials=self._calls.passwords.of(trunk),
                ),
                now,
            )
        except AppError as error:
            log.info("relay.not_placed", route=call.route.name, reason=error.code)
            self._end(call, former, now)
            return
        self.placed_count += 1
        call.tried += (hop.host,)
        call.callee = session
        self._by_session[session] = call

    # ---- before the answer

    def _on_progressed(self, call: RelayCall, event: e.SessionProgressed, now: int) -> None:
        if event.status < 180 or event.status == 199:
            return
        trunk = call.to_trunk
        is_first, call.has_rung = not call.has_rung, True
        has_audio = event.sdp is not None and profile_of(trunk).has_early_media
        status, sdp = (event.status, event.sdp) if has_audio else (180, None)
        if sdp is not None and call.audio is not None:
            sdp = self._early(call, call.audio, sdp)
        if is_first or sdp is not None:
            lines = (("Contact", self._edge.local_contact(call.from_trunk.trunk)),)
            self._endpoint.ring(call.caller, now, status=status, sdp=sdp, headers=lines)

    def _early(self, call: RelayCall, audio: RelayAudio, sdp: bytes) -> bytes | None:
        try:
            return audio.connect(call.offer, sdp)
        except NegotiationError:
            return None

    def _on_answered(self, call: RelayCall, event: e.SessionAnswered, now: int) -> None:
        sdp = event.sdp
        if call.audio is not None:
            try:
                sdp = call.audio.connect(call.offer, sdp)
            except NegotiationError as error:
                log.info("relay.no_agreement", reason=error.reason)
                self._end(call, 488, now)
                return
        if sdp is None:
            self._end(call, 488, now)
            return
        call.is_answered = True
        self._disarm(call)
        trunk = call.from_trunk
        contact = self._edge.local_contact(trunk.trunk)
        lines = (allow_line(trunk),)
        self._endpoint.answer(call.caller, sdp, now, contact=contact, headers=lines)

    def _on_established(self, call: RelayCall, event: e.SessionEstablished, now: int) -> None:
        if call.audio is not None and call.offer is None:
            try:
                call.audio.accept(event.sdp)
            except NegotiationError:
                self._end(call, 488, now)
                return
        self._save(call)

    def _on_refreshed(self, call: RelayCall, _: e.SessionRefreshed, __: int) -> None:
        self._save(call)

    def _on_failed(self, call: RelayCall, event: e.SessionFailed, now: int) -> None:
        if event.session == call.caller:
            self._end(call, 0, now)
            return
        if event.session != call.callee or call.is_over:
            return
        self._by_session.pop(call.callee, None)
        call.callee = ""
        profile = profile_of(call.to_trunk)
        outcome = outcomes.of_failure(event, has_rung=call.has_rung, is_teams=profile.is_teams)
        status = outcomes.status_of(outcome)
        is_lost = event.cause in ("timeout", "transport") or event.status == 503
        may_retry = is_lost and not outcomes.is_without_room(event)
        if may_retry and not call.has_rung and len(call.tried) < MAX_TRIES:
            self._place(call, now, status)
            return
        if event.cause == "response" and event.status is not None:
            is_misleading = event.status in (401, 407, 408, 504) or event.status < 400
            status = status if is_misleading else event.status
        self._end(call, status, now)

    # ---- after the answer

    def _on_gone(
        self, call: RelayCall, event: e.SessionCancelled | e.SessionEnded, now: int
    ) -> None:
        self._by_session.pop(event.session, None)
        if event.session == call.caller:
            call.caller = ""
            if isinstance(event, e.SessionCancelled) and event.reason:
                call.cancel_lines = (("Reason", event.reason),)
        elif event.session == call.callee:
            call.callee = ""
        self._end(call, 480, now)

    def _other(self, call: RelayCall, session: str) -> str:
        return call.callee if session == call.caller else call.caller

    def _on_reoffered(self, call: RelayCall, event: e.SessionReoffered, now: int) -> None:
        if call.audio is not None:
            answer = call.audio.reanswer(event.sdp, is_caller=event.session == call.caller)
            if answer is None:
                self._endpoint.reject_offer(event.session, 488, now)
            else:
                self._endpoint.accept_offer(event.session, answer, now)
                self._save(call)
            return
        other = self._other(call, event.session)
        if event.sdp is None or not other or call.waiting:
            self._endpoint.reject_offer(event.session, 491 if call.waiting else 488, now)
            return
        call.waiting = event.session
        self._endpoint.reoffer(other, event.sdp, now)

    def _on_reoffer_finished(self, call: RelayCall, event: e.ReofferFinished, now: int) -> None:
        waiting, call.waiting = call.waiting, ""
        if call.audio is not None and event.sdp is not None:
            call.audio.reaccept(event.sdp, is_caller=event.session == call.caller)
        if call.audio is not None or not waiting:
            return
        if 200 <= event.status < 300 and event.sdp is not None:
            self._endpoint.accept_offer(waiting, event.sdp, now)
            self._save(call)
        else:
            self._endpoint.reject_offer(waiting, 488 if event.status < 400 else event.status, now)

    def _on_info(self, call: RelayCall, event: e.InfoReceived, now: int) -> None:
        other, request = self._other(call, event.session), event.request
        if call.audio is None and other and call.is_answered:
            self._endpoint.info(other, now, request.content_type or "", request.body)

    def _on_refer(self, _: RelayCall, event: e.ReferReceived, now: int) -> None:
        self._endpoint.reject_refer(event.session, event.refer, 603, now)

    # ---- the end

    def _end(self, call: RelayCall, status: int, now: int) -> None:
        """End what is left of both sides, once; an unanswered caller gets ``status``."""
        if call.is_over:
            return
        call.is_over = True
        self._disarm(call)
        for session in (call.caller, call.callee):
            self._by_session.pop(session, None)
        if call.callee:
            if call.is_answered:
                self._endpoint.bye(call.callee, now)
            else:
                self._endpoint.cancel(call.callee, now, call.cancel_lines)
        if call.caller:
            if call.is_answered:
                self._endpoint.bye(call.caller, now)
            elif status:
                self._reject(call.caller, call.from_trunk, status, now)
        if call.audio is not None:
            call.audio.close()
        self._busy[call.route.name] -= 1
        self._calls.around.store.remove(f"{KEY_PREFIX}{call.id}")

    def hang_up_all(self, now: int) -> None:
        """End every call."""
        for call in set(self._by_session.values()):
            self._end(call, 480, now)

    # ---- surviving

    def _save(self, call: RelayCall) -> None:
        if call.is_answered and not call.is_over:
            self._calls.around.store.put(f"{KEY_PREFIX}{call.id}", lambda: self._encode(call))

    def _encode(self, call: RelayCall) -> bytes:
        sides = [self._endpoint.checkpoint(side) for side in (call.caller, call.callee)]
        if call.is_over or sides[0] is None or sides[1] is None:
            return b""
        return encode_call(
            RelayCheckpoint(
                id=call.id,
                route=call.route.name,
                caller=sides[0],
                callee=sides[1],
                audio=call.audio.checkpoint() if call.audio is not None else None,
            )
        )

    async def restore(self, media: RestorableMedia) -> int:
        """Bring back the calls of an earlier process; returns how many."""
        routes = {route.name: route for route in self._routes}
        kept = 0
        for key, value in self._calls.around.store.entries(KEY_PREFIX):
            former = decode_call(value)
            route = routes.get(former.route) if former is not None else None
            if former is None or route is None:
                self._calls.around.store.remove(key)
                continue
            await self._revive(former, route, media)
            kept += 1
        return kept

    async def _revive(
        self, former: RelayCheckpoint, route: RelayRouteSettings, media: RestorableMedia
    ) -> None:
        now = self._calls.now()
        call = RelayCall(
            id=former.id,
            route=route,
            caller=self._edge.restore(former.caller, now),
            callee=self._edge.restore(former.callee, now),
            arrival=None,
            from_trunk=self._edge.trunk(route.from_trunk),
            to_trunk=self._edge.trunk(route.to_trunk),
            hops_left=0,
            is_answered=True,
        )
        self._by_session[call.caller] = self._by_session[call.callee] = call
        self._busy[route.name] = self._busy.get(route.name, 0) + 1
        if former.audio is None:
            return
        call.audio = RelayAudio(self._calls, call.id)
        try:
            await call.audio.reopen(former.audio, media)
        except AppError as error:
            log.error("relay.media_lost", reason=error.message)
            self._end(call, 500, self._calls.now())

    def _reject(self, session: str, trunk: TrunkSettings, status: int, now: int) -> None:
        wait_s = self._calls.around.voice.retry_after_s
        is_teams = profile_of(trunk).is_teams
        headers = outcomes.refusal_lines(status, is_teams=is_teams, retry_after_s=wait_s)
        self._endpoint.reject(session, status, now, headers=headers)

    def _disarm(self, call: RelayCall) -> None:
        if call.deadline is not None:
            call.deadline.cancel()
            call.deadline = None
