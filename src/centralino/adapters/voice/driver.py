# SPDX-License-Identifier: Apache-2.0
"""The call driver of Connect: orders in, facts out, over SIP and media workers.

A back-to-back user agent whose legs stay anchored on our media: no order and no message of
one leg ever becomes a message of another. The driver itself only dispatches; each module
beside it knows one part of a call's life:

    incoming_legs, outgoing_legs   until a leg is answered
    media_legs                     sockets, descriptions, hold, quality
    playing, bridges, recordings   what is done with answered legs
    transfers                      REFER and Replaces, both ways
    closing                        the one end of a leg
    restoring                      after a restart of this process

Implements the semantics of ``exchange.ports.CallControlPort`` in the process of the calls.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

import structlog

from centralino.adapters.voice import outcomes
from centralino.adapters.voice.bridges import Bridges
from centralino.adapters.voice.calls import Calls
from centralino.adapters.voice.closing import Closing
from centralino.adapters.voice.incoming_legs import IncomingLegs
from centralino.adapters.voice.leg_lifecycle import REPORTED, LegState
from centralino.adapters.voice.media_legs import MediaLegs
from centralino.adapters.voice.outgoing_legs import OutgoingLegs
from centralino.adapters.voice.playing import Playing
from centralino.adapters.voice.recordings import Recordings
from centralino.adapters.voice.restoring import Restoring
from centralino.adapters.voice.transfers import Transfers
from centralino.core.kernel.errors import AppError
from centralino.core.kernel.ids import LegId
from centralino.core.kernel.outcome import INTERNAL_ERROR
from centralino.exchange import orders as o
from centralino.exchange.facts import Alarm, LegsListed, LegStatus
from centralino.exchange.media import (
    Event,
    KeyPressed,
    MediaChanged,
    Played,
    Recorded,
    Statistics,
    WorkerAlarm,
)
from centralino.wire.errors import ProtocolError
from centralino.wire.sip import events as e

if TYPE_CHECKING:
    from centralino.adapters.voice.edge import RestorableMedia, Surroundings
    from centralino.adapters.voice.lanes import Work
    from centralino.adapters.voice.leg import Leg
    from centralino.core.kernel.ids import OrderId
    from centralino.exchange.facts import AnyFact
    from centralino.exchange.orders import AnyOrder

log = structlog.get_logger(__name__)

MAX_SEEN_ORDERS = 20_000
ENDING = (
    o.HangUp,
    o.CancelInvite,
    o.StopPlay,
    o.StopCollect,
    o.RecordStop,
    o.Remove,
)
"""Orders whose effect a leg's end has too."""
_UNANSWERED = (LegState.INVITING, LegState.RINGING, LegState.CANCELLING)

OrderHandler = Callable[[Any, int], Coroutine[None, None, None] | None]
LegHandler = Callable[["Leg", Any, int], None]


