# SPDX-License-Identifier: Apache-2.0
"""What the parts of call handling share: the legs, who carries which session, telling facts.

No rule of calls lives here. Orders that cannot be carried out are reported by raising
``AppError``; the driver turns it into ``OrderFailed``.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, cast

import msgspec
import structlog

from centralino.adapters.voice.checkpoint import LegCheckpoint
from centralino.adapters.voice.credentials import Passwords
from centralino.adapters.voice.deadlines import NS_PER_MS, Deadline, Deadlines
from centralino.adapters.voice.lanes import Lanes
from centralino.adapters.voice.profiles import profile_of
from centralino.core.kernel.errors import CapacityExceeded, Conflict, NotFound
from centralino.exchange.facts import OrderFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from centralino.adapters.voice.edge import Surroundings
    from centralino.adapters.voice.leg import Leg
    from centralino.adapters.voice.profiles import Profile
    from centralino.core.kernel.ids import LegId, OrderId, TrunkId
    from centralino.exchange.facts import AnyFact
    from centralino.exchange.media import Command
    from centralino.wire.sdp.audio import NegotiatorCheckpoint
    from centralino.wire.sip.checkpoint import DialogCheckpoint

log = structlog.get_logger(__name__)

MAX_REMEMBERED_LEGS = 10_000
JUST_ENDED_NS = 10_000 * NS_PER_MS
"""How long after a leg's end orders to end something of it are no mistake."""
_ENCODER = msgspec.msgpack.Encoder()


