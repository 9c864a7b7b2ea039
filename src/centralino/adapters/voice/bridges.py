# SPDX-License-Identifier: Apache-2.0
"""Bridges: who is together, and the gain matrix that makes it so.

Legs never share SIP; a bridge is a room of a media worker and nothing else. Transfer, queue
and supervision change only this. Invariants: a leg is in at most one bridge; a bridge has
two members or more; what was playing to a leg stops when it joins, so that nobody hears
music under a conversation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from centralino.adapters.voice.gains import ROLES, gain_matrix
from centralino.core.kernel.errors import AppError, Conflict, InvalidInput
from centralino.exchange.facts import ParticipantJoined, ParticipantLeft
from centralino.exchange.media import SetRoom, StopMedia
from centralino.exchange.orders import BridgeMember

if TYPE_CHECKING:
    from collections.abc import Sequence

    from centralino.adapters.voice.calls import Calls
    from centralino.adapters.voice.lanes import Work
    from centralino.adapters.voice.leg import Leg
    from centralino.core.kernel.ids import BridgeId, LegId
    from centralino.exchange.orders import Bridge, Mute, Remove

log = structlog.get_logger(__name__)

MAX_MEMBERS = 32


class Bridges:
    """All bridges of a driver."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._bridges: dict[BridgeId, dict[LegId, BridgeMember]] = {}

    def members(self, bridge: BridgeId) -> tuple[LegId, ...]:
        """Return the legs of a bridge, in their order."""
        return tuple(self._bridges.get(bridge, ()))

    def others(self, leg: Leg) -> list[Leg]:
        """Return the live legs that share a bridge with this one."""
        if leg.bridge is None:
            return []
        legs = (self._calls.legs.get(name) for name in self.members(leg.bridge))
        return [other for other in legs if other is not None and other.id != leg.id]

    # ---- orders

    def set(self, order: Bridge, now: int) -> Work | None:
        """Make the members of a bridge exactly these."""
        del now
        wanted = {member.leg: member for member in order.members}
        if len(wanted) != len(order.members):
            raise InvalidInput("a leg is named twice")
        if len(wanted) > MAX_MEMBERS:
            raise InvalidInput(f"a bridge has at most {MAX_MEMBERS} members")
        if len(wanted) < 2:
            self._dissolve(order.bridge)
            return None
        for member in order.members:
            if member.role not in ROLES:
                raise InvalidInput("there is no such role")
            self._calls.require_answered(member.leg)
        if not self._calls.media.is_together(tuple(wanted)):
            raise Conflict("the legs are on different media workers: invite one near the other")
        return self._join(order, wanted)

    async def _join(self, order: Bridge, wanted: dict[LegId, BridgeMember]) -> None:
        calls = self._calls
        present = dict(self._bridges.get(order.bridge, {}))
        for member in wanted.values():
            self._come_in(calls.require_answered(member.leg), order.bridge, member, present)
        for name in present:
            gone = calls.legs.get(name)
            if name not in wanted and gone is not None:
                self._step_out(gone)
        self._bridges[order.bridge] = wanted
        for member in wanted.values():
            self._enter(calls.legs[member.leg], order.bridge, member)
        try:
            await calls.media.ask(order.leg, self._room(order.bridge))
        except AppError as error:
            self._dissolve(order.bridge)
            calls.fail(order.order, order.leg, error.code, error.message)
            return
        for name in wanted:
            joined = calls.legs.get(name)
            if name not in present and joined is not None and joined.bridge == order.bridge:
                calls.tell(ParticipantJoined(leg=name, bridge=order.bridge))

    def mute(self, order: Mute, now: int) -> None:
        """Let nobody hear a leg, or hear it again."""
        del now
        leg = self._calls.require_answered(order.leg)
        leg.is_muted = order.muted
        self._calls.save(leg)
        if leg.bridge is not None:
            self._send_room(leg.bridge)

    def remove(self, order: Remove, now: int) -> None:
        """Take a leg out of its bridge without ending it."""
        del now
        leg = self._calls.require_answered(order.leg)
        if leg.bridge is None:
            raise Conflict("the leg is in no bridge")
        self.leave(leg)

    # ---- what follows from legs

    def leave(self, leg: Leg) -> None:
        """Take a leg out of its bridge, if it is in one; dissolve a bridge of one."""
        bridge = leg.bridge
        if bridge is None:
            return
        self._step_out(leg)
        members = self._bridges.get(bridge, {})
        members.pop(leg.id, None)
        if len(members) < 2:
            self._dissolve(bridge, speaker=leg.id)
        else:
            self._send_room(bridge)

    def on_end(self, leg: Leg, now: int) -> None:
        """Say farewell to a leg that ends."""
        del now
        self.leave(leg)

    def restore(self, legs: Sequence[Leg]) -> None:
        """Build the bridges anew from legs that say they are in one."""
        for leg in legs:
            if leg.bridge is not None:
                member = BridgeMember(leg.id, leg.role, leg.is_member_muted)
                self._bridges.setdefault(leg.bridge, {})[leg.id] = member
        for bridge, members in list(self._bridges.items()):
            if len(members) < 2:
                self._dissolve(bridge)
            else:
                self._send_room(bridge)

    # ---- pieces

    def _come_in(
        self,
        leg: Leg,
        bridge: BridgeId,
        member: BridgeMember,
        present: dict[LegId, BridgeMember],
    ) -> None:
        """Take a leg out of where it was and silence its music, unless it stays as it is."""
        if leg.bridge not in (None, bridge):
            self.leave(leg)
        former = present.get(member.leg)
        if former is None or (former.role == "held" and member.role != "held"):
            self._hush(leg)

    def _enter(self, leg: Leg, bridge: BridgeId, member: BridgeMember) -> None:
        leg.bridge, leg.role, leg.is_member_muted = bridge, member.role, member.muted
        self._calls.save(leg)

    def _step_out(self, leg: Leg) -> None:
        bridge, leg.bridge = leg.bridge, None
        leg.role, leg.is_member_muted = "party", False
        if bridge is not None:
            self._calls.tell(ParticipantLeft(leg=leg.id, bridge=bridge))
            self._calls.save(leg)

    def _dissolve(self, bridge: BridgeId, speaker: LegId | None = None) -> None:
        members = self._bridges.pop(bridge, None)
        if members is None:
            return
        for name in members:
            leg = self._calls.legs.get(name)
            if leg is not None and leg.bridge == bridge:
                self._step_out(leg)
        speaker = next(iter(members), speaker)
        if speaker is not None:
            self._calls.tell_media(speaker, SetRoom(room=bridge, members=()))

    def _hush(self, leg: Leg) -> None:
        if leg.play is not None:
            self._calls.tell_media(leg.id, StopMedia(leg=leg.id))

    def _room(self, bridge: BridgeId) -> SetRoom:
        members = list(self._bridges.get(bridge, {}).values())
        muted = {
            member.leg
            for member in members
            if (leg := self._calls.legs.get(member.leg)) is not None and leg.is_muted
        }
        return SetRoom(room=bridge, members=gain_matrix(members, muted))

    def _send_room(self, bridge: BridgeId) -> None:
        first = next(iter(self._bridges.get(bridge, {})), None)
        if first is not None:
            self._calls.tell_media(first, self._room(bridge))