class VoiceDriver:
    """All legs of the voice process that belong to the exchange."""

    def __init__(self, around: Surroundings) -> None:
        """Make a driver; ``run`` must run for orders that wait and for media events."""
        calls = self.calls = Calls(around, around.edge.flush)
        self._seen: OrderedDict[OrderId, None] = OrderedDict()
        self.closing = Closing(calls)
        self.media_legs = MediaLegs(calls, self.closing)
        self.incoming = IncomingLegs(calls, self.media_legs, self.closing)
        self.outgoing = OutgoingLegs(calls, self.media_legs, self.closing)
        self.bridges = Bridges(calls)
        self.playing = Playing(calls)
        self.recordings = Recordings(calls, self.closing)
        self.transfers = Transfers(calls, self.media_legs, self.closing, self.bridges)
        self.closing.farewells += [
            self.transfers.on_end,
            self.recordings.on_end,
            self.playing.on_end,
            self.bridges.on_end,
        ]
        self.on_presence: Callable[[bool], None] = _ignore_presence
        """Hears whether the exchange is here (holding treatment)."""
        self.on_offered: Callable[[Leg], None] = _ignore_leg
        """Hears of each offered leg (holding treatment)."""
        self._orders = self._order_handlers()
        self._events = self._event_handlers()
        self._media_events = self._media_handlers()

    async def run(self) -> None:
        """Take media events and own the driver's tasks, until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                self.calls.lanes.open(tasks)
                while True:
                    self.on_media(await self.calls.media.next_event())
        finally:
            self.calls.deadlines.close()

    async def restore(self, media: RestorableMedia) -> None:
        """Bring back the legs of an earlier process; call once, before any order.

        What it wants to send leaves with the next flush of the edge.
        """
        restoring = Restoring(self.calls, self.media_legs, self.closing)
        kept = await restoring.restore(media)
        legs = [leg for leg, _ in kept]
        for leg, former in kept:
            if former.collect is not None:
                self.playing.restore(leg, former.collect, former.typed)
            for order in former.orders:
                self._remember(order)
        self.recordings.restore(legs)
        self.bridges.restore(legs)
        if self.calls.settings.probe_restored:
            restoring.probe(legs)

    # ---- CallControlPort

    async def attach(self) -> int:
        """Hand out again what was not acknowledged; returns the driver's generation."""
        self.calls.around.inbox.rewind()
        self.on_presence(True)
        return self.calls.around.inbox.generation

    def detach(self) -> None:
        """Treat calls by ourselves until the next ``attach``."""
        self.on_presence(False)

    def submit(self, orders: Sequence[AnyOrder]) -> None:
        """Take orders; one that was seen before has no effect."""
        for order in orders:
            if order.order in self._seen:
                continue
            self._remember(order.order)
            leg = self.calls.legs.get(order.leg)
            if leg is not None:
                leg.orders.append(order.order)
            self._dispatch(order)
        self.calls.edge.flush()

    async def next_facts(self) -> Sequence[AnyFact]:
        """Return the facts that have come since, at least one."""
        return await self.calls.around.inbox.next_facts()

    def acknowledge(self, generation: int, fact: int) -> None:
        """Forget all facts up to this one."""
        self.calls.around.inbox.acknowledge(generation, fact)

    def _remember(self, order: OrderId) -> None:
        self._seen[order] = None
        if len(self._seen) > MAX_SEEN_ORDERS:
            self._seen.popitem(last=False)

    # ---- orders

    def _dispatch(self, order: AnyOrder) -> None:
        if isinstance(order, o.ListLegs):
            self._list_legs(order)
            return
        if isinstance(order, o.HangUp):
            self._attempt(order)
            return
        try:
            self.calls.lanes.run(self._legs_of(order), lambda: self._attempt(order))
        except AppError as error:
            self._refuse(order, error)

    def _legs_of(self, order: AnyOrder) -> tuple[LegId, ...]:
        """Return every leg whose earlier work an order must wait for."""
        if isinstance(order, o.Bridge):
            return tuple({order.leg, *(member.leg for member in order.members)})
        if isinstance(order, o.RecordStart) and order.other:
            return (order.leg, order.other)
        if isinstance(order, o.Invite | o.Answer) and order.near:
            # It opens its media beside the other leg, and so after that has opened.
            near = self.calls.legs.get(order.near)
            if near is None or near.reserved is None:
                return (order.leg, order.near)
        return (order.leg,)

    def _attempt(self, order: AnyOrder) -> Work | None:
        """Begin an order; an error of it is a fact, not an exception."""
        if isinstance(order, ENDING) and self.calls.has_just_ended(order.leg):
            # It crossed the leg's own end: what it asks for has happened.
            return None
        try:
            rest = self._orders[type(order)](order, self.calls.now())
        except (AppError, ProtocolError) as error:
            self._refuse(order, error)
            return None
        return None if rest is None else self._finish(order, rest)

    async def _finish(self, order: AnyOrder, rest: Work) -> None:
        try:
            await rest
        except (AppError, ProtocolError) as error:
            self._refuse(order, error)
        self.calls.edge.flush()

    def _refuse(self, order: AnyOrder, error: AppError | ProtocolError) -> None:
        self.calls.fail(order.order, order.leg, error.code, str(error))

    def _hang_up(self, order: o.HangUp, now: int) -> None:
        leg = self.calls.require(order.leg)
        self.hang_up(leg, order.cause, now)

    def hang_up(self, leg: Leg, cause: o.HangUpCause, now: int) -> None:
        """End a leg in whatever state it is."""
        if leg.state is LegState.OFFERED:
            self.incoming.hang_up(leg, outcomes.BY_CANCEL[cause], now)
        elif leg.state in _UNANSWERED:
            self.outgoing.give_up(leg, cause, now)
        elif leg.state in (LegState.ANSWERING, LegState.ANSWERED):
            self.transfers.on_end(leg, now)
            self.calls.edge.endpoint.bye(leg.session, now)
            self.closing.end(leg, outcomes.BY_HANG_UP[cause])

    def _list_legs(self, order: o.ListLegs) -> None:
        listed = tuple(
            LegStatus(
                leg=leg.id,
                tenant=leg.tenant,
                trunk=leg.trunk,
                state=REPORTED[leg.state],
                bridge=leg.bridge,
                play=leg.play.play if leg.play else None,
                recording=leg.recordings[0].recording if leg.recordings else None,
            )
            for leg in self.calls.legs.values()
            if leg.state in REPORTED
        )
        self.calls.tell(LegsListed(leg=order.leg, legs=listed, order=order.order))

    def _order_handlers(self) -> dict[type[o.Order], OrderHandler]:
        return {
            o.Answer: self.incoming.answer,
            o.Ring: self.incoming.ring,
            o.Reject: self.incoming.reject,
            o.Redirect: self.incoming.redirect,
            o.Invite: self.outgoing.invite,
            o.CancelInvite: self.outgoing.cancel_invite,
            o.Play: self.playing.play,
            o.StopPlay: self.playing.stop,
            o.Collect: self.playing.collect,
            o.StopCollect: self.playing.stop_collect,
            o.SendDtmf: self.playing.send,
            o.Bridge: self.bridges.set,
            o.Mute: self.bridges.mute,
            o.Remove: self.bridges.remove,
            o.Hold: self.media_legs.hold,
            o.Resume: self.media_legs.resume,
            o.Transfer: self.transfers.transfer,
            o.RecordStart: self.recordings.start,
            o.RecordPause: self.recordings.pause,
            o.RecordResume: self.recordings.resume,
            o.RecordMark: self.recordings.mark,
            o.RecordStop: self.recordings.stop,
            o.HangUp: self._hang_up,
        }

    # ---- SIP events

    def on_event(self, event: e.SipEvent, now: int) -> None:
        """Take what the SIP edge reports."""
        if isinstance(event, e.SessionInvited):
            self._on_invited(event, now)
            return
        leg = self.calls.by_session.get(getattr(event, "session", ""))
        if leg is None:
            self._decline_orphan(event, now)
            return
        handler = self._events.get(type(event))
        if handler is None:
            return
        try:
            handler(leg, event, now)
        except (AppError, ProtocolError) as error:
            # A trunk taken out of the settings, a bug of ours: one leg pays, not the others.
            log.exception("leg.event_failed", leg=leg.id, event_kind=type(event).__name__)
            self.calls.edge.endpoint.bye(leg.session, now)
            self.closing.end(leg, INTERNAL_ERROR, detail=str(error))

    def _on_invited(self, event: e.SessionInvited, now: int) -> None:
        if event.replaces is not None:
            self.transfers.on_replaces(event, now)
            return
        leg = self.incoming.on_invited(event, now)
        if leg is not None:
            self.on_offered(leg)

    def _decline_orphan(self, event: e.SipEvent, now: int) -> None:
        """Answer requests in a dialog whose leg is over already."""
        endpoint = self.calls.edge.endpoint
        if isinstance(event, e.SessionReoffered):
            endpoint.reject_offer(event.session, 481, now)
        elif isinstance(event, e.ReferReceived):
            endpoint.reject_refer(event.session, event.refer, 481, now)
        elif isinstance(event, e.SessionAnswered):
            endpoint.bye(event.session, now)

    def _event_handlers(self) -> dict[type[e.SipEvent], LegHandler]:
        transfers = self.transfers
        return {
            e.SessionCancelled: lambda leg, event, _: self.incoming.on_cancelled(leg, event),
            e.SessionProgressed: self._on_progressed,
            e.SessionAnswered: self._on_answered,
            e.SessionEstablished: self.incoming.on_established,
            e.SessionFailed: self._on_failed,
            e.SessionEnded: self._on_ended,
            e.SessionReoffered: self._on_reoffered,
            e.SessionRefreshed: lambda leg, event, now: self.calls.save_dialog(leg),
            e.ReofferFinished: self._on_reoffer_finished,
            e.ReferReceived: transfers.on_refer,
            e.ReferProgress: transfers.on_refer_progress,
            e.InfoReceived: lambda leg, event, _: self.playing.on_info(leg, event),
        }

    def _on_reoffer_finished(self, leg: Leg, event: e.ReofferFinished, now: int) -> None:
        if event.session == leg.session:
            self.media_legs.on_reoffer_finished(leg, event, now)

    def _on_reoffered(self, leg: Leg, event: e.SessionReoffered, now: int) -> None:
        if event.session == leg.session:
            self.media_legs.on_reoffered(leg, event, now)
        else:
            self.calls.edge.endpoint.reject_offer(event.session, 488, now)

    def _on_progressed(self, leg: Leg, event: e.SessionProgressed, now: int) -> None:
        if event.session == leg.session:
            self.outgoing.on_progressed(leg, event)
        else:
            self.transfers.on_progressed(leg, event, now)

    def _on_answered(self, leg: Leg, event: e.SessionAnswered, now: int) -> None:
        if event.session == leg.session:
            self.outgoing.on_answered(leg, event, now)
        else:
            self.transfers.on_answered(leg, event, now)

    def _on_failed(self, leg: Leg, event: e.SessionFailed, now: int) -> None:
        if event.session != leg.session:
            self.transfers.on_failed(leg, event, now)
        elif leg.is_incoming:
            self.incoming.on_failed(leg, event)
        else:
            self.outgoing.on_failed(leg, event)

    def _on_ended(self, leg: Leg, event: e.SessionEnded, now: int) -> None:
        del now
        if self.transfers.on_old_ended(leg, event.session):
            return
        outcome = outcomes.BY_END[event.cause]
        by_far_end = event.cause == "bye-received"
        self.closing.end(leg, outcome, by_far_end=by_far_end, detail=f"SIP {event.cause}")

    # ---- media events

    def on_media(self, event: Event) -> None:
        """Take what a media worker reports."""
        handler = self._media_events.get(type(event))
        if handler is not None:
            handler(event)
        self.calls.edge.flush()

    def _media_handlers(self) -> dict[type[Event], Callable[[Any], None]]:
        return {
            KeyPressed: self._with_leg(self.playing.on_key),
            Played: self._with_leg(self.playing.on_played),
            MediaChanged: self._with_leg(self.media_legs.on_changed),
            Statistics: self._with_leg(self.closing.take_statistics),
            Recorded: self.recordings.on_recorded,
            WorkerAlarm: self._on_alarm,
        }

    def _with_leg(self, handler: Callable[[Leg, Any], None]) -> Callable[[Any], None]:
        def handle(event: Any) -> None:  # noqa: ANN401 - one table for several kinds
            leg = self.calls.legs.get(event.leg)
            if leg is not None:
                handler(leg, event)

        return handle

    def _on_alarm(self, event: WorkerAlarm) -> None:
        is_cleared = event.code.endswith("-cleared")
        code = event.code.removesuffix("-cleared")
        self.calls.tell(
            Alarm(leg=event.leg or LegId(""), code=code, text=event.text, is_cleared=is_cleared)
        )


def _ignore_leg(leg: Leg) -> None:
    """Nobody wants to hear of offered legs."""


def _ignore_presence(is_here: bool) -> None:
    """Nobody cares whether the exchange is here."""
