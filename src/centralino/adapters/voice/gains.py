# SPDX-License-Identifier: Apache-2.0
"""Who hears whom in a bridge: roles to a gain matrix. Pure.

A party and an agent hear and speak to everyone; a monitor only hears; a whisperer hears all
and is heard by agents alone; one who barges in speaks to all; one who is held neither hears
nor is heard; one who is muted is heard by nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.exchange.media import RoomMember

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from centralino.core.kernel.ids import LegId
    from centralino.exchange.orders import BridgeMember

ROLES = frozenset({"party", "agent", "monitor", "whisper", "barge", "held"})
"""Every role of ``orders.BridgeMember``."""

_SPEAKS_TO_ALL = frozenset({"party", "agent", "barge"})


def gain_matrix(
    members: Sequence[BridgeMember], muted: Collection[LegId] = ()
) -> tuple[RoomMember, ...]:
    """Return one row per member, in their order.

    Args:
        members: the bridge.
        muted: legs muted by an order of their own.
    """
    return tuple(
        RoomMember(
            leg=listener.leg,
            hears=tuple(
                (talker.leg, 1.0)
                for talker in members
                if talker.leg != listener.leg
                and not talker.muted
                and talker.leg not in muted
                and _hears(listener.role, talker.role)
            ),
        )
        for listener in members
    )


def _hears(listener: str, talker: str) -> bool:
    if listener == "held":
        return False
    return talker in _SPEAKS_TO_ALL or (talker == "whisper" and listener == "agent")