class Calls:
    """The shared state of one driver."""

    def __init__(self, around: Surroundings, on_deadlines: Callable[[], None]) -> None:
        """Make it empty; ``on_deadlines`` runs after each batch of due deadlines."""
        self.around = around
        self.edge = around.edge
        self.media = around.media
        self.settings = around.settings
        self.legs: dict[LegId, Leg] = {}
        self.by_session: dict[str, Leg] = {}
        self.lanes = Lanes()
        self.passwords = Passwords()
        self.deadlines = Deadlines(around.clock, on_deadlines)
        self.on_fact: Callable[[AnyFact], None] = _ignore_fact
        """Hears each fact after it was told (holding treatment)."""
        self._former: OrderedDict[LegId, int] = OrderedDict()
        """Former legs, with the time of their end."""

    # ---- time

    def now(self) -> int:
        """Return monotonic nanoseconds."""
        return self.around.clock.now()

    def arm_ms(self, delay_ms: float, action: Callable[[int], None]) -> Deadline:
        """Call ``action(now)`` in so many milliseconds."""
        return self.deadlines.arm(self.now() + round(delay_ms * NS_PER_MS), action)

    # ---- legs

    def add(self, leg: Leg) -> None:
        """Take a new leg."""
        self.legs[leg.id] = leg

    def forget(self, leg: Leg) -> None:
        """Let go of a leg that is over; its name is remembered for a while."""
        self.legs.pop(leg.id, None)
        self.remember(leg.id)
        self.around.store.remove(f"leg:{leg.id}")

    def remember(self, leg: LegId) -> None:
        """Refuse to use this name for a new leg."""
        self._former[leg] = self.now()
        if len(self._former) > MAX_REMEMBERED_LEGS:
            self._former.popitem(last=False)

    def is_known(self, leg: LegId) -> bool:
        """Whether a leg of this name lives or lived."""
        return leg in self.legs or leg in self._former

    def has_just_ended(self, leg_id: LegId) -> bool:
        """Whether a leg of this name is over, and so lately that the exchange may not know."""
        leg = self.legs.get(leg_id)
        if leg is not None:
            return leg.is_over
        ended_at = self._former.get(leg_id)
        return ended_at is not None and self.now() - ended_at <= JUST_ENDED_NS

    def bind(self, leg: Leg, session: str) -> None:
        """Let a session carry a leg."""
        leg.session = session
        leg.written = None
        self.by_session[session] = leg

    def require(self, leg_id: LegId) -> Leg:
        """Return a leg that can be ordered about.

        Raises:
            NotFound: there is none of that name, or it is over.
        """
        leg = self.legs.get(leg_id)
        if leg is None or leg.is_over:
            raise NotFound("no such leg")
        return leg

    def require_answered(self, leg_id: LegId) -> Leg:
        """Return a leg that is connected.

        Raises:
            NotFound: there is none of that name, or it is over.
            Conflict: it is not answered.
        """
        leg = self.require(leg_id)
        if not leg.is_answered:
            raise Conflict(f"the leg is {leg.state}, not answered")
        return leg

    def profile(self, trunk: TrunkId) -> Profile:
        """Return what a trunk understands."""
        return profile_of(self.edge.trunk(trunk))

    # ---- media

    def tell_media(self, leg: LegId, command: Command) -> bool:
        """Send a command about a leg to its worker; returns whether it was taken.

        A leg that is closed already, or a worker that is away for long, is no error here: what
        follows from it arrives as an event, or the leg ends by its own.
        """
        try:
            self.media.send(leg, command)
        except (NotFound, CapacityExceeded) as error:
            log.info("media.command_lost", leg=leg, command=type(command).__name__, code=error.code)
            return False
        return True

    def release_media(self, leg: LegId) -> bool:
        """Close a leg at its worker; returns whether it will tell its last figures."""
        try:
            self.media.release(leg)
        except (NotFound, CapacityExceeded) as error:
            log.warning("media.release_lost", leg=leg, code=error.code)
            return False
        return True

    # ---- telling

    def tell(self, fact: AnyFact) -> None:
        """Tell the exchange."""
        self.around.inbox.put(fact)
        self.on_fact(fact)

    def fail(self, order: OrderId, leg: LegId, code: str, text: str) -> None:
        """Tell that an order could not be carried out."""
        log.info("order.failed", leg=leg, order=order, code=code)
        self.tell(OrderFailed(leg=leg, order=order, code=code, text=text))

    # ---- surviving

    def save(self, leg: Leg) -> None:
        """Write the leg's checkpoint at the end of this loop turn."""
        if not leg.is_over:
            self.around.store.put(f"leg:{leg.id}", lambda: self._encode(leg))

    def save_dialog(self, leg: Leg) -> None:
        """Write the checkpoint of a leg whose dialog or description has changed."""
        leg.written = None
        self.save(leg)

    def _encode(self, leg: Leg) -> bytes:
        if leg.is_over:
            return b""
        leg.written = leg.written or self._write_dialog(leg)
        dialog, negotiator = leg.written or (None, None)
        return _ENCODER.encode(
            LegCheckpoint(
                leg=leg.id,
                tenant=leg.tenant,
                trunk=leg.trunk,
                is_incoming=leg.is_incoming,
                call_id=leg.call_id,
                called_number=leg.called_number,
                caller_number=leg.caller_number,
                shown_name=leg.caller_name,
                dialog=cast("DialogCheckpoint | None", dialog),
                negotiator=cast("NegotiatorCheckpoint | None", negotiator),
                rtp_port=leg.reserved.rtp_port if leg.reserved else 0,
                rtcp_port=leg.reserved.rtcp_port if leg.reserved else 0,
                bridge=leg.bridge,
                role=leg.role,
                is_member_muted=leg.is_member_muted,
                is_muted=leg.is_muted,
                play=leg.play,
                collect=leg.collecting.order if leg.collecting else None,
                typed=leg.collecting.digits if leg.collecting else leg.typed,
                recordings=tuple(leg.recordings),
                is_held=leg.is_held,
                is_held_by_far_end=leg.is_held_by_far_end,
                transfer_count=leg.transfer_count,
                holding=leg.holding,
                orders=tuple(leg.orders),
            )
        )

    def _write_dialog(self, leg: Leg) -> tuple[msgspec.Raw, msgspec.Raw] | None:
        """Return what changes seldom of an answered leg, encoded: most of a checkpoint."""
        if not leg.is_answered or not leg.session:
            return None
        dialog = self.edge.endpoint.checkpoint(leg.session)
        if dialog is None:
            return None
        negotiator = leg.negotiator.checkpoint() if leg.negotiator else None
        return msgspec.Raw(_ENCODER.encode(dialog)), msgspec.Raw(_ENCODER.encode(negotiator))


def _ignore_fact(fact: AnyFact) -> None:
    """Nobody listens beside the exchange."""
